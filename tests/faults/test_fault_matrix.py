"""
Whatever goes wrong with a router, at every step of a change, on every platform, over the real protocols: the
change ends in a named state with which the router agrees.

The steps are found by a run that nothing happens to. Each fault is tried on some of the platforms and each
platform with some of the faults, at a moment drawn by a seed that is printed and can be given (``SEED``);
``SOAK`` tries all at all moments.
"""

from __future__ import annotations

import itertools
import os
import random
from dataclasses import dataclass
from typing import Any

import pytest

from sipalg_fix.model.change import ENDS, ChangeState
from tests.crash.gate import Point, worth_trying
from tests.crash.scene import Scene
from tests.crash.scenes import Make
from tests.crash.test_crash_matrix import A_DAY, SEED, difference
from tests.e2e.conftest import PLATFORMS
from tests.faults.faults import FAULTS, Fault
from tests.faults.test_locked_out import GUARD_SECONDS, PATIENCE

pytestmark = pytest.mark.long

S = ChangeState
SOAK = bool(os.environ.get("SOAK"))
BOOT = ("--boot-timeout", "20")
GOOD = {"apply": S.CONFIRMED, "rollback": S.ROLLED_BACK}
ALWAYS = frozenset({S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.NOT_SHOWN})
SAMPLE = 2
"""Kinds of faults tried on a platform when it is not the soak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a verb ended, and what the router kept before the first verb, before this, and as planned."""

    verb: str
    line: dict[str, Any]
    code: int
    expected: frozenset[ChangeState]
    first: dict[str, Any]
    begun: dict[str, Any]
    planned: dict[str, Any]

    def promised(self, state: ChangeState) -> dict[str, Any] | None:
        """What the router keeps in this state; None where the state does not say."""
        return {S.CONFIRMED: self.planned, S.ROLLED_BACK: self.first, S.REFUSED: self.begun}.get(state)


def moments(made: Scene) -> tuple[list[tuple[str, Point]], dict[str, Any]]:
    """Of both verbs, where nothing happens; and what the router keeps in between."""
    found: list[tuple[str, Point]] = []
    made.prepare(*BOOT)
    planned: dict[str, Any] = {}
    for verb in GOOD:
        assert made.carry_out(verb) == 0, made.said
        planned = planned or made.kept
        points = worth_trying(made.gate.points)
        told = {point.number: point.at for point in points if point.when == "after"}
        found += [
            (verb, point) for point in points if point.at == told.get(point.number) or point.when == "in"
        ]
    return found, planned


def dealt(seed: str) -> dict[str, list[str]]:
    """The faults of each platform: dealt out, so that none is left over."""
    names = sorted(FAULTS)
    random.Random(seed).shuffle(names)
    cards = itertools.cycle(names)
    return {platform: [next(cards) for _ in range(SAMPLE)] for platform in PLATFORMS}


def test_a_sample_has_every_kind_of_trouble() -> None:
    """Whatever the seed: each fault somewhere, each platform with different ones."""
    for seed in range(20):
        faults = dealt(str(seed))
        assert {name for names in faults.values() for name in names} == set(FAULTS)
        assert all(len(set(faults[platform])) == SAMPLE for platform in PLATFORMS)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_trouble_at_every_step_ends_in_a_state_that_is_true(scene: Make, platform: str) -> None:
    """Each fault at its moments: the end, the exit code, the journal and the router agree."""
    with scene(platform, PATIENCE) as trial:
        found, planned = moments(trial)
    dice = random.Random(f"{SEED} {platform}")
    wrong, tried, known = [], 0, 0
    for name, fault in FAULTS.items():
        cases = [(verb, point) for verb, point in found if fault.may_strike(point)]
        known += len(cases)
        if not SOAK and name not in dealt(SEED)[platform]:
            continue
        chosen = cases if SOAK else dice.sample(cases, 1)
        tried += len(chosen)
        for verb, point in chosen:
            with scene(platform, PATIENCE) as made:
                texts = struck(made, verb, point, fault, planned)
            wrong += [f"{name}, {verb} {point}: {text}" for text in texts]
    print(f"{platform}: {tried} of {known} troubles, seed {SEED}")
    assert not wrong, "\n".join(wrong)


def struck(made: Scene, verb: str, point: Point, fault: Fault, planned: dict[str, Any]) -> list[str]:
    """What is wrong after that fault at that moment; nothing, if all is well."""
    first, chassis = made.kept, made.gate.twin.chassis
    made.prepare(*BOOT)
    if verb == "rollback":
        assert made.carry_out("apply") == 0, made.said
    begun = made.kept
    came: list[Point] = []

    def meet(now: Point) -> None:
        if now == point:
            came.append(now)
            fault.strike(chassis)

    def opened() -> None:
        if came:
            fault.relent(chassis)

    def heard(state: str) -> None:
        opened()
        if state == S.REVERTING.value:
            chassis.advance(GUARD_SECONDS)

    made.gate.meet, made.gate.heard, made.gate.opened = meet, heard, opened
    code = made.carry_out(verb)
    for name in ("half_reply", "garbage", "refuse_writes", "save_fails", "locked"):
        setattr(chassis.switches, name, False)
    if not came:
        return ["the moment did not come"]
    wrong = ["a change that no row announced"] * bool(made.gate.unannounced)
    ended = Ended(
        verb=verb, line=made.line(), code=code, expected=ALWAYS | fault.ends,
        first=first, begun=begun, planned=planned,
    )  # fmt: skip
    wrong += lies(made, ended)
    return [*wrong, *made.damage(), *(f"{run} is open" for run in made.journal.cut_short())]


def lies(made: Scene, end: Ended) -> list[str]:
    """What the report claims and the router is not."""
    line, state, kept = end.line, S(end.line["change"]), made.kept
    said = {
        line["error"]["code"] if line["error"] else "",
        *(finding["code"] for finding in line["findings"]),
    }
    wrong = [f"it ended between two states: {state}"] * (state not in ENDS)
    wrong += [f"it ended {state}: {line['error']}"] * (state not in end.expected)
    wrong += ["exit code 0"] * ((end.code == 0) != (state is GOOD[end.verb]))
    wrong += [f"a fault of ours: {line['error']}"] * ("internal" in said)
    wrong += ["it does not say why"] * (state is not GOOD[end.verb] and not said)
    promised = end.promised(state)
    if promised is not None and kept != promised:
        wrong.append(f"it ended {state}, but {difference(kept, promised)}")
    if state is S.UNSAVED and "not-saved" not in audited(made):
        wrong.append("it ended unsaved, but an audit does not show that")
    if state in (S.STRANDED, S.REVERTING) and line["verdict"] != "unknown":
        wrong.append(f"it ended {state}, but claims {line['verdict']}")
    if state is S.ROLLBACK_FAILED and kept == end.first:
        wrong.append("taking back failed, but the router is as before")
    return wrong + later(made, promised)


def audited(made: Scene) -> set[str]:
    """The findings of a look now."""
    made.start("audit", "-i", made.inventory, "--output", "json")
    return {finding["code"] for finding in made.line()["findings"]}


def later(made: Scene, promised: dict[str, Any] | None) -> list[str]:
    """What changes when nobody does anything any more, and at the next boot, where that was ruled out."""
    if promised is None:
        return []
    chassis = made.gate.twin.chassis
    wrong = []
    for what, happens in (("a day", lambda: chassis.advance(A_DAY)), ("a restart", chassis.power_cycle)):
        with chassis.lock:
            happens()
        if made.kept != promised:
            wrong.append(f"{what} later {difference(made.kept, promised)}")
    return wrong
