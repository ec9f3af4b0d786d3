"""How a report travels in one line of the control channel: JSON, compressed, base64."""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode

PACKED_MOST = 48_000
"""Characters; a line of the control channel takes no more than 64 KiB."""
REPORT_MOST = 512_000


def pack(text: str) -> str:
    """A report's JSON as it travels."""
    return b64encode(zlib.compress(text.encode(), 9)).decode()


def unpack(packed: str) -> str:
    """The JSON again; :class:`ValueError` for what is none, or is longer than any report."""
    opener = zlib.decompressobj()
    try:
        data = opener.decompress(b64decode(packed, validate=True), REPORT_MOST)
    except zlib.error:
        raise ValueError("not packed as reports are") from None
    if not opener.eof or opener.unused_data:
        raise ValueError("too long, or not whole")
    return data.decode()
