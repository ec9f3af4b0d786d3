"""Apply: what is sent, in which order, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.apply import apply
from sipalg_fix.engine.run import Ports
from sipalg_fix.model import journal as words
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import off, on
from sipalg_fix.model.plan import Plan, read_plan, write_plan
from sipalg_fix.model.report import HostResult, exit_code

from .oracle import lie, snapshot
from .toy import FOREVER, Trouble
from .toy_driver import show, toy_driver
from .variants import world
from .world import World

S = ChangeState


def carried_out(made: World, *troubles: Trouble, plan: Plan | None = None) -> HostResult:
    """The result of a plan made in peace and carried out in trouble; no lie is in it."""
    plan, before = plan or made.plan(), snapshot(made.toy)
    made.toy.troubles = troubles
    made.toy.times.clear()
    (result,) = made.apply(plan).hosts
    told = list(made.toy.told)
    assert lie(result, made, before) == ""
    assert made.toy.told == told
    return result


def steps(made: World) -> list[str]:
    """The kinds of the last run's rows, in order."""
    return [row.step for row in made.journal.rows(made.journal.find_run("last"))]


def test_the_order_of_a_change() -> None:
    """Back up, guard, change, look, keep, save, prove, flush, look: as the journal tells it."""
    made = world(guard="revert")
    result = carried_out(made)
    assert result.done == (
        "guard revert 5", "set sip-udp off", "set sip-tcp off", "guard keep", "save", "flush",
    )  # fmt: skip
    rows = made.journal.rows("run-2-apply", "alpha")
    moves = [row.payload["state"] for row in rows if row.step == words.STATE]
    assert moves == ["applying", "applied", "met", "saving", "met", "flushing", "met", "confirmed"]
    kinds = [row.step for row in rows]
    assert kinds[:4] == [words.PLANNED, words.LOOKED, words.BACKUP, words.STATE]
    assert kinds.index(words.BACKUP) < kinds.index(words.SENDING)


def test_the_journal_has_each_command_before_the_device_hears_it() -> None:
    """The device asks for the row when it hears a change; one that nobody recorded is noticed."""
    made = world()
    carried_out(made)
    assert made.toy.complaints == []
    connections = made.ports.connections
    with connections.writer(made.targets[0].host, made.driver) as writer:
        writer.tell(show("set ntp off"))
    assert made.toy.complaints == ["'set ntp off' was told before the journal had it"]


def test_a_drifted_router_is_refused_and_nothing_is_sent() -> None:
    """Facts other than the plan's: REFUSED with plan-drifted, not one command of change."""
    made = world()
    plan = made.plan()
    made.toy.edit("sip-tcp", "off")
    (result,) = made.apply(plan).hosts
    assert (result.change, result.error and result.error.code) == (S.REFUSED, "plan-drifted")
    assert (made.toy.told, made.toy.writes) == ([], 0)


def test_applying_again_sends_nothing() -> None:
    """The second time everything is as planned: confirmed, noted, and not one command of change."""
    made = world(guard="revert")
    plan = made.plan()
    made.apply(plan)
    told = list(made.toy.told)
    (result,) = made.apply(plan).hosts
    assert result.change is S.CONFIRMED
    assert result.note == "already as planned; nothing was sent"
    assert (result.done, made.toy.told) == ((), told)


def test_an_objection_refuses_before_anything_happens() -> None:
    """No run is begun and no session opened while an objection is not accepted."""
    made = world(needs_reboot=True)
    plan = replace(made.plan(), accepted=())
    runs, sessions = len(made.journal.kept), made.connections.opened
    with pytest.raises(PlanError, match=r"reboots \(alpha\)") as caught:
        made.apply(plan)
    assert caught.value.code == "plan-objections"
    assert (len(made.journal.kept), made.connections.opened) == (runs, sessions)


