"""
The watch: takes messages one after the other, keeps a little of each address, and says in the end what shows.

What is kept does not grow with the traffic: a few numbers for each address, and the last messages, to hold an
answer against its request and a message against its copy on the other side of a router.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sipalg_fix.model.passive import BASIS, SHOWS, WORDS, Caller, Noted, PassiveReport, Shown, Sign, masked
from sipalg_fix.wire.passive import signs
from sipalg_fix.wire.passive.glance import glance, is_inside
from sipalg_fix.wire.passive.heard import Heard, NotRead
from sipalg_fix.wire.passive.signs import Case, View

MOST_CALLERS = 200_000
MOST_RECENT = 20_000
MOST_RECENT_BYTES = 64 * 1024 * 1024
MOST_FLOWS = 64
MOST_USERS = 8
SAME_SECONDS = 30.0
"""Between copies of a message, by the clocks of two machines."""
_SAME_KEPT = 4
_LEARNT = frozenset({Sign.INSIDE_LEFT, Sign.VIA_ONLY, Sign.CONTACT_ONLY})
"""Signs that a phone gives as well once it has learnt its public address from a first answer."""

Flow = tuple[int, int, str]
"""Source port, target port, transport."""


@dataclass(slots=True)
class _Kept:
    """What is kept of one address."""

    messages: int = 0
    first: float = 0.0
    last: float = 0.0
    flows: dict[Flow, bool] = field(default_factory=dict)
    """Whether the flow began with a message that came as the phone wrote it."""
    users: dict[str, None] = field(default_factory=dict)
    ports: dict[tuple[str, int], None] = field(default_factory=dict)
    cases: dict[tuple[Sign, str], Case] = field(default_factory=dict)
    counts: dict[tuple[Sign, str], int] = field(default_factory=dict)
    learnt: int = 0


class Watch:
    """Give it messages, then ask for the report."""

    def __init__(self, not_read: NotRead) -> None:
        self._not_read = not_read
        self._callers: dict[str, _Kept] = {}
        self._servers: set[str] = set()
        self._recent: OrderedDict[tuple[str, str, str], list[View]] = OrderedDict()
        self._recent_bytes = 0
        self.messages = 0

    def take(self, heard: Heard) -> None:
        """One message."""
        seen = glance(heard.data)
        if seen is None or not seen.vias:
            self._not_read["SIP messages without Via, Call-ID or CSeq"] += 1
            return
        self.messages += 1
        view = View(heard=heard, seen=seen)
        if seen.status:
            self._answer(view)
        else:
            self._request(view)

    def _request(self, view: View) -> None:
        heard, seen = view.heard, view.seen
        if seen.method == "REGISTER":
            self._servers.add(heard.target)
        kept = self._kept(heard.source)
        if kept is None:
            return
        kept.messages += 1
        kept.first = kept.first or heard.at
        kept.last = max(kept.last, heard.at)
        if seen.user and len(kept.users) < MOST_USERS:
            kept.users[seen.user] = None
        if len(kept.ports) < MOST_USERS:
            kept.ports[heard.transport, heard.target_port] = None
        cases = [case for rule in signs.REQUEST_RULES for case in rule(view)]
        flow = (heard.source_port, heard.target_port, heard.transport)
        written = any(case.sign is Sign.AS_WRITTEN for case in cases)
        if flow not in kept.flows and len(kept.flows) < MOST_FLOWS:
            kept.flows[flow] = written
        for case in cases:
            # A phone that began with its private address and then says the public one has learnt it.
            if case.sign in _LEARNT and kept.flows.get(flow):
                kept.learnt += 1
            else:
                _note(kept, case)
        for earlier in self._same(view):
            before = earlier.heard
            if (before.target, before.target_port) == (heard.target, heard.target_port):
                self._compared(earlier, view, before.source, heard.source)

    def _answer(self, view: View) -> None:
        heard = view.heard
        for case in signs.received(view):
            self._noted(heard.target, case)
        for earlier in self._same(view):
            if earlier.seen.status:
                before = earlier.heard
                if (before.source, before.source_port) == (heard.source, heard.source_port):
                    self._compared(earlier, view, before.target, heard.target)
            elif _reversed(earlier.heard, heard):
                for case in signs.echo(earlier, view):
                    self._noted(heard.source, case)
                    self._noted(heard.target, case)

    def _same(self, view: View) -> Iterator[View]:
        """What was heard of the same transaction, other than this; and remember this."""
        seen = view.seen
        if not view.heard.whole:
            return
        key = (seen.call_id, seen.cseq, seen.vias[-1].branch)
        known = self._recent.get(key)
        if known is None:
            known = self._recent[key] = []
        for earlier in known:
            if earlier.seen.status in (0, seen.status):
                yield earlier
        if len(known) < _SAME_KEPT:
            known.append(view)
            self._recent_bytes += len(view.heard.data)
        while len(self._recent) > MOST_RECENT or self._recent_bytes > MOST_RECENT_BYTES:
            _, gone = self._recent.popitem(last=False)
            self._recent_bytes -= sum(len(each.heard.data) for each in gone)

    def _compared(self, before: View, after: View, here: str, there: str) -> None:
        """Two copies, heard at the phones' addresses ``here`` and ``there``: a router lies between them."""
        if here == there or not (is_inside(here) or is_inside(there)):
            return
        if abs(before.heard.at - after.heard.at) > SAME_SECONDS:
            return
        for case in signs.copies(before, after):
            self._noted(here, case)
            self._noted(there, case)

    def _noted(self, address: str, case: Case) -> None:
        kept = self._kept(address)
        if kept is not None:
            _note(kept, case)

    def _kept(self, address: str) -> _Kept | None:
        kept = self._callers.get(address)
        if kept is None:
            if len(self._callers) >= MOST_CALLERS:
                self._not_read["messages of more addresses than are kept"] += 1
                return None
            kept = self._callers[address] = _Kept()
        return kept

    def report(self, source: str, at: str, *, show_names: bool = False) -> PassiveReport:
        """What shows until now."""
        callers = [
            _caller(address, kept, show_names)
            for address, kept in self._callers.items()
            if address not in self._servers and (kept.messages or kept.cases)
        ]
        order = list(Shown)
        callers.sort(key=lambda caller: (order.index(caller.shown), -caller.messages, caller.address))
        return PassiveReport(
            source=source,
            at=at,
            messages=self.messages,
            callers=tuple(callers),
            servers=tuple(sorted(self._servers)),
            not_read=dict(sorted(self._not_read.items())),
        )


