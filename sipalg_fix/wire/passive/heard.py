"""
One SIP message as it was heard, whatever it was heard by; and what could not be read.

What is made for each of a million messages is not frozen, here and in what follows: making one of these took
four times as long. Nobody changes it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

START = re.compile(rb"(?:SIP/2\.0 \d{3}|[A-Z]{3,12} +\S+ +SIP/2\.0)[ \r\n]")
LONGEST = 65535
"""Bytes of a message; what is longer is not read."""


@dataclass(slots=True, kw_only=True)
class Heard:
    """
    A message. Addresses are IP addresses as :func:`socket.inet_ntop` writes them; ``at`` is seconds since
    1970, 0 where the traffic has no times. ``whole``: ``data`` is the message itself, and not made of fields.
    """

    at: float
    source: str
    source_port: int
    target: str
    target_port: int
    transport: str
    """``udp`` or ``tcp``."""
    data: bytes
    whole: bool = True


class NotRead(Counter[str]):
    """What could not be read, and how often: a reader counts, and goes on."""


def is_sip(data: bytes) -> bool:
    """Does it begin as SIP does?"""
    return START.match(data) is not None
