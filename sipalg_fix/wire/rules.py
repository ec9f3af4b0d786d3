"""
The rules of the verdict: each asks one leg for evidence of one thing, and says in words what it found.

A rule is a pure function of what was seen. It never takes for absent what a report does not hold, unless the
report is complete; and it calls nothing dropped that chance explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sipalg_fix.model.path import (
    Direction,
    Evidence,
    Outcome,
)
from sipalg_fix.model.sip.difference import Difference, compare
from sipalg_fix.model.sip.message import read
from sipalg_fix.wire.messages import REVERSE_TITLE, TITLE, Kind
from sipalg_fix.wire.protocol import What
from sipalg_fix.wire.seen import STREAMS, Exchange, Seen, is_drop, loss_back, loss_out

_TTL_FLOWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One leg of what was seen."""

    seen: Seen
    leg: str

    @property
    def sip_port(self) -> int:
        """The port that boxes take for SIP."""
        return self.seen.tls_port if self.leg == "tls" else self.seen.sip_port

    def exchanges(self, port: int = 0) -> list[Exchange]:
        """The leg's messages, to one port or all."""
        return [each for each in self.seen.exchanges if each.leg == self.leg and port in (0, each.port)]

    def arrived(self, kind: Kind, port: int, size: int = 0) -> bool:
        """Did any copy get there?"""
        return any(each.arrived for each in self.seen.of(self.leg, port, kind, size))

    def evidence(
        self,
        outcome: Outcome,
        each: Exchange,
        direction: Direction,
        words: str,
        found: Difference | None = None,
    ) -> Evidence:
        """Evidence about one message."""
        title = TITLE[each.kind] + (f" of {each.size} bytes" if each.size else "")
        return Evidence(
            leg=self.leg,
            port=each.port,
            direction=direction,
            message=title,
            outcome=outcome,
            words=words,
            field=found.field if found else "",
            before=found.before if found else "",
            after=found.after if found else "",
        )


Rule = Callable[[View], Iterator[Evidence]]


def _absent(view: View, each: Exchange) -> bool:
    """Is it certain that a message never arrived? An answer that covers it shows that it did."""
    return view.seen.complete and not each.arrived and not each.genuine(view.seen.key)


def took_over(view: View) -> Iterator[Evidence]:
    """Messages come from a proxy: an entry in Via that the probe never wrote, or one hop fewer to go."""
    for each in view.exchanges():
        if not each.arrived or each.arrived == each.sent:
            continue
        sent, came = read(each.sent), read(each.arrived)
        if not sent.is_sip or not came.is_sip:
            continue
        if came.hops() > sent.hops():
            via = came.value("Via")
            yield Evidence(
                leg=view.leg,
                port=each.port,
                direction=Direction.OUT,
                message=TITLE[each.kind],
                outcome=Outcome.SIP_PROXY,
                words=f"a SIP proxy on the way added itself to {TITLE[each.kind]}: Via: {via}",
                field="Via",
                after=via,
            )
        before, after = sent.value("Max-Forwards"), came.value("Max-Forwards")
        if before.isdigit() and after.isdigit() and int(after) < int(before):
            words = f"a SIP proxy passed {TITLE[each.kind]} on: Max-Forwards went from {before} to {after}"
            yield view.evidence(Outcome.SIP_PROXY, each, Direction.OUT, words)


def answered_last_hop(view: View) -> Iterator[Evidence]:
    """An OPTIONS that no proxy may pass on is answered on the way, while an ordinary one gets there."""
    for each in view.exchanges():
        swallowed = each.kind is Kind.LAST_HOP and each.answers and _absent(view, each)
        if swallowed and view.arrived(Kind.OPTIONS, each.port):
            start = read(each.answers[0]).start
            words = f"a SIP proxy on the way answered {TITLE[each.kind]} itself ({start})"
            yield view.evidence(Outcome.SIP_PROXY, each, Direction.BACK, words)


