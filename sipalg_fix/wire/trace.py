"""
The trace: OPTIONS that may pass one hop, two hops, and so on, and what the routers that drop them quote.

Needs no privilege: Linux hands the quotes to the socket that sent the message (``IP_RECVERR``). No other
system does; there the answer is that it cannot say. Routers limit how often they say such things, so each
count of hops is tried again only after more than a second.
"""

from __future__ import annotations

import secrets
import selectors
import socket
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from sipalg_fix.model.path import How, NotTested, Outcome, PathReport
from sipalg_fix.model.sip.message import build
from sipalg_fix.wire.endpoint import not_found
from sipalg_fix.wire.hops import NOT_SHOWN, Quote, judge, without_extension
from sipalg_fix.wire.messages import bracketed
from sipalg_fix.wire.protocol import SIP_PORT
from sipalg_fix.wire.systems import hands_over_quotes

ROUND_SECONDS = 1.1
ROUNDS = 4
STEP_SECONDS = 0.03
"""Between two counts of hops, so that few messages are under way when the far end is reached."""
HOPS = 20
# linux/in.h, linux/in6.h; Python 3.11 has no names for them
_RECVERR, _RECVERR6 = 11, 25
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceWish:
    """Whereto. Any host will do: best one whose UDP port is closed, because it quotes, too."""

    host: str
    port: int = SIP_PORT

    @property
    def target(self) -> str:
        """Whereto, for people."""
        return f"{bracketed(self.host)}:{self.port}"


@dataclass(slots=True, kw_only=True)
class _Try:
    """One count of hops; ``address`` is empty until something came back for it."""

    hop: int
    socket: socket.socket
    sent: bytes
    address: str = ""
    data: bytes = b""
    is_answer: bool = False
    is_end: bool = False


@dataclass(slots=True)
class _Trace:
    far: tuple[str, int]
    tries: list[_Try]
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def run(self) -> None:
        for turn in range(ROUNDS):
            ends = time.monotonic() + ROUND_SECONDS
            for each in self.tries:
                if not each.address and not self._is_beyond(each):
                    _send(each)
                    self._listen(time.monotonic() + STEP_SECONDS)
            if self._is_complete():
                return
            # What was sent last needs its time as well.
            self._listen(max(ends, time.monotonic() + ROUND_SECONDS * (turn + 1 == ROUNDS)))
            if self._is_complete():
                return

    def _is_beyond(self, tried: _Try) -> bool:
        return any(each.is_end and each.hop < tried.hop for each in self.tries)

    def _is_complete(self) -> bool:
        return all(each.address or self._is_beyond(each) for each in self.tries)

    def _listen(self, ends: float) -> None:
        while (left := ends - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                _hear(key.data, self.far)
            if self._is_complete():
                return

    def quotes(self) -> list[Quote]:
        """Up to the far end, or to the last hop that said anything."""
        last = next((each.hop for each in self.tries if each.is_end), 0)
        last = last or max((each.hop for each in self.tries if each.address), default=0)
        return [
            Quote(
                hop=each.hop, sent=each.sent, address=each.address, data=each.data, is_answer=each.is_answer
            )
            for each in self.tries
            if each.hop <= last
        ]


def trace(wish: TraceWish, at: str, system: str = sys.platform) -> PathReport:
    """Trace now. ``at`` is the time for the report. Nothing is raised: whatever goes wrong is an outcome."""
    began = time.monotonic()
    if not hands_over_quotes(system):
        why = "cannot say: this system does not hand over what routers quote; Linux does"
        return _report(wish, at, began, Outcome.INCONCLUSIVE, why)
    try:
        with ExitStack() as made:
            traced = _prepared(wish, made)
            traced.run()
            quotes = traced.quotes()
    except (OSError, UnicodeError) as error:
        why = f"{wish.target}: {not_found(wish.host, error)}"
        return _report(wish, at, began, Outcome.UNREACHABLE, why)
    shown = judge(quotes, wish.port)
    advice = (
        ("Switch SIP ALG off in the router that alters it, or have its owner do so.",)
        if shown.evidence
        else ()
    )
    return PathReport(
        outcome=shown.outcome,
        reason=shown.reason,
        responder=wish.target,
        at=at,
        seconds=round(time.monotonic() - began, 3),
        evidence=shown.evidence,
        not_tested=NOT_SHOWN,
        advice=advice,
        hops=shown.hops,
        how=How.TRACE,
    )


def _report(wish: TraceWish, at: str, began: float, outcome: Outcome, why: str) -> PathReport:
    return PathReport(
        outcome=outcome,
        reason=why,
        responder=wish.target,
        at=at,
        seconds=round(time.monotonic() - began, 3),
        not_tested=(NotTested(what="everything", why="nothing could be traced"),),
        how=How.TRACE,
    )


def _prepared(wish: TraceWish, made: ExitStack) -> _Trace:
    """A socket for each count of hops: so it is known what a quote is about, however short it is."""
    family, _, _, _, far = socket.getaddrinfo(wish.host, wish.port, type=socket.SOCK_DGRAM)[0]
    tries = []
    selector = made.enter_context(selectors.DefaultSelector())
    for hop in range(1, HOPS + 1):
        made_now = made.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        made_now.setblocking(False)
        if family == socket.AF_INET6:
            made_now.setsockopt(socket.IPPROTO_IPV6, _RECVERR6, 1)
            made_now.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop)
        else:
            made_now.setsockopt(socket.IPPROTO_IP, _RECVERR, 1)
            made_now.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop)
        made_now.connect(far)
        tried = _Try(
            hop=hop, socket=made_now, sent=_options(made_now.getsockname()[:2], (str(far[0]), wish.port))
        )
        selector.register(made_now, selectors.EVENT_READ, tried)
        tries.append(tried)
    return _Trace((str(far[0]), wish.port), tries, selector)


