"""An event loop that serves UDP and TLS on every system."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end."""
    if sys.platform == "win32":
        # The usual loop of Windows stops hearing on a UDP socket once an ICMP error has come.
        loop = asyncio.SelectorEventLoop()
        try:
            asyncio.set_event_loop(loop)
            return loop.run_until_complete(work)
        finally:
            asyncio.set_event_loop(None)
            loop.close()
    return asyncio.run(work)
