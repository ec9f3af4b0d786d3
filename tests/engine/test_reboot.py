"""Reboot: hosts are restarted, and each new boot is recognised by its mark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.reboot import reboot
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.calls import Calls
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.journal import Freeze
from sipalg_fix.model.plan import Terms
from sipalg_fix.model.report import Report, exit_code
from sipalg_fix.model.session import Transcript

from .toy import BOOT_TAKES, FOREVER, Trouble
from .variants import world
from .world import World

S = ChangeState


def restarted(made: World, *troubles: Trouble) -> Report:
    """The report of a restart."""
    made.toy.troubles = troubles
    report = reboot(made.ports, made.targets, Intent(), made.told, seconds=120.0)
    assert made.whole() == ""
    return report


def test_a_restart_ends_with_a_look_at_the_new_boot() -> None:
    """It is as it is in its new boot, which was waited for; what was sent is told."""
    made = world()
    report = restarted(made)
    (result,) = report.hosts
    assert (made.toy.boot, result.done, result.change) == (2, ("reboot",), None)
    assert result.assessment is not None
    assert exit_code(report) == 2
    assert made.clock.seconds >= BOOT_TAKES


def test_a_freeze_stops_restarts_between_hosts() -> None:
    """The one under way is finished, the other is left alone, and the report says why."""
    made = World(names=("alpha", "bravo"))

    def freeze(host: str, what: str, detail: str = "") -> None:
        del host, detail
        if what == "rebooting":
            made.journal.freeze = Freeze(at="2026-11-23T10:00:00Z", by="bob@noc", reason="outage")

    made.progress = freeze
    report = restarted(made)
    assert [device.boot for device in made.devices.values()] == [2, 1]
    assert "frozen since" in report.stopped
    assert exit_code(report) == 7


@pytest.mark.parametrize(("deaf", "refuses"), [(("reboot",), ()), ((), ("reboot",))])
def test_a_restart_that_does_not_happen(deaf: tuple[str, ...], refuses: tuple[str, ...]) -> None:
    """The old boot goes on: the router is as it was, so it is its error and no more."""
    made = world()
    made.toy.stubborn, made.toy.refuses = deaf, refuses
    report = restarted(made)
    (result,) = report.hosts
    assert result.error is not None
    assert result.error.code == ("not-rebooted" if deaf else "command-refused")
    assert (result.change, result.done, exit_code(report)) == (None, ("reboot",), 4)


@pytest.mark.parametrize("what", ["unreachable", "access-denied", "crash"])
@pytest.mark.parametrize("upon", ["reboot", "show version"])
def test_a_router_that_does_not_come_back_is_stranded(what: str, upon: str) -> None:
    """It was told to restart, and nobody can tell what it is: a person must look."""
    made = world()
    made.toy.stubborn = ("reboot",) if what == "crash" and upon == "reboot" else ()
    report = restarted(made, Trouble(what=what, upon=upon, sessions=FOREVER))
    (result,) = report.hosts
    assert (result.change, result.assessment, exit_code(report)) == (S.STRANDED, None, 6)


def test_a_router_that_does_not_say_its_boot_is_not_restarted() -> None:
    """It could never be shown that it was."""
    made = world()
    made.driver = replace(made.driver, boot_mark=_silent)
    report = restarted(made)
    assert report.hosts[0].error is not None
    assert report.hosts[0].error.code == "not-understood"
    assert (made.toy.told, exit_code(report)) == ([], 4)


def _silent(seen: Transcript) -> str:
    del seen
    return ""


def test_a_platform_without_a_restart() -> None:
    """Nothing is sent."""
    made = world(restarts=False)
    report = restarted(made)
    assert report.hosts[0].error is not None
    assert report.hosts[0].error.code == "command-refused"
    assert made.toy.told == []


def test_half_a_line_while_it_comes_up_is_waited_out() -> None:
    """A booting router may answer nonsense for a while."""
    made = world()
    report = restarted(made, Trouble(what="garbage", upon="show boot", nth=2))
    assert (report.hosts[0].error, made.toy.boot) == (None, 2)


def test_a_busy_router_is_not_restarted() -> None:
    """Another run changes it."""
    made = world()
    made.journal.leases["lab/alpha"] = "run-of-somebody"
    made.toy.troubles = ()
    report = reboot(made.ports, made.targets, Intent(), made.told, seconds=120.0)
    assert report.hosts[0].error is not None
    assert report.hosts[0].error.code == "host-busy"
    assert made.toy.told == []


@pytest.mark.parametrize(
    ("calls", "wait", "code", "found"),
    [
        (0, 0.0, "", []),
        (1, 0.0, "calls-in-progress", []),
        (1, None, "", []),
        ("?", 0.0, "", ["calls-unknown"]),
    ],
)
def test_calls_are_asked_for_right_before_a_restart(
    calls: int | str, wait: float | None, code: str, found: list[str]
) -> None:
    """By the playbook's rule; could not be told is said."""
    made = world(calls=True)
    made.toy.calls = lambda now: calls
    terms = Terms(calls=Calls(wait_seconds=wait))
    report = reboot(made.ports, made.targets, Intent(), made.told, seconds=120.0, terms=terms)
    (result,) = report.hosts
    assert (result.error.code if result.error else "", [f.code for f in result.findings]) == (code, found)
    assert ("reboot" in made.toy.told) is not bool(code)
    assert exit_code(report) == (7 if code else 2)
