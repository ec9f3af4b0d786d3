"""
``kill -9`` of the command at every step of a change, on every platform, over the real protocols; then
``recover``: the router ends as planned or as it was.

The steps are found by a run that nothing happens to: whenever the router hears something, the gate before
it notes what the journal says. A sample of them is tried, drawn by a seed that is printed and can be given
(``SEED``); ``SOAK`` tries all.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sipalg_fix.model.change import NEXT, ChangeState, Phase
from sipalg_fix.model.plan import HostPlan, read_plan
from tests.crash.gate import Point, worth_trying
from tests.crash.scene import HOST, Scene
from tests.crash.scenes import Make
from tests.e2e.conftest import PLATFORMS

pytestmark = pytest.mark.long

S = ChangeState
VERBS = ("apply", "rollback")
SOAK = bool(os.environ.get("SOAK"))
SEED = os.environ.get("SEED") or "1"
"""The same for everybody unless another is given: what failed once fails again."""
SAMPLE = 3
"""Moments tried for each platform and verb when it is not the soak."""
WITH_TROUBLE = {S.REFUSED_MIDWAY, S.REVERTING}
"""States of changes in which something else goes wrong, too: the engine's own tests kill it there."""
UNHEARD = {S.APPLYING, S.SAVING, S.FLUSHING}
"""States in which a router may hear nothing but the commands for which they are entered."""
A_DAY = 86400.0
NOT_BEGUN = "not begun"
"""No state: it was killed while the router was asked for calls, before its change began."""


@contextmanager
def undisturbed(scene: Make, platform: str, verb: str) -> Iterator[Scene]:
    """A run of the verb that nothing happens to; its gate holds the moments."""
    with scene(platform) as made:
        made.prepare()
        assert made.until("apply") == 0, made.said
        if verb == "rollback":
            assert made.until("rollback") == 0, made.said
        yield made


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_killed_at_every_step(scene: Make, platform: str, verb: str) -> None:
    """Each moment: recovered, true, whole, and not touched by a second recovery."""
    with undisturbed(scene, platform, verb) as trial:
        assert trial.gate.unannounced == []
        points = worth_trying(trial.gate.points)
        every_step_has_a_case(trial, verb, points)
        end = trial.kept
    chosen = points if SOAK else random.Random(f"{SEED} {platform} {verb}").sample(points, SAMPLE)
    print(f"{platform} {verb}: {len(chosen)} of {len(points)} moments, seed {SEED}")
    wrong = []
    for point in chosen:
        with scene(platform) as made:
            wrong += [f"{point}: {text}" for text in killed_at(made, verb, point, end)]
    assert not wrong, "\n".join(wrong)


def every_step_has_a_case(made: Scene, verb: str, points: list[Point]) -> None:
    """Each command that was sent has its moments, each phase of the plan a command, each state a moment."""
    (plan,) = read_plan(made.plan.read_text()).changing
    run = made.journal.find_run("last")
    sent = [row for row in made.journal.rows(run, HOST) if row.step == "sending"]
    for when in ("before", "after"):
        assert {point.number for point in points if point.when == when} == {row.payload["n"] for row in sent}
    assert {row.payload["phase"] for row in sent} == {phase.value for phase in phases(plan, verb)}
    heard = {point.what for point in points if point.when == "in"}
    for state in made.states(run):
        assert state in heard or not NEXT[S(state)] or S(state) in UNHEARD, f"no moment in {state}"


def phases(plan: HostPlan, verb: str) -> set[Phase]:
    """What commands are sent for when all goes well."""
    remedy = plan.remedy
    due = [
        (Phase.FORWARD, remedy.forward),
        (Phase.KEEP, plan.guard.keep if plan.guard else ()),
        (Phase.SAVE, remedy.save),
        (Phase.FLUSH, plan.flush),
        (Phase.REBOOT, plan.reboot),
    ]
    if verb == "rollback":
        due = [(Phase.INVERSE, remedy.inverse), (Phase.RESAVE, remedy.resave)]
    return {phase for phase, steps in due if steps}


def killed_at(made: Scene, verb: str, point: Point, planned: dict[str, object]) -> list[str]:
    """
    What is wrong after a kill at that moment and a recovery; nothing, if all is well. ``planned`` is what
    the router keeps after the verb.
    """
    first = made.kept
    made.prepare()
    if verb == "rollback":
        assert made.until("apply") == 0, made.said
    begun = made.kept
    if made.until(verb, point) != -9:
        return ["the moment did not come"]
    killed = made.journal.find_run("last")
    wrong = ["a change that no row announced"] * bool(made.gate.unannounced)
    code = made.start("recover", "--yes")
    kept, writes = made.kept, made.gate.twin.chassis.writes
    ended = made.states(killed)[-1] if made.states(killed) else NOT_BEGUN
    promised = {"confirmed": planned, "rolled-back": first, "refused": begun, NOT_BEGUN: begun}.get(ended)
    if promised is None:
        wrong.append(f"it ended {ended}, exit code {code}: {made.said}")
    elif kept != promised:
        wrong.append(f"it ended {ended}, but {difference(kept, promised)}")
    made.start("recover", "--yes")
    if (made.kept, made.gate.twin.chassis.writes) != (kept, writes):
        wrong.append("a second recovery changed something")
    with made.gate.twin.chassis.lock:
        made.gate.twin.chassis.advance(A_DAY)
    if made.kept != kept:
        wrong.append(f"something was left armed, and fired: {difference(made.kept, kept)}")
    return [*wrong, *made.damage(), *(f"{run} is open" for run in made.journal.cut_short())]


def difference(is_so: dict[str, object], should: dict[str, object]) -> str:
    """Where they differ, in words."""
    names = [name for name in {**is_so, **should} if is_so.get(name) != should.get(name)]
    return "; ".join(f"{name} is {is_so.get(name)!r} and not {should.get(name)!r}" for name in names)


def test_every_state_is_killed_in_somewhere() -> None:
    """The table's states are those that a run passes through, its ends, and those that need trouble."""
    passing = {S.PLANNED, S.APPLYING, S.APPLIED, S.MET, S.SAVING, S.FLUSHING, S.REBOOTING, S.ROLLING_BACK}
    assert passing | WITH_TROUBLE == {state for state in S if NEXT[state]}
