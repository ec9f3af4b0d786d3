"""
Recover: settle what runs left that were cut short, host by host, each read before anything is sent to it.

A change goes on in the run it began in, so that run tells all of it; the run of ``recover`` tells what
became of each host. A host that somebody is working on, or that a later run has changed, is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sipalg_fix.engine.boot import BOOT_SECONDS
from sipalg_fix.engine.gate import at_any_time
from sipalg_fix.engine.life import LEASE_SECONDS, Life, under_lock
from sipalg_fix.engine.pairs import OneByOne
from sipalg_fix.engine.past import value_of
from sipalg_fix.engine.ports import Journal, first
from sipalg_fix.engine.resume import Past, go_on, resumed
from sipalg_fix.engine.run import Ports, Told, closed, host_lock, over, run_lock
from sipalg_fix.engine.tell_again import tell_again
from sipalg_fix.model import journal as words
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.host import Host
from sipalg_fix.model.journal import Row
from sipalg_fix.model.plan import HostPlan
from sipalg_fix.model.report import HostResult, Report


def unsettled(journal: Journal, run: str) -> tuple[HostPlan, ...]:
    """The hosts whose change that run began, and whose end it did not tell."""
    rows = journal.rows(run)
    if not rows:
        raise PlanError("run-unknown", f"there is no run {run}; 'sipalg-fix runs' lists them")
    told = {row.host for row in rows if row.step == words.RESULT}
    planned = (row for row in rows if row.step == words.PLANNED and row.host not in told)
    return tuple(value_of(HostPlan, row, "plan") for row in planned)


def left_open(journal: Journal) -> tuple[tuple[str, str], ...]:
    """(run, host) of all changes that were cut short."""
    runs = journal.cut_short()
    changes = tuple((run, plan.host.name) for run in runs for plan in unsettled(journal, run))
    return (*changes, *restarted(journal, runs))


def restarted(journal: Journal, runs: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(run, host) of hosts that those runs sent something to without a plan: a restart, and no more."""
    found = dict[tuple[str, str], None]()
    for run in runs:
        rows = journal.rows(run)
        seen_to = {row.host for row in rows if row.step in (words.PLANNED, words.RESULT)}
        found |= {
            (run, row.host): None for row in rows if row.step == words.SENDING and row.host not in seen_to
        }
    return tuple(found)


def recover(ports: Ports, runs: Sequence[str], told: Told) -> Report:
    """
    Settle these runs, oldest first, and close those that nobody works on any more. Of a host that several
    have left open only the newest counts: each read the host before it changed it.
    """
    left = {plan.host.name: (run, plan.host) for run in runs for plan in unsettled(ports.journal, run)}

    def work(own_run: str, host: Host) -> HostResult:
        run, _ = left[host.name]
        with host_lock(ports.journal, host, own_run, LEASE_SECONDS + BOOT_SECONDS):
            rows = ports.journal.rows(run, host.name)
            told_already = first(rows, words.RESULT)
            if told_already is not None:
                note = "settled meanwhile by another run; nothing was sent"
                return replace(value_of(HostResult, told_already), note=note)
            return _settled(ports, run, own_run, rows)

    hosts = [host for _, host in left.values()]
    report = over(ports, "recover", hosts, work, told, OneByOne(ports=ports, hosts=hosts))
    for run in runs:
        _close(ports, run, report.run)
    return report


def _settled(ports: Ports, run: str, own_run: str, rows: Sequence[Row]) -> HostResult:
    """One host's change brought to its end, under its lock; told in its own run, too."""
    past = Past(rows=rows)
    life = resumed(ports, run, past)
    later = _changed_by_another(ports.journal.host_rows(life.host.name), run, rows)
    if later:
        message = f"run {later} has changed this host since, so that nothing was sent; verify that run"
        life.fail(PlanError("superseded", message))
        result = replace(life.result(), change=None)
    else:
        result = under_lock(life, lambda life: _by_now(life, past, own_run))
    ports.journal.write(run, life.host.name, words.RESULT, to_plain(result))
    return result


def _by_now(life: Life, past: Past, own_run: str) -> None:
    with at_any_time(life):
        go_on(life, past, own_run)


def _changed_by_another(all_rows: Iterable[Row], run: str, own: Sequence[Row]) -> str:
    """The run that sent something to this host after this one took it up; empty when there is none."""
    planned = first(own, words.PLANNED)
    begun, ours, by = planned.at if planned else "", False, ""
    for row in all_rows:
        if row.run == run:
            ours = True
        elif row.step == words.SENDING and (row.at > begun or (ours and row.at == begun)):
            by = row.run
    return by


def _close(ports: Ports, run: str, own_run: str) -> None:
    """Give a run its end, unless it has one, or somebody works on it."""
    try:
        with run_lock(ports.journal, run, own_run):
            ended = first(ports.journal.rows(run), words.RUN_ENDED) is not None
            if not ended and not unsettled(ports.journal, run):
                closed(ports.journal, tell_again(ports.journal, run), recovered=own_run)
    except PlanError as error:
        if error.code != "host-busy":
            raise