def _options(own: tuple[str, int], far: tuple[str, int]) -> bytes:
    """What is rewritten first comes first: some routers quote only the beginning."""
    here, branch = f"{bracketed(own[0])}:{own[1]}", secrets.token_hex(6)
    headers = [
        ("Via", f"SIP/2.0/UDP {here};branch=z9hG4bK{branch};rport"),
        ("Contact", f"<sip:probe@{here}>"),
        ("From", f"<sip:probe@{here}>;tag={branch[:6]}"),
        ("To", f"<sip:{bracketed(far[0])}>"),
        ("Call-ID", branch),
        ("CSeq", "1 OPTIONS"),
        ("Max-Forwards", "70"),
    ]
    return build(f"OPTIONS sip:{bracketed(far[0])} SIP/2.0", headers)


def _send(tried: _Try) -> None:
    # An error of a message that was sent before is told by the next call: what it says is read elsewhere.
    for _ in range(2):
        with suppress(OSError):
            tried.socket.send(tried.sent)
            return


def _hear(tried: _Try, far: tuple[str, int]) -> None:
    with suppress(OSError):
        data, ancillary, _, _ = tried.socket.recvmsg(65535, 512, socket.MSG_ERRQUEUE)
        for level, kind, told in ancillary:
            if (level, kind) in ((socket.IPPROTO_IP, _RECVERR), (socket.IPPROTO_IPV6, _RECVERR6)):
                _heard_error(tried, data, told, far)
        return
    with suppress(OSError):
        answer = tried.socket.recv(65535)
        if answer.startswith(b"SIP/2.0 ") and not tried.address:
            tried.address, tried.data, tried.is_answer, tried.is_end = far[0], answer, True, True


def _heard_error(tried: _Try, data: bytes, told: bytes, far: tuple[str, int]) -> None:
    """``told`` is a struct sock_extended_err (linux/errqueue.h) with the address of who says so behind it."""
    origin = told[4]
    if origin == _ORIGIN_ICMP and len(told) >= 24:
        address, headers = socket.inet_ntop(socket.AF_INET, told[20:24]), 28
    elif origin == _ORIGIN_ICMP6 and len(told) >= 40:
        address, headers = socket.inet_ntop(socket.AF_INET6, told[24:40]), 48
    else:
        return
    if not tried.address:
        tried.address, tried.data = address, without_extension(data, headers)
        tried.is_end = address == far[0]