def test_a_plan_survives_its_file() -> None:
    """What is carried out may have been written and read in between."""
    made = world(style="amend", guard="restart")
    plan = read_plan(write_plan(made.plan()))
    assert carried_out(made, plan=plan).change is S.CONFIRMED


@pytest.mark.parametrize("guard", ["revert", "restart", "hold"])
def test_the_guard_is_settled_when_it_went_well(guard: str) -> None:
    """Its own word is said after a fresh look showed the change, once."""
    made = world(guard=guard)
    carried_out(made)
    assert made.toy.told.count("guard keep") == 1
    assert made.toy.guard is None


@pytest.mark.parametrize("guard", ["revert", "restart", "hold"])
def test_the_guard_is_settled_when_it_went_wrong(guard: str) -> None:
    """A rollback, too, ends with the guard's own word, once the router is as before."""
    made = world(guard=guard)
    result = carried_out(made, Trouble(what="refuse", upon="set sip-tcp off"))
    assert result.change is S.ROLLED_BACK
    assert result.done[-2:] == ("set sip-udp on", "guard keep")


def test_a_guard_that_fails_to_show_itself_is_left() -> None:
    """Its proof cannot be read: the change is in force, and the guard is said to be left."""
    made = world(guard="revert")
    made.toy.refuses = ("show guard",)
    result = carried_out(made)
    assert result.change is S.GUARD_LEFT
    assert [finding.code for finding in result.findings] == ["guard-left"]


def test_a_guard_is_not_proven_gone_by_a_driver_that_has_none() -> None:
    """A plan of another version of the tool: nobody can ask this guard whether it is gone."""
    made = world(guard="revert")
    plan = made.plan()
    made.driver = toy_driver()
    (result,) = made.apply(plan).hosts
    assert result.change is S.GUARD_LEFT


def test_one_hiccup_while_the_guard_is_proven_gone_is_no_guard_left() -> None:
    """The proof is asked for again when the session for it could not be had."""
    made = world(guard="revert")
    result = carried_out(made, Trouble(what="lose-before", upon="show guard"))
    assert (result.change, result.error) == (S.CONFIRMED, None)


def test_the_session_a_guard_lives_in_stays_open_while_another_verifies() -> None:
    """It is the one that keeps the change: the toy takes that word from no other."""
    made = world(guard="hold")
    result = carried_out(made)
    assert result.change is S.CONFIRMED
    made = world(guard="hold")
    made.toy.refuses = ("guard keep",)
    assert carried_out(made).change is S.ROLLED_BACK


@pytest.mark.parametrize("guard", ["revert", "restart", "hold"])
def test_a_router_that_refuses_to_be_put_back_is_left_to_its_guard(guard: str) -> None:
    """The session that a guard lives in is closed for that; what the guard brought is then looked at."""
    made = world(guard=guard)
    made.toy.refuses = ("set sip-.* on",)
    result = carried_out(made, Trouble(what="refuse", upon="set sip-tcp off"))
    assert (result.change, result.error and result.error.code) == (S.ROLLED_BACK, "command-refused")
    assert "guard keep" not in result.done
    assert "guard-armed" in {finding.code for finding in result.findings}


def test_a_keep_that_was_lost_is_told_again() -> None:
    """Only because the device shows that it did not hear; the guard does not fire after a good change."""
    made = world(guard="restart")
    result = carried_out(made, Trouble(what="lose-before", upon="guard keep"))
    assert (result.change, result.error) == (S.CONFIRMED, None)
    assert made.toy.told.count("guard keep") == 2
    assert "told again" in result.note


def test_a_keep_whose_answer_was_lost_is_not_told_again() -> None:
    """The device shows that it heard."""
    made = world(guard="restart")
    result = carried_out(made, Trouble(what="lose-after", upon="guard keep"))
    assert (result.change, result.error) == (S.CONFIRMED, None)
    assert made.toy.told.count("guard keep") == 1


