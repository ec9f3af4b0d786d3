"""
What the answers of an ordinary SIP server show of the path. A server mirrors what it was asked with (Via,
From, To, Call-ID) and adds where that came from (``received``, ``rport``: RFC 3261 18.2.1, RFC 3581).

The Linux helper restores in an answer what it rewrote in the request, so nothing looks altered; but then
``received`` names the phone's own address, too. A second OPTIONS, whose Via names another port than it is
sent from, is left alone by it: there ``received`` is the public address, and in the answer to it the helper
puts that other port into To, wherever it sits. A third names the public address, which the helper of an outer
router rewrites on the way in.

This shows that there is an ALG and never that there is none: nothing but OPTIONS is sent, which boxes that
act on INVITE or on what announces audio leave alone, and where no address is translated an ALG has nothing to
rewrite.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from sipalg_fix.model.path import (
    WORST_FIRST,
    Direction,
    Evidence,
    Leg,
    Nat,
    NotTested,
    Outcome,
    Tested,
)
from sipalg_fix.model.sip.difference import Change, Difference
from sipalg_fix.model.sip.message import Message, read, split_list
from sipalg_fix.wire.messages import bracketed

_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*\w+\s+(\[[^]]*\]|[^;:\s]+)\s*(?::\s*(\d+))?")
_URI = re.compile(r"<([^>]*)>")


class Trick(Enum):
    """What is special about an OPTIONS."""

    TRUE = "OPTIONS"
    """Nothing: all that it says is true."""
    OTHER_PORT = "OPTIONS whose Via names another port"
    PUBLIC = "OPTIONS that names the public address"


@dataclass(slots=True, kw_only=True)
class Asked:
    """One OPTIONS, and the answers to it."""

    leg: str
    trick: Trick
    own: str
    own_port: int
    """Where it was sent from."""
    port: int
    """The server's."""
    sent: bytes
    copies: int = 0
    answers: list[bytes] = field(default_factory=list)
    strayed: bool = False
    """Did an answer come to the port that its Via named, and not to where it was sent from?"""

    def take(self, answer: bytes, strayed: bool) -> None:
        """An answer has come."""
        self.strayed = self.strayed or strayed
        if answer not in self.answers:
            self.answers.append(answer)

    @property
    def source(self) -> tuple[str, int] | None:
        """
        Where the server says that it came from, as the answer tells it here; None without an answer.

        Port 0 where it does not say. A server that adds no ``received`` saw what the Via says.
        """
        if not self.answers:
            return None
        via = next(iter(split_list(read(self.answers[0]).value("Via"))), "")
        parameters = dict(_pair(part) for part in via.split(";")[1:])
        port = parameters.get("rport", "")
        address = parameters.get("received") or (_sent_by(via) or ("", 0))[0]
        return _plain(address), int(port) if port.isascii() and port.isdigit() else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the answers show, all legs together."""

    outcome: Outcome
    reason: str
    legs: tuple[Leg, ...]
    evidence: tuple[Evidence, ...]
    tested: tuple[Tested, ...]
    nat: Nat


NOT_SHOWN = (
    NotTested(
        what="INVITE, REGISTER and what announces audio (SDP)",
        why="a server's answers do not show what it received of them; a responder's do",
    ),
    NotTested(what="requests from outside", why="only a responder sends them when asked to"),
    NotTested(what="TCP and TLS", why="without a responder only UDP is probed"),
    NotTested(
        what="connections that phones have open to their own provider",
        why="only the phones' own traffic shows them; a router goes on altering what it already tracks",
    ),
)


def judge(asked: Sequence[Asked]) -> Shown:
    """The outcome of all that was asked and answered."""
    legs: list[Leg] = []
    evidence: list[Evidence] = []
    for name in dict.fromkeys(each.leg for each in asked):
        mine = [each for each in asked if each.leg == name]
        found = [*_altered(mine), *_hidden(mine)]
        found += _landed(mine) if found else []
        evidence += found
        legs.append(_leg(name, mine, found))
    worst = min(legs, key=lambda leg: WORST_FIRST.index(leg.outcome))
    if worst.outcome is Outcome.UNREACHABLE and any(leg.outcome is not worst.outcome for leg in legs):
        # The server answers, only not from everywhere.
        worst = next(leg for leg in legs if leg.outcome is not Outcome.UNREACHABLE)
    return Shown(
        outcome=worst.outcome,
        reason=worst.reason,
        legs=tuple(legs),
        evidence=tuple(evidence),
        tested=tuple(_tested(asked)),
        nat=_nat(asked),
    )


def _leg(name: str, mine: list[Asked], found: list[Evidence]) -> Leg:
    port = mine[0].own_port
    if found:
        worst = min(found, key=lambda each: WORST_FIRST.index(each.outcome))
        return Leg(name=name, outcome=worst.outcome, reason=f"{name}: {worst.words}", source_port=port)
    answered = [each for each in mine if each.answers]
    if not answered:
        reason = (
            f"{name}: no answer to {mine[0].copies} OPTIONS: SIP is blocked on the way, or the server does "
            "not answer OPTIONS from strangers"
        )
        return Leg(name=name, outcome=Outcome.UNREACHABLE, reason=reason, source_port=port)
    reason = f"{name}: {_untold(mine)}"
    return Leg(name=name, outcome=Outcome.INCONCLUSIVE, reason=reason, source_port=port)


def _untold(mine: list[Asked]) -> str:
    """Why nothing follows from these answers, although nothing speaks for an ALG."""
    silent = [each.trick.value for each in mine if not each.answers]
    if silent:
        return f"it could not be told, because there was no answer to {', '.join(silent)}"
    own = _plain(mine[0].own)
    if all(each.source is not None and each.source[0] == own for each in mine):
        return (
            "it could not be told: the server saw this machine's own address, and where none is translated "
            "an ALG has nothing to rewrite"
        )
    return (
        "no sign of an ALG: OPTIONS came through unaltered, as far as the server's answers show it. That is "
        "no all-clear: what happens to INVITE and to what announces audio, only a responder shows"
    )


def _altered(mine: list[Asked]) -> Iterator[Evidence]:
    """What the server mirrored came back as something else."""
    habits = _habits(mine)
    for each in mine:
        for answer in each.answers:
            sent, come = read(each.sent), read(answer)
            if come.hops() > sent.hops():
                via = come.value("Via")
                words = f"a SIP proxy on the way left itself in the answer to {each.trick.value}: Via: {via}"
                found = Difference(field="Via", change=Change.ADDED, after=via)
                yield _evidence(each, Outcome.SIP_PROXY, words, found)
                continue
            for name, before, after in _mirrored(sent, come):
                if (name, after) in habits:
                    continue
                found = Difference(field=name, change=Change.CHANGED, before=before, after=after)
                words = f"the answer to {each.trick.value} came back altered: {found.words}"
                yield _evidence(each, Outcome.ALG_REWRITES, words, found)


def _habits(mine: list[Asked]) -> frozenset[tuple[str, str]]:
    """
    What stands in To in every answer, although another was sent: a server that writes it in its own way.

    What a box on the way does depends on where the message came from, and that is another for each.
    """
    told = [
        {("To", _essence("To", read(answer).value("To"))) for answer in each.answers}
        for each in mine
        if each.answers
    ]
    return frozenset.intersection(*map(frozenset, told)) if len(told) > 1 else frozenset()


def _mirrored(sent: Message, come: Message) -> Iterator[tuple[str, str, str]]:
    """Fields that a server must give back as they were, and that are another: name, before, after."""
    for name in ("Via", "From", "To", "Call-ID"):
        before, after = _essence(name, sent.value(name)), _essence(name, come.value(name))
        # A server that leaves one out is sloppy, which no box on the way would gain anything from.
        if after and before != after:
            yield name, before, after


def _essence(name: str, value: str) -> str:
    """What a server must keep of a header: no blanks, display names or parameters that it may add to."""
    if name == "Via":
        where = _sent_by(value)
        return f"{bracketed(where[0])}:{where[1]}" if where else ""
    if name == "Call-ID":
        return value.strip()
    found = _URI.search(value)
    return (found[1] if found else value.partition(";")[0]).strip()


def _hidden(mine: list[Asked]) -> Iterator[Evidence]:
    """A NAT that the one answer knows of and the other does not: what is between restores what it rewrote."""
    plain = next((each for each in mine if each.trick is Trick.TRUE and each.answers), None)
    odd = next((each for each in mine if each.trick is Trick.OTHER_PORT and each.answers), None)
    if plain is None or odd is None or plain.source is None or odd.source is None:
        return
    own = _plain(plain.own)
    if plain.source[0] == own and odd.source[0] not in (own, ""):
        words = (
            f"the server saw {odd.source[0]}, as its answer to {odd.trick.value} says; its answer to an "
            f"ordinary OPTIONS comes back with this machine's own address {own} in that place: Via is "
            "rewritten on the way out, and restored on the way back"
        )
        found = Difference(field="Via", change=Change.CHANGED, before=odd.source[0], after=own)
        yield _evidence(plain, Outcome.ALG_REWRITES, words, found)


def _landed(mine: list[Asked]) -> Iterator[Evidence]:
    """Support only: a server that does not know ``rport`` answers to the Via's port by itself."""
    for each in mine:
        if each.trick is Trick.OTHER_PORT and each.strayed:
            words = f"the answer to {each.trick.value} was led to that port"
            yield _evidence(each, Outcome.ALG_REWRITES, words)


