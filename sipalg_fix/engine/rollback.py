"""
Roll back: put each host back to what was seen before a run, by the inverse that run's plan holds.

What was done is read from the journal, and what is so from the device: a host that was changed again
since is refused, one that is already as before is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from sipalg_fix.engine.apply import LEASE_SECONDS, new_life
from sipalg_fix.engine.ports import Journal, first
from sipalg_fix.engine.run import Ports, Told, over
from sipalg_fix.engine.take_back import take_back
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.canon import from_plain, to_plain
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, PlanError
from sipalg_fix.model.host import Host
from sipalg_fix.model.journal import Row
from sipalg_fix.model.plan import HostPlan, Plan
from sipalg_fix.model.report import HostResult, Report


def changed_hosts(journal: Journal, run: str) -> tuple[HostPlan, ...]:
    """The plans of the hosts to which that run sent anything; PlanError ``run-unknown`` for no such run."""
    rows = journal.rows(run)
    if not rows:
        raise PlanError("run-unknown", f"there is no run {run}; 'sipalg-fix runs' lists them")
    sent = {row.host for row in rows if row.step == words.SENDING}
    return tuple(
        from_plain(HostPlan, row.payload["plan"])
        for row in rows
        if row.step == words.PLANNED and row.host in sent
    )


def rollback(
    ports: Ports, run: str, plans: Sequence[HostPlan], told: Told, *, accepted: bool = False
) -> Report:
    """Put these hosts back; ``accepted``: also those that were changed by somebody since."""
    by_name = {plan.host.name: plan for plan in plans}

    def work(own_run: str, host: Host) -> HostResult:
        rows = ports.journal.rows(run, host.name)
        plan = by_name[host.name]
        life = new_life(ports, own_run, plan, _bare(ports, plan, rows))
        life.hand.phases |= {Phase(row.payload["phase"]) for row in rows if row.step == words.SENDING}
        with ports.journal.lease(host.label, own_run, LEASE_SECONDS):
            payload = {"plan": to_plain(plan), "intent": to_plain(life.intent), "back": run}
            ports.journal.write(own_run, host.name, words.PLANNED, payload)
            try:
                facts = life.look()
                life.before = life.assessment
            except DeviceError as error:
                life.fail(error)
                life.to(ChangeState.REFUSED)
                return life.result()
            left = _left_as(rows)
            if left and facts.settings not in (left, plan.facts.settings) and not accepted:
                message = f"the router was changed since run {run}; look at it, then use --accept drifted"
                life.fail(PlanError("plan-drifted", message))
                life.to(ChangeState.REFUSED)
                return life.result()
            if facts.settings == plan.facts.settings:
                life.note = "already as it was before that run; nothing was sent"
            take_back(life)
        return life.result()

    return over(ports, "rollback", [plan.host for plan in plans], work, told)


def _left_as(rows: Sequence[Row]) -> str:
    """How that run last saw the host; empty when it never saw it again after sending."""
    sent = [row.seq for row in rows if row.step == words.SENDING]
    looks = [row for row in rows if row.step == words.LOOKED and row.seq > max(sent, default=0)]
    return str(looks[-1].payload["settings"]) if looks else ""


def _bare(ports: Ports, plan: HostPlan, rows: Sequence[Row]) -> Plan:
    """A plan of one host, with the intent that run had."""
    planned = first(rows, words.PLANNED)
    intent = from_plain(Intent, planned.payload["intent"]) if planned else Intent()
    return Plan(
        tool=ports.tool, run="", made="", by=ports.by, inventory="", inventory_digest="", playbook="",
        intent=intent, hosts=(plan,),
    )  # fmt: skip
