"""
What is fuzzed: everything that reads bytes of strangers. A target takes any bytes, and fails only by a bug.

The same targets are run by hypothesis in the suite and by atheris in ``make soak``.
"""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sipalg_fix.model.errors import CaptureError
from sipalg_fix.model.passive import to_json
from sipalg_fix.model.sip.difference import compare
from sipalg_fix.model.sip.message import length_needed, read
from sipalg_fix.wire import protocol
from sipalg_fix.wire.control_channel import serve_control
from sipalg_fix.wire.limits import Limits
from sipalg_fix.wire.messages import Kind, Place, compose
from sipalg_fix.wire.passive import hep, kamailio_log
from sipalg_fix.wire.passive.capture import frames_of, messages_in
from sipalg_fix.wire.passive.files import unpacked
from sipalg_fix.wire.passive.frames import KNOWN_LINKS
from sipalg_fix.wire.passive.glance import glance
from sipalg_fix.wire.passive.heard import Heard, NotRead
from sipalg_fix.wire.passive.watch import Watch
from sipalg_fix.wire.protocol import Hello, Report, Send, Transport, What
from sipalg_fix.wire.responder import message_from
from sipalg_fix.wire.sessions import Parcel, Ports, Sessions
from tests.wire.passive import packets
from tests.wire.passive.test_log_and_hep import HEP1, HEP2, hep3, line

PEER = "203.0.113.1"
PORTS = Ports(sip=5060, tls=5061, others=(17810, 17811))
PLACE = Place(transport="UDP", own="192.168.88.10", own_port=5060, far="203.0.113.10", far_port=5060)
TOKEN = b"{token}"
"""Stands in bytes where a live token shall be."""
INVITE = compose(Kind.INVITE, PLACE, TOKEN.decode(), media_port=20000)
OPTIONS = compose(Kind.OPTIONS, PLACE, TOKEN.decode())


def sip(data: bytes) -> None:
    """Reading a message, measuring it in a stream, telling it from another, and the quick look."""
    message = read(data)
    assert message.raw == data
    assert message.hops() >= 0
    needed = length_needed(data)
    assert needed is None or needed >= 0
    assert bool(compare(INVITE, data)) is (data != INVITE)
    assert all(each.words for each in compare(data, INVITE))
    glance(data)


def _sessions() -> Sessions:
    return Sessions(PORTS, Limits(), bytes)


def responder_udp(data: bytes) -> None:
    """Datagrams with a live token in them, from its owner and from others: never more out than in."""
    sessions = _sessions()
    session = sessions.open(PEER, "203.0.113.10", 30, 0.0)
    mark = protocol.token(session.key, session.sid, 1).encode()
    for peer, ttl in ((PEER, 63), ("198.51.100.7", -1)):
        for sent in (data, data.replace(TOKEN, mark)):
            reply = sessions.arrived(sent, (Transport.UDP, 5060, peer, 5060), ttl, 1.0)
            assert len(reply) <= len(sent)
    assert all(protocol.to_line(record) for record in sessions.report(session, 0))


async def _stream(data: bytes) -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    rest = len(data)
    while message := await message_from(reader, 4096, 5.0):
        rest -= len(message)
    assert rest == 0


def responder_tcp(data: bytes) -> None:
    """A connection: every byte is taken once, and its end is an end."""
    asyncio.run(_stream(data))


@dataclass
class Wire:
    """The other half of a connection, which keeps what is written."""

    written: list[bytes] = field(default_factory=list)
    closed: bool = False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return (PEER if name == "peername" else "203.0.113.10", 17800)

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    async def drain(self) -> None:
        return

    def close(self) -> None:
        self.closed = True

    @property
    def transport(self) -> Wire:
        return self

    abort = close


async def _control(data: bytes) -> None:
    sessions, wire, posted = _sessions(), Wire(), list[Parcel]()
    reader = asyncio.StreamReader(limit=protocol.LINE_LIMIT)
    reader.feed_data(data)
    reader.feed_eof()

    def post(parcel: Parcel) -> bool:
        posted.append(parcel)
        return True

    await serve_control(reader, wire, sessions, post, lambda text: None)  # type: ignore[arg-type]  # what is used of it
    assert wire.closed
    assert len(sessions) == 0
    assert not posted, "nothing has arrived, so nothing may be sent"
    assert all(protocol.from_line(written) for written in wire.written)