def _reversed(asked: Heard, answered: Heard) -> bool:
    return (asked.source, asked.source_port, asked.target, asked.target_port) == (
        answered.target,
        answered.target_port,
        answered.source,
        answered.source_port,
    )


def _note(kept: _Kept, case: Case) -> None:
    key = (case.sign, case.field)
    kept.cases.setdefault(key, case)
    kept.counts[key] = kept.counts.get(key, 0) + 1


def _caller(address: str, kept: _Kept, show_names: bool) -> Caller:
    shown, reason = _judged(kept)
    boxes = [case.box for case in kept.cases.values() if case.box and SHOWS[case.sign] is shown]
    noted = [
        Noted(
            sign=case.sign,
            count=kept.counts[key],
            words=WORDS[case.sign],
            basis=BASIS[case.sign],
            field=case.field,
            before=case.before,
            after=case.after,
        )
        for key, case in kept.cases.items()
    ]
    order = list(Sign)
    return Caller(
        address=address,
        shown=shown,
        reason=reason,
        box=next(iter(dict.fromkeys(boxes)), ""),
        messages=kept.messages,
        flows=len(kept.flows),
        ports=tuple(f"{transport} {port}" for transport, port in kept.ports),
        users=tuple(dict.fromkeys(user if show_names else masked(user) for user in kept.users)),
        first=_time(kept.first),
        last=_time(kept.last),
        signs=tuple(sorted(noted, key=lambda each: order.index(each.sign))),
    )


def _judged(kept: _Kept) -> tuple[Shown, str]:
    """The worst that a sign speaks for, and why."""
    found = {SHOWS[sign] for sign, _ in kept.cases}
    shown = next((each for each in Shown if each in found), Shown.CANNOT_SAY)
    if shown is Shown.CANNOT_SAY:
        return shown, _unknown(kept)
    first = next(sign for sign, _ in kept.cases if SHOWS[sign] is shown)
    reason = WORDS[first][:1].upper() + WORDS[first][1:] + "."
    if shown is Shown.UNALTERED:
        reason += (
            " It says nothing of boxes that only drop messages or alter audio offers,"
            " nor of one behind another NAT."
        )
    elif Shown.UNALTERED in found:
        reason += (
            " Other messages came unaltered: an ALG that was switched off goes on with old connections,"
            " and a phone that asks a STUN server looks like this beside others that do not."
        )
    elif shown is Shown.LOOKS_REWRITTEN:
        reason += " A phone that asks a STUN server, or was told its public address, may write so, too."
    return shown, reason


def _unknown(kept: _Kept) -> str:
    if kept.learnt:
        return (
            "Messages began with a private address and went on with the public one: phones that learn it from"
            " answers do so."
        )
    if not kept.messages:
        return "No request from this address was heard."
    if all(port != signs.SIP_PORT for _, port in kept.ports):
        return "Only ports other than 5060 were used: boxes that act on SIP look at that one first of all."
    return (
        "No private address stands in the messages: a phone with STUN, one without NAT, and one behind an ALG"
        " all write so."
    )


def _time(at: float) -> str:
    if at <= 0:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return ""
