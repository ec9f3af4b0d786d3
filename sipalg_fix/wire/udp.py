"""
The UDP legs of a probe: every message to the SIP port and to another, again and again until it is known
what became of it.

In each round only what is missing is sent again, together with companions that are known to get through.
So a message counts as dropped only if others got through in the same rounds.
"""

from __future__ import annotations

import asyncio
import socket
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress

from sipalg_fix.model.path import OLD_PORT, Nat, Pinhole
from sipalg_fix.model.sip.message import method_of, start_line
from sipalg_fix.wire import protocol
from sipalg_fix.wire.book import Book
from sipalg_fix.wire.endpoint import not_bound
from sipalg_fix.wire.messages import BASE, CANARIES, Kind, Place, bracketed, compose
from sipalg_fix.wire.protocol import Send, Transport, What
from sipalg_fix.wire.seen import Exchange, Reverse, is_drop, loss_back, loss_out

ROUND_SECONDS = 0.2
ROUNDS = 12
ROUNDS_AT_LEAST = 5
REVERSE_ROUNDS = 6
COPIES = 3
"""Of a request from outside, once one was lost."""
SIZES = (1300, 1400, 1440, 1466, 1468, 1470, 1472, 1474, 1476, 1478)
"""
Payloads around the longest that one Ethernet frame takes. An ALG that shortens a message on its way out
lengthens the answer on its way in, and what then does not fit any more is lost.
"""
_BATCH = 64
_LONGEST = 65535
Address = tuple[str, int]