def test_a_save_that_fails_leaves_the_change_in_force() -> None:
    """UNSAVED: running off, startup on, and the next boot is what the finding warns of."""
    made = world()
    made.toy.refuses = ("save",)
    result = carried_out(made)
    assert (result.change, result.error and result.error.code) == (S.UNSAVED, "save-failed")
    assert {finding.code for finding in result.findings} == {"not-saved"}
    assert (made.toy.running["sip-udp"], made.toy.startup["sip-udp"]) == ("off", "on")


def test_a_save_whose_answer_was_lost_is_believed_by_a_look() -> None:
    """The saved configuration shows the change, so that is what is said."""
    result = carried_out(world(), Trouble(what="silence-after", upon="save"))
    assert (result.change, result.error) == (S.CONFIRMED, None)
    assert "saving failed (timeout)" in result.note


def test_no_restart_follows_a_save_without_effect() -> None:
    """The restart would cut calls and bring the SIP ALG back."""
    made = world(restarted=True)
    made.toy.stubborn = ("save",)
    result = carried_out(made)
    assert (result.change, result.error and result.error.code) == (S.UNSAVED, "save-failed")
    assert "reboot" not in made.toy.told


def test_a_restart_is_believed_by_another_boot() -> None:
    """The router is off in its new boot, which it was not in before."""
    made = world(restarted=True)
    assert carried_out(made).change is S.CONFIRMED
    assert made.toy.boot == 2


def test_a_restart_that_does_not_happen_is_not_shown() -> None:
    """The same boot goes on answering: not-rebooted, and not confirmed."""
    made = world(restarted=True)
    made.toy.stubborn = ("reboot",)
    result = carried_out(made)
    assert (result.change, result.error and result.error.code) == (S.NOT_SHOWN, "not-rebooted")


def test_contact_lost_after_the_last_step_is_no_harm() -> None:
    """A fresh session shows the whole change, so it goes on, and says what happened."""
    result = carried_out(world(), Trouble(what="lose-after", upon="set sip-tcp off"))
    assert (result.change, result.error) == (S.CONFIRMED, None)
    assert "contact was lost while sending (connection-lost)" in result.note


def test_half_a_change_is_taken_back() -> None:
    """Contact went between two steps: the router is as before, and that is an error."""
    result = carried_out(world(), Trouble(what="lose-after", upon="set sip-udp off"))
    assert (result.change, result.error and result.error.code) == (S.ROLLED_BACK, "connection-lost")


def test_a_router_whose_guard_brings_it_back_is_waited_for() -> None:
    """Gone until its guard has restarted it: rolled back, not left for somebody to look at."""
    made = world(guard="restart")
    result = carried_out(made, Trouble(what="unreachable", upon="set sip-tcp off", sessions=90))
    assert result.change is S.ROLLED_BACK
    assert "save" not in made.toy.told
    assert (made.toy.boot, made.clock.seconds > 300.0) == (2, True)


def test_a_router_that_comes_back_before_its_guard_fires_is_put_back_at_once() -> None:
    """Sending the inverse and settling the guard spares it a restart with calls on it."""
    made = world(guard="restart")
    result = carried_out(made, Trouble(what="unreachable", upon="set sip-tcp off", sessions=30))
    assert (result.change, made.toy.boot) == (S.ROLLED_BACK, 1)


@pytest.mark.parametrize("guard", ["revert", "restart", "hold"])
def test_contact_lost_while_taking_back_is_left_to_the_guard(guard: str) -> None:
    """It is armed still; once the router answers again, what is left to do is done."""
    made = world(guard=guard)
    refused = Trouble(what="refuse", upon="set sip-tcp off")
    lost = Trouble(what="unreachable", upon="set sip-tcp on", sessions=30)
    result = carried_out(made, refused, lost)
    assert result.change is S.ROLLED_BACK
    assert (S.ROLLING_BACK, S.REVERTING) in made.journal.edges()


