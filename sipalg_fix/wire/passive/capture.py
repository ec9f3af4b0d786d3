"""
Captures as messages: pcap and pcapng, read as a stream and never kept.

dpkt knows the file formats. It believes every length that a file states, and reads that much at once; so it
is handed a file that refuses what no packet is as long as.
"""

from __future__ import annotations

import heapq
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from sipalg_fix.model.errors import CaptureError
from sipalg_fix.wire.passive.files import Careful, Damaged, opened
from sipalg_fix.wire.passive.frames import KNOWN_LINKS, TCP, UDP, Part, part_of, ports_of, udp_data
from sipalg_fix.wire.passive.heard import Heard, NotRead, is_sip
from sipalg_fix.wire.passive.pieces import Fragments, Streams

_PCAPNG = b"\x0a\x0d\x0d\x0a"
Frame = tuple[float, int, bytes]
"""When (seconds since 1970), the number of its link layer, and what was captured."""


def heard_in(files: Sequence[Path], not_read: NotRead) -> Iterator[Heard]:
    """
    The SIP messages of captures, in the order of their times; ``-`` is standard input. :class:`CaptureError`
    before the first message if one is no capture; what is damaged further on ends that file, and is counted.
    """
    begun = [frames_of(*opened(path), str(path), not_read) for path in files]
    frames = begun[0] if len(begun) == 1 else heapq.merge(*begun, key=lambda frame: frame[0])
    return messages_in(frames, not_read)


def frames_of(file: Careful, head: bytes, name: str, not_read: NotRead) -> Iterator[Frame]:
    """The frames of a file, which begins with ``head``; :class:`CaptureError` at once if it is no capture."""
    reader = _pcapng(file) if head == _PCAPNG else _pcap(file, name)
    return _to_its_end(reader, name, not_read)


def _to_its_end(reader: Iterator[Frame], name: str, not_read: NotRead) -> Iterator[Frame]:
    import dpkt

    try:
        yield from reader
    except (dpkt.Error, Damaged, struct.error, OSError, zlib.error):
        # A capture program that was stopped leaves half a packet at the end: what is before it is good.
        not_read[f"the rest of {name}, which is cut or damaged"] += 1


def _pcap(file: Careful, name: str) -> Iterator[Frame]:
    import dpkt

    try:
        reader = dpkt.pcap.Reader(file)
    except (dpkt.Error, ValueError, struct.error):
        raise CaptureError(
            "capture-format", f"{name} is neither pcap nor pcapng: it does not begin as one"
        ) from None
    link = reader.datalink()
    if link not in KNOWN_LINKS:
        raise CaptureError(
            "capture-format", f"{name}: link layer {link} is not read; Ethernet, Linux cooked and raw IP are"
        )
    return ((float(at), link, bytes(frame)) for at, frame in reader)


def _pcapng(careful: Careful) -> Iterator[Frame]:
    """
    Block by block: dpkt's own reader knows one interface a file, and captures of both sides of a router have
    two.
    """
    from dpkt import pcapng

    little, interfaces = True, list[tuple[int, float, int]]()
    while head := careful.read(8):
        if head[:4] == _PCAPNG:
            order = careful.read(4)
            little, interfaces = order == b"\x4d\x3c\x2b\x1a", []
            head += order
        kind, length = struct.unpack_from("<II" if little else ">II", head)
        if length < len(head) + 4 or length % 4:
            raise Damaged(f"a block of {length} bytes")
        block = head + careful.read(length - len(head))
        if len(block) < length:
            raise Damaged("half a block")
        if kind == pcapng.PCAPNG_BT_IDB:
            interfaces.append(_interface(block, "little" if little else "big"))
        elif kind in (pcapng.PCAPNG_BT_EPB, pcapng.PCAPNG_BT_PB):
            number, high, low, kept = struct.unpack_from("<IIII" if little else ">IIII", block, 8)
            number = number if kind == pcapng.PCAPNG_BT_EPB else _old_number(block, little)
            if number >= len(interfaces) or 28 + kept + 4 > length:
                raise Damaged("a packet of no interface")
            link, unit, offset = interfaces[number]
            yield offset + ((high << 32) | low) / unit, link, block[28 : 28 + kept]
        elif kind == 3 and interfaces:  # a simple packet: no time, the first interface
            yield (
                0.0,
                interfaces[0][0],
                block[12 : 12 + min(int.from_bytes(block[8:12], "little" if little else "big"), length - 16)],
            )


def _old_number(block: bytes, little: bool) -> int:
    """The interface of an obsolete packet block, whose number has two bytes."""
    return int.from_bytes(block[8:10], "little" if little else "big")


def _interface(block: bytes, order: Literal["little", "big"]) -> tuple[int, float, int]:
    """
    Link layer, units of time in a second, and seconds to add. Not by dpkt, which decodes the comments of an
    interface, and gives the capture up where they are in another encoding than it knows.
    """
    from dpkt import pcapng

    if len(block) < 20:
        raise Damaged("half an interface")
    unit, offset, at, end = 1e6, 0, 16, len(block) - 4
    while at + 4 <= end:
        code, size = (int.from_bytes(block[at + shift : at + shift + 2], order) for shift in (0, 2))
        at += 4
        if code == pcapng.PCAPNG_OPT_ENDOFOPT or at + size > end:
            break
        data = block[at : at + size]
        if code == pcapng.PCAPNG_OPT_IF_TSRESOL and data:
            power = data[0] & 0x7F
            unit = float(2**power if data[0] & 0x80 else 10 ** min(power, 30))
        elif code == pcapng.PCAPNG_OPT_IF_TSOFFSET and size == 8:
            offset = int.from_bytes(data, order, signed=True)
        at += size + -size % 4
    return int.from_bytes(block[8:10], order), unit, offset


def messages_in(frames: Iterator[Frame], not_read: NotRead) -> Iterator[Heard]:
    """The SIP messages in frames."""
    fragments, streams = Fragments(not_read), Streams(not_read)
    for at, link, frame in frames:
        part = part_of(link, frame)
        if part is None:
            if link not in KNOWN_LINKS:
                not_read[f"packets of link layer {link}"] += 1
            continue
        if part.cut:
            not_read["packets that the capture cut short"] += 1
            continue
        if part.is_fragment:
            part = fragments.take(part)
            if part is None:
                continue
        yield from _inside(at, part, streams)
    fragments.close()


def _inside(at: float, part: Part, streams: Streams) -> Iterator[Heard]:
    if part.protocol not in (UDP, TCP):
        return
    source, target = ports_of(part.payload)
    if part.protocol == UDP:
        transport = "udp"
        found: Iterator[bytes] = iter((udp_data(part).lstrip(b"\r\n"),))
    else:
        transport = "tcp"
        found = streams.take((part.source, source, part.target, target), part.payload)
    for data in found:
        if is_sip(data):
            yield Heard(
                at=at,
                source=part.source,
                source_port=source,
                target=part.target,
                target_port=target,
                transport=transport,
                data=data,
            )
