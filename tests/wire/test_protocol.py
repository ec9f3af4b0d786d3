"""What probe and responder say to each other is read strictly, and tokens cannot be made up."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.wire import protocol
from sipalg_fix.wire.certificate import normal_pin
from sipalg_fix.wire.protocol import End, Hello, Record, Refusal, Report, Send, Sent, Session, Transport, What

KEY = bytes(range(16))
SID = "00112233aabbccdd"
EXAMPLES = (
    Hello(v=1),
    Session(sid=SID, key="00", address="a", me="b", sip_port=1, tls_port=2, other_port=3, life=30),
    Report(since=3),
    Record(
        seq=1, transport=Transport.UDP, port=5060, address="::1", source_port=9, received="AA==", sent="",
        ttl=-1, copies=1, answers=0,
    ),
    End(state=4),
    Send(seq=1, transport=Transport.TCP, port=5060, what=What.INVITE, copies=3),
    Sent(problem="no credit"),
    Refusal(reason="busy"),
)  # fmt: skip


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_control_message_reads_back(message: protocol.Control) -> None:
    """One line holds the whole message, and gives the same again."""
    line = protocol.to_line(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert protocol.from_line(line) == message


@given(st.one_of(st.binary(max_size=300), st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    lambda inner: st.dictionaries(st.sampled_from(["op", "v", "since", "seq", "x"]), inner, max_size=4),
).map(lambda value: json.dumps(value).encode())))  # fmt: skip
def test_any_other_line_is_a_value_error(line: bytes) -> None:
    """A line is a message of the protocol or it is refused; nothing else can come of it."""
    try:
        message = protocol.from_line(line)
    except ValueError:
        return
    assert protocol.from_line(protocol.to_line(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{}", b"[]", b'{"op": "hello"}', b'{"op": ["hello"]}', b'{"op": "hello", "v": 1, "more": 2}',
        b'{"op": "report", "since": "1"}', b"[" * 60000, b" " * 70000,
    ],
)  # fmt: skip
def test_a_wrong_line_is_refused(line: bytes) -> None:
    """Too long, too deep, a wrong type, one key too many."""
    with pytest.raises(ValueError, match=r".+"):
        protocol.from_line(line)


@given(st.integers(0, 9999), st.binary(max_size=300), st.binary(max_size=300))
def test_a_token_is_found_anywhere_and_is_genuine_only_with_its_key(
    seq: int, before: bytes, after: bytes
) -> None:
    """It survives whatever stands around it, and another key does not make it."""
    mark = protocol.token(KEY, SID, seq).encode()
    claims = list(protocol.claims(before + mark + b" " + after))
    assert (SID, seq, mark[-16:].decode()) in claims
    assert protocol.is_genuine(KEY, SID, seq, mark[-16:].decode())
    assert not protocol.is_genuine(KEY[::-1], SID, seq, mark[-16:].decode())
    assert not protocol.is_genuine(KEY, SID, seq + 1, mark[-16:].decode())


def test_only_a_few_tokens_are_tried() -> None:
    """A datagram full of forged tokens costs no more than eight checks."""
    many = b" ".join(f"SAP{n:016x}.1.{n:016x}".encode() for n in range(90))
    assert len(list(protocol.claims(many))) == 8


def test_signatures_cover_what_was_received() -> None:
    """An answer's signature differs for another message, number or key."""
    signs = {
        protocol.signature(KEY, 1, b"a"),
        protocol.signature(KEY, 1, b"b"),
        protocol.signature(KEY, 2, b"a"),
        protocol.signature(KEY[::-1], 1, b"a"),
        protocol.request_signature(KEY, 1, What.NOTIFY, 1),
        protocol.request_signature(KEY, 1, What.NOTIFY, 2),
        protocol.request_signature(KEY, 1, What.INVITE, 1),
    }
    assert len(signs) == 7


@pytest.mark.parametrize("text", ["sha256:" + "AB:" * 31 + "AB", " SHA256:" + "ab" * 32])
def test_a_pin_is_read_as_people_write_it(text: str) -> None:
    """Colons and capitals do not matter."""
    assert normal_pin(text) == "sha256:" + "ab" * 32


@pytest.mark.parametrize("text", ["", "ab" * 32, "sha256:ab", "sha1:" + "ab" * 32, "sha256:" + "zz" * 32])
def test_what_is_no_pin_is_refused(text: str) -> None:
    """A pin that could never match is an error, not a mismatch later."""
    with pytest.raises(ValueError, match="sha256: and 64 hex digits"):
        normal_pin(text)
