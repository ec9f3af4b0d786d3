"""Pairs: members of one pair in a plan and in a run, one after the other, and what a bad end means."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from sipalg_fix.engine.rollout import SHUT
from sipalg_fix.engine.run import Ports, failed
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import Host
from sipalg_fix.model.pair import FOLLOWS, apart, following, same_part, standby_first, waves
from sipalg_fix.model.plan import HostPlan
from sipalg_fix.model.report import HostResult
from sipalg_fix.model.step import Objection


@dataclass(slots=True)
class Ended:
    """The members that this run has ended with, by pair: a later one is begun only after a good end."""

    members: dict[str, list[tuple[Host, HostResult]]] = field(default_factory=dict)

    def note(self, host: Host, result: HostResult) -> HostResult:
        """The same result, remembered."""
        if host.pair:
            self.members.setdefault(host.pair, []).append((host, result))
        return result

    def halted(self, host: Host) -> HostResult | None:
        """The result of a member that is not begun, because another one did not end well; None: go on."""
        for other, result in self.members.get(host.pair, ()):
            if apart(host, other) and result.change is not ChangeState.CONFIRMED:
                how = result.change.value if result.change else "failed"
                message = f"not begun: {other.name}, of the same pair {host.pair}, ended as {how}"
                return replace(failed(host, "pair-halted", message), change=ChangeState.REFUSED)
        return None


@dataclass(slots=True, kw_only=True)
class OneByOne:
    """
    A run's way through its hosts: all as the executor likes, but for the members of a pair. ``stopped``: why
    some were left alone, as a run's report says it.
    """

    ports: Ports
    hosts: Sequence[Host]
    stopped: str = ""

    def outcomes(
        self, run: str, one: Callable[[Host], HostResult], forks: int
    ) -> Iterator[tuple[Host, HostResult]]:
        """What ``one`` gives for each host."""
        del run
        for part in waves(self.hosts):
            for host, result in self.ports.executor.run(one, part, forks):
                if result.error is not None and result.error.code in SHUT:
                    self.stopped = f"{result.error.message} [{result.error.code}]"
                yield host, result


def mates(hosts: Sequence[Host]) -> Callable[[str, Collection[str]], bool]:
    """Is a host of one pair with any of these?"""
    by_name = {host.name: host for host in hosts}

    def clash(name: str, others: Collection[str]) -> bool:
        host = by_name[name]
        return bool(host.pair) and any(apart(host, by_name[other]) for other in others)

    return clash


def with_their_standby(hosts: Sequence[Host], canaries: Collection[str]) -> frozenset[str]:
    """The canaries, and whoever of the same pair comes before one of them in this order."""
    last = {host.pair: number for number, host in enumerate(hosts) if host.name in canaries}
    before = (host for number, host in enumerate(hosts) if host.pair and number < last.get(host.pair, 0))
    return frozenset(canaries) | {host.name for host in before}


def in_order(plans: Iterable[HostPlan], unread: Sequence[Host]) -> tuple[HostPlan, ...]:
    """A plan's hosts, who stands by before whom it stands by for; one whose partner was not read objects."""
    by_name = {plan.host.name: _objecting(plan, unread) for plan in plans}
    return tuple(by_name[host.name] for host in standby_first([plan.host for plan in by_name.values()]))


def _objecting(plan: HostPlan, unread: Sequence[Host]) -> HostPlan:
    missing = [other.name for other in unread if apart(plan.host, other)]
    if not missing or not plan.changes:
        return plan
    names = ", ".join(missing)
    message = f"{names}, of the same pair {plan.host.pair}, could not be read, and may not take over"
    return replace(plan, objections=(*plan.objections, Objection(code="pair-unread", message=message)))


def drifted(host: Host, now: Facts, then: Facts) -> PlanError:
    """Why a plan is not carried out on a router that is no longer as it was."""
    if now.follows and not same_part(host, now, then):
        return PlanError(FOLLOWS, f"not so when the plan was made: {following(now)}")
    return PlanError("plan-drifted", "the router is not as it was when the plan was made; plan again")
