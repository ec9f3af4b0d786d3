"""Verify: fresh sessions and all planes; against what a run's plan promised, or against the playbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sipalg_fix.engine.audit import assessed, result_of
from sipalg_fix.engine.past import last_seen, last_state, value_of
from sipalg_fix.engine.ports import Journal
from sipalg_fix.engine.run import Ports, Told, over
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import Finding
from sipalg_fix.model.host import Host
from sipalg_fix.model.playbook import Target
from sipalg_fix.model.report import HostResult, Report


def promised(journal: Journal, run: str) -> Mapping[str, tuple[Intent, str, ChangeState]]:
    """
    Host -> (the intent of that run, the settings it last saw, how its change ended). The settings are
    empty when it never saw the host again after sending: what differs then is the run's own doing.
    """
    rows = journal.rows(run)
    if not rows:
        raise PlanError("run-unknown", f"there is no run {run}; 'sipalg-fix runs' lists them")
    found: dict[str, tuple[Intent, str, ChangeState]] = {}
    for planned in (row for row in rows if row.step == words.PLANNED):
        own = [row for row in rows if row.host == planned.host]
        intent = value_of(Intent, planned, "intent")
        found[planned.host] = (intent, last_seen(own), last_state(own) or ChangeState.PLANNED)
    if not found:
        raise PlanError("run-unknown", f"run {run} changed nothing, so there is nothing to verify it against")
    return found


def verify(
    ports: Ports,
    targets: Sequence[Target],
    intent: Intent,
    told: Told,
    *,
    against: Mapping[str, tuple[Intent, str, ChangeState]] | None = None,
) -> Report:
    """One fresh look at each host; with ``against``, drift since that run is a finding."""
    by_name = {target.host.name: target for target in targets}

    def work(run: str, host: Host) -> HostResult:
        if against is None:
            host, facts, assessment = assessed(ports, run, by_name[host.name], intent)
            return result_of(host, facts, assessment)
        if host.name not in against:
            raise PlanError("run-unknown", f"the run that is verified had nothing to do with {host.name}")
        wanted, settings, state = against[host.name]
        host, facts, assessment = assessed(ports, run, by_name[host.name], wanted)
        findings = []
        if settings and facts.settings != settings:
            message = "the settings differ from those this run last saw: somebody changed them since"
            findings.append(Finding(code="drifted", message=message))
        if state is not ChangeState.CONFIRMED:
            findings.append(Finding(code="not-confirmed", message=f"the run left this host {state.value}"))
        return result_of(host, facts, assessment, tuple(findings))

    return over(ports, "verify", [target.host for target in targets], work, told)
