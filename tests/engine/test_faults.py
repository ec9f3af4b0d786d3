"""Whatever goes wrong, and wherever: a change ends in a state with which the router agrees."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.plan import Plan

from .oracle import Snapshot, lie, snapshot
from .variants import TROUBLES, VARIANTS, late
from .world import World

S = ChangeState
AT_ITS_BEST = {
    "lose-before": {S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.NOT_SHOWN},
    "lose-after": {S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.NOT_SHOWN},
    "silence-before": {S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.NOT_SHOWN},
    "silence-after": {S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.NOT_SHOWN},
    "unreachable-briefly": {S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.NOT_SHOWN},
    "refuse": {S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.UNSAVED, S.NOT_SHOWN, S.GUARD_LEFT},
    "garbage": {S.REFUSED, S.ROLLED_BACK, S.CONFIRMED, S.NOT_SHOWN, S.GUARD_LEFT},
    "no-effect": {S.ROLLED_BACK, S.CONFIRMED, S.UNSAVED, S.NOT_SHOWN, S.GUARD_LEFT},
    "crash": {S.REFUSED, S.STRANDED, S.CONFIRMED},
}
"""How a change may end when that happens once: trouble that passes strands nobody."""


@cache
def plan_of(variant: str) -> Plan:
    """The plan for such a router."""
    return VARIANTS[variant]().plan()


def ready(variant: str) -> tuple[World, Plan, Snapshot]:
    """A world, the plan for it, and what the router is before that is carried out."""
    world = VARIANTS[variant]()
    return world, plan_of(variant), snapshot(world.toy)


def commands_of(variant: str) -> range:
    """The numbers of the commands that a change without trouble takes."""
    world, made, _ = ready(variant)
    (result,) = world.apply(made).hosts
    assert result.change is S.CONFIRMED
    return range(1, world.toy.heard + 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_trouble_a_change_is_confirmed(variant: str) -> None:
    """Each kind of router ends as planned, with nothing to be found fault with, and stays so."""
    world, made, before = ready(variant)
    (result,) = world.apply(made).hosts
    assert result.change is S.CONFIRMED
    assert result.findings == ()
    assert lie(result, world, before) == ""


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_trouble_at_any_command_ends_in_a_state_that_is_true(variant: str, trouble: str) -> None:
    """At each command of a change in turn: the end, the journal and the exit code agree with the router."""
    ends: Counter[ChangeState | None] = Counter()
    for number in commands_of(variant):
        world, made, before = ready(variant)
        world.toy.troubles = (replace(TROUBLES[trouble], at=number),)
        (result,) = world.apply(made).hosts
        assert lie(result, world, before) == "", f"{trouble} at command {number}"
        ends[result.change] += 1
    assert set(ends) <= AT_ITS_BEST.get(trouble, set(S))


@pytest.mark.parametrize("trouble", sorted(set(TROUBLES) - {"no-effect"}))
def test_a_change_that_would_act_at_the_next_boot_is_taken_back(trouble: str) -> None:
    """Nothing shows of it, so it is not met; what undoes it is sent all the same, or it is no rollback."""
    made, plan = late(), late().plan()
    made.apply(plan)
    for number in range(made.toy.heard + 1):
        world, before = late(), snapshot(late().toy)
        world.toy.troubles = (replace(TROUBLES[trouble], at=number),)
        (result,) = world.apply(plan).hosts
        assert result.change is not S.CONFIRMED
        assert lie(result, world, before) == "", f"{trouble} at command {number}"


@st.composite
def a_bad_day(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    """A router, and all that goes wrong with it."""
    variant = draw(st.sampled_from(sorted(VARIANTS)))
    kinds = st.sampled_from([TROUBLES[name] for name in sorted(TROUBLES)])
    troubles = st.builds(lambda kind, at: replace(kind, at=at), kinds, st.integers(1, 60))
    words = ("save", "guard keep", "set sip-tcp off", "set sip-.* on", "reboot", "flush", "unload")
    deaf = st.lists(st.sampled_from(words), max_size=1).map(tuple)
    looks = ("show startup", "show modules", "show guard")
    return variant, {
        "troubles": tuple(draw(st.lists(troubles, max_size=5))),
        "stubborn": draw(deaf),
        "refuses": draw(st.lists(st.sampled_from((*words, *looks)), max_size=1).map(tuple)),
        "rude": draw(st.booleans()),
    }


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(a_bad_day())
def test_no_sequence_of_troubles_makes_the_end_a_lie(day: tuple[str, dict[str, object]]) -> None:
    """
    The law: a router is as planned when its change is confirmed, and as before when it is rolled back,
    refused, or left to its guard; in every other state something wrong is said to be wrong.
    """
    variant, bad = day
    world, made, before = ready(variant)
    for name, value in bad.items():
        setattr(world.toy, name, value)
    (result,) = world.apply(made).hosts
    assert lie(result, world, before) == ""


@pytest.mark.parametrize("state", [state for state in S if state is not S.CONFIRMED])
def test_the_oracle_sees_a_lie(state: ChangeState) -> None:
    """A claim that does not agree with the device is found, so that these tests can fail."""
    world, made, before = ready("reverts")
    (result,) = world.apply(made).hosts
    assert lie(replace(result, change=state), world, before) != ""


def test_the_oracle_sees_a_router_that_moved() -> None:
    """Confirmed is not enough: the router must be so."""
    world, made, before = ready("reverts")
    (result,) = world.apply(made).hosts
    world.toy.edit("sip-udp", "on")
    assert "yet it is" in lie(result, world, before)
