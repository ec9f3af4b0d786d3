"""
From what was seen to an outcome: a table of rules, each with the evidence that it rests on.

For each leg the first of :data:`sipalg_fix.wire.rules.RULES` that finds evidence gives the outcome. Without
any, the leg is clean only if every message of the base set, its answer and the requests from outside came
through unaltered on the SIP port; whatever is missing there makes it inconclusive. All rules look at all
legs, so that a report has all the evidence and not only what decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sipalg_fix.model.path import (
    ALG,
    KEPT,
    OLD_PORT,
    WORST_FIRST,
    Direction,
    Evidence,
    Leg,
    Outcome,
    Pinhole,
)
from sipalg_fix.wire.messages import BASE, CANARIES, REVERSE_TITLE, TITLE, Kind
from sipalg_fix.wire.protocol import What
from sipalg_fix.wire.rules import RULES, View
from sipalg_fix.wire.seen import Seen

REQUIRED = (*BASE, *CANARIES)
_TRANSPORTS = ("udp", "tcp", "tls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The outcome of a whole probe, what each leg shows, and all evidence."""

    outcome: Outcome
    reason: str
    legs: tuple[Leg, ...]
    evidence: tuple[Evidence, ...]
    advice: tuple[str, ...]


def judge(seen: Seen) -> Judgement:
    """The outcome of all that was seen."""
    evidence: list[Evidence] = []
    legs: list[Leg] = []
    for name, source_port in sorted(seen.legs.items(), key=lambda leg: _rank(leg[0])):
        leg, found = _judge_leg(View(seen=seen, leg=name), source_port)
        legs.append(leg)
        evidence.extend(found)
    if seen.intercepted:
        leg, seen_there = _intercepted(seen)
        legs.append(leg)
        evidence.append(seen_there)
    counted = [leg for leg in legs if leg.name != "tls" or leg.outcome in ALG]
    if not counted:
        return Judgement(
            outcome=Outcome.INCONCLUSIVE,
            reason="nothing could be tested: " + "; ".join(seen.failed.values()),
            legs=(),
            evidence=(),
            advice=(),
        )
    worst = min(counted, key=lambda leg: WORST_FIRST.index(leg.outcome))
    outcome, reason = worst.outcome, worst.reason
    if outcome is Outcome.NONE:
        names = ", ".join(leg.name for leg in legs)
        reason = f"every message, both ways, came through unaltered: {names}"
    if outcome in ALG and _only_old(legs):
        reason = f"gone for new connections, still there for existing ones: {reason}"
    if outcome is Outcome.NONE and seen.pinhole is Pinhole.YES:
        outcome = Outcome.INCONCLUSIVE
        reason = (
            "no message was altered, yet a REGISTER opened a port to the outside: something reads SIP here"
        )
    return Judgement(
        outcome=outcome,
        reason=reason,
        legs=tuple(legs),
        evidence=tuple(evidence),
        advice=tuple(_advice(legs, outcome)),
    )


def _rank(name: str) -> tuple[int, str]:
    return _TRANSPORTS.index(name.partition(" ")[0]), name


def _intercepted(seen: Seen) -> tuple[Leg, Evidence]:
    """Somebody else's certificate on the TLS port."""
    words = "a box on the way shows its own certificate in the responder's place, and reads SIP inside TLS"
    return Leg(name="tls", outcome=Outcome.SIP_PROXY, reason=f"tls: {words}"), Evidence(
        leg="tls",
        port=seen.tls_port,
        direction=Direction.BACK,
        message="the certificate",
        outcome=Outcome.SIP_PROXY,
        words=words,
    )


def _judge_leg(view: View, source_port: int) -> tuple[Leg, list[Evidence]]:
    decided: Outcome | None = None
    evidence: list[Evidence] = []
    for outcome, rule in RULES:
        found = list(rule(view))
        evidence.extend(found)
        if found and decided is None:
            decided = outcome
    if decided is not None:
        words = [each.words for each in evidence if each.outcome is decided]
        more = f" (and {len(words) - 1} more)" if len(words) > 1 else ""
        reason = f"{view.leg}: {words[0]}{more}"
        return Leg(name=view.leg, outcome=decided, reason=reason, source_port=source_port), evidence
    missing = tuple(_missing(view))
    if missing:
        reason = f"{view.leg}: it could not be told, because of {', '.join(missing)}"
        return Leg(
            name=view.leg, outcome=Outcome.INCONCLUSIVE, reason=reason, source_port=source_port
        ), evidence
    reason = f"{view.leg}: every message to and from port {view.sip_port} came through unaltered"
    return Leg(name=view.leg, outcome=Outcome.NONE, reason=reason, source_port=source_port), evidence


def _missing(view: View) -> Iterator[str]:
    """What must have come through before a leg may be called clean."""
    port = view.sip_port
    required = (Kind.OPTIONS, Kind.INVITE) if view.leg == "tls" else REQUIRED
    for kind in required:
        tries = view.seen.of(view.leg, port, kind)
        if not any(each.arrived or each.genuine(view.seen.key) for each in tries):
            yield f"{TITLE[kind]} did not arrive"
        elif not any(each.genuine(view.seen.key) for each in tries):
            yield f"no answer to {TITLE[kind]}"
        elif not any(each.answer for each in tries):
            yield f"no report on the answer to {TITLE[kind]}"
    if view.leg == "tls":
        return
    for what in (What.NOTIFY, What.INVITE):
        ways = [r for r in view.seen.reverses if (r.leg, r.port, r.what) == (view.leg, port, what)]
        if not any(r.come for r in ways):
            why = next((f" ({r.problem})" for r in ways if r.problem), "")
            yield f"no {REVERSE_TITLE[what]}{why}"
        elif not any(r.pairs(view.seen.key) for r in ways):
            yield f"no report on the {REVERSE_TITLE[what]}"


def _old(legs: list[Leg]) -> list[Leg]:
    """Legs of connections that stood before, or that an earlier probe, or a phone, may have made."""
    return [leg for leg in legs if leg.name.startswith((OLD_PORT, KEPT))]


def _only_old(legs: list[Leg]) -> bool:
    """Does a box act on connections from before alone, where new ones of the same transport are clean?"""
    old, altered = _old(legs), [leg for leg in _old(legs) if leg.outcome in ALG]
    new = {leg.name.partition(" ")[0]: leg.outcome for leg in legs if leg not in old}
    clean = all(new.get(leg.name.partition(" ")[0]) is Outcome.NONE for leg in altered)
    return bool(altered) and clean and not ALG.intersection(new.values())


def _advice(legs: list[Leg], outcome: Outcome) -> Iterator[str]:
    if _only_old(legs):
        altered = [leg for leg in _old(legs) if leg.outcome in ALG]
        ports = [leg.name.removeprefix(OLD_PORT) for leg in altered if leg.name != KEPT]
        yield (
            "Gone for new connections, still there for existing ones: the router goes on altering "
            "connections that it already tracks. Flush its SIP connections or restart it, then probe again."
            + (f" If it stays so, a box acts on what comes from port {ports[0]} alone." if ports else "")
            + (" Phones with TCP must connect again." if len(ports) < len(altered) else "")
        )
    elif outcome in ALG:
        yield "Switch SIP ALG off in the router. If its configuration says off, another box acts on SIP."
    if outcome is Outcome.BLOCKED:
        yield "Something blocks the SIP port. Whether a box would alter SIP there cannot be told."
