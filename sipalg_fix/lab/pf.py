"""
Streams of UDP in the state table of a virtual firewall, in pfctl's words.

Sources: FreeBSD's pf_print_state.c for a state, pfctl(8) and pfctl_parser.c for counters and timeouts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WAN = "198.51.100.7"


@dataclass(slots=True, kw_only=True)
class Stream:
    """One that goes both ways through NAT; ``seen`` is when its last packet was, None while it goes on."""

    inside: str
    port: int
    far: str
    seen: float | None = None

    def lines(self) -> list[str]:
        """The state that came in from the LAN, and the one that leaves by the WAN."""
        inside, outer = f"{self.inside}:{self.port}", f"{WAN}:{(self.port * 7) % 50_000 + 1024}"
        return [
            f"em1 udp {self.far} <- {inside}       MULTIPLE:MULTIPLE",
            f"em0 udp {outer} ({inside}) -> {self.far}       MULTIPLE:MULTIPLE",
        ]

    def left(self, now: float, multiple: int) -> int:
        """How long its states still are there."""
        return multiple if self.seen is None else int(multiple - (now - self.seen))


def passing(streams: Iterable[Stream], now: float, multiple: int) -> list[tuple[str, int]]:
    """Each state that has not expired, and the seconds it has left."""
    left = [(stream, stream.left(now, multiple)) for stream in streams]
    return [(line, seconds) for stream, seconds in left if seconds > 0 for line in stream.lines()]


def verbose(states: Iterable[tuple[str, int]]) -> str:
    """``pfctl -vss``."""
    text = ""
    for line, left in states:
        window = "   [1837261 + 65535] wscale 7  [918273 + 64240] wscale 6\n" if " tcp " in line else ""
        ends = f"{left // 3600:02}:{left // 60 % 60:02}:{left % 60:02}"
        counted = "3500:3490 pkts, 700000:698000 bytes, rule 80"
        text += f"{line}\n{window}   age 00:01:10, expires in {ends}, {counted}\n"
    return text


def timeouts(first: int, single: int, multiple: int) -> str:
    """``pfctl -st``, as far as it concerns UDP."""
    seconds = {"tcp.first": 120, "udp.first": first, "udp.single": single, "udp.multiple": multiple}
    states = {"adaptive.start": 60_000, "adaptive.end": 120_000}
    return "".join(f"{name:<20} {number:10d}s\n" for name, number in seconds.items()) + "".join(
        f"{name:<20} {number:10d} states\n" for name, number in states.items()
    )


def counters(entries: int) -> str:
    """``pfctl -si``, its beginning."""
    return (
        "Status: Enabled for 3 days 04:11:09           Debug: Urgent\n\n"
        "State Table                          Total             Rate\n"
        f"  current entries               {entries:14d}               \n"
        "  searches                        91837261          334.8/s\n"
    )
