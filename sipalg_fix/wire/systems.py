"""
What is another on Linux, macOS and Windows, by the name that ``sys.platform`` has for each.

The name is an argument everywhere, so that the ways of all systems are tried on any of them.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")
WINDOWS = "win32"


def run(work: Coroutine[Any, Any, T], system: str = sys.platform) -> T:
    """Run it to its end, in an event loop that serves UDP and TLS."""
    if system == WINDOWS:
        # The usual loop of Windows stops hearing on a UDP socket once an ICMP error has come.
        loop = asyncio.SelectorEventLoop()
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(work)
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    return asyncio.run(work)


def reset(system: str = sys.platform) -> bytes:
    """For SO_LINGER, so that closing resets: two shorts on Windows (winsock2.h), two ints elsewhere."""
    return struct.pack("HH" if system == WINDOWS else "ii", 1, 0)


def shares_ended_port(system: str = sys.platform) -> bool:
    """
    Is SO_REUSEADDR right for a port from which a connection shall be made?

    An ended connection of a phone's keeps its port for a minute otherwise. On Windows it would take the port
    away from a program that has it.
    """
    return system != WINDOWS


def hands_over_quotes(system: str = sys.platform) -> bool:
    """Does it let a program without privileges read what routers quote of its messages (IP_RECVERR)?"""
    return system.startswith("linux")


def holds_window(words: Sequence[str], system: str = sys.platform) -> bool:
    """Would the window close with the program? So it is on Windows when a file was double-clicked."""
    return system == WINDOWS and not words
