"""Frames and capture files, made byte by byte, and messages as phones write them."""

from __future__ import annotations

import io
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sipalg_fix.model.passive import PassiveReport
from sipalg_fix.wire.passive.capture import heard_in
from sipalg_fix.wire.passive.heard import Heard, NotRead
from sipalg_fix.wire.passive.watch import Watch

PHONE, PUBLIC, SERVER = "192.168.88.10", "203.0.113.1", "203.0.113.10"
Packet = tuple[float, bytes]


def register(
    *,
    via: str = f"{PHONE}:5060",
    contact: str = f"{PHONE}:5060",
    call_id: str = f"abc@{PHONE}",
    extra: str = "",
) -> bytes:
    """A REGISTER with these addresses."""
    return (
        f"REGISTER sip:{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK1;rport\r\n{extra}"
        f"Max-Forwards: 70\r\nFrom: <sip:4930123456@{SERVER}>;tag=1\r\nTo: <sip:4930123456@{SERVER}>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: 1 REGISTER\r\nContact: <sip:4930123456@{contact}>\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def answer(via: str, *, to: str = SERVER) -> bytes:
    """The answer to it."""
    return (
        f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK1\r\n"
        f"From: <sip:4930123456@{SERVER}>;tag=1\r\nTo: <sip:4930123456@{to}>;tag=2\r\n"
        f"Call-ID: abc@{PHONE}\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def heard(
    data: bytes, source: str = PUBLIC, target: str = SERVER, source_port: int = 5060, target_port: int = 5060
) -> Heard:
    """A message over UDP."""
    return Heard(
        at=1_764_000_000.0,
        source=source,
        source_port=source_port,
        target=target,
        target_port=target_port,
        transport="udp",
        data=data,
    )


def watched(messages: Iterable[Heard], *, show_names: bool = False) -> PassiveReport:
    """What is said of messages."""
    not_read = NotRead()
    watch = Watch(not_read)
    for each in messages:
        watch.take(each)
    return watch.report("pcap", "2026-11-23T10:00:00+00:00", show_names=show_names)


def read(*files: Path) -> tuple[list[Heard], NotRead]:
    """The messages of files, and what could not be read."""
    not_read = NotRead()
    return list(heard_in(files, not_read)), not_read


def udp(
    data: bytes, source: str = PUBLIC, target: str = SERVER, ports: tuple[int, int] = (5060, 5060)
) -> bytes:
    """An IP packet with a datagram."""
    return ip(struct.pack(">HHHH", *ports, 8 + len(data), 0) + data, source, target, 17)


def tcp(
    data: bytes,
    sequence: int,
    flags: int = 0x18,
    source: str = PUBLIC,
    target: str = SERVER,
    ports: tuple[int, int] = (40000, 5060),
) -> bytes:
    """An IP packet with a segment."""
    head = struct.pack(">HHIIBBHHH", *ports, sequence % (1 << 32), 0, 0x50, flags, 1000, 0, 0)
    return ip(head + data, source, target, 6)


def ip(payload: bytes, source: str, target: str, protocol: int, flags: int = 0, ident: int = 7) -> bytes:
    """An IP packet, or a fragment of one (IPv4); ``flags`` as in its header."""
    if ":" in source:
        head = struct.pack(">IHBB", 0x60000000, len(payload), protocol, 64)
        return head + b"".join(socket.inet_pton(socket.AF_INET6, each) for each in (source, target)) + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ident, flags, 64, protocol, 0)
    return head + socket.inet_aton(source) + socket.inet_aton(target) + payload


def fragments(packet: bytes, size: int = 200) -> list[bytes]:
    """An IPv4 packet in pieces."""
    payload, source, target = packet[20:], socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    return [
        ip(
            payload[place : place + size],
            source,
            target,
            packet[9],
            flags=(place // 8) | (0x2000 if place + size < len(payload) else 0),
        )
        for place in range(0, len(payload), size)
    ]


def fragments6(packet: bytes, size: int = 200) -> list[bytes]:
    """An IPv6 packet in pieces."""
    payload = packet[40:]
    made = []
    for place in range(0, len(payload), size):
        more = place + size < len(payload)
        piece = struct.pack(">BBHI", packet[6], 0, place | more, 9) + payload[place : place + size]
        made.append(packet[:4] + struct.pack(">HB", len(piece), 44) + packet[7:40] + piece)
    return made


def ethernet(packet: bytes, *tags: int) -> bytes:
    """A frame; ``tags`` are the types of VLAN tags."""
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x0800
    return bytes(12) + b"".join(struct.pack(">HH", tag, 5) for tag in tags) + struct.pack(">H", kind) + packet


def pppoe(packet: bytes) -> bytes:
    """A frame of a line with PPPoE."""
    return bytes(12) + b"\x88\x64\x11\x00\x00\x01" + struct.pack(">HH", len(packet) + 2, 0x0021) + packet


def cooked(packet: bytes) -> bytes:
    """Linux cooked, version 1."""
    return bytes(14) + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def cooked2(packet: bytes) -> bytes:
    """Linux cooked, version 2."""
    return (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + bytes(18) + packet


def pcap(frames: Iterable[bytes], link: int = 1, *, nano: bool = False, big: bool = False) -> bytes:
    """A capture file; a packet a second."""
    order, magic = ">" if big else "<", 0xA1B23C4D if nano else 0xA1B2C3D4
    made = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)
    for at, frame in enumerate(frames):
        made += struct.pack(order + "IIII", 1_764_000_000 + at, 5, len(frame), len(frame)) + frame
    return made


@dataclass(frozen=True)
class Blocks:
    """Writes pcapng, in either byte order."""

    order: str = "<"

    def block(self, kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = struct.pack(self.order + "I", 12 + len(body))
        return struct.pack(self.order + "I", kind) + length + body + length

    def file(self, frames: Iterable[tuple[int, bytes]], links: Iterable[int] = (1,)) -> bytes:
        """
        Frames with the number of their interface; times in nanoseconds. Each interface has a comment, in an
        encoding that the format does not name.
        """
        made = io.BytesIO()
        made.write(self.block(0x0A0D0D0A, struct.pack(self.order + "IHHq", 0x1A2B3C4D, 1, 0, -1)))
        for link in links:
            options = struct.pack(self.order + "HH8s", 1, 7, "B\u00fcro-02".encode("latin-1"))
            options += struct.pack(self.order + "HHB3xHH", 9, 1, 9, 0, 0)
            made.write(self.block(1, struct.pack(self.order + "HHI", link, 0, 0) + options))
        for at, (interface, frame) in enumerate(frames):
            units = (1_764_000_000 + at) * 10**9
            head = struct.pack(
                self.order + "IIIII", interface, units >> 32, units & 0xFFFFFFFF, len(frame), len(frame)
            )
            made.write(self.block(6, head + frame + bytes(-len(frame) % 4)))
            made.write(self.block(5, b"statistics .."))
        return made.getvalue()
