"""Planning: the dry run. Reads each host and proposes; what comes out is a plan to be reviewed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sipalg_fix.engine.audit import assessed, driver_of, result_of
from sipalg_fix.engine.pairs import in_order, mates, with_their_standby
from sipalg_fix.engine.propose import propose
from sipalg_fix.engine.run import Ports, Told, over
from sipalg_fix.model.approval import Author
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.host import Host
from sipalg_fix.model.pair import as_seen
from sipalg_fix.model.plan import Failure, HostPlan, Plan
from sipalg_fix.model.playbook import Playbook, Target
from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.model.rollout import ALL, Batch, Rollout, batches_of, too_large
from sipalg_fix.model.step import Objection


def plan(
    ports: Ports,
    targets: Sequence[Target],
    playbook: Playbook,
    told: Told,
    *,
    inventory_digest: str,
    boot_seconds: float,
    author: Author | None = None,
) -> tuple[Plan, Report]:
    """
    The plan for these hosts, and the report of the looks it was made from. PlanError ``author-missing``,
    before anything is read, where the playbook asks for approval and nobody says whose plan it is.
    """
    if playbook.approval is not None and author is None:
        message = "plans of this playbook must be approved: say with --key whose plan it is"
        raise PlanError("author-missing", message)
    by_name = {target.host.name: target for target in targets}
    proposed: dict[str, HostPlan] = {}
    calls = playbook.calls

    def work(run: str, host: Host) -> HostResult:
        target = by_name[host.name]
        host, facts, assessment = assessed(ports, run, target, playbook.intent)
        driver = driver_of(ports, host)
        proposed[host.name] = propose(as_seen(host, facts), driver, facts, assessment, target.how, calls)
        return result_of(host, facts, assessment)

    report = over(ports, "plan", [target.host for target in targets], work, told)
    failures = tuple(
        Failure(host=result.host, code=result.error.code, message=result.error.message)
        for result in report.hosts
        if result.error is not None
    )
    read = [proposed[target.host.name] for target in targets if target.host.name in proposed]
    hosts = in_order(read, [target.host for target in targets if target.host.name not in proposed])
    changing = [host_plan.host for host_plan in hosts if host_plan.changes]
    canaries = with_their_standby(changing, {target.host.name for target in targets if target.canary})
    names = [host.name for host in changing]
    batches = batches_of(names, playbook.rollout, canaries=canaries, apart=mates(changing))
    made = Plan(
        tool=ports.tool,
        run=report.run,
        made=report.ended,
        by=ports.by,
        inventory=told.inventory,
        inventory_digest=inventory_digest,
        playbook=playbook.text or playbook.name,
        intent=playbook.intent,
        settings=_settings(playbook, told, boot_seconds),
        hosts=hosts,
        failures=failures,
        approval=playbook.approval,
        author=author,
        rollout=playbook.rollout,
        batches=batches if len(batches) > 1 else (),
        windows=playbook.windows,
        calls=playbook.calls,
        objections=_objections(batches, told.stock, playbook.rollout),
    )
    return made, report


def _objections(batches: Sequence[Batch], stock: int, rollout: Rollout | None) -> tuple[Objection, ...]:
    """What is to be said against the plan as a whole; ``stock`` is how many hosts the inventory has."""
    changed = sum(map(len, batches))
    if rollout is None and changed == stock >= ALL:
        message = f"it changes all {stock} hosts of the inventory, and the playbook says no 'rollout'"
        return (Objection(code="all-hosts", message=message),)
    if stock and (largest := too_large(batches, stock)):
        message = f"{largest} of the inventory's {stock} hosts are changed in one batch"
        return (Objection(code="too-many-at-once", message=message),)
    return ()


def _settings(playbook: Playbook, told: Told, boot_seconds: float) -> tuple[tuple[str, str], ...]:
    """What the playbook says of how the plan as a whole is carried out, as names and JSON texts."""
    said: dict[str, object] = {"boot_seconds": boot_seconds, "forks": told.forks}
    if playbook.logins_per_second:
        said["logins_per_second"] = playbook.logins_per_second
    if playbook.recipients:
        said["backup_recipients"] = list(playbook.recipients)
    return tuple((name, json.dumps(value)) for name, value in said.items())
