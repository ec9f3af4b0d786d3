"""
What a probe saw, message by message, before anybody judges it; and how likely it was mere loss.

A message is told apart by leg, port and kind. Over UDP its copies are one exchange; over TCP each try is an
exchange of its own, whose ``copies`` are the times that the kernel must have sent its segment.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from sipalg_fix.model.path import Nat, Pinhole
from sipalg_fix.wire import protocol
from sipalg_fix.wire.messages import Kind
from sipalg_fix.wire.protocol import What

STREAMS = ("tcp", "tls")
"""How the names of legs begin whose lost packets the kernel sends again by itself."""
CHANCE = 1e-4
"""A loss less likely than this is a drop."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One message of the probe's, what arrived of it, and what came back."""

    seq: int
    leg: str
    port: int
    kind: Kind
    sent: bytes
    size: int = 0
    copies: int = 0
    arrived: bytes = b""
    """Its first copy as the responder received it; empty: none did."""
    copies_arrived: int = 0
    ttl: int = -1
    source: tuple[str, int] = ("", 0)
    answer: bytes = b""
    """What the responder says it answered."""
    answers_sent: int = 0
    answers: list[bytes] = field(default_factory=list)
    """Each different answer that came back."""
    answers_come: int = 0
    strayed: bool = False
    """Did an answer come back to another port than the message was sent from?"""
    _known: tuple[tuple[bytes, bytes, int], tuple[bytes, ...]] | None = None

    @property
    def is_done(self) -> bool:
        """Is there an answer?"""
        return bool(self.answers)

    def take(self, answer: bytes) -> None:
        """An answer has come."""
        self.answers_come += 1
        if answer not in self.answers:
            self.answers.append(answer)

    def genuine(self, key: bytes) -> tuple[bytes, ...]:
        """
        Those answers that the responder gave, as far as their signature shows.

        It covers what the responder received. Where its report is missing, one that covers what was sent
        still shows that this arrived unaltered.
        """
        if not self.answers:
            return ()
        # Judges ask again and again, and nothing new comes meanwhile.
        basis = (key, self.arrived or self.sent, len(self.answers))
        if self._known is None or self._known[0] != basis:
            sign = protocol.signature(key, self.seq, basis[1]).encode()
            self._known = basis, tuple([each for each in self.answers if _sign(each) == sign])
        return self._known[1]


@dataclass(slots=True, kw_only=True)
class Reverse:
    """One message of the responder's, sent to where the probe's message ``seq`` came from."""

    seq: int
    leg: str
    port: int
    what: What
    sent: list[bytes] = field(default_factory=list)
    come: list[bytes] = field(default_factory=list)
    problem: str = ""
    """Why the responder did not send it."""

    def pairs(self, key: bytes) -> list[tuple[bytes, bytes]]:
        """
        Sent and received, by signature; what has none is held against the last that was sent.

        One with a genuine signature of which the responder's word has not come is held against nothing.
        """
        by_sign = {_sign(sent): sent for sent in self.sent}
        known = [come for come in self.come if _sign(come) in by_sign or not self._is_genuine(come, key)]
        return [(by_sign.get(_sign(come), self.sent[-1]), come) for come in known if self.sent]

    def _is_genuine(self, come: bytes, key: bytes) -> bool:
        sign = _sign(come).decode()
        counts = range(1, protocol.SENDS_MOST + 1)
        return any(protocol.request_signature(key, self.seq, self.what, count) == sign for count in counts)


def _sign(data: bytes) -> bytes:
    found = protocol.SIGNATURE.search(data)
    return found[1].lower() if found else b""


@dataclass(slots=True, kw_only=True)
class Seen:
    """All of a probe's session."""

    key: bytes
    sip_port: int
    tls_port: int
    other_port: int
    exchanges: list[Exchange] = field(default_factory=list)
    reverses: list[Reverse] = field(default_factory=list)
    legs: dict[str, int] = field(default_factory=dict)
    """Names of the legs that were tried, and their source port (0: a fresh one for each connection)."""
    failed: dict[str, str] = field(default_factory=dict)
    """Legs that could not be tried, and why."""
    refused: dict[tuple[str, int], str] = field(default_factory=dict)
    """Why no connection could be made, by leg and port."""
    complete: bool = True
    """Did the responder's report come to its end? If not, nothing follows from what it does not hold."""
    intercepted: bool = False
    """Did the TLS leg show another certificate than the control channel?"""
    nat: Nat = field(default_factory=Nat)
    pinhole: Pinhole = Pinhole.NOT_TOLD

    def of(self, leg: str, port: int, kind: Kind, size: int = 0) -> list[Exchange]:
        """All tries of one message."""
        return [
            each
            for each in self.exchanges
            if each.kind is kind and each.port == port and each.leg == leg and each.size == size
        ]


def loss_out(exchanges: Iterable[Exchange]) -> float:
    """An upper guess of the share of copies lost on the way out, from messages that do get through."""
    through = _telling([each for each in exchanges if each.arrived])
    sent = sum(each.copies for each in through)
    lost = sum(max(0, each.copies - each.copies_arrived) for each in through)
    return _upper(lost, sent)


def loss_back(exchanges: Iterable[Exchange]) -> float:
    """The same for answers."""
    through = _telling([each for each in exchanges if each.answers_come and each.answers_sent])
    sent = sum(each.answers_sent for each in through)
    lost = sum(max(0, each.answers_sent - each.answers_come) for each in through)
    return _upper(lost, sent)


def _telling(through: list[Exchange]) -> list[Exchange]:
    """Those over UDP, if there are any: what TCP loses, the kernel sends again without a word."""
    return [each for each in through if not each.leg.startswith(STREAMS)] or through


def _upper(lost: int, sent: int) -> float:
    """A share that the true one is hardly above: few copies by good luck must not make a loss a drop."""
    if not sent:
        return 0.5
    guess = (lost + 1) / (sent + 2)
    return min(1.0, guess + 2 * math.sqrt(guess * (1 - guess) / (sent + 2)))


def is_drop(copies: int, loss: float) -> bool:
    """Is it out of the question that so many copies were lost by chance alone?"""
    return copies >= 4 and min(0.9, loss) ** copies < CHANCE