def control(data: bytes) -> None:
    """The control channel: answers in its own words, closes, and leaves no session."""
    asyncio.run(_control(data))


def _watched(messages: Iterator[Heard], not_read: NotRead) -> None:
    watch = Watch(not_read)
    for each in messages:
        watch.take(each)
    to_json(watch.report("pcap", "2026-11-23T10:00:00+00:00"))


def capture(data: bytes) -> None:
    """A file that is called a capture."""
    not_read = NotRead()
    try:
        file, head = unpacked(io.BytesIO(data))
        frames = frames_of(file, head, "a", not_read)
    except (CaptureError, zlib.error):
        return
    _watched(messages_in(frames, not_read), not_read)


def frames(data: bytes) -> None:
    """Frames of any link layer: a byte for the layer, then length and frame, length and frame."""
    links, cut = sorted(KNOWN_LINKS), list[tuple[float, int, bytes]]()
    link, place = links[data[0] % len(links)] if data else 1, 1
    while place + 2 <= len(data):
        (size,) = struct.unpack_from(">H", data, place)
        cut.append((float(place), link, data[place + 2 : place + 2 + size]))
        place += 2 + size
    not_read = NotRead()
    _watched(messages_in(iter(cut), not_read), not_read)


def heps(data: bytes) -> None:
    """A HEP datagram."""
    not_read = NotRead()
    found = hep.message_of(data, not_read)
    assert (found is None) is bool(not_read)
    if found:
        _watched(iter([found]), not_read)


def log(data: bytes) -> None:
    """A log line after its mark."""
    if found := kamailio_log.message_of(data):
        _watched(iter([found, found]), NotRead())


def _framed(*parts: bytes) -> bytes:
    ethernet = bytes([sorted(KNOWN_LINKS).index(1)])
    return ethernet + b"".join(struct.pack(">H", len(each)) + each for each in parts)


MESSAGE = packets.register()
PACKET = packets.udp(MESSAGE)
SEGMENTS = [packets.tcp(b"", 0, 0x02), packets.tcp(MESSAGE[:100], 1), packets.tcp(MESSAGE[100:] * 2, 101)]
TARGETS: dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]] = {
    "sip": (sip, (INVITE, OPTIONS, MESSAGE, packets.answer("192.168.88.10:5060"))),
    "responder-udp": (responder_udp, (INVITE, OPTIONS, b"SAP-ECHO 0123456789abcdef {token}", TOKEN * 9)),
    "responder-tcp": (responder_tcp, (INVITE, OPTIONS * 3, INVITE[:200])),
    "control": (
        control,
        (
            protocol.to_line(Hello(v=1))
            + protocol.to_line(Report(since=0))
            + protocol.to_line(Send(seq=1, transport=Transport.UDP, port=5060, what=What.NOTIFY)),
            protocol.to_line(Hello(v=1)) + b'{"op":"deposit","data":"","label":""}\n',
        ),
    ),
    "capture": (
        capture,
        (
            packets.pcap([packets.ethernet(PACKET)]),
            packets.Blocks().file([(0, packets.ethernet(PACKET))]),
            packets.Blocks(">").file([(1, packets.cooked2(PACKET))], (1, 276)),
        ),
    ),
    "frames": (
        frames,
        (
            _framed(packets.ethernet(PACKET)),
            _framed(*map(packets.ethernet, packets.fragments(PACKET))),
            _framed(*map(packets.ethernet, SEGMENTS)),
            _framed(packets.ethernet(packets.udp(MESSAGE, "2001:db8::1", "2001:db8::2"))),
        ),
    ),
    "hep": (heps, (hep3(), hep3(family=10), HEP1, HEP2)),
    "log": (log, (line().partition(kamailio_log.MARK)[2].encode(),)),
}
"""Each with bytes that it takes."""
