"""
Files as streams of bytes: plain or gzipped, or standard input, of which only so much is read at a time.
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Protocol

from sipalg_fix.model.errors import CaptureError

LONGEST_READ = 1 << 22
"""Bytes that are asked for at once; capture programs keep 262,144 of a packet."""
_GZIP = b"\x1f\x8b"


class Damaged(ValueError):
    """The file says of itself what cannot be so."""


class Readable(Protocol):
    """What bytes are read from."""

    def read(self, count: int, /) -> bytes:
        """At most so many; none at the end."""


class _Inflated:
    """A gzipped file; one that was cut gives what is there. :class:`zlib.error` where it is damaged."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._unpacker = zlib.decompressobj(wbits=31)
        self._rest = b""

    def read(self, count: int) -> bytes:
        while True:
            packed = self._rest or self._file.read(65536)
            if self._unpacker.eof and packed:
                self._unpacker = zlib.decompressobj(wbits=31)
            data = self._unpacker.decompress(packed, count)
            self._rest = self._unpacker.unconsumed_tail or self._unpacker.unused_data
            if data or not packed:
                return data


class Careful:
    """
    A file that gives at most so many bytes at a time, and says so if it is asked for more. ``head`` are bytes
    that were read from it already.
    """

    def __init__(self, file: Readable, head: bytes = b"") -> None:
        self._file = file
        self._head = head
        self.name = "capture"

    def read(self, count: int) -> bytes:
        if not 0 <= count <= LONGEST_READ:
            raise Damaged(f"a packet of {count} bytes")
        data, self._head = self._head[:count], self._head[count:]
        while len(data) < count and (more := self._file.read(count - len(data))):
            data += more
        return data


def opened(path: Path) -> tuple[Careful, bytes]:
    """The file, and its first four bytes, which it will give again. :class:`CaptureError` if it has none."""
    try:
        return unpacked(sys.stdin.buffer if str(path) == "-" else path.open("rb"))
    except (OSError, zlib.error) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise CaptureError("capture-unreadable", f"{path}: {said}") from None


def unpacked(file: Readable) -> tuple[Careful, bytes]:
    """The same of a file that is open already; OSError, :class:`zlib.error`."""
    head = Careful(file).read(4)
    if head[:2] == _GZIP:
        file = _Inflated(Careful(file, head))
        head = Careful(file).read(4)
    return Careful(file, head), head
