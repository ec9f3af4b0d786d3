"""What may go wrong with a router, each at a moment of a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sipalg_fix.lab.twin import Chassis
from sipalg_fix.model.change import ChangeState
from tests.crash.gate import Point

S = ChangeState
TEN_YEARS = 10 * 365 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    ``strike`` is what happens at the moment; ``relent`` when the router next hears something, for what
    passes. ``when`` are the kinds of moments at which it differs from others. ``ends``: how a change may
    end, besides as planned, as it was, or kept and not shown.
    """

    strike: Callable[[Chassis], None]
    relent: Callable[[Chassis], None] = lambda chassis: None
    when: frozenset[str]
    ends: frozenset[ChangeState] = frozenset()

    def may_strike(self, point: Point) -> bool:
        """Is it one of its moments?"""
        return point.when in self.when


def _cut(chassis: Chassis) -> None:
    del chassis
    raise ConnectionResetError


def _reboot(chassis: Chassis) -> None:
    chassis.power_cycle()
    raise ConnectionResetError


def _wrong_clock(chassis: Chassis) -> None:
    """What was begun lasts as long as it was to."""
    chassis.now -= TEN_YEARS
    chassis.booted_at -= TEN_YEARS
    for timer in chassis.timers:
        timer.due -= TEN_YEARS


def _switched(name: str, *, on: bool) -> Callable[[Chassis], None]:
    return lambda chassis: setattr(chassis.switches, name, on)


def _while(name: str, when: str, *ends: ChangeState) -> Fault:
    """For one command or answer, or until somebody logs in."""
    return Fault(
        strike=_switched(name, on=True),
        relent=_switched(name, on=False),
        when=frozenset(when.split()),
        ends=frozenset(ends),
    )


def _from_then_on(name: str, *ends: ChangeState) -> Fault:
    """Until somebody sees to it."""
    return Fault(strike=_switched(name, on=True), when=frozenset({"before", "in"}), ends=frozenset(ends))


FAULTS = {
    "cut": Fault(strike=_cut, when=frozenset({"before", "after", "in"})),
    # EdgeOS keeps the timer's job through a restart, and does not know it any more.
    "reboot": Fault(
        strike=_reboot, when=frozenset({"before", "after", "in"}), ends=frozenset({S.GUARD_LEFT})
    ),
    "silence": _while("half_reply", "after in"),
    "garbage": _while("garbage", "after in"),
    # What stores a change, and what tells its guard, is sent once: no is an answer.
    "refused": _while("refuse_writes", "before", S.UNSAVED, S.GUARD_LEFT),
    "full": _from_then_on("save_fails", S.UNSAVED, S.ROLLBACK_FAILED, S.STRANDED),
    "locked": _from_then_on("locked", S.UNSAVED, S.GUARD_LEFT, S.ROLLBACK_FAILED, S.STRANDED),
    "clock": Fault(strike=_wrong_clock, when=frozenset({"before", "in"})),
}
