"""The dry run: what would be done to each host, and every reason not to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.propose import propose
from sipalg_fix.model.assessment import Exemption, Intent, assess
from sipalg_fix.model.calls import Calls
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.plan import HostPlan
from sipalg_fix.model.playbook import DEFAULT_HOW, GuardRule, How, RebootRule
from sipalg_fix.model.step import Disruption, Objection, Remedy, commands

from .toy import HELPERS
from .toy_driver import toy_driver
from .variants import save_only, unloading, world
from .world import TODAY, World


def proposal(
    made: World, driver: Driver | None = None, *, exempt: Exemption | None = None, **how: object
) -> HostPlan:
    """What would be done to the only router, under these words of a playbook."""
    if driver is not None:
        made.driver = driver
    host = made.targets[0].host
    from sipalg_fix.engine.look import look

    facts = look(made.connections, host, made.driver)
    assessment = assess(facts, Intent(), exempt=exempt, today=TODAY)
    words = How(**how).over(DEFAULT_HOW)  # type: ignore[arg-type]  # words of a playbook
    return propose(host, made.driver, facts, assessment, words, Calls(wait_seconds=None))


def codes(plan: HostPlan) -> list[str]:
    """The plan's objections."""
    return [objection.code for objection in plan.objections]


def test_planning_changes_nothing() -> None:
    """The toy counts its writes."""
    made = world(guard="restart", style="amend", restarted=True)
    assert made.plan().changing != ()
    assert (made.toy.writes, made.toy.told) == (0, [])


def test_a_compliant_router_is_left_alone() -> None:
    """Whatever the playbook says of restarts."""
    made = world()
    made.change()
    plan = proposal(made, reboot=RebootRule.ALWAYS)
    assert (plan.remedy.empty, plan.changes, plan.reboot, plan.flush) == (True, False, (), ())


def test_an_exempt_router_is_left_alone_until_its_exemption_ends() -> None:
    """Its end date counts as a day of it."""
    until = TODAY.isoformat()
    assert not proposal(world(), exempt=Exemption(reason="asked for", until=until)).changes
    assert proposal(world(), exempt=Exemption(reason="asked for", until="2026-11-22")).changes


def test_a_router_that_cannot_be_told_is_left_alone() -> None:
    """Nothing is done to what is unknown, and it is not in the list of those that would be changed."""
    made = world()
    made.toy.running.pop("sip-udp")
    made.toy.running.pop("sip-tcp")
    assert not proposal(made).changes


@pytest.mark.parametrize(
    ("make", "forward", "save", "flush"),
    [
        (world, ("set sip-udp off", "set sip-tcp off"), ("save",), ("flush",)),
        (save_only, (), ("save",), ()),
        (unloading, ("unload",), (), ("flush",)),
    ],
)
def test_no_more_is_proposed_than_is_needed(
    make: object, forward: tuple[str, ...], save: tuple[str, ...], flush: tuple[str, ...]
) -> None:
    """A full remedy, a save alone, or what still runs."""
    plan = proposal(make())  # type: ignore[operator]  # a function that makes a world
    found = (commands(plan.remedy.forward), commands(plan.remedy.save), commands(plan.flush))
    assert found == (forward, save, flush)


def test_one_transport_on_is_only_that_ones_remedy() -> None:
    """The inverse, too, is only of what was seen."""
    made = world()
    made.toy.edit("sip-udp", "off")
    plan = proposal(made)
    assert commands(plan.remedy.forward) == ("set sip-tcp off",)
    assert commands(plan.remedy.inverse) == ("set sip-tcp on",)


GUARDED, REBOOTING, NONE = toy_driver(guard="revert"), toy_driver(guard="restart"), toy_driver()


@pytest.mark.parametrize(
    ("driver", "rule", "guard", "objections"),
    [
        (GUARDED, GuardRule.AUTO, "guard revert", []),
        (GUARDED, GuardRule.REQUIRE, "guard revert", []),
        (GUARDED, GuardRule.OFF, "", []),
        (REBOOTING, GuardRule.AUTO, "", []),
        (REBOOTING, GuardRule.REQUIRE, "guard restart", ["guard-reboots"]),
        (REBOOTING, GuardRule.OFF, "", []),
        (NONE, GuardRule.AUTO, "", []),
        (NONE, GuardRule.REQUIRE, "", ["unguarded"]),
        (NONE, GuardRule.OFF, "", []),
    ],
)
def test_which_guard(driver: Driver, rule: GuardRule, guard: str, objections: list[str]) -> None:
    """By itself only one that takes a change back without harm; when required, any, and objected to."""
    plan = proposal(world(), driver, guard=rule)
    assert (plan.guard.name if plan.guard else "", codes(plan)) == (guard, objections)