def _evidence(each: Asked, outcome: Outcome, words: str, found: Difference | None = None) -> Evidence:
    return Evidence(
        leg=each.leg,
        port=each.port,
        direction=Direction.BACK,
        message=each.trick.value,
        outcome=outcome,
        words=words,
        field=found.field if found else "",
        before=found.before if found else "",
        after=found.after if found else "",
    )


def _tested(asked: Sequence[Asked]) -> Iterator[Tested]:
    for leg in dict.fromkeys(each.leg for each in asked):
        mine = [each for each in asked if each.leg == leg and each.answers]
        if mine:
            titles = tuple(each.trick.value for each in mine)
            yield Tested(leg=leg, port=mine[0].port, direction=Direction.BACK, messages=titles)


def _nat(asked: Sequence[Asked]) -> Nat:
    """The flow that no ALG of the Linux kind has touched."""
    for each in asked:
        if each.trick is Trick.OTHER_PORT and each.source is not None and each.source[1]:
            address, port = each.source
            return Nat(
                own=f"{bracketed(each.own)}:{each.own_port}",
                seen=f"{bracketed(address)}:{port}",
                translated=(_plain(each.own), each.own_port) != each.source,
                port_preserved=each.own_port == port,
            )
    return Nat()


def _sent_by(via: str) -> tuple[str, int] | None:
    found = _VIA.match(via.strip())
    return (_plain(found[1]), int(found[2] or 5060)) if found else None


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip()


def _plain(address: str) -> str:
    """One spelling for one address; anything else as it is."""
    bare = address.strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare
