"""
Rollout: a plan's batches carried out one after the other, and the rule that stops them.

Every host of the plan is in the report: one that was not begun says so, and why. A host in flight is never
cut off by the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sipalg_fix.engine.calls import quiet
from sipalg_fix.engine.gate import Gate
from sipalg_fix.engine.run import Ports, say, wait
from sipalg_fix.model import journal as words
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import JOURNAL_CODES, PlanError
from sipalg_fix.model.facts import Plane, Value
from sipalg_fix.model.host import Host
from sipalg_fix.model.plan import HostPlan, Plan
from sipalg_fix.model.report import RULES, HostError, HostResult
from sipalg_fix.model.rollout import Share, over_budget

SHUT = frozenset({"frozen", "window-closed"})
"""What ends a run wherever it is met: it is so for all hosts."""
UNBOUND = Share(number=100, percent=True)
"""Without a rollout no number of failures stops the run."""

Outcomes = Iterator[tuple[Host, HostResult]]


@dataclass(slots=True, kw_only=True)
class Course:
    """
    One run's way through its plan; ``plans`` are the hosts it changes, by name. ``over``: why no further
    host is begun; empty while the run goes on, and where it was a person who asked. ``held`` is how many
    were held back by themselves. ``unsure``: hosts of which it could not be told whether they have calls.
    """

    ports: Ports
    plan: Plan
    gate: Gate
    plans: Mapping[str, HostPlan]
    over: str = ""
    held: int = 0
    unsure: dict[str, str] = field(default_factory=dict)
    failed: int = 0

    @property
    def stopped(self) -> str:
        """Why not all hosts were begun."""
        hosts = "1 host was" if self.held == 1 else f"{self.held} hosts were"
        return self.over or (f"{hosts} held back, as the change window closes" if self.held else "")

    def turned_away(self, host: Host) -> HostResult | None:
        """The result of a host that is not begun; None for one that may be."""
        why = self.over or ("the run was interrupted" if self.ports.stop.asked else "")
        if not why and (shut := self.gate.shut(self.plans[host.name])):
            why = f"{shut} [{shut.code}]"
            if shut.code in SHUT:
                self.over = why
            else:
                self.held += 1
        if why:
            return not_begun(host, why)
        try:
            self.unsure[host.name] = quiet(self.ports, self.plans[host.name], self.plan)
        except PlanError as error:
            return left_alone(host, error.code, str(error))
        return None

    def outcomes(self, run: str, one: Callable[[Host], HostResult], forks: int) -> Outcomes:
        """Each host and its result: batch by batch, and those that were not begun at the end."""
        left = {name: host_plan.host for name, host_plan in self.plans.items()}
        batches = self.plan.batches or (tuple(left),)
        for number, batch in enumerate(batches, start=1):
            if self.over or self.ports.stop.asked:
                break
            self._say_batch(run, number, batch)
            done: list[HostResult] = []
            failed = 0
            for host, result in self.ports.executor.run(one, [left[name] for name in batch], forks):
                done.append(result)
                failed += has_failed(result)
                self._count(result, failed, len(batch))
                del left[host.name]
                yield host, result
            if left:
                self._soak(done, forks)
        for host in tuple(left.values()):
            yield host, one(host)

    def _say_batch(self, run: str, number: int, batch: Sequence[str]) -> None:
        if len(self.plan.batches) < 2:
            return
        said = {"what": "batch", "number": number, "of": len(self.plan.batches), "hosts": list(batch)}
        self.ports.journal.write(run, "", words.SAID, said)
        hosts = f"{len(batch)} {'host' if len(batch) == 1 else 'hosts'}"
        say(self.ports, f"batch {number} of {len(self.plan.batches)}", "begun", hosts)

    def _count(self, last: HostResult, failed: int, size: int) -> None:
        """The stop rule, after each host; ``failed`` are those of its batch."""
        self.failed += has_failed(last)
        if self.over:
            return
        error = last.error
        if error is not None and error.code in JOURNAL_CODES:
            self.over = "the journal could not be written"
        elif error is not None and error.code in SHUT:
            self.over = f"{error.message} [{error.code}]"
        else:
            self.held += error is not None and error.code == "window-too-short"
            rule = self.plan.rollout.max_fail if self.plan.rollout else UNBOUND
            self.over = over_budget(
                rule, failed=failed, size=size, failed_in_all=self.failed, whole=len(self.plans)
            )

    def _soak(self, done: Sequence[HostResult], forks: int) -> None:
        """Wait as long as the playbook says, and see whether calls still go through the last batch."""
        rule = self.plan.rollout
        if rule is None or self.over:
            return
        if rule.soak_seconds:
            say(self.ports, "soak", "waiting", f"{rule.soak_seconds / 60:g} minutes before the next batch")
            wait(self.ports, rule.soak_seconds)
        self.over = self._worse(done, forks)

    def _worse(self, done: Sequence[HostResult], forks: int) -> str:
        """What packets say against going on; empty when nothing does, or nobody can ask them."""
        seen = {r.host: r.assessment.planes.packets for r in done if r.assessment and not has_failed(r)}
        asked = [self.plans[name].host for name in seen if self.plans[name].host.probe is not None]
        for host, now in self.ports.executor.run(self.ports.prober.packets, asked, forks):
            if why := worse(seen[host.name], now.plane):
                return f"{host.name}: {why}; the next batch was not begun"
        return ""


def course_of(ports: Ports, plan: Plan, gate: Gate) -> Course:
    """The way through this plan."""
    plans = {host_plan.host.name: host_plan for host_plan in plan.changing}
    return Course(ports=ports, plan=plan, gate=gate, plans=plans)


def worse(before: Plane, now: Plane) -> str:
    """How packets are worse than right after the change; empty when they are not."""
    if now.value is Value.ON:
        return "packets through it are altered, which they were not after its change"
    if before.value is Value.OFF and now.value is not Value.OFF:
        return (
            f"packets went through it unaltered after its change, and now that cannot be told: {now.reason}"
        )
    return ""


def has_failed(result: HostResult) -> bool:
    """Does this host count against ``max_fail``? All not confirmed do, but those left alone by a rule."""
    if result.error is not None and result.error.code in RULES:
        return False
    return result.change is not ChangeState.CONFIRMED


def not_begun(host: Host, why: str) -> HostResult:
    """The result of a host to which nothing was sent, and which nobody looked at."""
    return left_alone(host, "not-begun", f"not begun: {why}")


def left_alone(host: Host, code: str, message: str) -> HostResult:
    """The result of a host that is refused before its change begins."""
    return HostResult(
        host=host.name,
        site=host.site,
        platform=host.platform,
        change=ChangeState.REFUSED,
        error=HostError(code=code, message=message),
    )
