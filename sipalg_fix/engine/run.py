"""
Run: one start of a verb over many hosts, recorded from its first word to its last.

A host's failure is that host's result and never crosses to another; the journal's failure ends the run.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from sipalg_fix.engine.ports import Approval, Clock, Connections, Executor, Journal, Prober, Stop
from sipalg_fix.engine.ports import Tell as Progress
from sipalg_fix.model import journal as words
from sipalg_fix.model.approval import Approved, Review
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, JournalError, PlanError
from sipalg_fix.model.host import Host
from sipalg_fix.model.journal import PAIR_LEASE, RUN_LEASE
from sipalg_fix.model.report import HostError, HostResult, Report, summary


@dataclass(frozen=True, slots=True)
class NoApprovals:
    """Where no approvals are looked for, a plan that asks for some is refused."""

    def check(self, review: Review, now: str) -> tuple[Approved, ...]:
        """Nothing, for a plan that asks for none; PlanError ``approval-missing`` for any other."""
        del now
        if review.rule is not None:
            raise PlanError("approval-missing", "the plan must be approved, and no approvals were given")
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All that the engine is handed. ``today`` is the operator's date, for exemptions."""

    tool: str
    by: str
    today: date
    connections: Connections
    drivers: Mapping[str, Driver]
    clock: Clock
    journal: Journal
    executor: Executor
    prober: Prober
    stop: Stop
    progress: Progress
    approval: Approval = NoApprovals()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a run says of itself: where its hosts and its intent come from."""

    inventory: str = ""
    playbook: str = ""
    fingerprint: str = ""
    forks: int = 10
    stock: int = 0
    """How many hosts the inventory has, selected or not."""
    extra: tuple[tuple[str, str], ...] = ()


RUN_SECONDS = 7 * 86400.0
"""How long a run may take at the longest, its waits included."""


def run_lock(journal: Journal, run: str, by_run: str) -> AbstractContextManager[None]:
    """Held while a run is worked on: one that has no end and that nobody holds was cut short."""
    return journal.lease(f"{RUN_LEASE}{run}", by_run, RUN_SECONDS)


@contextmanager
def host_lock(journal: Journal, host: Host, run: str, seconds: float) -> Iterator[None]:
    """
    Held while a host is changed, and so is its pair, whatever run its other members are in; PlanError
    ``host-busy``.
    """
    pair = journal.lease(f"{PAIR_LEASE}{host.pair}", run, seconds) if host.pair else nullcontext()
    with journal.lease(host.label, run, seconds), pair:
        yield


Work = Callable[[str, Host], HostResult]
"""(run, host) -> result; may raise DeviceError or PlanError, which become the host's error."""


def say(ports: Ports, host: str, what: str, detail: str = "") -> None:
    """Progress for people. A screen that is gone (a closed pipe) must not end a change half-way."""
    with suppress(OSError, ValueError):
        ports.progress(host, what, detail)


class Way(Protocol):
    """In which order a run takes its hosts, and when it stops. Without one, all as the executor likes."""

    @property
    def stopped(self) -> str:
        """Why it did not go to its end."""

    def outcomes(
        self, run: str, one: Callable[[Host], HostResult], forks: int
    ) -> Iterator[tuple[Host, HostResult]]:
        """What ``one`` gives for each host, as it comes."""


TICK_SECONDS = 1.0
"""How long nobody who asks to stop is heard."""


def wait(ports: Ports, seconds: float) -> None:
    """Let time pass; not once somebody asks to stop."""
    until = ports.clock.monotonic() + seconds
    while not ports.stop.asked and (left := until - ports.clock.monotonic()) > 0:
        ports.clock.pause(min(TICK_SECONDS, left))


