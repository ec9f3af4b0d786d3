"""The book of a probe: every message that was sent, by number, and what the responder says became of it."""

from __future__ import annotations

import asyncio
import math
import random
import time
from base64 import b64decode

from sipalg_fix.wire import protocol
from sipalg_fix.wire.control import ControlLine
from sipalg_fix.wire.protocol import Transport
from sipalg_fix.wire.seen import Exchange, Seen


class Book:
    """What the probe has sent, by number, and what the responder says of it. Shared by all legs."""

    def __init__(self, line: ControlLine) -> None:
        session = line.session
        self.line = line
        self.key = bytes.fromhex(session.key)
        self.seen = Seen(
            key=self.key, sip_port=session.sip_port, tls_port=session.tls_port, other_port=session.other_port
        )
        self._by_number: dict[tuple[int, str, int], Exchange] = {}
        self._seq = 0
        self._question: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._ends = math.inf
        self._media: set[int] = set()
        self._claims: set[tuple[str, int, str]] = set()

    def until(self, ends: float) -> None:
        """After this (monotonic) nothing is sent again."""
        self._ends = ends

    def is_late(self) -> bool:
        """Is it time to come to an end, whatever is still missing?"""
        return time.monotonic() > self._ends

    def number(self) -> tuple[int, str]:
        """The next message's number and token."""
        self._seq += 1
        sid = self.line.session.sid
        token = protocol.token(self.key, sid, self._seq)
        self._claims.add((sid, self._seq, token.rpartition(".")[2]))
        return self._seq, token

    def media_port(self) -> int:
        """An even port for audio that no other message of this session names."""
        while (port := 2 * random.randrange(10000, 30000)) in self._media:
            pass
        self._media.add(port)
        return port

    def enter(self, transport: Transport, exchange: Exchange) -> Exchange:
        """A message that will be sent."""
        self._by_number[exchange.seq, transport.value, exchange.port] = exchange
        self.seen.exchanges.append(exchange)
        return exchange

    def find(self, data: bytes, transport: Transport, port: int) -> Exchange | None:
        """Which message bytes belong to, by a genuine token; None for what is not of this session."""
        for claim in protocol.claims(data):
            if claim in self._claims:
                return self._by_number.get((claim[1], transport.value, port))
        return None

    async def refresh(self) -> None:
        """Ask the responder what arrived; :class:`Unreachable`."""
        await asyncio.shield(self.begin_refresh())

    def begin_refresh(self) -> asyncio.Task[None]:
        """The same, to be waited for later; not to be cancelled."""
        # What it says is noted even when nobody waits for it any more: it says it only once. Whoever comes
        # before the question is asked shares it.
        if self._question is None:
            self._question = asyncio.ensure_future(self._refresh())
            self._question.add_done_callback(_heard_of)
        return self._question

    async def _refresh(self) -> None:
        async with self._turn:
            self._question = None
            records = await self.line.report()
        for record in records:
            exchange = self._by_number.get((record.seq, record.transport.value, record.port))
            if exchange is not None:
                exchange.arrived = b64decode(record.received)
                exchange.copies_arrived = record.copies
                exchange.ttl = record.ttl
                exchange.source = (record.address, record.source_port)
                exchange.answer = b64decode(record.sent)
                exchange.answers_sent = record.answers


def _heard_of(task: asyncio.Task[None]) -> None:
    """Its error was for those who still waited; if nobody did, it is no news."""
    if not task.cancelled():
        task.exception()
