"""How long the path remembers an idle UDP flow: several flows at once, each left alone for another time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sipalg_fix.model.path import Lifetime
from sipalg_fix.wire.book import Book
from sipalg_fix.wire.control import Unreachable
from sipalg_fix.wire.messages import Kind, Place, compose
from sipalg_fix.wire.protocol import Send, Transport, What
from sipalg_fix.wire.udp import Address, Door, open_door

STEPS = (
    5.0,
    10.0,
    20.0,
    28.0,
    32.0,
    45.0,
    60.0,
    90.0,
    118.0,
    125.0,
    150.0,
    175.0,
    185.0,
    240.0,
    300.0,
    600.0,
)
"""Idle times to try: around the times that routers are known to keep flows (30, 120 and 180 s)."""
_KNOCKS = 4
_KNOCK_SECONDS = 0.3


async def measure(book: Book, steps: tuple[float, ...]) -> Lifetime:
    """
    Leave a flow alone for each of these times, then have the responder send something into it.

    Flows go to the SIP port, because that is where phones keep theirs. A time after which nothing came in,
    although the flow had worked and other flows still do, is one after which it was forgotten.
    """
    flows = [_Flow(book, idle) for idle in sorted(steps)]
    try:
        lived = await asyncio.gather(*(flow.run() for flow in flows))
    finally:
        for flow in flows:
            flow.close()
    alive = [flow.idle for place, flow in enumerate(flows) if lived[place] is True]
    dead = [flow.idle for place, flow in enumerate(flows) if lived[place] is False]
    longest = max(alive, default=None)
    later = [idle for idle in dead if longest is None or idle > longest]
    return Lifetime(lived=longest, gone=min(later, default=None))


class _Flow:
    """A flow that is left alone for a time; dead, alive, or (None) never seen to work."""

    def __init__(self, book: Book, idle: float) -> None:
        self.idle = idle
        self._book = book
        self._came = asyncio.Event()
        self._door: Door | None = None

    def close(self) -> None:
        if self._door is not None:
            self._door.close()

    def _hear(self, door: Door, data: bytes, source: Address) -> None:
        del door, data, source
        self._came.set()

    async def run(self) -> bool | None:
        line = self._book.line
        self._door = door = open_door(line.own, 0, self._hear)
        seq, token = self._book.number()
        port = self._book.seen.sip_port
        nowhere = Place(transport="UDP", own=line.own, own_port=door.port, far=line.address, far_port=port)
        data = compose(Kind.FUND, nowhere, token)
        if not await self._knock(lambda: door.send(data, (line.address, port))):
            return None
        await asyncio.sleep(self.idle)
        wish = Send(seq=seq, transport=Transport.UDP, port=port, what=What.DATAGRAM)
        for _ in range(_KNOCKS):
            self._came.clear()
            try:
                (answer,) = await line.send(wish)
            except Unreachable:
                return None
            if answer.problem:
                return None
            if await self._wait():
                return True
        return False

    async def _knock(self, send: Callable[[], None]) -> bool:
        for _ in range(_KNOCKS):
            self._came.clear()
            send()
            if await self._wait():
                return True
        return False

    async def _wait(self) -> bool:
        waiting = asyncio.ensure_future(self._came.wait())
        done, _ = await asyncio.wait({waiting}, timeout=_KNOCK_SECONDS)
        waiting.cancel()
        return bool(done)