def answered_for_us(view: View) -> Iterator[Evidence]:
    """An answer came to a message that the responder never had, or one more than it gave."""
    for each in view.exchanges():
        if each.kind is Kind.LAST_HOP and view.arrived(Kind.OPTIONS, each.port) and not each.arrived:
            continue  # a proxy does that; see answered_last_hop
        if each.answers and _absent(view, each):
            start = read(each.answers[0]).start
            words = f"a box on the way answered {TITLE[each.kind]} itself ({start}); the server never saw it"
            yield view.evidence(Outcome.ANSWERED, each, Direction.BACK, words)
        elif each.arrived and len(each.answers) > len(each.genuine(view.seen.key)) > 0:
            foreign = [answer for answer in each.answers if answer not in each.genuine(view.seen.key)]
            start = read(foreign[0]).start
            words = f"a second answer to {TITLE[each.kind]} came from a box on the way ({start})"
            yield view.evidence(Outcome.ANSWERED, each, Direction.BACK, words)


def altered(view: View) -> Iterator[Evidence]:
    """A message, an answer or a request from outside is not what was sent."""
    for each in view.exchanges():
        if each.arrived:
            for found in compare(each.sent, each.arrived):
                yield view.evidence(Outcome.ALG_REWRITES, each, Direction.OUT, found.words, found)
        genuine = each.genuine(view.seen.key) or (tuple(each.answers) if each.arrived else ())
        for answer in genuine[:1]:
            for found in compare(each.answer, answer) if each.answer else ():
                words = f"in the answer, {found.words}"
                yield view.evidence(Outcome.ALG_REWRITES, each, Direction.BACK, words, found)
    for back in view.seen.reverses:
        if back.leg != view.leg:
            continue
        for sent, come in back.pairs(view.seen.key):
            for found in compare(sent, come):
                yield Evidence(
                    leg=view.leg,
                    port=back.port,
                    direction=Direction.IN,
                    message=REVERSE_TITLE[back.what],
                    outcome=Outcome.ALG_REWRITES,
                    words=f"in a request from outside, {found.words}",
                    field=found.field,
                    before=found.before,
                    after=found.after,
                )


def redirected(view: View) -> Iterator[Evidence]:
    """An answer came to the port named in Via and not to the one that the message was sent from."""
    for each in view.exchanges():
        if each.strayed:
            words = "the answer was led to the port named in Via, not to the one that the message came from"
            yield view.evidence(Outcome.ALG_REWRITES, each, Direction.BACK, words)


def _first_of_each(exchanges: list[Exchange]) -> list[Exchange]:
    return list({(each.kind, each.size): each for each in reversed(exchanges)}.values())


def dropped(view: View) -> Iterator[Evidence]:
    """A message vanishes, while others to the same port and the same to another port get through."""
    port, other = view.sip_port, view.seen.other_port
    here = view.exchanges(port)
    if not view.seen.complete or not any(each.arrived for each in here):
        return
    loss = loss_out(view.seen.exchanges)
    for each in _first_of_each(here):
        if each.arrived or each.answers:
            continue
        tries = view.seen.of(view.leg, port, each.kind, each.size)
        copies = sum(one.copies for one in tries)
        if any(one.arrived or one.answers for one in tries) or not is_drop(copies, loss):
            continue
        if view.arrived(each.kind, other, each.size):
            words = (
                f"{TITLE[each.kind]} never arrives at port {port} ({copies} times sent); "
                f"the same to port {other} does, and other messages to port {port} do"
            )
            yield view.evidence(Outcome.ALG_DROPS, each, Direction.OUT, words)


def dropped_back(view: View) -> Iterator[Evidence]:
    """Some answers or requests from the SIP port vanish, while others from there get through."""
    port, other = view.sip_port, view.seen.other_port
    here = view.exchanges(port)
    if not any(each.answers for each in here):
        return
    loss = loss_back(view.seen.exchanges)
    for each in _first_of_each(here):
        if each.answers:
            continue
        tries = view.seen.of(view.leg, port, each.kind, each.size)
        given = sum(one.answers_sent for one in tries)
        sibling = any(one.answers for one in view.seen.of(view.leg, other, each.kind, each.size))
        if sibling and not any(one.answers for one in tries) and is_drop(given, loss):
            words = f"the answer to {TITLE[each.kind]} from port {port} never comes back ({given} times sent)"
            yield view.evidence(Outcome.ALG_DROPS, each, Direction.BACK, words)
    for back in view.seen.reverses:
        if back.leg == view.leg and back.port == port and back.what is not What.DATAGRAM and not back.come:
            twin = [r for r in view.seen.reverses if (r.leg, r.port, r.what) == (back.leg, other, back.what)]
            if any(r.come for r in twin) and is_drop(len(back.sent), loss):
                title = REVERSE_TITLE[back.what]
                yield Evidence(
                    leg=view.leg,
                    port=port,
                    direction=Direction.IN,
                    message=title,
                    outcome=Outcome.ALG_DROPS,
                    words=f"{title} never comes in from port {port}; from port {other} it does",
                )


