"""Audit: it looks, and what it could not see it does not make up."""

from __future__ import annotations

import pytest

from sipalg_fix.engine.look import ask_all, opened
from sipalg_fix.engine.patience import LOOKS
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Assessment, Verdict
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import State, Value, off, on
from sipalg_fix.model.report import exit_code
from sipalg_fix.model.session import Transcript

from .toy import FOREVER, Trouble
from .toy_driver import show, tell, toy_driver
from .variants import VARIANTS, world
from .world import World


def seen(made: World) -> Assessment:
    """The assessment of the only router."""
    (result,) = made.audit().hosts
    assert result.assessment is not None
    return result.assessment


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_audit_writes_nothing(variant: str) -> None:
    """The toy counts its writes."""
    made = VARIANTS[variant]()
    made.audit()
    assert (made.toy.writes, made.toy.told) == (0, [])
    assert made.whole() == ""


def test_the_audit_of_a_router_with_sip_alg_on() -> None:
    """Enabled, noncompliant, with the lines that prove it; exit code 2."""
    made = world()
    report = made.audit()
    (result,) = report.hosts
    assert result.assessment is not None
    assert (result.assessment.state, result.assessment.verdict) == (State.ENABLED, Verdict.NONCOMPLIANT)
    assert result.assessment.evidence == ("sip-udp on", "sip-tcp on", "module sip-udp", "module sip-tcp")
    assert (result.version, exit_code(report)) == ("1.0", 2)


@pytest.mark.parametrize("text", ["show running", "show version", "show startup", "show modules"])
@pytest.mark.parametrize("what", ["refuse", "garbage"])
def test_no_refused_or_cut_reply_makes_a_router_compliant(text: str, what: str) -> None:
    """Off and saved, but one reply is missing: unknown or an error, and never the exit code 0."""
    made = world()
    made.change()
    assert exit_code(made.audit()) == 0
    made.toy.times.clear()
    made.toy.troubles = (Trouble(what=what, upon=text),)
    report = made.audit()
    assert exit_code(report) in (3, 4)


def test_a_second_access_that_is_not_configured_leaves_its_plane_unread() -> None:
    """The plane is unknown for that reason; the rest is told."""
    made = World(driver=toy_driver(modules_access="api"))
    plane = seen(made).planes.operational
    assert (plane.value, plane.reason) == (Value.UNKNOWN, "not configured")
    assert "show modules" not in made.toy.times


@pytest.mark.parametrize("code", ["access-denied", "no-secret", "certificate-changed", "unreachable"])
def test_a_second_access_that_cannot_be_opened_leaves_its_plane_unread(code: str) -> None:
    """A wrong password there is no failure of the host: why is the plane's reason."""
    made = World(driver=toy_driver(modules_access="api"), accesses=("cli", "api"))
    made.connections.broken["api"] = code
    plane = seen(made).planes.operational
    assert (plane.value, plane.reason) == (Value.UNKNOWN, f"{code}: no way in over api")


def test_an_access_that_cannot_be_opened_is_tried_once() -> None:
    """More wrong passwords might lock the account."""
    made = World(driver=toy_driver(modules_access="api"), accesses=("cli", "api"))
    made.connections.broken["api"] = "access-denied"
    modules = show("show modules", "api")
    with opened(made.connections.reader(made.targets[0].host, made.driver)) as reader:
        transcript = ask_all(reader, made.driver, (modules, modules), Transcript())
    assert transcript.unread == (("api", "access-denied: no way in over api"),)


@pytest.mark.parametrize("code", ["access-denied", "unreachable", "host-key-changed"])
def test_the_main_access_failing_is_the_hosts_failure(code: str) -> None:
    """Nothing can be told of it."""
    made = world()
    made.connections.broken["cli"] = code
    (result,) = made.audit().hosts
    assert result.error is not None
    assert (result.error.code, result.assessment) == (code, None)


def test_an_error_of_the_main_access_is_the_hosts() -> None:
    """It is told by its code, and nothing is made of what was read before."""
    made = world()
    made.toy.troubles = tuple(
        Trouble(what="lose-before", upon="show modules", nth=time) for time in range(1, LOOKS + 1)
    )
    report = made.audit()
    assert report.hosts[0].assessment is None
    assert report.hosts[0].error is not None
    assert (report.hosts[0].error.code, exit_code(report)) == ("connection-lost", 4)


def test_a_look_only_session_sends_nothing_else() -> None:
    """A command outside the probe set is refused before it is sent, however harmless it looks."""
    made = world()
    with made.connections.reader(made.targets[0].host, made.driver) as reader:
        for command in (show("show clock"), tell("save").command, show("show version ")):
            with pytest.raises(DeviceError) as caught:
                reader.ask(command)
            assert caught.value.code == "look-only"
    assert made.toy.heard == 0


def test_packets_are_the_fourth_plane() -> None:
    """What a probe point says stands beside what the router says of itself."""
    made = world()
    made.change()
    made.prober.plane = on("Contact was rewritten")
    altered = seen(made)
    assert (altered.state, altered.verdict) == (State.DISABLED, Verdict.NONCOMPLIANT)
    made.prober.plane = off("nothing was rewritten")
    assert seen(made).verdict is Verdict.COMPLIANT


def test_a_look_is_in_the_journal() -> None:
    """What was seen, by which recovery and verification go."""
    made = world()
    made.audit()
    (row,) = [row for row in made.journal.rows("run-1-audit") if row.step == words.LOOKED]
    assert set(row.payload) == {"version", "boot_mark", "essence", "settings", "assessment"}
    assert (row.host, row.payload["version"], row.payload["boot_mark"]) == ("alpha", "1.0", "1")


def test_an_unreachable_router_is_an_error_and_no_verdict() -> None:
    """Exit code 4."""
    made = world()
    made.toy.turned_away = ("unreachable", FOREVER)
    report = made.audit()
    assert (report.hosts[0].assessment, exit_code(report)) == (None, 4)
