"""The virtual Cisco router's revert timer fires, announces itself, and ends by confirming."""

from __future__ import annotations

from cisco_typist import TCP, UDP, Typist, box, sip_lines, typist

from sipalg_fix.lab.twins.cisco_ios import CiscoIos

TIMER = "show archive config rollback timer"


def guarded(minutes: int = 3) -> tuple[CiscoIos, Typist]:
    """A router whose SIP ALG was just switched off under a revert timer."""
    router = box(archive=True)
    return router, typist(router, f"configure terminal revert timer {minutes}", UDP, TCP, "end")


def test_it_says_where_its_copy_is() -> None:
    """As in a published session, and then configuration mode is as ever."""
    someone = typist(box(archive=True))
    said = someone.do("configure terminal revert timer 3")
    assert said.splitlines() == [
        "Rollback Confirmed Change: Backing up current running config to flash:archive-1",
        "",
        "Enter configuration commands, one per line.  End with CNTL/Z.",
    ]
    assert someone.prompt == "edge-01(config)#"
    assert someone.do("end", TIMER).splitlines()[1:3] == ["Timer type: absolute timer", "Timer value: 3 min"]


def test_it_takes_back_what_differs_without_a_restart() -> None:
    """After its minutes the lines are gone, the boot is the same, and so is what was saved."""
    router, someone = guarded()
    saved = router.snapshot()["startup"]
    router.chassis.advance(179)
    assert sip_lines(router) == [UDP, TCP]
    router.chassis.advance(1)
    assert (sip_lines(router), router.chassis.boots) == ([], 1)
    assert router.snapshot()["startup"] == saved
    assert someone.do(TIMER).endswith("%No Rollback Confirmed Change pending")


def test_it_outlives_its_session() -> None:
    """Who is cut off need do nothing."""
    router, someone = guarded()
    someone.do("exit")
    assert someone.terminal.closed
    router.chassis.advance(180)
    assert sip_lines(router) == []


def test_confirming_ends_it() -> None:
    """Nothing is said, and nothing happens later."""
    router, someone = guarded()
    assert someone.do("configure confirm") == ""
    router.chassis.advance(600)
    assert sip_lines(router) == [UDP, TCP]
    assert someone.do("configure confirm") == "%No Rollback Confirmed Change pending"


def test_it_need_not_be_waited_for() -> None:
    """``configure revert now`` is the same at once."""
    router, someone = guarded()
    assert "Rollback Done" in someone.do("configure revert now")
    assert sip_lines(router) == []


def test_there_is_one_at_a_time() -> None:
    """A second change under a timer is refused."""
    _, someone = guarded()
    assert "Rollback Confirmed Change is in progress" in someone.do("configure terminal revert timer 5")
    assert someone.prompt == "edge-01#"


def test_it_does_not_outlive_a_restart() -> None:
    """The next boot loads what was saved, and no timer."""
    router, someone = guarded(5)
    someone.do("write memory")
    router.reboot()
    router.chassis.advance(600)
    assert sip_lines(router) == [UDP, TCP]


def test_an_old_release_does_not_know_it() -> None:
    """12.x as the lab has it: neither the timer nor the look at it."""
    someone = typist(box(version="12.4(24)T", archive=True))
    assert "% Invalid input detected" in someone.do("configure terminal revert timer 5")
    assert "% Invalid input detected" in someone.do(TIMER)
