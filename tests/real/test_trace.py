"""The trace on the real kernel ALG: which of two routers alters, and routers that quote too little to say."""

from __future__ import annotations

import os
import selectors
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipalg_fix.lab import paths, realrouter
from sipalg_fix.lab.netns import Namespace
from sipalg_fix.lab.paths import Chain
from sipalg_fix.lab.realrouter import ALG, PLAIN
from sipalg_fix.model.path import How, Outcome, PathReport, Shows
from sipalg_fix.wire.trace import TraceWish, trace
from tests.real.conftest import need
from tests.real.servers import kamailio, missing

pytestmark = pytest.mark.root
U, A = Shows.UNALTERED, Shows.ALTERED


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    need(realrouter.availability())


def traced(chain: Chain, host: str = paths.FAR) -> PathReport:
    with chain.phone.inside():
        return trace(TraceWish(host=host), "2026-11-23T10:00:00Z")


@pytest.mark.parametrize(
    ("routers", "shows", "who"),
    [
        pytest.param((PLAIN + ALG,), (U, A), ["hop 1"], id="one"),
        pytest.param((PLAIN + ALG, PLAIN), (U, A, A), ["hop 1"], id="inner-of-two"),
        pytest.param((paths.FIREWALL, PLAIN + ALG), (U, U, A), ["hop 2"], id="outer-of-two-one-NAT"),
        pytest.param((PLAIN + ALG, PLAIN + ALG), (U, A, A), ["hop 1", "hop 2"], id="both"),
        pytest.param((PLAIN, PLAIN), (U, U, U), [], id="none"),
        pytest.param((PLAIN, PLAIN + ALG), (U, U, U), [], id="outer-of-two-NATs"),
    ],
)
def test_the_hop_that_alters_is_named(
    routers: tuple[str, ...], shows: tuple[Shows, ...], who: list[str]
) -> None:
    """Each ALG at its own place; an ALG beyond another NAT does not show, and that is said."""
    with Chain(*routers) as chain:
        report = traced(chain)
    assert tuple(hop.shows for hop in report.hops) == shows
    named = list(dict.fromkeys(each.words.partition(" (")[0] for each in report.evidence))
    assert named == who
    assert report.outcome is (Outcome.ALG_REWRITES if who else Outcome.INCONCLUSIVE)
    assert report.how is How.TRACE
    assert "an ALG beyond another NAT" in {each.what for each in report.not_tested}
    if who:
        assert {each.field for each in report.evidence} == {"Via", "From", "Contact"}


def test_ipv6_is_traced_as_well() -> None:
    """The same with NAT66."""
    with Chain(paths.FIREWALL + paths.NAT66 + paths.ALG6) as chain:
        report = traced(chain, paths.FAR6)
    assert [hop.shows for hop in report.hops] == [U, A]
    assert report.evidence[0].words.startswith("hop 1 (fd00:88::1) alters")


def test_a_far_end_that_answers_ends_the_path(tmp_path: Path) -> None:
    """A SIP server quotes nothing: what the hop before it quotes still stands."""
    need(missing("kamailio"))
    with Chain(PLAIN + ALG, PLAIN) as chain, kamailio(chain.far, paths.FAR, tmp_path):
        report = traced(chain)
    assert [hop.shows for hop in report.hops] == [U, A, Shows.ANSWERED]
    assert report.outcome is Outcome.ALG_REWRITES


SILENT = """\
table inet silent {
	chain output {
		type filter hook output priority filter; policy accept;
		icmp type { time-exceeded, destination-unreachable } meta mark != 7 drop
	}
}
"""


@contextmanager
def short_quotes(place: Namespace, interface: str, address: str) -> Iterator[None]:
    """A router that quotes headers and nothing of what is in the packet, as RFC 792 allows."""
    with place.inside():
        heard = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        says = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        heard.bind((interface, 0x0800))
        says.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 7)
        says.bind((address, 0))
    stop, stopper = os.pipe()

    def work() -> None:
        with selectors.DefaultSelector() as watched:
            watched.register(heard, selectors.EVENT_READ)
            watched.register(stop, selectors.EVENT_READ)
            while stop not in {key.fd for key, _ in watched.select()}:
                packet, where = heard.recvfrom(2048)
                if where[2] != socket.PACKET_OUTGOING and packet[8] == 1 and packet[9] == socket.IPPROTO_UDP:
                    says.sendto(exceeded(packet[:28]), (socket.inet_ntoa(packet[12:16]), 0))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        os.write(stopper, b".")
        thread.join()
        heard.close()
        says.close()
        os.close(stop)
        os.close(stopper)


def exceeded(quoted: bytes) -> bytes:
    """ICMP time exceeded (RFC 792)."""
    body = struct.pack("!BBHI", 11, 0, 0, 0) + quoted
    total = sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack("!H", 0xFFFF - ((total & 0xFFFF) + (total >> 16))) + body[4:]


def test_a_router_that_quotes_too_little_cannot_say() -> None:
    """It is neither called clean nor an ALG; the next hop that quotes enough narrows it down to the two."""
    with Chain(PLAIN + ALG + SILENT, PLAIN) as chain:
        with short_quotes(chain.routers[0], "lan", "192.168.88.1"):
            report = traced(chain)
        silent = traced(chain)
    assert [hop.shows for hop in report.hops] == [Shows.TOO_LITTLE, A, A]
    assert report.hops[0].quoted == 0
    assert report.evidence[0].words.startswith("something before hop 2 (10.64.0.1) alters")
    assert [hop.shows for hop in silent.hops] == [Shows.NOTHING, A, A]


def test_where_nobody_quotes_enough_nothing_is_said() -> None:
    """Not one hop: cannot say."""
    with Chain(PLAIN + ALG + SILENT + paths.ALL_BLOCKED) as chain:
        nobody = traced(chain)
        with short_quotes(chain.routers[0], "lan", "192.168.88.1"):
            little = traced(chain)
    assert (nobody.outcome, little.outcome) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)
    assert nobody.reason == "cannot say: no router on this path tells what it drops"
    assert little.reason == "cannot say: the routers on this path quote too little of what they drop"


def test_it_needs_no_privilege() -> None:
    """A process without a single capability traces as root does."""
    script = (
        "from sipalg_fix.wire.trace import TraceWish, trace;"
        f"print(trace(TraceWish(host={paths.FAR!r}), '').outcome.value, open('/proc/self/status').read())"
    )
    with Chain(PLAIN + ALG) as chain:
        words = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", sys.executable, "-c")
        said = chain.phone.run(*words, script)
    assert said.startswith("alg-rewrites ")
    assert "CapEff:\t0000000000000000" in said