def over(
    ports: Ports, verb: str, hosts: Sequence[Host], work: Work, told: Told, way: Way | None = None
) -> Report:
    """
    Do ``work`` on each host and tell the run as a report, hosts in the order given. :class:`JournalError`
    once no host is under way any more; none is begun after the first.
    """
    run = ports.journal.open_run(
        verb,
        {
            "tool": ports.tool,
            "hosts": [host.name for host in hosts],
            "inventory": told.inventory,
            "playbook": told.playbook,
            "fingerprint": told.fingerprint,
            "extra": to_plain(told.extra),
        },
    )
    results: dict[str, HostResult] = {}
    broken: list[JournalError] = []

    def one(host: Host) -> HostResult:
        if broken:
            return failed(host, broken[0].code, str(broken[0]))
        begun = ports.clock.monotonic()
        try:
            result = _at_the_edge(ports, run, host, work)
            result = replace(result, seconds=ports.clock.monotonic() - begun)
            ports.journal.write(run, host.name, words.RESULT, to_plain(result))
        except JournalError as error:
            broken.append(error)
            result = failed(host, error.code, str(error))
        return result

    with run_lock(ports.journal, run, run):
        outcomes = way.outcomes(run, one, told.forks) if way else ports.executor.run(one, hosts, told.forks)
        for host, result in outcomes:
            results[host.name] = result
            _show(ports, result)
        if broken:
            raise broken[0]
        done = tuple(results[host.name] for host in hosts if host.name in results)
        report = replace(_report(ports, run, verb, told, done), stopped=way.stopped if way else "")
        return closed(ports.journal, report)


def _report(ports: Ports, run: str, verb: str, told: Told, hosts: tuple[HostResult, ...]) -> Report:
    return Report(
        tool=ports.tool,
        run=run,
        verb=verb,
        started=ports.journal.rows(run, "")[0].at,
        ended="",
        by=ports.by,
        inventory=told.inventory,
        playbook=told.playbook,
        fingerprint=told.fingerprint,
        hosts=hosts,
        interrupted=ports.stop.asked,
        extra=told.extra,
    )


def failed(host: Host, code: str, message: str) -> HostResult:
    """The result of a host that has no assessment."""
    return HostResult(
        host=host.name, site=host.site, platform=host.platform, error=HostError(code=code, message=message)
    )


def internal(error: Exception) -> HostError:
    """A fault of ours. The text of a foreign exception may hold a secret; its kind and place do not."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    message = f"a fault of this tool ({type(error).__name__} at {where}); please report it"
    return HostError(code="internal", message=message)


def _at_the_edge(ports: Ports, run: str, host: Host, work: Work) -> HostResult:
    """The one place where any failure becomes a host's state."""
    try:
        return work(run, host)
    except (DeviceError, PlanError) as error:
        result = failed(host, error.code, str(error))
    except JournalError:
        raise
    except Exception as error:  # noqa: BLE001 - the host's edge: a fault of ours must not take the others along
        fault = internal(error)
        result = failed(host, fault.code, fault.message)
    sent = [row for row in ports.journal.rows(run, host.name) if row.step == words.SENDING]
    if not sent:
        return result
    # Whatever it was, it came after something was sent: nobody can say what the host is now.
    done = tuple(str(row.payload["command"]) for row in sent)
    return replace(result, change=ChangeState.STRANDED, done=done)


def _show(ports: Ports, result: HostResult) -> None:
    if result.error is not None:
        say(ports, result.host, "failed", f"{result.error.code}: {result.error.message}")
    elif result.assessment is not None:
        seen = result.assessment
        say(ports, result.host, "done", f"{seen.state.value}, {seen.verdict.value}")
    else:
        say(ports, result.host, "done")


def closed(journal: Journal, report: Report, *, recovered: str = "") -> Report:
    """
    The report with its end in the journal, by which it can be told again. ``recovered`` is the run that
    closes another, which was cut short.
    """
    payload = {"verb": report.verb, "summary": summary(report), "interrupted": report.interrupted}
    if report.stopped and not recovered:
        payload["stopped"] = report.stopped
    if recovered:
        payload["recovered"] = recovered
    end = journal.end_run(report.run, payload)
    return replace(report, head=end.row.hash, ended=end.row.at, signed=end.signed)


def looked(ports: Ports, run: str, host: Host, payload: dict[str, Any]) -> None:
    """Record what a look gave."""
    ports.journal.write(run, host.name, words.LOOKED, payload)
