"""
A change that cuts its own way in: wherever a router has a guard, it comes back by itself, and nothing was
saved. Where it has none, the plan says so.
"""

from __future__ import annotations

import pytest

from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.plan import read_plan
from tests.crash.scene import HOST, Scene
from tests.crash.scenes import Make
from tests.e2e.conftest import PLATFORMS

pytestmark = pytest.mark.long

PATIENCE = 10
"""Seconds after which a router that says nothing is given up."""
GUARD_SECONDS = 30.0
"""What passes for a router whose guard is waited for, each time that it hears something."""


@pytest.mark.parametrize("platform", PLATFORMS)
def test_it_comes_back_by_itself(scene: Make, platform: str) -> None:
    """Nobody gets in from the moment at which the change acts until the router is as before."""
    with scene(platform, PATIENCE) as made:
        made.prepare()
        (plan,) = read_plan(made.plan.read_text()).changing
        if plan.guard is None:
            assert "unguarded" in {objection.code for objection in plan.objections}
            return
        first = made.kept
        turned_away = lock_out_when_applied(made)
        assert made.carry_out("apply") not in (0, -9)
        assert made.line()["change"] == ChangeState.ROLLED_BACK.value
        assert turned_away
        assert made.kept == first
        rows = made.journal.rows(made.journal.find_run("last"), HOST)
        phases = {row.payload["phase"] for row in rows if row.step == "sending"}
        assert Phase.SAVE.value not in phases
        with made.gate.twin.chassis.lock:
            made.gate.twin.chassis.power_cycle()
        assert made.kept == first


def lock_out_when_applied(made: Scene) -> list[str]:
    """Each time that somebody was turned away, time passes for the router; the states in which that was."""
    first, turned_away = made.kept, list[str]()

    def heard(state: str) -> None:
        if state not in (ChangeState.APPLIED.value, ChangeState.REVERTING.value) or made.kept == first:
            return
        turned_away.append(state)
        made.gate.twin.chassis.advance(GUARD_SECONDS)
        raise ConnectionResetError

    made.gate.heard = heard
    return turned_away