class Door:
    """A UDP socket of the probe's, bound to one port for all that is sent through it; of one event loop."""

    def __init__(self, made: socket.socket, heard: Callable[[Door, bytes, Address], None]) -> None:
        self._socket, self._heard = made, heard
        self._loop = asyncio.get_running_loop()
        self.port: int = made.getsockname()[1]
        self._loop.add_reader(made.fileno(), self._read)

    def _read(self) -> None:
        # All that is there is read at once: a turn of the event loop costs more than a datagram.
        for _ in range(_BATCH):
            try:
                data, source = self._socket.recvfrom(_LONGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error: what it says is shown by what does not arrive
            self._heard(self, data, source[:2])

    def send(self, data: bytes, to: Address) -> None:
        """Send; what cannot be sent is as good as lost on the way."""
        with suppress(OSError):
            self._socket.sendto(data, to)

    def close(self) -> None:
        """Give the port back."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()


def open_door(own: str, port: int, heard: Callable[[Door, bytes, Address], None]) -> Door:
    """A socket bound to an own address and port (0: any). OSError if the port is taken."""
    made = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.bind((own, port))
        return Door(made, heard)
    except OSError as error:
        made.close()
        raise not_bound(own, port, error) from None


class UdpLeg:
    """
    One UDP leg. ``source_port`` 0 is a fresh one, with the tests that need ports of their own.

    ``alone``: no other leg sends over UDP, so this one sends text from a second port, too: how many hops
    packets have left tells something only if several flows agree.
    """

    def __init__(self, book: Book, source_port: int, *, sizes: bool = False, alone: bool = False) -> None:
        self.name = f"{OLD_PORT}{source_port}" if source_port else "udp"
        self.port = source_port
        self._book, self._sizes, self._alone = book, sizes, alone
        self._awaited: tuple[Callable[[], bool], asyncio.Future[None]] | None = None
        self._doors: dict[int, Door] = {}
        self._from: dict[int, Door] = {}
        self._mine: list[Exchange] = []
        self._reverses: dict[tuple[int, What], Reverse] = {}
        self._pinholes: dict[str, bool] = {}

    async def run(self) -> None:
        """Test it, and write what is seen into the book. OSError if the source port cannot be had."""
        try:
            self._begin()
            # Most have arrived when this has: the responder tells of them while answers are on their way.
            early = self._book.begin_refresh()
            if await self._rounds():
                # All is answered by the responder itself: its report can be read while it sends its own.
                await asyncio.gather(self._reported(early), self._inbound())
            else:
                await self._inbound()
            self._note_nat()
        finally:
            for door in self._doors.values():
                door.close()

    async def _reported(self, early: asyncio.Task[None]) -> None:
        """Until the responder has told of all."""
        await asyncio.shield(early)
        if not all(each.arrived for each in self._mine):
            await self._book.refresh()

    def _open(self, port: int = 0) -> Door:
        door = open_door(self._book.line.own, port, self._hear)
        self._doors[door.port] = door
        return door

    def _begin(self) -> None:
        """Open the doors and send every message once."""
        main = self._open(self.port)
        _, self._filler = self._book.number()
        seen = self._book.seen
        seen.legs[self.name] = main.port
        ports = (seen.sip_port, seen.other_port)
        for port in ports:
            for kind in (*BASE, *CANARIES):
                self._first(main, port, kind)
        if self.port:
            second = self._open() if self._alone else main
            for port in ports if self._alone else ():
                self._first(second, port, Kind.FUND)
            return
        liar, landing = self._open(), self._open()
        for port in ports:
            self._first(liar, port, Kind.VIA_PORT, via_port=landing.port)
        # A port that has nothing to do with SIP: what comes in there comes in anyway.
        self._apart = self._first(self._open(), seen.other_port, Kind.FUND)
        if self._sizes:
            for port in ports:
                for size in SIZES:
                    self._first(main, port, Kind.SIZED, size=size)

    def _first(self, door: Door, port: int, kind: Kind, *, via_port: int = 0, size: int = 0) -> Exchange:
        seq, token = self._book.number()
        line = self._book.line
        place = Place(transport="UDP", own=line.own, own_port=door.port, far=line.address, far_port=port)
        media = self._book.media_port() if kind in (Kind.INVITE, Kind.NO_CSEQ) else 0
        data = compose(kind, place, token, media_port=media, via_port=via_port, size=size)
        exchange = Exchange(seq=seq, leg=self.name, port=port, kind=kind, sent=data, size=size)
        self._from[seq] = door
        self._mine.append(exchange)
        self._book.enter(Transport.UDP, exchange)
        # Sent at once, so that the responder answers while the next is made.
        self._send(exchange)
        return exchange

    def _send(self, exchange: Exchange) -> None:
        exchange.copies += 1
        self._from[exchange.seq].send(exchange.sent, (self._book.line.address, exchange.port))

    # What comes

    def _hear(self, door: Door, data: bytes, source: Address) -> None:
        asked = protocol.COOKIE.search(data)
        method = method_of(start_line(data))
        exchange = self._book.find(data, Transport.UDP, source[1])
        if asked and exchange is not None:
            _, token = self._book.number()
            door.send(f"SAP-ECHO {asked[1].decode()} {token} ".encode() + b"." * 60, source)
            return
        if b"SAP-IN " in data:
            self._heard_datagram(data, source)
        elif exchange is None:
            return
        elif method:
            self._heard_request(exchange, method, data)
        else:
            exchange.strayed = exchange.strayed or self._from[exchange.seq] is not door
            exchange.take(data)
            exchange.genuine(self._book.key)  # remembered: now there is time, while more is on its way
        self._wake()

    def _heard_request(self, exchange: Exchange, method: str, data: bytes) -> None:
        for what in (What.NOTIFY, What.INVITE):
            reverse = self._reverses.get((exchange.port, what))
            if method.lower() == what.value and reverse is not None and data not in reverse.come:
                reverse.come.append(data)

    def _heard_datagram(self, data: bytes, source: Address) -> None:
        for port in (self._book.seen.sip_port, self._book.seen.other_port):
            exchange = self._book.find(data, Transport.UDP, port)
            if exchange is not None:
                self._pinholes["apart" if exchange.kind is Kind.FUND else "registered"] = True

    async def _until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait for it so long; is it so?"""
        if ready():
            return True
        come: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited = (ready, come)
        try:
            await asyncio.wait({come}, timeout=seconds)
        finally:
            self._awaited = None
            come.cancel()
        return ready()

    def _wake(self) -> None:
        """Something has come: is it what is waited for?"""
        if self._awaited is not None and not self._awaited[1].done() and self._awaited[0]():
            self._awaited[1].set_result(None)

    # Outwards

    async def _rounds(self) -> bool:
        """Send again until it is known what became of all; is it, by genuine answers, before any report?"""
        for turn in range(ROUNDS):
            if turn:
                missing = [each for each in self._mine if not each.is_done]
                for each in (*missing, *self._companions(missing)):
                    self._send(each)
            complete = await self._until(self._is_complete, ROUND_SECONDS)
            if not complete and turn + 1 < ROUNDS_AT_LEAST:
                continue
            if complete and all(each.genuine(self._book.key) for each in self._mine):
                return True
            await self._book.refresh()
            if complete or self._is_decided() or self._book.is_late():
                break
        return False

    def _is_complete(self) -> bool:
        # What was sent last is answered last: looked at first, it spares looking at all the others.
        return all(each.is_done for each in reversed(self._mine))

    def _companions(self, missing: list[Exchange]) -> list[Exchange]:
        """For each port that is waited for something known to get through, and the same to the other port."""
        wanted: dict[int, Exchange] = {}
        for lost in missing:
            through = [each for each in self._mine if each.is_done and each.port == lost.port]
            twins = [
                each
                for each in self._mine
                if each.is_done and each.kind is lost.kind and each.size == lost.size
            ]
            for each in (*through[:1], *twins[:1]):
                wanted[each.seq] = each
        return list(wanted.values())

    def _is_decided(self) -> bool:
        """Is everything that is still missing beyond loss by chance?"""
        out, back = loss_out(self._mine), loss_back(self._mine)
        for each in self._mine:
            if each.is_done:
                continue
            if each.arrived and not is_drop(each.answers_sent, back):
                return False
            if not each.arrived and not is_drop(each.copies, out):
                return False
        return True

    def _note_nat(self) -> None:
        first = next((each for each in self._mine if each.source[1] and each.kind in BASE), None)
        if first is None or (self.port and self._book.seen.nat.seen):
            return
        own = (self._book.line.own, self._from[first.seq].port)
        self._book.seen.nat = Nat(
            own=f"{bracketed(own[0])}:{own[1]}",
            seen=f"{bracketed(first.source[0])}:{first.source[1]}",
            translated=own != first.source,
            port_preserved=own[1] == first.source[1],
        )

    # Inwards

    async def _inbound(self) -> None:
        """Requests from outside into the open flows, and packets from elsewhere towards a registered port."""
        seen = self._book.seen
        anchors = {}
        for port in (seen.sip_port, seen.other_port):
            reached = [
                each
                for each in self._mine
                if each.port == port and each.kind in BASE and (each.arrived or each.genuine(self._book.key))
            ]
            registered = [each for each in reached if each.kind is Kind.REGISTER]
            if reached:
                anchors[port] = (*registered, *reached)[0]
        for port, anchor in anchors.items():
            for what in (What.NOTIFY, What.INVITE):
                reverse = Reverse(seq=anchor.seq, leg=self.name, port=port, what=what)
                self._reverses[port, what] = reverse
                seen.reverses.append(reverse)

        for turn in range(REVERSE_ROUNDS):
            await self._ask(turn, self._holes(anchors.get(seen.sip_port)) if turn < 2 else [])
            if await self._until(lambda: all(each.come for each in self._reverses.values()), ROUND_SECONDS):
                break
            if self._book.is_late():
                break
            self._top_up(anchors)
        self._note_pinhole()

    async def _ask(self, turn: int, holes: list[tuple[str, Send]]) -> None:
        """Have what has not come in yet sent, and whatever shall knock from elsewhere before it."""
        asked = [each for each in self._reverses.values() if not each.come]
        answers = await self._book.line.send(
            *(wish for _, wish in holes),
            *(
                Send(
                    seq=each.seq,
                    transport=Transport.UDP,
                    port=each.port,
                    what=each.what,
                    copies=COPIES if turn else 1,
                )
                for each in asked
            ),
        )
        for place, answer in enumerate(answers):
            if place < len(holes):
                if not answer.problem:
                    self._pinholes.setdefault(holes[place][0], False)
                continue
            reverse = asked[place - len(holes)]
            reverse.problem = answer.problem
            reverse.sent += [b64decode(answer.data)] * answer.copies

    def _holes(self, registered: Exchange | None) -> list[tuple[str, Send]]:
        """A packet from elsewhere to a port that a REGISTER named, and one to a port that none did."""
        if self.port or registered is None or registered.kind is not Kind.REGISTER:
            return []
        return [
            (
                name,
                Send(
                    seq=anchor.seq,
                    transport=Transport.UDP,
                    port=anchor.port,
                    what=What.DATAGRAM,
                    elsewhere=True,
                ),
            )
            for name, anchor in (("registered", registered), ("apart", self._apart))
        ]

    def _top_up(self, anchors: dict[int, Exchange]) -> None:
        """The responder sends no more than it was sent: give it something to spend."""
        token = self._filler
        for anchor in anchors.values():
            door = self._from[anchor.seq]
            place = Place(transport="UDP", own="", own_port=0, far="", far_port=0)
            for _ in range(4):
                door.send(compose(Kind.FUND, place, token), (self._book.line.address, anchor.port))

    def _note_pinhole(self) -> None:
        through = [each for each in self._reverses.values() if each.come]
        if set(self._pinholes) != {"apart", "registered"} or not through:
            return
        if self._pinholes["apart"]:
            self._book.seen.pinhole = Pinhole.OPEN_ANYWAY
        else:
            self._book.seen.pinhole = Pinhole.YES if self._pinholes["registered"] else Pinhole.NO
