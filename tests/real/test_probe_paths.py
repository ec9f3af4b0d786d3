"""
The probe against the real kernel and imitations of other ALGs: what each path does, and what it says.

Each path of the table is probed three times, or as often as SOAK says. The bar: no path that alters, drops or
blocks SIP is ever called clean, and where nothing is lost at most one report in twenty is inconclusive.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sipalg_fix.lab import paths, realrouter
from sipalg_fix.lab.realrouter import ALG, PLAIN
from sipalg_fix.model.path import KEPT, Direction, Outcome, PathReport, Pinhole
from sipalg_fix.wire.protocol import Transport
from tests.real.conftest import need
from tests.wire.modes import MODES, Mode, Standing, matrix, runs_of, standing

pytestmark = pytest.mark.root

RUNS = int(os.environ.get("SOAK", "3"))
SEEN: dict[str, list[PathReport]] = {}


@pytest.fixture(scope="module", autouse=True)
def printed_matrix() -> object:
    """The confusion matrix of all that ran, at the end."""
    need(realrouter.availability())
    yield
    if SEEN:
        print("\n" + matrix(SEEN))


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.replace(" ", "-"))
def test_a_path_is_called_what_it_is(mode: Mode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No false all-clear, no false alarm; where nothing is lost, the very outcome."""
    reports = runs_of(mode, tmp_path, RUNS)
    SEEN[mode.name] = reports
    outcomes = [report.outcome for report in reports]
    reasons = "; ".join(f"{report.outcome.value}: {report.reason}" for report in reports)
    with capsys.disabled():
        print("\n" + matrix({mode.name: reports}).splitlines()[-1], end="")

    if mode.expected is not Outcome.NONE:
        assert Outcome.NONE not in outcomes, reasons
    told = [each for each in outcomes if each not in (Outcome.INCONCLUSIVE, Outcome.UNREACHABLE)]
    if mode.lossy:
        # With the control channel losing packets as well, not being able to tell is an honest answer.
        assert set(told) <= {mode.expected}, reasons
        return
    assert set(outcomes) <= {mode.expected, Outcome.INCONCLUSIVE}, reasons
    assert outcomes.count(Outcome.INCONCLUSIVE) <= RUNS // 20, reasons


def test_what_the_kernel_does_is_named_field_by_field(tmp_path: Path) -> None:
    """Via, Contact, From and SDP on the way out, Request-URI and To of requests from outside; UDP and TCP."""
    with standing(tmp_path, PLAIN + ALG) as path:
        report = path.probe()
    for leg in ("udp", "udp from port 5060", "tcp"):
        mine = [each for each in report.evidence if each.leg == leg and each.port == 5060]
        out = {each.field for each in mine if each.direction is Direction.OUT}
        assert {"Via", "From", "Contact", "SDP c=", "SDP o=", "Content-Length"} <= out
        assert not {"Call-ID", "CSeq", "X-Sap"} & out
        assert {"Request-URI", "To"} <= {each.field for each in mine if each.direction is Direction.IN}
    via = next(each for each in report.evidence if each.field == "Via")
    assert (paths.PHONE in via.before, paths.PUBLIC in via.after) == (True, True)
    assert not [each for each in report.evidence if each.port != 5060]
    assert report.pinhole is Pinhole.YES
    assert (report.nat.translated, report.nat.port_preserved) == (True, True)


def test_the_canaries_are_what_the_kernel_drops(tmp_path: Path) -> None:
    """Without NAT nothing is rewritten, and still the two INVITEs that no ALG likes do not arrive."""
    with standing(tmp_path, paths.FIREWALL + ALG) as path:
        report = path.probe()
    lost = {each.message for each in report.evidence if each.leg == "udp"}
    assert lost == {"INVITE with audio on port 900", "INVITE without CSeq"}
    assert report.nat.translated is False


def test_an_alg_outside_shows_only_in_requests_from_outside(tmp_path: Path) -> None:
    """Behind two NATs the outer ALG leaves alone what goes out: the reverse direction finds it."""
    with standing(tmp_path, PLAIN, PLAIN + ALG) as path:
        report = path.probe(transports=(Transport.UDP,), phone_port=False)
    plain = [each for each in report.evidence if "Via names another port" not in each.message]
    assert {each.direction for each in plain if each.field in ("Request-URI", "Via", "Contact")} == {
        Direction.IN
    }
    assert report.outcome is Outcome.ALG_REWRITES


def test_old_flows_are_told_from_new_ones(tmp_path: Path) -> None:
    """After the ALG is off, a fresh port is clean and port 5060 is not, until connections are flushed."""
    with standing(tmp_path, PLAIN + ALG) as path:
        before = path.probe()
        path.chain.load(PLAIN)
        stale = path.probe()
        path.chain.flush()
        after = path.probe()
    assert before.outcome is Outcome.ALG_REWRITES
    assert {leg.name: leg.outcome for leg in stale.legs if leg.name.startswith("udp")} == {
        "udp": Outcome.NONE,
        "udp from port 5060": Outcome.ALG_REWRITES,
    }
    assert stale.outcome is Outcome.ALG_REWRITES
    assert "Gone for new connections, still there for existing ones" in stale.advice[0]
    assert after.outcome is Outcome.NONE
    assert after.pinhole is Pinhole.NO


