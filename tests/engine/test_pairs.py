"""Members of a pair: one after the other, who stands by first, and none after one that did not end well."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from sipalg_fix.engine.reboot import reboot
from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.journal import PAIR_LEASE
from sipalg_fix.model.report import Report, exit_code
from sipalg_fix.model.rollout import Rollout
from sipalg_fix.model.session import Transcript

from .toy import FOREVER, Trouble
from .toy_driver import toy_driver
from .toy_ports import Threaded
from .world import REQUIRED, World

S = ChangeState
NAMES = ("alpha", "bravo", "charlie", "delta")
BOTH = {"alpha": "x", "bravo": "x"}


def paired(driver: Driver | None = None, **standby: bool) -> World:
    """Four routers; alpha and bravo are a pair."""
    return World(
        driver=driver or toy_driver(guard="revert"), names=NAMES, how=REQUIRED, pairs=BOTH, standby=standby
    )


def says(standby: Callable[[], bool | None]) -> Driver:
    """A router that says itself whether it stands by."""
    driver = toy_driver(guard="revert")

    def parse(seen: Transcript) -> Facts:
        return replace(driver.parse(seen), standby=standby())

    return replace(driver, parse=parse)


def order(world: World, report: Report) -> list[str]:
    """Who was begun when, by the journal."""
    return list(dict.fromkeys(row.host for row in world.journal.rows(report.run) if row.host))


@pytest.mark.parametrize("standby", [{}, {"bravo": True}, {"alpha": False}, {"alpha": True}])
def test_the_plan_begins_with_who_stands_by(standby: dict[str, bool]) -> None:
    """And so does its carrying out; others keep their places."""
    world = paired(**standby)
    first = "bravo" if standby in ({"bravo": True}, {"alpha": False}) else "alpha"
    second = "alpha" if first == "bravo" else "bravo"
    made = world.plan()
    assert [plan.host.name for plan in made.hosts] == [first, second, "charlie", "delta"]
    report = world.apply(made)
    assert order(world, report) == [first, "charlie", "delta", second]
    assert {result.change for result in report.hosts} == {S.CONFIRMED}
    assert world.whole() == ""


def test_members_are_never_under_way_at_once() -> None:
    """However many hosts may be: while one member is worked on, the other has not begun."""
    world = paired()
    world.executor = Threaded(world.stop)
    lock, inside, together = threading.Lock(), set[str](), list[frozenset[str]]()

    def watch(host: str, what: str, detail: str = "") -> None:
        del detail
        with lock:
            if what in ("done", "failed"):
                inside.discard(host)
            else:
                inside.add(host)
                together.append(frozenset(inside & BOTH.keys()))

    made = world.plan()
    world.progress = watch
    report = world.apply(made)
    assert {result.change for result in report.hosts} == {S.CONFIRMED}
    assert max(map(len, together)) == 1


@pytest.mark.parametrize("what", ["unreachable", "refuse", "lose-before", "crash"])
def test_the_other_is_not_begun_after_a_bad_end(what: str) -> None:
    """Nothing is sent to the one that still carries the calls; hosts that stand alone go on."""
    world = paired()
    made = world.plan()
    world.devices["alpha"].troubles = (Trouble(what=what, upon="set sip-tcp off", sessions=FOREVER),)
    report = world.apply(made)
    ends = {result.host: result for result in report.hosts}
    assert ends["alpha"].change is not S.CONFIRMED
    assert ends["bravo"].change is S.REFUSED
    assert ends["bravo"].error is not None
    assert ends["bravo"].error.code == "pair-halted"
    assert "alpha" in ends["bravo"].error.message
    assert world.devices["bravo"].told == []
    assert {ends[name].change for name in ("charlie", "delta")} == {S.CONFIRMED}
    assert exit_code(report) != 0


def test_a_member_without_a_partner_to_take_over_objects() -> None:
    """Where the other could not be read, the change is made only by somebody who says so."""
    world = paired()
    world.devices["alpha"].troubles = (Trouble(what="unreachable", at=1, sessions=FOREVER),)
    made, _ = world.dry_run()
    assert made.open_objections() == {"pair-unread": ("bravo",)}
    with pytest.raises(PlanError, match="pair-unread"):
        world.apply(made)


def test_who_stands_by_is_asked_of_the_router() -> None:
    """What it says goes before the inventory's word, and stands in the plan."""
    parts = iter((False, True, None, None))
    made = paired(says(lambda: next(parts)), alpha=True).plan()
    assert [plan.host.name for plan in made.hosts][:2] == ["bravo", "alpha"]
    assert [plan.host.standby for plan in made.hosts] == [True, False, None, None]


def test_a_failover_since_the_plan_is_drift() -> None:
    """The router that stood by carries the calls now: nothing is sent."""
    stands_by = [True]
    world = paired(says(lambda: stands_by[0]))
    made = world.plan()
    stands_by[0] = False
    ends = {result.host: result for result in world.apply(made).hosts}
    assert ends["alpha"].error is not None
    assert ends["alpha"].error.code == "plan-drifted"
    assert world.devices["alpha"].told == []
    assert ends["charlie"].change is S.CONFIRMED


def test_other_runs_keep_their_hands_off_the_pair() -> None:
    """While another run holds the pair, no member is changed, put back or restarted."""
    world = paired()
    made = world.plan()
    with world.journal.lease(f"{PAIR_LEASE}x", "another-run", 3600):
        report = world.apply(made)
        restarted = reboot(world.ports, world.targets[:2], Intent(), world.told, seconds=60)
    codes = {result.host: result.error.code for result in report.hosts if result.error}
    assert codes == {"alpha": "host-busy", "bravo": "pair-halted"}
    assert {result.error.code for result in restarted.hosts if result.error} == {"host-busy"}
    assert world.devices["alpha"].told == world.devices["bravo"].told == []


def test_they_are_put_back_and_restarted_one_after_the_other() -> None:
    """Other verbs that send something keep them apart, too."""
    world = paired(bravo=True)
    report = world.apply()
    back = rollback(world.ports, report.run, changed_hosts(world.journal, report.run), world.told)
    assert order(world, back) == ["bravo", "charlie", "delta", "alpha"]
    assert {result.change for result in back.hosts} == {S.ROLLED_BACK}
    restarted = reboot(world.ports, world.targets[:2], Intent(), world.told, seconds=60)
    assert order(world, restarted) == ["bravo", "alpha"]


def test_a_rollout_keeps_them_apart() -> None:
    """Not in one batch; a canary's partner that stands by comes before it."""
    world = paired(alpha=False)
    world.book = replace(world.book, rollout=Rollout())
    assert world.plan().batches == (("bravo", "charlie", "delta"), ("alpha",))
    world.canaries = frozenset({"alpha"})
    made = world.plan()
    assert made.batches == (("bravo",), ("alpha",), ("charlie", "delta"))
    world.devices["bravo"].troubles = (Trouble(what="refuse", upon="set sip-tcp off", sessions=FOREVER),)
    ends = {result.host: result for result in world.apply(made).hosts}
    assert {ends[name].change for name in ("alpha", "charlie", "delta")} == {S.REFUSED}
    assert world.devices["alpha"].told == world.devices["charlie"].told == []
