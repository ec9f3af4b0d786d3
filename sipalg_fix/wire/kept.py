"""
A TCP connection that stands while a router is changed: what a phone has that does not connect again.

A router tracks a connection as it was when it began, so only one that stood before shows what becomes of
those.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from sipalg_fix.model.path import KEPT
from sipalg_fix.wire.book import Book
from sipalg_fix.wire.messages import BASE, CANARIES, Kind, Place, compose
from sipalg_fix.wire.protocol import LINE_LIMIT, Transport, What
from sipalg_fix.wire.seen import Exchange
from sipalg_fix.wire.tcp import ask_inbound, message_from

HOLD_SECONDS = 600
"""A change may take so long."""
ALIVE_SECONDS = 20.0
"""So often something is sent meanwhile: neither the router nor the responder shall forget the connection."""
ANSWER_SECONDS = 1.5
REST = tuple(kind for kind in (*BASE, *CANARIES) if kind is not Kind.OPTIONS)
"""What goes over it once an OPTIONS has shown that it lives; last what a box would drop, and all after it."""
FOLLOWS = {Kind.REGISTER: What.NOTIFY, Kind.INVITE: What.INVITE}
"""Which request from outside follows what."""


class KeptLeg:
    """The leg of a connection that stands: one message after the other, up to the first that is lost."""

    def __init__(self, book: Book, *, alive: float = ALIVE_SECONDS, hold: float = HOLD_SECONDS) -> None:
        self._book, self._alive, self._hold = book, alive, hold
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._why = ""

    async def stand(self, change: Callable[[], object]) -> None:
        """Connect, and use the connection until ``change``, which may block, has returned."""
        try:
            where = self._book.line.address, self._book.seen.sip_port
            opening = asyncio.open_connection(*where, limit=LINE_LIMIT)
            self._streams = await asyncio.wait_for(opening, ANSWER_SECONDS)
            await self._exchange(Kind.OPTIONS)
        except (TimeoutError, OSError):
            self._why = "no connection could be made before the change"
        changed = _in_thread(change)
        left = self._hold / self._alive
        while left > 0 and not (await asyncio.wait({changed}, timeout=self._alive))[0]:
            left -= 1
            with suppress(OSError, asyncio.TimeoutError):  # whether it lives is asked afterwards
                await self._exchange(Kind.RAW)
        if not changed.done():
            self._why = f"the change took longer than {self._hold:g} seconds"
        self._book.seen.exchanges.clear()

    async def run(self) -> None:
        """Test it, and write what is seen into the book. OSError when it is gone."""
        try:
            if self._why:
                raise OSError(self._why)
            try:
                await self._exchange(Kind.OPTIONS)
            except (TimeoutError, OSError):
                why = "the connection did not outlive the change: phones must connect again, too"
                raise OSError(why) from None
            self._book.seen.legs[KEPT] = 0
            with suppress(OSError, asyncio.TimeoutError):  # what is missing is told
                for kind in REST:
                    await self._exchange(kind)
            await self._book.refresh()
        finally:
            if self._streams is not None:
                self._streams[1].transport.abort()

    async def _exchange(self, kind: Kind) -> None:
        if self._streams is None:
            raise OSError("no connection")
        reader, writer = self._streams
        line, port = self._book.line, self._book.seen.sip_port
        seq, token = self._book.number()
        own, own_port = writer.get_extra_info("sockname")[:2]
        place = Place(transport="TCP", own=own, own_port=own_port, far=line.address, far_port=port)
        data = compose(kind, place, token, media_port=self._book.media_port())
        exchange = Exchange(seq=seq, leg=KEPT, port=port, kind=kind, sent=data, copies=1)
        self._book.enter(Transport.TCP, exchange)
        writer.write(data)
        exchange.take(await asyncio.wait_for(self._answer(exchange, reader), ANSWER_SECONDS))
        if what := FOLLOWS.get(kind):
            await asyncio.wait_for(ask_inbound(self._book, exchange, what, reader, writer), ANSWER_SECONDS)

    async def _answer(self, exchange: Exchange, reader: asyncio.StreamReader) -> bytes:
        while True:
            answer = await message_from(reader)
            whose = self._book.find(answer, Transport.TCP, exchange.port)
            if whose is None or whose is exchange:
                return answer  # else it comes late, and its question was given up


def _in_thread(work: Callable[[], object]) -> asyncio.Future[None]:
    """Done when it has returned, whatever it did. It holds nobody up: the program may end before it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    def body() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle)

    threading.Thread(target=body, daemon=True).start()
    return done
