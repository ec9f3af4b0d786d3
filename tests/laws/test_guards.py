"""Laws of every guard on its virtual router: left alone it takes the change back, settled it never does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sipalg_fix.engine.look import ask_all, look
from sipalg_fix.engine.steps import Hand
from sipalg_fix.model.change import Phase
from sipalg_fix.model.driver import Guard
from sipalg_fix.model.facts import Value
from sipalg_fix.model.plan import GuardPlan
from sipalg_fix.model.playbook import DEFAULT_HOW, GuardRule, How
from sipalg_fix.model.session import Transcript
from sipalg_fix.model.step import Disruption, Step
from sipalg_fix.wiring import drivers
from tests.laws.conftest import PLATFORMS, Device, Make

HOW = How(guard=GuardRule.REQUIRE).over(DEFAULT_HOW)


@dataclass(frozen=True)
class Unwritten:
    """A journal that nobody reads."""

    def write(self, *row: object) -> None:
        """Forget it."""


def live_guards() -> list[str]:
    """Platforms whose guard takes the change back in a router that goes on running, in no session."""
    guards = [(platform, drivers()[platform.partition("/")[0]].guard) for platform in PLATFORMS]
    return [p for p, g in guards if g and g.fires is Disruption.NEW_CALLS and not g.held_session]


@dataclass(frozen=True)
class Guarded:
    """A router whose change was sent under its guard, and then nobody came."""

    router: Device
    guard: Guard
    plan: GuardPlan
    before: str
    kept: object

    def tell(self, steps: tuple[Step, ...], phase: Phase) -> None:
        hand = Hand(journal=Unwritten(), run="law", host="router", done=[], phases=set())  # type: ignore[arg-type]  # it only writes
        with self.router.connections.writer(self.router.host, self.router.driver) as writer:
            hand.carry_out(steps, writer, phase)

    @property
    def pending(self) -> Value:
        router = self.router
        with router.connections.reader(router.host, router.driver) as reader:
            seen = ask_all(reader, router.driver, self.guard.proof, Transcript())
        return self.guard.pending(seen).value

    @property
    def settings(self) -> str:
        return look(self.router.connections, self.router.host, self.router.driver).settings

    def wait(self, minutes: float) -> None:
        chassis = self.router.box.twin.chassis
        with chassis.lock:
            chassis.advance(60.0 * minutes)


@pytest.fixture(params=live_guards())
def guarded(device: Make, request: pytest.FixtureRequest) -> Guarded:
    """The change was taken, under a guard that is armed."""
    router = device(request.param, **OPTIONS.get(request.param, {}))
    (host,) = router.plan(HOW).hosts
    guard = router.driver.guard
    assert host.guard is not None
    assert guard is not None
    made = Guarded(router, guard, host.guard, host.facts.settings, router.kept)
    assert made.pending is Value.OFF
    made.tell(host.guard.forward, Phase.FORWARD)
    assert (made.pending, made.settings == made.before) == (Value.ON, False)
    return made


OPTIONS: dict[str, dict[str, object]] = {"cisco_ios": {"archive": True}}
"""What a router must have for its guard to be there."""


def test_left_alone_it_takes_the_change_back_and_is_gone(guarded: Guarded) -> None:
    """Not before its time; then all is as it was, to the last entry."""
    guarded.wait(guarded.plan.minutes - 1)
    assert (guarded.pending, guarded.settings == guarded.before) == (Value.ON, False)
    guarded.wait(2)
    assert (guarded.pending, guarded.settings) == (Value.OFF, guarded.before)
    assert guarded.router.kept == guarded.kept


def test_settled_it_is_gone_and_never_fires(guarded: Guarded) -> None:
    """The device itself shows it gone, and the change outlives its time."""
    guarded.tell(guarded.plan.keep, Phase.KEEP)
    changed = guarded.settings
    assert (guarded.pending, changed == guarded.before) == (Value.OFF, False)
    guarded.wait(10 * guarded.plan.minutes)
    assert guarded.settings == changed
