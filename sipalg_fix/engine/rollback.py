"""
Roll back: put each host back to what was seen before a run, by the inverse that run's plan holds.

What was done is read from the journal, and what is so from the device: a host that was changed again
since is refused, one that is already as before is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sipalg_fix.engine.apply import new_life
from sipalg_fix.engine.gate import at_any_time, frozen
from sipalg_fix.engine.life import Life, to_its_end
from sipalg_fix.engine.pairs import OneByOne
from sipalg_fix.engine.past import last_seen, last_state, terms_of, value_of
from sipalg_fix.engine.ports import Journal, first
from sipalg_fix.engine.run import Ports, Told, over
from sipalg_fix.engine.take_back import take_back
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, PlanError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import Host
from sipalg_fix.model.journal import Row
from sipalg_fix.model.pair import FOLLOWS, following, same_part
from sipalg_fix.model.plan import HostPlan, Plan
from sipalg_fix.model.report import HostResult, Report

CLEAN = frozenset({ChangeState.CONFIRMED, ChangeState.ROLLED_BACK})
"""
Ends after which a look tells all: what the run changed shows, and its guard was shown to be gone, so that
one that is armed now is somebody else's.
"""


def changed_hosts(journal: Journal, run: str) -> tuple[HostPlan, ...]:
    """
    The plans of the hosts to which that run sent anything. PlanError ``run-unknown`` for no such run, and
    for a rollback: before it the hosts were as the run left them that it took back.
    """
    rows = journal.rows(run)
    if not rows:
        raise PlanError("run-unknown", f"there is no run {run}; 'sipalg-fix runs' lists them")
    planned = [row for row in rows if row.step == words.PLANNED]
    back = next((str(row.payload["back"]) for row in planned if "back" in row.payload), "")
    if back:
        message = f"run {run} took run {back} back and has no plan of its own; plan and apply again instead"
        raise PlanError("run-unknown", message)
    sent = {row.host for row in rows if row.step == words.SENDING}
    return tuple(value_of(HostPlan, row, "plan") for row in planned if row.host in sent)


def rollback(
    ports: Ports, run: str, plans: Sequence[HostPlan], told: Told, *, accepted: bool = False
) -> Report:
    """
    Put these hosts back; ``accepted``: also those that were changed by somebody since. PlanError ``frozen``
    before anything happens while all changes are.
    """
    by_name = {plan.host.name: plan for plan in plans}
    if stop := frozen(ports):
        raise stop

    def work(own_run: str, host: Host) -> HostResult:
        rows = ports.journal.rows(run, host.name)
        plan = by_name[host.name]
        clean = last_state(rows) in CLEAN
        if clean:
            plan = replace(plan, guard=None)
        life = new_life(ports, own_run, plan, _bare(ports, plan, rows))
        life.owed = not clean
        life.terms = terms_of(first(rows, words.PLANNED))
        life.hand.phases |= {value_of(Phase, row, "phase") for row in rows if row.step == words.SENDING}
        if not (plan.remedy.forward or plan.remedy.inverse or plan.remedy.resave):
            return _left_alone(life)
        return to_its_end(life, lambda life: _back(life, run, last_seen(rows), accepted))

    hosts = [plan.host for plan in plans]
    return over(ports, "rollback", hosts, work, told, OneByOne(ports=ports, hosts=hosts))


def _left_alone(life: Life) -> HostResult:
    """That run stored, flushed or restarted, and changed nothing in force: there is nothing to undo."""
    life.first_look()
    if Phase.SAVE in life.hand.phases:
        life.find("save-kept", "what that run saved stays saved: a save cannot be taken back")
    note = "nothing to put back: that run changed nothing in force"
    return replace(life.result(), change=None, note=note)


def _back(life: Life, run: str, left: str, accepted: bool) -> None:
    """Look, and take back what that run left, unless somebody changed it since."""
    life.take_up(back=run)
    try:
        facts = life.first_look()
        life.before = life.assessment
    except DeviceError as error:
        life.fail(error)
        life.to(ChangeState.REFUSED)
        return
    if left and facts.settings not in (left, life.plan.facts.settings) and not accepted:
        message = f"the router was changed since run {run}; look at it, then use --accept drifted"
        life.fail(PlanError("plan-drifted", message))
        life.to(ChangeState.REFUSED)
        return
    if stop := _follows(facts, life.plan, accepted) or frozen(life.ports):
        raise stop
    with at_any_time(life):
        take_back(life)
    if life.at(ChangeState.ROLLED_BACK):
        if not life.hand.done:
            life.note = "already as it was before that run; nothing was sent"
        elif life.error is not None:
            life.forgive(f"put back in the end; on the way: {life.error.message}")


def _follows(facts: Facts, plan: HostPlan, accepted: bool) -> PlanError | None:
    """Why it is not put back here: what it was then is another router's to say now."""
    if not facts.follows or (not facts.overwritten and (accepted or same_part(plan.host, facts, plan.facts))):
        return None
    return PlanError(FOLLOWS, following(facts))


def _bare(ports: Ports, plan: HostPlan, rows: Sequence[Row]) -> Plan:
    """A plan of one host, with the intent that run had."""
    planned = first(rows, words.PLANNED)
    intent = value_of(Intent, planned, "intent") if planned else Intent()
    return Plan(
        tool=ports.tool, run="", made="", by=ports.by, inventory="", inventory_digest="", playbook="",
        intent=intent, hosts=(plan,),
    )  # fmt: skip