def test_a_run_that_is_being_stopped_does_not_wait_for_a_guard() -> None:
    """It says that the router will revert, and ends."""
    made = world(guard="revert")
    made.stop.asked = False
    plan = made.plan()
    made.toy.troubles = (Trouble(what="unreachable", upon="set sip-tcp off", sessions=FOREVER),)

    def impatient(host: str, what: str, detail: str = "") -> None:
        del host, detail
        made.stop.asked = made.stop.asked or what == "reverting"

    made.progress = impatient
    report = made.apply(plan)
    assert report.hosts[0].change is S.REVERTING
    assert made.clock.seconds < 120.0
    assert exit_code(report) == 130


def test_a_router_that_turns_us_away_after_the_change_is_stranded() -> None:
    """Nothing guards it and nobody may look: that is what is said, with no verdict."""
    denied = Trouble(what="access-denied", upon="show version", nth=2, sessions=FOREVER)
    result = carried_out(world(), denied)
    assert (result.change, result.error and result.error.code) == (S.STRANDED, "access-denied")
    assert (result.assessment, result.diff) == (None, ())


def test_another_admins_line_is_named() -> None:
    """What changed meanwhile and is not in the plan is a finding, and no failure."""
    made = world()
    plan = made.plan()
    made.toy.troubles = (Trouble(what="edit", upon="save"),)
    (result,) = made.apply(plan).hosts
    assert result.change is S.CONFIRMED
    assert [finding.message for finding in result.findings] == [
        "not in the plan: -ntp on",
        "not in the plan: +ntp off",
    ]


def test_flows_that_could_not_be_flushed_are_a_finding() -> None:
    """The change is confirmed all the same."""
    made = world()
    made.toy.refuses = ("flush",)
    result = carried_out(made)
    assert (result.change, [f.code for f in result.findings]) == (S.CONFIRMED, ["not-flushed"])


def test_packets_that_are_still_altered_are_not_confirmed() -> None:
    """The router says off and a probe point says on: not shown."""
    made = world()
    made.prober.plane = on("Via was rewritten")
    plan = made.plan()
    (result,) = made.apply(plan).hosts
    assert result.change is S.NOT_SHOWN
    assert "alg-in-packets" in {finding.code for finding in result.all_findings}
    made.prober.plane = off()
    assert carried_out(world()).change is S.CONFIRMED


def test_a_busy_router_is_refused() -> None:
    """Another run holds its lock: nothing is sent, not even a look."""
    made = world()
    plan = made.plan()
    made.journal.leases["lab/alpha"] = "run-of-somebody"
    sessions = made.connections.opened
    (result,) = made.apply(plan).hosts
    assert (result.change, result.error and result.error.code) == (S.REFUSED, "host-busy")
    assert "run-of-somebody" in (result.error.message if result.error else "")
    assert made.connections.opened == sessions


def test_sessions_that_end_badly_do_not_matter() -> None:
    """What was said in them stands."""
    for guard in ("", "revert", "hold"):
        made = world(guard=guard, restarted=True)
        made.toy.rude = True
        result = carried_out(made)
        assert (result.change, result.error) == (S.CONFIRMED, None)


def test_a_screen_that_is_gone_does_not_matter() -> None:
    """A closed pipe while progress is told must not end a change half-way."""

    def closed(host: str, what: str, detail: str = "") -> None:
        raise BrokenPipeError(host, what, detail)

    made = world(restarted=True)
    made.progress = closed
    assert carried_out(made).change is S.CONFIRMED


def test_a_platform_that_this_version_does_not_know() -> None:
    """A plan may come from another version: wrong-platform, and nothing is sent."""
    made = world()
    plan, ports = made.plan(), made.ports
    without: Ports = replace(ports, drivers={})
    (result,) = apply(without, plan, made.told).hosts
    assert result.error is not None
    assert result.error.code == "wrong-platform"
    assert made.toy.told == []