def test_long_answers_that_the_alg_lengthens_are_lost(tmp_path: Path) -> None:
    """The sizes that no longer fit after rewriting vanish with the ALG, and none vanishes without it."""
    with standing(tmp_path, PLAIN) as path:
        plain = path.probe(transports=(Transport.UDP,), phone_port=False, sizes=True)
        path.chain.flush()
        path.chain.load(PLAIN + ALG)
        altered = path.probe(transports=(Transport.UDP,), phone_port=False, sizes=True)
    assert plain.outcome is Outcome.NONE
    lost = {each.message for each in altered.evidence if each.outcome is Outcome.ALG_DROPS}
    assert {"OPTIONS of 1474 bytes", "OPTIONS of 1478 bytes"} <= lost
    assert "OPTIONS of 1440 bytes" not in lost


POOL = """\
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "wan" udp dport 5060 snat to 203.0.113.2
		oifname "wan" meta l4proto udp snat to 203.0.113.3
		oifname "wan" masquerade
	}
}
"""


def test_a_pool_of_public_addresses_is_no_obstacle(tmp_path: Path) -> None:
    """Where UDP leaves from other addresses than the control channel, a cookie is echoed and all goes on."""
    with standing(tmp_path, POOL + paths.FIREWALL) as path:
        for address in ("203.0.113.2", "203.0.113.3"):
            path.chain.routers[0].run("ip", "address", "add", f"{address}/24", "dev", "wan")
        report = path.probe()
    assert report.outcome is Outcome.NONE, report.reason
    assert report.nat.seen.partition(":")[0] in ("203.0.113.2", "203.0.113.3")


def test_an_idle_mapping_is_timed_at_the_router(tmp_path: Path) -> None:
    """A router that forgets UDP after two seconds is seen to do so."""
    with standing(tmp_path, PLAIN) as path:
        for name in ("nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"):
            path.chain.routers[0].sysctl(f"net.netfilter.{name}", "2")
        report = path.probe(transports=(Transport.UDP,), phone_port=False, lifetime=(0.5, 4.0))
    assert report.lifetime is not None
    assert (report.lifetime.lived, report.lifetime.gone) == (0.5, 4.0)


GIVEN = {"passes on unaltered", "kernel ALG without NAT", "blocked", "IPv6 kernel ALG, NAT66"}


@pytest.mark.long
@pytest.mark.parametrize("mode", [each for each in MODES if each.name in GIVEN], ids=lambda each: each.name)
def test_one_given_source_port_tells_as_much(mode: Mode, tmp_path: Path) -> None:
    """With one flow for all of UDP, and TCP one connection after the other, a path is called what it is."""
    with standing(tmp_path, *mode.routers, meddler=mode.meddler, v6=mode.v6) as path:
        report = path.probe(fresh_port=False, source_port=40123)
    assert report.outcome is mode.expected, report.reason


def test_a_tcp_connection_is_old_only_while_it_stands(tmp_path: Path) -> None:
    """
    After the ALG is off, a connection that stands is altered still; one that is made anew is not, from the
    same port and in the same second. Once connections are flushed, the one that stood is altered no more.
    """
    with standing(tmp_path, PLAIN + ALG) as path:
        before = path.probe(transports=(Transport.TCP,), fresh_port=False, source_port=40123)
        held = path.probe(
            transports=(Transport.TCP,),
            fresh_port=False,
            source_port=40123,
            change=lambda: path.chain.load(PLAIN),
        )
        path.chain.load(PLAIN + ALG)
        flushed = path.probe(transports=(Transport.TCP,), change=lambda: off(path))
        kept = path.probe(transports=(Transport.TCP,), change=lambda: None)
    assert before.outcome is Outcome.ALG_REWRITES
    assert "TCP connections that stand since before" in {each.what for each in before.not_tested}
    assert {leg.name: leg.outcome for leg in held.legs} == {
        "tcp from port 40123": Outcome.NONE,
        KEPT: Outcome.ALG_REWRITES,
    }
    assert held.reason.startswith("gone for new connections, still there for existing ones")
    assert "Phones with TCP must connect again" in held.advice[0]
    assert {each.field for each in held.evidence if each.direction is Direction.IN} >= {"Request-URI", "To"}
    assert Outcome.ALG_REWRITES not in {leg.outcome for leg in flushed.legs}
    assert flushed.outcome is Outcome.NONE, flushed.reason
    assert {leg.name: leg.outcome for leg in kept.legs} == {"tcp": Outcome.NONE, KEPT: Outcome.NONE}


def off(path: Standing) -> None:
    path.chain.load(PLAIN)
    path.chain.flush()
