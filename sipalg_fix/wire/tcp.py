"""
The TCP and TLS legs of a probe: one connection a message, so that one that is dropped holds up no other.

Over TCP a drop shows as a connection that stands and over which nothing arrives, in several connections one
after the other: the kernel sends its segment again and again meanwhile.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from base64 import b64decode
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from sipalg_fix.model.sip.message import length_needed
from sipalg_fix.wire.book import Book
from sipalg_fix.wire.certificate import pin_of, pinning_context
from sipalg_fix.wire.endpoint import not_bound
from sipalg_fix.wire.messages import BASE, CANARIES, Kind, Place, compose
from sipalg_fix.wire.protocol import LINE_LIMIT, Send, Transport, What
from sipalg_fix.wire.seen import Exchange, Reverse
from sipalg_fix.wire.systems import reset, shares_ended_port

TRIES = 3
TRY_SECONDS = 1.0
COPIES_A_TRY = 3
"""Times that any kernel has sent a segment within TRY_SECONDS when nobody acknowledges it (RFC 6298)."""
LAST_SECONDS = 1.5


class TcpLeg:
    """
    All messages over TCP, to the SIP port and to another. ``source_port`` 0 is a fresh one for each.

    From a fixed port there can be but one connection to each port at a time: messages go one after the other,
    and one that never comes through is the last.
    """

    def __init__(self, book: Book, source_port: int = 0) -> None:
        self.name = f"tcp from port {source_port}" if source_port else "tcp"
        self._book, self._port = book, source_port
        self._open: list[asyncio.StreamWriter] = []

    async def run(self) -> None:
        """Test it, and write what is seen into the book."""
        seen = self._book.seen
        if self._port:
            _try_port(self._book.line.own, self._port)
        seen.legs[self.name] = self._port
        wanted = [(port, kind) for kind in (*BASE, *CANARIES) for port in (seen.other_port, seen.sip_port)]
        if self._port:
            work = [asyncio.ensure_future(self._one_by_one(wanted))]
        else:
            work = [asyncio.ensure_future(self._message(port, kind)) for port, kind in wanted]
        try:
            await asyncio.gather(*work)
            await self._book.refresh()
        finally:
            await _ended(work)
            self._hang_up()
            reached = {each.port for each in seen.exchanges if each.leg == self.name}
            # One after the other, too few are tried to tell a port that is closed from packets that are lost.
            if not self._port and seen.other_port in reached and seen.sip_port not in reached:
                seen.refused.setdefault((self.name, seen.sip_port), "no connection can be made")

    async def _message(self, port: int, kind: Kind) -> None:
        tries: list[asyncio.Task[bool]] = []
        try:
            for turn in range(TRIES + 1):
                if turn < TRIES:
                    tries.append(asyncio.ensure_future(self._attempt(port, kind)))
                patience = TRY_SECONDS / 3 if turn < TRIES else LAST_SECONDS
                known = await _first_known({each for each in tries if not each.done()}, patience)
                known = known or any(each.done() and each.result() for each in tries)
                if known or (turn + 1 == TRIES and await self._is_altered()):
                    break
        finally:
            await _ended(tries)

    async def _one_by_one(self, wanted: list[tuple[int, Kind]]) -> None:
        for port, kind in wanted:
            for _ in range(TRIES):
                trial = asyncio.ensure_future(self._attempt(port, kind))
                try:
                    known = await _first_known({trial}, TRY_SECONDS)
                finally:
                    await _ended([trial])
                    gone = [writer.wait_closed() for writer in self._hang_up()]
                    await asyncio.gather(*gone, return_exceptions=True)
                if known or await self._is_altered():
                    break
            else:
                return  # it is lost for good, or the path is bad: no time is left for the others

    def _hang_up(self) -> list[asyncio.StreamWriter]:
        gone, self._open = self._open, []
        for writer in gone:
            # With a reset: the port must be free for the next connection at once.
            with suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset())
            writer.transport.abort()
        return gone

    async def _is_altered(self) -> bool:
        """Is it clear already that a box acts on this leg? Then no drop needs to be waited for."""
        await self._book.refresh()
        seen = self._book.seen
        mine = [each for each in seen.exchanges if each.leg == self.name]
        inbound = [pair for back in seen.reverses if back.leg == self.name for pair in back.pairs(seen.key)]
        return any(each.arrived and each.arrived != each.sent for each in mine) or any(
            sent != come for sent, come in inbound
        )

    async def _attempt(self, port: int, kind: Kind) -> bool:
        """One connection with one message; True once everything about it is known."""
        line = self._book.line
        made = bound(line.own, self._port) if self._port else None
        try:
            reader, writer = await self._connected(made, port)
        except OSError as error:
            self._book.seen.refused[self.name, port] = error.strerror or str(error)
            await asyncio.sleep(TRY_SECONDS / 3)
            return False
        self._open.append(writer)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seq, token = self._book.number()
        own, own_port = writer.get_extra_info("sockname")[:2]
        place = Place(transport="TCP", own=own, own_port=own_port, far=line.address, far_port=port)
        media = self._book.media_port() if kind in (Kind.INVITE, Kind.NO_CSEQ) else 0
        data = compose(kind, place, token, media_port=media)
        exchange = Exchange(seq=seq, leg=self.name, port=port, kind=kind, sent=data)
        self._book.enter(Transport.TCP, exchange)
        began = time.monotonic()
        writer.write(data)
        try:
            answer = await message_from(reader)
            exchange.copies = 1
            exchange.take(answer)
            if kind in (Kind.REGISTER, Kind.INVITE):
                what = What.NOTIFY if kind is Kind.REGISTER else What.INVITE
                await ask_inbound(self._book, exchange, what, reader, writer)
            return True
        except OSError:
            exchange.copies = max(1, exchange.copies)
            return False
        finally:
            if not exchange.copies:
                exchange.copies = 1 + int(
                    (COPIES_A_TRY - 1) * min(1.0, (time.monotonic() - began) / TRY_SECONDS)
                )

    async def _connected(
        self, made: socket.socket | None, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = self._book.line.address
        if made is None:
            return await asyncio.open_connection(address, port, limit=LINE_LIMIT)
        try:
            await asyncio.get_running_loop().sock_connect(made, (address, port))
            return await asyncio.open_connection(sock=made, limit=LINE_LIMIT)
        except BaseException:
            made.close()
            raise


def bound(own: str, port: int, system: str = sys.platform) -> socket.socket:
    """A socket for a connection from there. OSError if the port cannot be had."""
    made = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        if shares_ended_port(system):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((own, port))
    except OSError as error:
        made.close()
        raise not_bound(own, port, error) from None
    return made


def _try_port(own: str, port: int) -> None:
    bound(own, port).close()


async def _first_known(pending: set[asyncio.Task[bool]], patience: float) -> bool:
    """Does any of them come to know before patience ends?"""
    ends = time.monotonic() + patience
    while pending and (left := ends - time.monotonic()) > 0:
        done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        if any(task.result() for task in done):
            return True
    return False


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Stop what is still at it, and hear all of them out: whoever waited for them has heard what mattered."""
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def ask_inbound(
    book: Book, exchange: Exchange, what: What, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """A request from outside, over the connection that the probe made."""
    reverse = Reverse(seq=exchange.seq, leg=exchange.leg, port=exchange.port, what=what)
    book.seen.reverses.append(reverse)
    wish = Send(seq=exchange.seq, transport=Transport.TCP, port=exchange.port, what=what)
    _, token = book.number()
    nowhere = Place(transport="TCP", own="", own_port=0, far="", far_port=0)
    # The responder sends no more than it was sent: give it something to spend, in a message of its own.
    writer.write(compose(Kind.FUND, nowhere, token))
    await message_from(reader)
    (answer,) = await book.line.send(wish)
    reverse.problem = answer.problem
    if answer.data:
        reverse.sent.append(b64decode(answer.data))
        reverse.come.append(await message_from(reader))


async def message_from(reader: asyncio.StreamReader) -> bytes:
    """One message off a stream; ConnectionError when it ends before. Its caller limits the time."""
    data = b""
    while True:
        needed = length_needed(data)
        if needed is not None and len(data) >= needed:
            return data
        more = await reader.read(LINE_LIMIT)
        if not more:
            raise ConnectionResetError("the connection was closed")
        data += more


class TlsLeg:
    """SIP inside TLS: what cannot be read cannot be altered, unless a box pretends to be the responder."""

    name = "tls"

    def __init__(self, book: Book) -> None:
        self._book = book

    async def run(self) -> None:
        """Test it, and write what is seen into the book. OSError when there is no TLS connection."""
        work = asyncio.ensure_future(self._talk())
        done, _ = await asyncio.wait({work}, timeout=TRY_SECONDS + LAST_SECONDS)
        if not done:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            raise OSError("no answer over TLS in time")
        work.result()

    async def _talk(self) -> None:
        seen, line = self._book.seen, self._book.line
        reader, writer = await asyncio.open_connection(
            line.address, seen.tls_port, ssl=pinning_context(), limit=LINE_LIMIT
        )
        try:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            if pin_of(shown or b"") != line.pin:
                seen.intercepted = True
                raise OSError("another certificate than the responder's was shown")
            seen.legs[self.name] = 0
            own, own_port = writer.get_extra_info("sockname")[:2]
            place = Place(
                transport="TLS", own=own, own_port=own_port, far=line.address, far_port=seen.tls_port
            )
            for kind in (Kind.OPTIONS, Kind.INVITE):
                seq, token = self._book.number()
                data = compose(kind, place, token, media_port=self._book.media_port())
                exchange = Exchange(
                    seq=seq, leg=self.name, port=seen.tls_port, kind=kind, sent=data, copies=1
                )
                self._book.enter(Transport.TLS, exchange)
                writer.write(data)
                exchange.take(await message_from(reader))
            await self._book.refresh()
        finally:
            writer.transport.abort()
