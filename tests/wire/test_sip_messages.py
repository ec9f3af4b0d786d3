"""SIP messages are built, read in any state, and every alteration of them is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.sip.difference import Change, Difference, compare
from sipalg_fix.model.sip.message import build, canonical_name, length_needed, read, skim, split_list
from sipalg_fix.wire.messages import Kind, Place, compose

PLACE = Place(transport="UDP", own="192.168.88.10", own_port=5060, far="203.0.113.10", far_port=5060)
INVITE = compose(Kind.INVITE, PLACE, "SAP" + "0" * 16 + ".1." + "f" * 16, media_port=20000)
PIECES = st.sampled_from(
    [
        b"INVITE sip:a@b SIP/2.0",
        b"\r\n",
        b"\n",
        b"Via: x",
        b"v:y",
        b" folded",
        b"\t",
        b"\r",
        b"\x0b\x1c\xc2\x85",
        b":",
        b"\xff\x00",
        b"v=0\r\nm=a",
    ]
)
BYTES = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=12).map(b"".join))


def changed(sent: bytes, received: bytes) -> set[tuple[str, Change]]:
    return {(found.field, found.change) for found in compare(sent, received)}


@given(BYTES)
def test_reading_never_fails_and_keeps_every_byte(raw: bytes) -> None:
    """Whatever arrives can be taken apart, and what it was stays at hand."""
    assert read(raw).raw == raw
    needed = length_needed(raw)
    assert needed is None or needed >= 0


@given(BYTES)
def test_skimming_finds_what_reading_finds(raw: bytes) -> None:
    """The cheap way to a start line and headers is no second opinion."""
    whole = read(raw)
    assert skim(raw) == (whole.start, [(header.canonical, header.value) for header in whole.headers])


@given(BYTES, BYTES)
def test_no_difference_exactly_when_the_bytes_are_the_same(one: bytes, other: bytes) -> None:
    """The law of comparing: nothing altered goes untold, and nothing is told that is not so."""
    assert bool(compare(one, other)) is (one != other)
    assert compare(one, one) == ()


@given(st.integers(0, len(INVITE) - 1), st.integers(1, 255))
def test_no_altered_byte_of_a_probe_message_is_missed(position: int, by: int) -> None:
    """Any one byte of an INVITE, altered to anything, is a difference with words."""
    altered = bytearray(INVITE)
    altered[position] = (altered[position] + by) % 256
    found = compare(INVITE, bytes(altered))
    assert found
    assert all(each.words for each in found)


@given(
    st.lists(
        st.tuples(st.sampled_from(["Via", "X-One", "Contact"]), st.text("abc <>;=", max_size=9)), max_size=5
    )
)
def test_what_was_built_is_read_back(headers: list[tuple[str, str]]) -> None:
    """Names and values come back in order, and the length is the body's."""
    message = read(build("OPTIONS sip:a SIP/2.0", headers, b"body"))
    assert [(h.name, h.value) for h in message.headers[:-1]] == [(n, v.strip()) for n, v in headers]
    assert message.body == b"body"
    assert length_needed(message.raw) == len(message.raw)


KERNEL = (
    INVITE.replace(b"Via: SIP/2.0/UDP 192.168.88.10", b"Via: SIP/2.0/UDP 203.0.113.1")
    .replace(b"Contact: <sip:100@192.168.88.10", b"Contact: <sip:100@203.0.113.1")
    .replace(b"c=IN IP4 192.168.88.10", b"c=IN IP4 203.0.113.1")
)


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (KERNEL, {("Via", Change.CHANGED), ("Contact", Change.CHANGED), ("SDP c=", Change.CHANGED)}),
        (INVITE.replace(b"INVITE sip:200@", b"INVITE sip:201@", 1), {("Request-URI", Change.CHANGED)}),
        (INVITE.replace(b"INVITE sip", b"OPTIONS sip", 1), {("Method", Change.CHANGED)}),
        (INVITE.replace(b"Max-Forwards: 70", b"Max-Forwards: 69"), {("Max-Forwards", Change.CHANGED)}),
        (INVITE.replace(b"Max-Forwards:", b"max-forwards:"), {("Max-Forwards", Change.RENAMED)}),
        (INVITE.replace(b"Via:", b"v:"), {("Via", Change.RENAMED)}),
        (INVITE.replace(b"Via: ", b"Via: SIP/2.0/UDP 1.2.3.4\r\nVia: "), {("Via", Change.ADDED)}),
        (INVITE.replace(b"CSeq: 1 INVITE\r\n", b""), {("CSeq", Change.REMOVED)}),
        (INVITE.replace(b";rport", b""), {("Via", Change.CHANGED)}),
        (INVITE.replace(b"Content-Length: ", b"Content-Length:   "), {("Content-Length", Change.RESPACED)}),
        (INVITE.replace(b"From: ", b"From:\r\n "), {("From", Change.RESPACED)}),
        (INVITE.replace(b"m=audio 20000", b"m=audio 7070"), {("SDP m= (audio 1)", Change.CHANGED)}),
        (INVITE.replace(b"a=rtcp:20001", b"a=rtcp:7071"), {("SDP a=rtcp (audio 1)", Change.CHANGED)}),
        (INVITE.replace(b"o=- 1 1", b"o=- 1 2"), {("SDP o=", Change.CHANGED)}),
        (INVITE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", {("Body", Change.REMOVED)}),
        (INVITE.replace(b"\r\n", b"\n"), {("Line ends", Change.RESPACED), ("Body", Change.RESPACED)}),
        (b"\r\n" + INVITE, {("Empty lines before the message", Change.RESPACED)}),
    ],
)
def test_each_alteration_is_named(received: bytes, expected: set[tuple[str, Change]]) -> None:
    """What ALGs are known to do to a message is told by field and kind, and nothing beside it."""
    assert changed(INVITE, received) == expected


def test_headers_in_another_order_are_told() -> None:
    """A proxy that sorts headers shows."""
    head, gap, body = INVITE.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    lines[2], lines[3] = lines[3], lines[2]
    assert changed(INVITE, b"\r\n".join(lines) + gap + body) == {("The headers", Change.MOVED)}


def test_words_say_what_the_field_is_for_and_only_what_differs() -> None:
    """A support agent reads two addresses, and not two lines of parameters."""
    via = next(found for found in compare(INVITE, KERNEL) if found.field == "Via")
    assert via.words == (
        "Via (where answers are sent) was changed from '192.168.88.10:5060' to '203.0.113.1:5060'"
    )
    assert "where later requests for this phone are sent" in compare(INVITE, KERNEL)[1].words


@pytest.mark.parametrize("change", Change)
def test_every_kind_of_change_has_words(change: Change) -> None:
    """No change is without a sentence."""
    words = Difference(field="Via", change=change, before="old", after="new").words
    assert "Via" in words


def test_names_and_lists_are_understood() -> None:
    """Compact names, odd case, and commas inside quotes and brackets."""
    assert [canonical_name(name) for name in ("v", "CALL-ID", "x-SAP", "cseq")] == [
        "Via", "Call-ID", "X-Sap", "CSeq",
    ]  # fmt: skip
    assert split_list('"a,b" <sip:c,d@e>, <sip:f>') == ['"a,b" <sip:c,d@e>', "<sip:f>"]
    assert read(b"OPTIONS a SIP/2.0\r\nv: one, two\r\nVia: three\r\n\r\n").hops() == 3
