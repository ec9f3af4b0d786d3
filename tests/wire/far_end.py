"""A responder in a thread of this process, wherever its sockets shall be born."""

from __future__ import annotations

import asyncio
import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from sipalg_fix.wire.certificate import own_certificate, server_context
from sipalg_fix.wire.keeping import Keeper
from sipalg_fix.wire.limits import Limits
from sipalg_fix.wire.responder import Listening, Responder

GENEROUS = Limits(per_minute_address=100_000, per_minute_prefix=100_000)
"""For tests that begin many sessions from one address."""


def free_ports(address: str) -> Listening:
    """Ports of an address that nobody has, for tests that run beside others."""
    for _ in range(50):
        first = random.randrange(20000, 30000)
        try:
            for port in range(first, first + 6):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as tried:
                        tried.bind((address, port))
        except OSError:
            continue
        return Listening(
            addresses=(address,),
            control=first,
            sip=first + 1,
            tls=first + 2,
            others=(first + 3, first + 4, first + 5),
        )
    raise OSError("no free ports")


class FarEnd:
    """Runs from ``with`` to its end; ``place`` is entered while sockets and thread are made."""

    def __init__(
        self,
        directory: Path,
        listening: Listening,
        limits: Limits = GENEROUS,
        place: AbstractContextManager[None] | None = None,
        reports: Path | None = None,
    ) -> None:
        context, self.pin = server_context(*own_certificate(directory))
        self.told: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        with place or nullcontext():
            keeper = Keeper(reports, limits) if reports else None
            self.responder = Responder(listening, context, limits, self.told.append, keeper)
            self._thread = threading.Thread(
                target=self._loop.run_until_complete, args=(self.responder.run(self._stop),), daemon=True
            )
            self._thread.start()

    def wait_until(self, ready: Callable[[], bool], seconds: float = 5.0) -> None:
        """Return when it is so; TimeoutError when it is not in time."""
        ends = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > ends:
                raise TimeoutError("it did not come to be")
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0.005), self._loop).result(seconds)

    def __enter__(self) -> FarEnd:
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        # Connections that were in the middle of a handshake end by themselves.
        if pending := asyncio.all_tasks(self._loop):
            self._loop.run_until_complete(asyncio.wait(pending, timeout=10))
        self._loop.close()
