"""
The probe: from behind a router to a responder outside, and a report of what happened on the way.

All legs are tested at the same time. A clean path takes a few round trips; one on which something is
missing takes the rounds that tell a drop from a loss.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from sipalg_fix.model.path import (
    KEPT,
    OLD_PORT,
    Direction,
    Lifetime,
    NotTested,
    Outcome,
    PathReport,
    Tested,
)
from sipalg_fix.wire.book import Book
from sipalg_fix.wire.control import Unreachable, connect
from sipalg_fix.wire.kept import HOLD_SECONDS, KeptLeg
from sipalg_fix.wire.lifetime import STEPS, measure
from sipalg_fix.wire.messages import REVERSE_TITLE, TITLE, Kind
from sipalg_fix.wire.protocol import CONTROL_PORT, SIP_PORT, Transport
from sipalg_fix.wire.seen import Seen
from sipalg_fix.wire.systems import run
from sipalg_fix.wire.tcp import TcpLeg, TlsLeg
from sipalg_fix.wire.udp import UdpLeg
from sipalg_fix.wire.verdict import judge

_SESSION_SECONDS = 30
LEGS_SECONDS = 5.0
"""So long after the beginning, legs are judged by what they have."""
LEGS_AT_LEAST = 0.7
"""But they have so long, however long it took until the responder could be talked to."""
REPORT_SECONDS = 0.7
LAST_SECONDS = 1.0
"""So long before their end, legs send nothing again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to probe. ``lifetime``: idle times to try, in seconds; none: it is not measured."""

    host: str
    port: int = CONTROL_PORT
    pin: str = ""
    authority: str = ""
    transports: tuple[Transport, ...] = tuple(Transport)
    fresh_port: bool = True
    phone_port: bool = True
    """Also (or only) from :attr:`source_port`, where a phone's old connections are."""
    source_port: int = SIP_PORT
    sizes: bool = False
    lifetime: tuple[float, ...] = ()

    @property
    def tcp_port(self) -> int:
        """From which port TCP goes; 0: a fresh one for each connection."""
        return 0 if self.fresh_port or not self.phone_port else self.source_port

    @property
    def responder(self) -> str:
        """Whom it is asked of, for people."""
        return f"{self.host}:{self.port}" if ":" not in self.host else f"[{self.host}]:{self.port}"


def steps_up_to(seconds: float) -> tuple[float, ...]:
    """The idle times to try when as much time may be spent."""
    return tuple(step for step in STEPS if step <= seconds)


Change = Callable[[], object]


def probe(wish: Wish, at: str, change: Change | None = None, system: str = sys.platform) -> PathReport:
    """
    Probe now. ``at`` is the time for the report. :class:`NotTrusted` if the responder is not the one.

    ``change`` is waited for first, if it is given, while a TCP connection stands that is tested as well.
    """
    return run(probed(wish, at, change), system)


def ask_for_change() -> None:
    """Ask whoever sits there to change the router, and wait for a line, or the end, of standard input."""
    print(
        "A TCP connection stands. Change the router now, then press Enter to probe.",
        file=sys.stderr,
        flush=True,
    )
    sys.stdin.readline()


async def probed(wish: Wish, at: str, change: Change | None = None) -> PathReport:
    """The same inside an event loop. Nothing but :class:`NotTrusted` is raised: the rest is an outcome."""
    began = time.monotonic()
    life = _SESSION_SECONDS + int(max(wish.lifetime, default=0)) + (HOLD_SECONDS if change else 0)
    try:
        line = await connect(wish.host, wish.port, pin=wish.pin, authority=wish.authority, life=life)
    except Unreachable as error:
        if error.is_distrust:
            raise
        return PathReport(
            outcome=Outcome.UNREACHABLE,
            reason=str(error),
            responder=wish.responder,
            at=at,
            seconds=round(time.monotonic() - began, 3),
            not_tested=(NotTested(what="everything", why="the responder could not be talked to"),),
        )
    try:
        book, kept = Book(line), None
        if change is not None:
            kept = KeptLeg(book)
            await kept.stand(change)
            began = time.monotonic()
        return await _over(book, kept, wish, at, began)
    finally:
        line.close()


async def _over(book: Book, kept: KeptLeg | None, wish: Wish, at: str, began: float) -> PathReport:
    ends = max(began + LEGS_SECONDS, time.monotonic() + LEGS_AT_LEAST)
    book.until(ends - LAST_SECONDS)
    lost = await _legs(book, kept, wish, ends)
    lifetime: Lifetime | None = None
    if wish.lifetime and not lost:
        lifetime = await measure(book, wish.lifetime)
    judgement = judge(book.seen)
    outcome, reason = judgement.outcome, judgement.reason
    if lost and outcome is Outcome.NONE:
        outcome, reason = Outcome.INCONCLUSIVE, lost
    return PathReport(
        outcome=outcome,
        reason=reason,
        responder=wish.responder,
        at=at,
        seconds=round(time.monotonic() - began, 3),
        legs=judgement.legs,
        evidence=judgement.evidence,
        tested=tuple(_tested(book.seen)),
        not_tested=tuple(_not_tested(book, wish)),
        advice=judgement.advice,
        nat=book.seen.nat,
        pinhole=book.seen.pinhole,
        lifetime=lifetime,
    )


