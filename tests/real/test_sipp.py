"""
Traffic that nobody here has written: sipp's own scenarios through the real kernel, captured on both sides of
the router. What a probe says of the path agrees with what the captures show.
"""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sipalg_fix.lab import paths, realrouter
from sipalg_fix.lab.netns import Namespace
from sipalg_fix.lab.paths import Chain
from sipalg_fix.lab.realrouter import ALG, PLAIN
from sipalg_fix.model.path import Direction, Outcome, PathReport
from sipalg_fix.model.sip.difference import compare
from sipalg_fix.model.sip.message import read
from sipalg_fix.wire.probe import Wish, probe
from sipalg_fix.wire.protocol import Transport
from sipalg_fix.wire.responder import Listening
from tests.real.conftest import need
from tests.real.servers import missing
from tests.wire.far_end import FarEnd

pytestmark = pytest.mark.root


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    need(realrouter.availability() or missing("sipp"))


@dataclass(frozen=True, slots=True)
class Captured:
    """SIP of one interface: what the router took from there, and what it sent there."""

    taken: list[bytes]
    sent: list[bytes]


def tap(place: Namespace, interface: str) -> socket.socket:
    """A socket that sees every IPv4 packet of an interface; it holds them until they are read."""
    with place.inside():
        made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        made.bind((interface, 0x0003))
    made.setblocking(False)
    return made


def captured(tapped: socket.socket) -> Captured:
    """All SIP over UDP that it has seen."""
    seen = Captured([], [])
    while True:
        try:
            packet, where = tapped.recvfrom(65535)
        except BlockingIOError:
            return seen
        headers = 4 * (packet[0] & 15)
        if where[1] != 0x0800 or packet[9] != socket.IPPROTO_UDP:
            continue
        data = packet[headers + 8 : int.from_bytes(packet[2:4], "big")]
        if read(data).is_sip:
            (seen.sent if where[2] == socket.PACKET_OUTGOING else seen.taken).append(data)


def listens(place: Namespace, seconds: float = 20) -> None:
    """Return when something has UDP port 5060 there; TimeoutError when nothing comes to have it."""
    ends = time.monotonic() + seconds
    while ":5060" not in place.run("ss", "-Hlun"):
        if time.monotonic() > ends:
            raise TimeoutError("nothing listens on port 5060")


def call(chain: Chain, caller: str, callee: str) -> tuple[Captured, Captured]:
    """One call of sipp's; what was seen on the router's two sides."""
    usual = ("-p", "5060", "-m", "1", "-nostdin", "-timeout", "20")
    with ExitStack() as made:
        lan, wan = (made.enter_context(tap(chain.routers[0], name)) for name in ("lan", "wan"))
        with chain.far.inside():
            words = ["sipp", "-sn", callee, "-i", paths.FAR, *usual]
            server = made.enter_context(subprocess.Popen(words, stdout=subprocess.DEVNULL))
        try:
            listens(chain.far)
            chain.phone.run("sipp", "-sn", caller, "-i", paths.PHONE, *usual, f"{paths.FAR}:5060")
            server.wait(20)
        finally:
            server.kill()
        return captured(lan), captured(wan)


def altered(before: list[bytes], after: list[bytes], method: str) -> set[str]:
    """Fields that are another on the router's other side, of requests of a method or of answers to them."""
    assert len(before) == len(after) > 0
    pairs = [(before[place], after[place]) for place in range(len(before))]
    mine = [pair for pair in pairs if read(pair[0]).value("CSeq").endswith(method)]
    assert mine, method
    return {found.field for pair in mine for found in compare(*pair)}


def probed(chain: Chain, directory: Path) -> PathReport:
    with FarEnd(directory, Listening(addresses=(paths.FAR,)), place=chain.far.inside()) as far:
        wish = Wish(host=paths.FAR, pin=far.pin, transports=(Transport.UDP,))
        with chain.phone.inside():
            return probe(wish, "2026-11-23T10:00:00Z")


def told(report: PathReport, direction: Direction, method: str) -> set[str]:
    """Fields that the probe says are altered in its messages of a method, from a phone's port."""
    return {
        each.field
        for each in report.evidence
        if (each.leg, each.port, each.direction) == ("udp from port 5060", 5060, direction)
        and each.message.split()[0] == method
        and each.field
    }


@pytest.mark.parametrize(("caller", "callee"), [("uac", "uas"), ("branchc", "branchs")])
@pytest.mark.parametrize("rules", [PLAIN, PLAIN + ALG], ids=["plain", "ALG"])
def test_the_probe_says_what_the_captures_show(rules: str, caller: str, callee: str, tmp_path: Path) -> None:
    """Either both see nothing altered, or both name the same fields, out and back."""
    method = "INVITE" if caller == "uac" else "REGISTER"
    with Chain(rules) as chain:
        lan, wan = call(chain, caller, callee)
        chain.flush()
        report = probed(chain, tmp_path)
    out, back = altered(lan.taken, wan.sent, method), altered(wan.taken, lan.sent, method)
    if rules == PLAIN:
        assert (report.outcome, out, back) == (Outcome.NONE, set(), set())
        return
    assert report.outcome is Outcome.ALG_REWRITES
    # What names no address of the phone's own is left alone: sipp's REGISTER has another From than a phone's.
    assert set() < out <= told(report, Direction.OUT, method)
    assert set() < back <= told(report, Direction.BACK, method)
    if method == "INVITE":
        assert out == told(report, Direction.OUT, method)
        assert {"Via", "From", "Contact", "SDP c=", "SDP o=", "Content-Length"} <= out
        assert back == told(report, Direction.BACK, method)
