"""
A probe without a responder: a few OPTIONS to a SIP server of somebody else's, harmless to it, as phones send
them all day to keep a connection open. What its answers show is judged in :mod:`sipalg_fix.wire.mirrored`.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
import time
from dataclasses import dataclass

from sipalg_fix.model.path import How, NotTested, Outcome, PathReport
from sipalg_fix.model.sip.message import build, read
from sipalg_fix.wire.endpoint import not_found
from sipalg_fix.wire.messages import bracketed
from sipalg_fix.wire.mirrored import NOT_SHOWN, Asked, Trick, judge
from sipalg_fix.wire.protocol import SIP_PORT
from sipalg_fix.wire.systems import run
from sipalg_fix.wire.udp import Address, Door, open_door

AGAIN_SECONDS = 0.4
TRIES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerWish:
    """Which server to ask, and from which UDP ports."""

    host: str
    port: int = SIP_PORT
    fresh_port: bool = True
    phone_port: bool = True
    source_port: int = SIP_PORT
    """The phone's port, from which UDP goes as well, or only."""

    @property
    def server(self) -> str:
        """Whom it is asked of, for people."""
        return f"{bracketed(self.host)}:{self.port}"


def ask(wish: ServerWish, at: str, system: str = sys.platform) -> PathReport:
    """Ask now. ``at`` is the time for the report. Nothing is raised: whatever goes wrong is an outcome."""
    return run(asked(wish, at), system)


async def asked(wish: ServerWish, at: str) -> PathReport:
    """The same inside an event loop."""
    began = time.monotonic()
    try:
        far = await _resolved(wish)
        own = _own_address(far)
    except (OSError, UnicodeError) as error:
        return _nothing(wish, at, began, not_found(wish.host, error))
    flows = [_Flow(own, far, port) for port in _source_ports(wish)]
    ends = await asyncio.gather(*(flow.run() for flow in flows), return_exceptions=True)
    failed = []
    for place, end in enumerate(ends):
        if isinstance(end, OSError):
            failed.append(NotTested(what=flows[place].leg, why=end.strerror or str(end)))
        elif end is not None:
            raise end
    mine = [each for flow in flows for each in flow.asked if each.copies]
    if not mine:
        return _nothing(wish, at, began, "; ".join(f"{each.what}: {each.why}" for each in failed))
    shown = judge(mine)
    return PathReport(
        outcome=shown.outcome,
        reason=shown.reason,
        responder=wish.server,
        at=at,
        seconds=round(time.monotonic() - began, 3),
        legs=shown.legs,
        evidence=shown.evidence,
        tested=shown.tested,
        not_tested=(*failed, *NOT_SHOWN),
        advice=_advice(shown.outcome),
        nat=shown.nat,
        how=How.SERVER,
    )


def _advice(outcome: Outcome) -> tuple[str, ...]:
    if outcome in (Outcome.ALG_REWRITES, Outcome.SIP_PROXY):
        return (
            "Switch SIP ALG off in the router. Connections that it already tracks are altered until it is "
            "restarted, or its SIP connections are flushed.",
        )
    return ()


def _nothing(wish: ServerWish, at: str, began: float, why: str) -> PathReport:
    return PathReport(
        outcome=Outcome.UNREACHABLE,
        reason=f"{wish.server}: {why}",
        responder=wish.server,
        at=at,
        seconds=round(time.monotonic() - began, 3),
        not_tested=(NotTested(what="everything", why="the server could not be asked"),),
        how=How.SERVER,
    )


def _source_ports(wish: ServerWish) -> list[int]:
    return [0] * wish.fresh_port + [wish.source_port] * wish.phone_port


async def _resolved(wish: ServerWish) -> Address:
    found = await asyncio.get_running_loop().getaddrinfo(wish.host, wish.port, type=socket.SOCK_DGRAM)
    return str(found[0][4][0]), wish.port


def _own_address(far: Address) -> str:
    """From which address of this machine the server is reached; nothing is sent for it."""
    with socket.socket(socket.AF_INET6 if ":" in far[0] else socket.AF_INET, socket.SOCK_DGRAM) as tried:
        tried.connect(far)
        return str(tried.getsockname()[0])


class _Flow:
    """The OPTIONS of one leg. ``source_port`` 0 is a fresh one."""

    def __init__(self, own: str, far: Address, source_port: int) -> None:
        self.leg = f"udp from port {source_port}" if source_port else "udp"
        self.asked: list[Asked] = []
        self._own, self._far, self._port = own, far, source_port
        self._news = asyncio.Event()
        self._doors: list[Door] = []
        self._from: dict[str, Door] = {}
        self._by_branch: dict[str, Asked] = {}

    async def run(self) -> None:
        """Ask and listen. OSError if the source port cannot be had."""
        try:
            main = self._open(self._port)
            apart, elsewhere = self._open(0), self._open(0)
            plain = self._plan(Trick.TRUE, main, main.port)
            self._plan(Trick.OTHER_PORT, apart, elsewhere.port)
            await self._rounds()
            source = plain.source
            if source is not None and source[1] and source != (self._own, main.port):
                self._plan(Trick.PUBLIC, main, main.port, f"{bracketed(source[0])}:{source[1]}")
                await self._rounds()
        finally:
            for door in self._doors:
                door.close()

    def _open(self, port: int) -> Door:
        door = open_door(self._own, port, self._hear)
        self._doors.append(door)
        return door

    def _plan(self, trick: Trick, door: Door, via_port: int, caller: str = "") -> Asked:
        branch = "z9hG4bK" + secrets.token_hex(8)
        sent = _options(self._own, via_port, self._far, branch, caller)
        asked = Asked(
            leg=self.leg, trick=trick, own=self._own, own_port=door.port, port=self._far[1], sent=sent
        )
        self.asked.append(asked)
        self._from[branch], self._by_branch[branch] = door, asked
        return asked

    def _hear(self, door: Door, data: bytes, source: Address) -> None:
        answer = read(data)
        if answer.status < 200 or source[0].partition("%")[0] != self._far[0].partition("%")[0]:
            return
        for branch, asked in self._by_branch.items():
            # Call-ID holds it as well: no known box rewrites both.
            if branch in answer.value("Via") or branch in answer.value("Call-ID"):
                asked.take(data, door is not self._from[branch])
                self._news.set()

    async def _rounds(self) -> None:
        for _ in range(TRIES):
            for branch, asked in self._by_branch.items():
                if not asked.answers:
                    asked.copies += 1
                    self._from[branch].send(asked.sent, self._far)
            ends = time.monotonic() + AGAIN_SECONDS
            while (left := ends - time.monotonic()) > 0:
                if all(each.answers for each in self.asked):
                    return
                self._news.clear()
                waiting = asyncio.ensure_future(self._news.wait())
                await asyncio.wait({waiting}, timeout=left)
                waiting.cancel()


def _options(own: str, via_port: int, far: Address, branch: str, caller: str) -> bytes:
    here, there = f"{bracketed(own)}:{via_port}", f"{bracketed(far[0])}:{far[1]}"
    headers = [
        ("Via", f"SIP/2.0/UDP {here};branch={branch};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:probe@{caller or here}>;tag={branch[7:15]}"),
        ("To", f"<sip:{there}>"),
        ("Call-ID", f"{branch}@{bracketed(own)}"),
        ("CSeq", "1 OPTIONS"),
        ("Contact", f"<sip:probe@{here}>"),
        ("Accept", "application/sdp"),
        ("User-Agent", "sipalg-fix"),
    ]
    return build(f"OPTIONS sip:{there} SIP/2.0", headers)
