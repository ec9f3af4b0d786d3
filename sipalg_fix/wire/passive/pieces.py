"""
Pieces put together: fragments to packets, and segments of TCP to SIP messages. Both keep only so much.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sipalg_fix.model.sip.message import length_needed
from sipalg_fix.wire.passive.frames import Part
from sipalg_fix.wire.passive.heard import LONGEST, NotRead, is_sip

MOST_PACKETS = 256
MOST_FRAGMENTS = 64
MOST_STREAMS = 4096
MOST_WAITING = 32
LONGEST_HEADER = 16_384
_WRAP = 1 << 32
_TLS = (b"\x16\x03", b"\x17\x03")


class Fragments:
    """Packets that came in fragments."""

    def __init__(self, not_read: NotRead) -> None:
        self._not_read = not_read
        self._open: OrderedDict[tuple[str, str, int, int], list[Part]] = OrderedDict()

    def take(self, part: Part) -> Part | None:
        """The packet that this fragment makes whole, if it does."""
        key = (part.source, part.target, part.ident, part.protocol if ":" not in part.source else -1)
        pieces = self._open.setdefault(key, [])
        pieces.append(part)
        if len(self._open) > MOST_PACKETS:
            self._drop(next(iter(self._open)))
        if len(pieces) > MOST_FRAGMENTS:
            self._drop(key)
            return None
        whole = _joined(pieces)
        if whole is None:
            return None
        del self._open[key]
        first = min(pieces, key=lambda piece: piece.offset)
        return replace(first, payload=whole, offset=0, more=False)

    def close(self) -> None:
        """Count what never became whole."""
        for key in list(self._open):
            self._drop(key)

    def _drop(self, key: tuple[str, str, int, int]) -> None:
        del self._open[key]
        self._not_read["packets of which a fragment is missing"] += 1


def _joined(pieces: list[Part]) -> bytes | None:
    ends = [piece for piece in pieces if not piece.more]
    if not ends:
        return None
    whole = b""
    for piece in sorted(pieces, key=lambda piece: piece.offset):
        if piece.offset > len(whole):
            return None
        if piece.offset + len(piece.payload) > LONGEST:
            return None
        # What stands there already stays: a fragment that overlaps cannot change it.
        whole += piece.payload[len(whole) - piece.offset :]
    return whole if len(whole) >= ends[0].offset + len(ends[0].payload) else None


@dataclass(slots=True)
class _Stream:
    """One direction of a connection."""

    expected: int = -1
    """Sequence number of the next byte; -1: none was seen yet."""
    kept: bytearray = field(default_factory=bytearray)
    needed: int = 0
    """How long the message at the start of ``kept`` will be; 0: not known."""
    waiting: dict[int, bytes] = field(default_factory=dict)
    encrypted: bool = False
    in_step: bool = False
    """Is it known that a message begins where ``kept`` does?"""


class Streams:
    """SIP messages out of TCP segments."""

    def __init__(self, not_read: NotRead) -> None:
        self._not_read = not_read
        self._open: OrderedDict[tuple[str, int, str, int], _Stream] = OrderedDict()

    def take(self, key: tuple[str, int, str, int], segment: bytes) -> Iterator[bytes]:
        """The messages that a segment (header and all) makes whole. ``key``: source and target with ports."""
        head = (segment[12] >> 4) * 4 if len(segment) >= 20 else 0
        if not 20 <= head <= len(segment):
            return
        sequence, flags = int.from_bytes(segment[4:8], "big"), segment[13]
        if flags & 0x06:  # SYN, RST: what was before is over
            self._open.pop(key, None)
            if flags & 0x02:
                stream = self._stream(key)
                stream.expected, stream.in_step = (sequence + 1) % _WRAP, True
            return
        data = segment[head:]
        if data:
            stream = self._stream(key)
            if not stream.encrypted:
                yield from self._fed(stream, sequence, data)

    def _stream(self, key: tuple[str, int, str, int]) -> _Stream:
        stream = self._open.get(key)
        if stream is None:
            stream = self._open[key] = _Stream()
            if len(self._open) > MOST_STREAMS:
                self._open.popitem(last=False)
        else:
            self._open.move_to_end(key)
        return stream

    def _fed(self, stream: _Stream, sequence: int, data: bytes) -> Iterator[bytes]:
        if stream.expected < 0:
            # The capture began in the middle of a connection.
            stream.expected = sequence
        ahead = (sequence - stream.expected) % _WRAP
        if ahead >= _WRAP // 2:  # sent again, wholly or in part
            behind = _WRAP - ahead
            if behind >= len(data):
                return
            data, ahead = data[behind:], 0
        if ahead:
            stream.waiting.setdefault(sequence, data)
            if len(stream.waiting) <= MOST_WAITING:
                return
            # A segment was lost by the capture: go on with what there is, from the next message's start.
            self._not_read["pieces of TCP connections"] += 1
            _out_of_step(stream)
            sequence = min(stream.waiting, key=lambda number: (number - stream.expected) % _WRAP)
            data = stream.waiting.pop(sequence)
            stream.expected = sequence
        yield from self._grown(stream, data)
        while stream.expected in stream.waiting:
            yield from self._grown(stream, stream.waiting.pop(stream.expected))

    def _grown(self, stream: _Stream, data: bytes) -> Iterator[bytes]:
        stream.expected = (stream.expected + len(data)) % _WRAP
        if not stream.kept and data[:2] in _TLS:
            stream.encrypted = True
            self._not_read["encrypted connections"] += 1
            return
        if not stream.kept:
            data = data.lstrip(b"\r\n")
            begun = stream.in_step and data[:1].isupper() and b"\n" not in data
            if not is_sip(data) and not begun:
                if data:
                    self._not_read["pieces of TCP connections"] += 1
                    stream.in_step = False
                return
        stream.kept += data
        yield from self._messages(stream, looked=b"\n" in data)

    def _messages(self, stream: _Stream, *, looked: bool) -> Iterator[bytes]:
        while stream.kept:
            if not stream.needed and looked:
                stream.needed = length_needed(bytes(stream.kept[:LONGEST_HEADER])) or 0
            if stream.needed > LONGEST or (not stream.needed and len(stream.kept) >= LONGEST_HEADER):
                self._not_read["pieces of TCP connections"] += 1
                _out_of_step(stream)
                return
            if not stream.needed or len(stream.kept) < stream.needed:
                return
            message = bytes(stream.kept[: stream.needed]).lstrip(b"\r\n")
            del stream.kept[: stream.needed]
            stream.needed, looked = 0, True
            stream.in_step = is_sip(message)
            if stream.in_step:
                yield message
            if not stream.kept.strip(b"\r\n"):
                stream.kept.clear()


def _out_of_step(stream: _Stream) -> None:
    """Forget what is kept: the next message is looked for where a segment begins with one."""
    stream.kept.clear()
    stream.needed, stream.in_step = 0, False
