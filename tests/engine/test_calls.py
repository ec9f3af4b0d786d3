"""Calls in progress: waited for, skipped or ignored, and never guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sipalg_fix.model.calls import Calls
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.playbook import How, RebootRule
from sipalg_fix.model.report import HostResult, exit_code

from .toy_driver import CALLS, toy_driver
from .world import RESTARTED, World

S = ChangeState
QUIET = How(reboot=RebootRule.NEVER, flush=False)
FLUSHED = How(reboot=RebootRule.NEVER, flush=True)
ELSEWHERE = replace(toy_driver(calls=True), calls=(replace(CALLS, access="api"),))
"""Its calls are shown by an access that no router here has."""


def busy(calls: Callable[[float], int | str], *, wait: float | None = 900.0, how: How = RESTARTED) -> World:
    """A router with so many calls at a time."""
    made = World(driver=toy_driver(guard="revert", calls=True), how=how)
    made.book = replace(made.book, calls=Calls(wait_seconds=wait))
    made.toy.calls = calls
    return made


def passing(streams: int | str, *, how: How = RESTARTED, driver: Driver | None = None) -> World:
    """A router whose SIP helper follows no calls, while so many streams pass it that may be some."""
    made = busy(lambda now: 0, wait=0.0, how=how)
    made.driver = driver or made.driver
    made.toy.streams = lambda now: streams
    return made


def code(result: HostResult) -> str:
    """Why it was left alone."""
    return result.error.code if result.error else ""


def test_a_change_waits_until_the_last_call_has_ended() -> None:
    """Then it goes on as ever."""
    made = busy(lambda now: 2 if now < 300.0 else 0)
    result = made.change()
    assert result.change is S.CONFIRMED
    assert made.clock.monotonic() >= 300.0
    assert made.whole() == ""


@pytest.mark.parametrize(("wait", "least"), [(900.0, 900.0), (0.0, 0.0)])
def test_a_router_that_stays_busy_is_left_alone(wait: float, least: float) -> None:
    """Refused before its first write; that is a rule, and no failure."""
    made = busy(lambda now: 1, wait=wait)
    report = made.apply()
    (result,) = report.hosts
    assert (result.change, code(result), made.toy.told) == (S.REFUSED, "calls-in-progress", [])
    assert least <= made.clock.monotonic() < least + 60.0
    assert exit_code(report) == 7
    assert made.whole() == ""


def test_ignored_calls_are_not_asked_for() -> None:
    """The playbook says so."""
    made = busy(lambda now: 7, wait=None)
    assert made.change().change is S.CONFIRMED
    assert made.toy.times["show calls"] == 0


def test_a_change_that_cuts_nothing_does_not_ask() -> None:
    """No flush, no restart."""
    made = busy(lambda now: 7, how=QUIET)
    assert made.change().change is S.CONFIRMED
    assert made.toy.times["show calls"] == 0


@pytest.mark.parametrize("says", ["many", "", "1 or 2"])
def test_what_could_not_be_told_is_no_number(says: str) -> None:
    """A restart is refused, unless it was accepted by name; a flush goes on, and says so."""
    made = busy(lambda now: says)
    refused = made.change()
    assert (refused.change, code(refused), made.toy.told) == (S.REFUSED, "calls-unknown", [])
    accepted = made.apply(made.plan().accepting(["calls-unknown"])).hosts[0]
    assert accepted.change is S.CONFIRMED
    flushed = busy(lambda now: says, how=FLUSHED).change()
    assert flushed.change is S.CONFIRMED
    for result in (accepted, flushed):
        assert [finding.code for finding in result.findings] == ["calls-unknown"]


@pytest.mark.parametrize("driver", [toy_driver(), ELSEWHERE], ids=["never", "elsewhere"])
def test_a_router_that_shows_no_calls_is_objected_to_where_they_are_sure_to_be_cut(driver: Driver) -> None:
    """By the plan, for a restart; not for a flush, and not where calls are ignored."""
    made = World(driver=driver, how=RESTARTED)
    plan, _ = made.dry_run()
    assert "calls-unknown" in plan.open_objections()
    made.book = replace(made.book, calls=Calls(wait_seconds=None))
    assert "calls-unknown" not in made.dry_run()[0].open_objections()
    made.how = FLUSHED
    made.book = replace(made.book, calls=Calls(wait_seconds=900.0))
    assert "calls-unknown" not in made.dry_run()[0].open_objections()


def test_a_person_who_stops_the_run_does_not_wait_for_callers() -> None:
    """The host is left alone at once."""
    made = busy(lambda now: 1)

    def stop(host: str, what: str, detail: str = "") -> None:
        del host, detail
        made.stop.asked = made.stop.asked or what == "waiting"

    made.progress = stop
    report = made.apply()
    assert (report.interrupted, made.toy.told) == (True, [])
    assert made.clock.monotonic() < 60.0


def test_others_go_on_while_one_is_busy() -> None:
    """One busy router counts against no budget."""
    made = World(names=("alpha", "bravo"), driver=toy_driver(guard="revert", calls=True), how=RESTARTED)
    made.book = replace(made.book, calls=Calls(wait_seconds=0.0))
    made.toy.calls = lambda now: 1
    report = made.apply()
    assert [result.change for result in report.hosts] == [S.REFUSED, S.CONFIRMED]
    assert exit_code(report) == 7


def begun_later(made: World, *, until: float = float("inf")) -> None:
    """A call that begins once the change is in force, and lasts until then."""
    made.toy.calls = lambda now: int(bool(made.toy.told) and now < until)


@pytest.mark.parametrize(
    ("how", "step", "state", "failed"),
    [(FLUSHED, "flush", S.CONFIRMED, ""), (RESTARTED, "reboot", S.NOT_SHOWN, "calls-in-progress")],
)
def test_a_call_that_began_meanwhile_is_not_cut(how: How, step: str, state: ChangeState, failed: str) -> None:
    """Read again right before the step: what was done stays, the step is left out, and that is said."""
    made = busy(lambda now: 0, wait=0.0, how=how)
    begun_later(made)
    result = made.change()
    assert (result.change, code(result)) == (state, failed)
    assert [finding.code for finding in result.findings] == ["not-flushed"]
    assert step not in made.toy.told
    assert made.toy.told
    assert made.whole() == ""


@pytest.mark.parametrize(("how", "step"), [(FLUSHED, "flush"), (RESTARTED, "reboot")])
def test_a_call_that_began_meanwhile_is_waited_for(how: How, step: str) -> None:
    """As long as one was before."""
    made = busy(lambda now: 0, how=how)
    begun_later(made, until=400.0)
    assert made.change().change is S.CONFIRMED
    assert step in made.toy.told
    assert made.clock.monotonic() >= 400.0


def test_nobody_restarts_a_router_of_which_it_can_no_longer_be_told() -> None:
    """Unless that was accepted; a flush goes on, and says so."""
    made = busy(lambda now: 0)
    made.toy.calls = lambda now: "?" if made.toy.told else 0
    result = made.change()
    assert (result.change, code(result), "reboot" in made.toy.told) == (S.NOT_SHOWN, "calls-unknown", False)
    made = busy(lambda now: 0, how=FLUSHED)
    made.toy.calls = lambda now: "?" if made.toy.told else 0
    result = made.change()
    assert (result.change, [f.code for f in result.findings]) == (S.CONFIRMED, ["calls-unknown"])


@pytest.mark.parametrize("streams", [1, 3])
def test_a_restart_waits_for_streams_that_nothing_follows(streams: int) -> None:
    """Calls may go past what reads SIP, and all do once it is off; a flush does not end those."""
    made = passing(streams)
    result = made.change()
    assert (result.change, code(result), made.toy.told) == (S.REFUSED, "calls-in-progress", [])
    assert result.error is not None
    assert f"{streams} stream" in result.error.message
    flushed = passing(streams, how=FLUSHED)
    assert flushed.change().change is S.CONFIRMED
    assert flushed.toy.times["show streams"] == 0


def test_a_stream_that_began_meanwhile_is_not_cut() -> None:
    """The change takes the helper away: what begins after that only a stream shows."""
    made = passing(0)
    made.toy.streams = lambda now: int(bool(made.toy.told))
    result = made.change()
    assert (result.change, code(result)) == (S.NOT_SHOWN, "calls-in-progress")
    assert "reboot" not in made.toy.told


def test_no_call_that_is_followed_is_not_no_call() -> None:
    """Where streams could not be read, or cannot be at all, a restart needs to be accepted by name."""
    unread = passing("some")
    assert code(unread.change()) == "calls-unknown"
    blind = passing(0, driver=replace(toy_driver(guard="revert", calls=True), streams=(), live_streams=None))
    assert "calls-unknown" in blind.dry_run()[0].open_objections()
    (accepted,) = blind.apply(blind.plan().accepting(["calls-unknown"])).hosts
    assert (accepted.change, [f.code for f in accepted.findings]) == (S.CONFIRMED, ["calls-unknown"])