async def _legs(book: Book, kept: KeptLeg | None, wish: Wish, ends: float) -> str:
    """Test all legs at once; why the session was lost meanwhile, or nothing."""
    work: dict[str, Coroutine[Any, Any, None]] = {}
    if Transport.UDP in wish.transports:
        if wish.fresh_port:
            work["udp"] = UdpLeg(book, 0, sizes=wish.sizes).run()
        if wish.phone_port:
            work[f"{OLD_PORT}{wish.source_port}"] = UdpLeg(
                book, wish.source_port, alone=not wish.fresh_port
            ).run()
    if Transport.TCP in wish.transports:
        tcp = TcpLeg(book, wish.tcp_port)
        work[tcp.name] = tcp.run()
    if kept is not None:
        work[KEPT] = kept.run()
    if Transport.TLS in wish.transports:
        work["tls"] = TlsLeg(book).run()
    tasks = {name: asyncio.ensure_future(each) for name, each in work.items()}
    if not tasks:
        return ""
    _, late = await asyncio.wait(tasks.values(), timeout=max(0.0, ends - time.monotonic()))
    for task in late:
        task.cancel()
    results = await asyncio.gather(*tasks.values(), return_exceptions=True)
    lost = await _last_report(book) if late else ""
    for place, name in enumerate(tasks):
        end = results[place]
        if isinstance(end, Unreachable):
            lost = f"the responder was lost while the path was tested: {end}"
        elif isinstance(end, OSError):
            book.seen.failed[name] = end.strerror or str(end)
            book.seen.legs.pop(name, None)
        elif end is not None and not isinstance(end, asyncio.CancelledError):
            raise end
    book.seen.complete = not lost
    return lost


async def _last_report(book: Book) -> str:
    """What arrived until now, for legs that were cut short; or why that is not known."""
    work = asyncio.ensure_future(book.refresh())
    done, _ = await asyncio.wait({work}, timeout=REPORT_SECONDS)
    if not done:
        work.cancel()
        return "the responder's report did not come in time"
    error = work.exception()
    return f"the responder was lost while the path was tested: {error}" if error else ""


def _tested(seen: Seen) -> Iterator[Tested]:
    for leg in seen.legs:
        for port in sorted({each.port for each in seen.exchanges if each.leg == leg}):
            mine = [each for each in seen.exchanges if each.leg == leg and each.port == port]
            back = [each for each in seen.reverses if each.leg == leg and each.port == port]
            for direction, titles in (
                (
                    Direction.OUT,
                    [TITLE[each.kind] for each in mine if each.arrived and each.kind is not Kind.FUND],
                ),
                (Direction.BACK, [TITLE[each.kind] for each in mine if each.genuine(seen.key)]),
                (Direction.IN, [REVERSE_TITLE[each.what] for each in back if each.come]),
            ):
                messages = tuple(dict.fromkeys(title for title in titles if title != TITLE[Kind.FUND]))
                if messages:
                    yield Tested(leg=leg, port=port, direction=direction, messages=messages)


def _not_tested(book: Book, wish: Wish) -> Iterator[NotTested]:
    seen = book.seen
    for transport in Transport:
        if transport not in wish.transports:
            yield NotTested(what=transport.value.upper(), why="not asked for")
    for leg, why in seen.failed.items():
        yield NotTested(what=leg, why=why)
    if Transport.UDP in wish.transports:
        if not wish.phone_port:
            yield NotTested(what=f"UDP from source port {wish.source_port}", why="not asked for")
        if not wish.fresh_port:
            yield NotTested(what="UDP from a fresh source port", why="not asked for")
    if Transport.TCP in wish.transports:
        if not wish.tcp_port:
            yield NotTested(what=f"TCP from source port {wish.source_port}", why="not asked for")
        if KEPT not in (*seen.legs, *seen.failed):
            yield NotTested(
                what="TCP connections that stand since before",
                why="they cannot be taken over from whoever has them, and one that is made anew is new to a "
                "router, even from the same port; phones that connect again have new ones, too",
            )
    for leg in seen.legs:
        reached = [each for each in seen.exchanges if each.leg == leg and each.arrived]
        if leg not in ("tls", KEPT) and not any(each.port == seen.other_port for each in reached):
            what = f"{leg} to port {seen.other_port}, for comparison"
            yield NotTested(what=what, why="nothing arrived there")
    if not wish.sizes:
        yield NotTested(what="messages longer than 1200 bytes", why="not asked for")
    family = "IPv4" if ":" in book.line.address else "IPv6"
    yield NotTested(what=family, why=f"the responder was reached at {book.line.address}")
    yield NotTested(
        what="connections that phones have open to their own provider",
        why="only the phones' own traffic shows them; a router goes on altering what it already tracks",
    )
    yield NotTested(
        what=f"SIP on ports other than {seen.sip_port}", why="an ALG acts on ports that it is told"
    )
    yield NotTested(what="the audio of calls", why="only what announces it was sent")