def relayed(view: View) -> Iterator[Evidence]:
    """Packets to the SIP port arrive with more hops to go than others: something sent them anew."""
    if view.leg.startswith(STREAMS):
        return
    sip, rest = _hops_left(view, view.sip_port), _hops_left(view, view.seen.other_port)
    mine = [each for each in view.exchanges(view.sip_port) if each.ttl >= 0]
    if mine and len(sip) == len(rest) == 1 and max(sip) > max(rest):
        each = mine[0]
        words = (
            f"a box takes what goes to port {view.sip_port} and sends it anew: it arrives with a TTL of "
            f"{max(sip)}, everything else with {max(rest)}"
        )
        yield view.evidence(Outcome.SIP_PROXY, each, Direction.OUT, words)


def _hops_left(view: View, port: int) -> set[int]:
    """TTLs with which UDP arrived at a port; none unless from several flows, which may take several ways."""
    known = [each for each in view.seen.exchanges if each.port == port and each.ttl >= 0]
    flows = {each.source for each in known}
    return {each.ttl for each in known} if len(flows) >= _TTL_FLOWS else set()


def replies_blocked(view: View) -> Iterator[Evidence]:
    """Messages get to the SIP port; no answer comes from there, though it does from another port."""
    here, there = view.exchanges(view.sip_port), view.exchanges(view.seen.other_port)
    given = sum(each.answers_sent for each in here)
    came = any(each.answers for each in here)
    if not came and any(each.answers for each in there) and is_drop(given, loss_back(there)):
        words = (
            f"{given} answers were sent from port {view.sip_port} and none came back; "
            f"those from port {view.seen.other_port} did"
        )
        each = next(each for each in here if each.answers_sent)
        yield view.evidence(Outcome.REPLIES_BLOCKED, each, Direction.BACK, words)


def blocked(view: View) -> Iterator[Evidence]:
    """Nothing gets to the SIP port, though it does to another."""
    here, there = view.exchanges(view.sip_port), view.exchanges(view.seen.other_port)
    copies = sum(each.copies for each in here)
    nothing = view.seen.complete and not any(each.arrived or each.answers for each in here)
    refused = view.seen.refused.get((view.leg, view.sip_port), "")
    through = any(each.arrived for each in there) or view.leg == "tls"
    if nothing and through and ((here and is_drop(copies, loss_out(there))) or refused):
        why = f" ({refused})" if refused else f" ({copies} messages sent)"
        yield Evidence(
            leg=view.leg,
            port=view.sip_port,
            direction=Direction.OUT,
            message="all",
            outcome=Outcome.BLOCKED,
            words=f"nothing gets through to {view.leg.partition(' ')[0].upper()} port {view.sip_port}{why}",
        )


RULES: tuple[tuple[Outcome, Rule], ...] = (
    (Outcome.SIP_PROXY, took_over),
    (Outcome.SIP_PROXY, answered_last_hop),
    (Outcome.ANSWERED, answered_for_us),
    (Outcome.ALG_REWRITES, altered),
    (Outcome.ALG_REWRITES, redirected),
    (Outcome.ALG_DROPS, dropped),
    (Outcome.ALG_DROPS, dropped_back),
    (Outcome.SIP_PROXY, relayed),
    (Outcome.REPLIES_BLOCKED, replies_blocked),
    (Outcome.BLOCKED, blocked),
)
"""In order of what they prove; each is a question to one leg."""
