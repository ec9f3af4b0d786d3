"""
Which hop alters: a router that drops a message because it passed too many hops says so, and quotes it as it
was when it came there (RFC 792; RFC 1812 asks for as much as fits into 576 bytes). So a quote shows what all
hops before that one made of the message.

What a router does to requests from outside does not show, nor an ALG beyond another NAT, which leaves alone
what names another address than the connection's.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sipalg_fix.model.path import Direction, Evidence, Hop, NotTested, Outcome, Shows
from sipalg_fix.model.sip.difference import Difference, compare

LEG = "udp"
_PORT = re.compile(r":\d+|;(?:branch|tag)=\w+")
"""What is another in each message that is sent, and no sign of another hop's doing."""
_QUOTED_BEFORE_EXTENSION = 128
_SENT_BY = re.compile(rb"\r\nVia: SIP/2\.0/UDP [^;\r]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What came back for one count of hops. ``data`` is the quoted part of the message, or its answer."""

    hop: int
    sent: bytes
    address: str = ""
    data: bytes = b""
    is_answer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """What the quotes show."""

    outcome: Outcome
    reason: str
    hops: tuple[Hop, ...]
    evidence: tuple[Evidence, ...]


NOT_SHOWN = (
    NotTested(
        what="an ALG beyond another NAT",
        why="it leaves alone what names an address from before that NAT; a responder shows it",
    ),
    NotTested(what="answers, and requests from outside", why="routers quote only what goes out"),
    NotTested(
        what="INVITE, REGISTER and what announces audio (SDP)",
        why="only OPTIONS, which rings no phone, is sent",
    ),
    NotTested(what="TCP and TLS", why="only UDP is traced"),
    NotTested(
        what="connections that phones have open to their own provider",
        why="only the phones' own traffic shows them; a router goes on altering what it already tracks",
    ),
)


def judge(quotes: Sequence[Quote], port: int) -> Traced:
    """The outcome of one quote for each count of hops, in order; ``port`` is the far end's."""
    hops = tuple(_hop(quote) for quote in quotes)
    evidence = tuple(_evidence(quotes, hops, port))
    if evidence:
        more = f" (and {len(evidence) - 1} more)" if len(evidence) > 1 else ""
        reason = evidence[0].words + more
        return Traced(outcome=Outcome.ALG_REWRITES, reason=reason, hops=hops, evidence=evidence)
    return Traced(outcome=Outcome.INCONCLUSIVE, reason=_untold(hops), hops=hops, evidence=())


def _untold(hops: tuple[Hop, ...]) -> str:
    told = [hop for hop in hops if hop.shows is Shows.UNALTERED]
    if told:
        last = told[-1]
        return (
            f"nothing altered OPTIONS on its way to hop {last.number} ({last.address}); what is beyond it, "
            "and what else is sent, this does not show"
        )
    if any(hop.shows is Shows.TOO_LITTLE for hop in hops):
        return "cannot say: the routers on this path quote too little of what they drop"
    return "cannot say: no router on this path tells what it drops"


def _hop(quote: Quote) -> Hop:
    if not quote.address:
        shows = Shows.NOTHING
    elif quote.is_answer:
        shows = Shows.ANSWERED
    elif compare_cut(quote.sent, quote.data):
        shows = Shows.ALTERED
    else:
        shows = Shows.UNALTERED if tells_via(quote.sent, quote.data) else Shows.TOO_LITTLE
    size = 0 if quote.is_answer else len(quote.data)
    return Hop(number=quote.hop, address=quote.address, shows=shows, quoted=size, sent=len(quote.sent))


def _evidence(quotes: Sequence[Quote], hops: Sequence[Hop], port: int) -> Iterator[Evidence]:
    """Where a quote is another than the last before it that shows enough, somebody in between altered it."""
    before: dict[str, str] = {}
    since = 0
    for place, hop in enumerate(hops):
        if hop.shows not in (Shows.UNALTERED, Shows.ALTERED):
            continue
        found = compare_cut(quotes[place].sent, quotes[place].data)
        # By field and its place, for there may be several of one name.
        now = {f"{n} {each.field}": _PORT.sub("", each.after) for n, each in enumerate(found)}
        who = _who(since, hop, hops)
        for number, (key, bare) in enumerate(now.items()):
            each = found[number]
            if before.get(key) == bare:
                continue
            told = replace(each, before=before[key], after=bare) if key in before else each
            yield Evidence(
                leg=LEG,
                port=port,
                direction=Direction.OUT,
                message=f"OPTIONS, as hop {hop.number} ({hop.address}) received it",
                outcome=Outcome.ALG_REWRITES,
                words=f"{who} alters OPTIONS: {told.words}",
                field=told.field,
                before=told.before,
                after=told.after,
            )
        before, since = now, hop.number


def _who(since: int, hop: Hop, hops: Sequence[Hop]) -> str:
    """Who did it, by the last hop that had it otherwise and the first that has it so."""
    names = {each.number: each.address for each in hops if each.address}
    if not since:
        first = f"something before hop 1 ({hop.address})" if hop.number == 1 else ""
        return first or f"something before hop {hop.number} ({hop.address})"
    name = f"hop {since} ({names[since]})"
    return name if since + 1 == hop.number else f"{name}, or another before hop {hop.number} ({hop.address}),"


def compare_cut(sent: bytes, quoted: bytes) -> tuple[Difference, ...]:
    """What is another in a quote that may be cut anywhere; what is cut off is taken for the same."""
    if sent.startswith(quoted):
        return ()
    come = quoted.split(b"\r\n")
    gone = sent.split(b"\r\n")
    if len(come) < len(gone):
        gone = gone[: len(come)]
        if gone[-1].startswith(come[-1]):
            come[-1] = gone[-1]
    return compare(b"\r\n".join(gone), b"\r\n".join(come))


def tells_via(sent: bytes, quoted: bytes) -> bool:
    """Is the address in Via, which every ALG rewrites first, within the quote?"""
    found = _SENT_BY.search(sent)
    return found is not None and len(quoted) >= found.end()


def without_extension(quoted: bytes, headers: int) -> bytes:
    """
    A quote without what newer routers append to it (RFC 4884: labels of MPLS, for instance).

    ``headers`` is how long the quoted headers before it were. The appended part has a checksum of its own.
    """
    start = _QUOTED_BEFORE_EXTENSION - headers
    rest = quoted[start:]
    if len(rest) < 8 or rest[0] >> 4 != 2:
        return quoted
    padded = rest + b"\0" * (len(rest) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return quoted[:start] if total == 0xFFFF else quoted
