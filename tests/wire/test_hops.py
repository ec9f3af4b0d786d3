"""What quotes of routers show: whole ones, cut ones, and ones with something appended."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.path import Outcome, Shows
from sipalg_fix.wire.hops import Quote, judge, tells_via, without_extension
from sipalg_fix.wire.trace import TraceWish, trace

SENT = (
    b"OPTIONS sip:203.0.113.10 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.168.88.10:40000;branch=z9hG4bKaa;rport\r\n"
    b"Contact: <sip:probe@192.168.88.10:40000>\r\nFrom: <sip:probe@192.168.88.10:40000>;tag=1\r\n"
    b"To: <sip:203.0.113.10>\r\nCall-ID: aa\r\n"
    b"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)
ALTERED = SENT.replace(b"192.168.88.10", b"203.0.113.1")
FIRST = SENT.index(b"192.168.88.10:40000") + len(b"192.168.88.10:40000")


def quotes(*data: bytes) -> list[Quote]:
    """One quote a hop; None where a hop says nothing."""
    return [
        Quote(hop=n, sent=SENT, address=f"198.51.100.{n}", data=each) for n, each in enumerate(data, start=1)
    ]


@given(st.integers(0, len(SENT)))
def test_a_cut_quote_of_the_same_is_never_altered(length: int) -> None:
    """It is unaltered as soon as it holds the address in Via, and says nothing before."""
    shown = judge(quotes(SENT[:length]), 5060)
    assert shown.hops[0].shows is (Shows.UNALTERED if length >= FIRST else Shows.TOO_LITTLE)
    assert (shown.outcome, shown.evidence) == (Outcome.INCONCLUSIVE, ())


@given(st.integers(FIRST + 1, len(ALTERED)))
def test_a_cut_quote_of_something_altered_is_altered(length: int) -> None:
    """However little of the change it holds."""
    shown = judge(quotes(SENT, ALTERED[:length]), 5060)
    assert [hop.shows for hop in shown.hops] == [Shows.UNALTERED, Shows.ALTERED]
    assert shown.evidence[0].field == "Via"
    assert shown.evidence[0].words.startswith("hop 1 (198.51.100.1) alters")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_quote(data: bytes) -> None:
    """Reading one never fails, and what is no part of the message is not called unaltered."""
    shown = judge(quotes(data), 5060)
    assert (shown.hops[0].shows is Shows.UNALTERED) <= (SENT.startswith(data) and tells_via(SENT, data))


def extension() -> bytes:
    """An RFC 4884 extension with one MPLS label, and its checksum."""
    body = struct.pack("!HHHBBI", 0x2000, 0, 8, 1, 1, 0x00012101)
    total = sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack("!H", 0xFFFF - total) + body[4:]


@pytest.mark.parametrize("headers", [28, 48])
def test_what_routers_append_is_no_alteration(headers: int) -> None:
    """It is cut off where its checksum is right, and nothing else is."""
    room = 128 - headers
    assert without_extension(SENT[:room] + extension(), headers) == SENT[:room]
    for same in (SENT, SENT[:room], SENT[:room] + b"\x20" * 20, b""):
        assert without_extension(same, headers) == same


def test_hops_in_between_that_say_nothing_are_not_accused_alone() -> None:
    """It may be any from the last that had it unaltered."""
    three = quotes(SENT, b"", ALTERED)
    three[1] = Quote(hop=2, sent=SENT)
    shown = judge(three, 5060)
    assert shown.evidence[0].words.startswith(
        "hop 1 (198.51.100.1), or another before hop 3 (198.51.100.3), alters"
    )


def test_no_quotes_at_all_say_nothing() -> None:
    """A trace without one hop cannot say."""
    assert judge([], 5060).reason.startswith("cannot say")


def test_a_name_that_is_none_is_unreachable() -> None:
    """It is an outcome, not an error."""
    report = trace(TraceWish(host="[not-an-address"), "now")
    assert report.outcome is Outcome.UNREACHABLE
