"""A responder in a thread of this process, wherever its sockets shall be born."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from sipalg_fix.wire.certificate import own_certificate, server_context
from sipalg_fix.wire.limits import Limits
from sipalg_fix.wire.responder import Listening, Responder

GENEROUS = Limits(per_minute_address=100_000, per_minute_prefix=100_000)
"""For tests that begin many sessions from one address."""


class FarEnd:
    """Runs from ``with`` to its end; ``place`` is entered while sockets and thread are made."""

    def __init__(
        self,
        directory: Path,
        listening: Listening,
        limits: Limits = GENEROUS,
        place: AbstractContextManager[None] | None = None,
    ) -> None:
        context, self.pin = server_context(*own_certificate(directory))
        self.told: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        with place or nullcontext():
            self.responder = Responder(listening, context, limits, self.told.append)
            self._thread = threading.Thread(
                target=self._loop.run_until_complete, args=(self.responder.run(self._stop),), daemon=True
            )
            self._thread.start()

    def __enter__(self) -> FarEnd:
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()