def test_a_guard_that_cannot_be_armed_now() -> None:
    """Why stands in the objection."""
    assert GUARDED.guard is not None
    queued = replace(GUARDED, guard=replace(GUARDED.guard, unavailable=lambda facts: "something is queued"))
    plan = proposal(world(), queued, guard=GuardRule.REQUIRE)
    assert plan.guard is None
    assert "something is queued" in plan.objections[0].message


def test_a_guard_is_given_the_minutes_it_needs_at_least() -> None:
    """One minute may be none on some platforms; the longer of the two counts."""
    short = proposal(world(), GUARDED, guard_minutes=1)
    long = proposal(world(), GUARDED, guard_minutes=30)
    assert short.guard is not None
    assert long.guard is not None
    assert (short.guard.minutes, long.guard.minutes) == (2, 30)
    assert commands(long.guard.forward)[0] == "guard revert 30"


NEEDS, CANNOT = toy_driver(needs_reboot=True), toy_driver(needs_reboot=True, restarts=False)


@pytest.mark.parametrize(
    ("driver", "rule", "restarts", "objections"),
    [
        (NONE, RebootRule.NEVER, False, []),
        (NONE, RebootRule.IF_NEEDED, False, []),
        (NONE, RebootRule.ALWAYS, True, []),
        (NEEDS, RebootRule.NEVER, False, ["needs-reboot"]),
        (NEEDS, RebootRule.IF_NEEDED, True, ["reboots"]),
        (NEEDS, RebootRule.ALWAYS, True, []),
        (CANNOT, RebootRule.NEVER, False, ["needs-reboot"]),
        (CANNOT, RebootRule.IF_NEEDED, False, ["needs-reboot"]),
        (CANNOT, RebootRule.ALWAYS, False, ["needs-reboot"]),
    ],
)
def test_which_restart(driver: Driver, rule: RebootRule, restarts: bool, objections: list[str]) -> None:
    """A plan never promises a restart that it does not hold, and holds none that nobody asked for."""
    plan = proposal(world(), driver, reboot=rule, guard=GuardRule.OFF)
    assert (bool(plan.reboot), codes(plan)) == (restarts, objections)
    assert plan.disruption is (Disruption.REBOOT if restarts else Disruption.NEW_CALLS)


def test_flows_are_flushed_unless_the_playbook_says_no() -> None:
    """Only after a change: without one the router tracks nothing with a helper's hand in it."""
    assert commands(proposal(world()).flush) == ("flush",)
    assert proposal(world(), flush=False).flush == ()


def test_what_no_command_can_do() -> None:
    """It is in the plan with its reason, and nothing would be sent."""

    def impossible(facts: object) -> Remedy:
        del facts
        return Remedy(impossible="a controller manages it; change it there", reboot=True)

    driver = replace(NEEDS, remedy=impossible)
    plan = proposal(world(), driver, guard=GuardRule.REQUIRE, reboot=RebootRule.ALWAYS)
    assert (plan.changes, plan.guard, plan.reboot, plan.flush, codes(plan)) == (False, None, (), (), [])


def test_a_drivers_own_objections_come_first() -> None:
    """They are the platform's word, the others are the playbook's."""
    own = Objection(code="unsaved-edits", message="somebody's edits are not saved")

    def remedy(facts: object) -> Remedy:
        return replace(NEEDS.remedy(facts), objections=(own,))  # type: ignore[arg-type]  # facts

    plan = proposal(world(), replace(NEEDS, remedy=remedy))
    assert codes(plan) == ["unsaved-edits", "reboots"]


def test_the_plan_holds_what_apply_needs() -> None:
    """Hosts in their order, failures by name, settings, and the run it was made in."""
    made = World(names=("alpha", "bravo"))
    made.devices["alpha"].refuses = ("show version",)
    plan, report = made.dry_run()
    assert [host_plan.host.name for host_plan in plan.hosts] == ["bravo"]
    assert [(failure.host, failure.code) for failure in plan.failures] == [("alpha", "not-understood")]
    assert (plan.run, plan.made, plan.by) == (report.run, report.ended, "toy@test")
    assert (plan.setting("boot_seconds", 0), plan.setting("forks", 0)) == (120.0, 10)
    assert plan.hosts[0].facts.config == tuple(f"{k} {v}" for k, v in made.toy.running.items())
    assert {helper.name for helper in plan.hosts[0].facts.helpers} == set(HELPERS)
