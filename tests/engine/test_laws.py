"""The laws that every remedy obeys, over all kinds of router and whatever they were before."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sipalg_fix.engine.look import look
from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.model.assessment import Verdict
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.report import HostResult

from .oracle import snapshot
from .toy import HELPERS
from .variants import VARIANTS, world
from .world import World

S = ChangeState
SWITCHES = st.fixed_dictionaries({name: st.sampled_from(["on", "off"]) for name in HELPERS})


@st.composite
def routers(draw: st.DrawFn) -> World:
    """A router of any kind in any state: some helpers on, some off, saved or not, running or not."""
    made = world(
        style=draw(st.sampled_from(["tell", "find", "amend"])),
        guard=draw(st.sampled_from(["", "revert", "restart", "hold"])),
        saves=draw(st.booleans()),
        cold=draw(st.booleans()),
        restarted=draw(st.booleans()),
    )
    made.toy.running.update(draw(SWITCHES))
    made.toy.startup.update(made.toy.running if made.toy.autosave else draw(SWITCHES))
    on = {name for name in HELPERS if made.toy.running[name] == "on"}
    made.toy.operational = on | set(draw(st.lists(st.sampled_from(HELPERS)))) if made.toy.cold else on
    return made


def facts_of(made: World) -> Facts:
    """What a fresh look at the only router gives."""
    return look(made.connections, made.targets[0].host, made.driver)


def changed(made: World) -> HostResult | None:
    """The only router's result; None where nothing is to be changed."""
    hosts = made.apply().hosts
    return hosts[0] if hosts else None


many = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(routers())
def test_cure(made: World) -> None:
    """Forward makes a router compliant, from wherever it begins, and it is confirmed by a look."""
    result = changed(made)
    assert result is None or result.change is S.CONFIRMED
    (after,) = made.audit().hosts
    assert after.assessment is not None
    assert after.assessment.verdict is Verdict.COMPLIANT


@many
@given(routers())
def test_restore(made: World) -> None:
    """
    Forward, then back, is where we began: what is set and what is saved. What is saved is put back by
    saving what runs; where a router began otherwise, the rollback says whether it brought that back.
    """
    before, toy = facts_of(made), made.toy
    wanted = {name for name in HELPERS if toy.running[name] == "on"}
    consistent = toy.running == toy.startup and toy.operational == wanted
    plan = made.plan()
    assume(any(host_plan.remedy.inverse for host_plan in plan.changing))
    run = made.apply(plan).run
    (back,) = rollback(made.ports, run, changed_hosts(made.journal, run), made.told).hosts
    restored = facts_of(made).settings == before.settings
    assert restored or not consistent
    assert back.change is (S.ROLLED_BACK if restored else S.ROLLBACK_FAILED)


@many
@given(routers())
def test_look_only(made: World) -> None:
    """Audits and dry runs change nothing at all."""
    before = snapshot(made.toy)
    made.audit()
    made.plan()
    assert snapshot(made.toy) == before
    assert (made.toy.writes, made.toy.told) == (0, [])


@many
@given(routers())
def test_idempotent(made: World) -> None:
    """Planning again after a change finds nothing to do, and applying the old plan again sends nothing."""
    plan = made.plan()
    made.apply(plan)
    told = list(made.toy.told)
    assert made.plan().changing == ()
    assert {result.change for result in made.apply(plan).hosts} <= {S.CONFIRMED}
    assert made.toy.told == told


@many
@given(routers())
def test_settled(made: World) -> None:
    """After its end nothing moves any more: no guard fires, and a restart brings nothing back."""
    changed(made)
    after = snapshot(made.toy)
    made.a_day_passes()
    assert snapshot(made.toy) == after
    made.toy.restart(at=made.clock.seconds)
    assert made.toy.operational == set()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_remedy_of_a_cured_router_is_nothing(variant: str) -> None:
    """The driver agrees with the engine that it is done."""
    made = VARIANTS[variant]()
    made.change()
    assert made.driver.remedy(facts_of(made)).empty
