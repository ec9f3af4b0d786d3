"""
Assessment: facts against intent. Audit ends here.

The verdict says whether the intent is *shown* to be met. Nothing that could not be read counts as met:
``disabled`` with a plane unread is the verdict ``unknown``, unless the intent does not ask for the plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from sipalg_fix.model.facts import Facts, Finding, Plane, State, Value, together
from sipalg_fix.model.packets import NO_PACKETS, NOT_PROBED, Packets
from sipalg_fix.model.pair import FOLLOWS, following


class Verdict(Enum):
    """Facts against intent."""

    COMPLIANT = "compliant"
    NONCOMPLIANT = "noncompliant"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


PLANES = ("running", "startup", "operational")
"""The planes a router can show of itself; packets are the fourth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A host where the intent need not hold, with reason and end date (inclusive)."""

    reason: str
    until: str
    """ISO date."""

    def holds(self, today: date) -> bool:
        """Is it still in force?"""
        return today.isoformat() <= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What shall be true. Today: the SIP ALG is off, shown in these planes."""

    sip_alg: str = "off"
    planes: frozenset[str] = frozenset(PLANES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planes:
    """The four planes of a host, all helpers together."""

    running: Plane
    startup: Plane
    operational: Plane
    packets: Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One host's facts against the intent."""

    state: State
    verdict: Verdict
    planes: Planes
    findings: tuple[Finding, ...] = ()
    exempt: Exemption | None = None

    @property
    def evidence(self) -> tuple[str, ...]:
        """The lines that prove the state, in plane order, each once."""
        planes = (self.planes.running, self.planes.startup, self.planes.operational, self.planes.packets)
        return tuple(dict.fromkeys(line for plane in planes for line in plane.evidence))


NOT_SAVED = "not-saved"
NOT_READ = "not-read"
STILL_RUNNING = "still-running"


def assess(
    facts: Facts,
    intent: Intent,
    *,
    packets: Packets = NO_PACKETS,
    exempt: Exemption | None = None,
    today: date | None = None,
) -> Assessment:
    """The verdict on one host, with the findings that the truth table adds to the driver's own."""
    planes = Planes(
        running=together(tuple(helper.running for helper in facts.helpers)),
        startup=together(tuple(helper.startup for helper in facts.helpers)),
        operational=together(tuple(helper.operational for helper in facts.helpers)),
        packets=packets.plane,
    )
    told = following(facts)
    findings = (
        *facts.findings,
        *([Finding(code=FOLLOWS, message=told)] if told else []),
        *_table_findings(facts, planes),
        *_packet_findings(facts, planes, packets),
    )
    if exempt is not None and today is not None and not exempt.holds(today):
        findings = (
            *findings,
            Finding(
                code="exemption-expired", message=f"the exemption ended on {exempt.until}: {exempt.reason}"
            ),
        )
        exempt = None
    return Assessment(
        state=facts.state,
        verdict=_verdict(facts.state, planes, findings, intent),
        planes=planes,
        findings=tuple(sorted(set(findings))),
        exempt=exempt,
    )


IN_PACKETS = "alg-in-packets"
STALE_FLOWS = "stale-flows"
CLEAN_PACKETS = "clean-packets"
SIP_BLOCKED = "sip-blocked"
BLOCKING = frozenset({NOT_SAVED, STILL_RUNNING, "guard-left", IN_PACKETS, STALE_FLOWS})
"""Findings with which the intent is not met even where the running configuration says off."""

_OLD_FLOWS = "flows from before the change, which it still tracks (flush them, or restart it)"
_ELSEWHERE = (
    "another ALG upstream ('sipalg-fix probe --trace' finds the hop); or the probe point stands behind "
    "another router"
)
_STALE = (
    "gone for new connections, still there for existing ones: the router says off, and goes on altering "
    "connections that it tracked before. Flush its SIP connections or restart it, then verify again; "
    "restarting the phones is not enough"
)
_NOT_STALE = (
    "packets are still altered although the router says off, on new connections, too, so that flushing old "
    f"ones does not help. Likely causes: {_ELSEWHERE}"
)
_ALTERED = (
    f"packets are still altered although the router says off. Likely causes: {_OLD_FLOWS}; {_ELSEWHERE}"
)
_CLEAN = (
    "the router says on, yet packets pass unaltered. Likely causes: the probe point stands behind another "
    "router, or the ALG acts on other ports or directions than those that were probed"
)


def _table_findings(facts: Facts, planes: Planes) -> tuple[Finding, ...]:
    if facts.not_applicable or facts.state not in (State.DISABLED, State.PARTIAL):
        return ()
    findings = []
    for helper in facts.helpers:
        if helper.running.value is not Value.OFF:
            continue
        if helper.startup.value is Value.ON:
            message = f"{helper.name}: off now, but the saved configuration switches it on at the next boot"
            findings.append(Finding(code=NOT_SAVED, message=message))
        if helper.operational.value is Value.ON:
            message = f"{helper.name}: off in the configuration, yet still running"
            findings.append(Finding(code=STILL_RUNNING, message=message))
    for name in PLANES[1:]:
        plane: Plane = getattr(planes, name)
        if plane.value is Value.UNKNOWN:
            findings.append(Finding(code=NOT_READ, message=f"{name} could not be told: {plane.reason}"))
    return tuple(findings)


def _packet_findings(facts: Facts, planes: Planes, packets: Packets) -> tuple[Finding, ...]:
    """What packets say beside the configuration, and against it, with what is likely behind that."""
    plane = packets.plane
    match plane.value:
        case Value.ON if facts.not_applicable:
            message = f"packets are altered although there is no SIP ALG here. Likely causes: {_ELSEWHERE}"
            return (Finding(code=IN_PACKETS, message=message),)
        case Value.ON if planes.running.value is Value.OFF and packets.new is Value.OFF:
            return (Finding(code=STALE_FLOWS, message=_STALE),)
        case Value.ON if planes.running.value is Value.OFF and packets.new is Value.ON:
            return (Finding(code=IN_PACKETS, message=_NOT_STALE),)
        case Value.ON if facts.state in (State.DISABLED, State.PARTIAL):
            return (Finding(code=IN_PACKETS, message=_ALTERED),)
        case Value.OFF if facts.state is State.ENABLED:
            return (Finding(code=CLEAN_PACKETS, message=_CLEAN),)
        case Value.UNKNOWN if packets.blocked:
            return (Finding(code=SIP_BLOCKED, message=f"SIP does not get through: {plane.reason}"),)
        case Value.UNKNOWN if plane != NOT_PROBED:
            return (Finding(code=NOT_READ, message=f"packets could not be told: {plane.reason}"),)
    return ()


def _verdict(state: State, planes: Planes, findings: tuple[Finding, ...], intent: Intent) -> Verdict:
    match state:
        case State.NOT_APPLICABLE:
            return Verdict.NOT_APPLICABLE
        case State.UNKNOWN:
            return Verdict.UNKNOWN
        case State.ENABLED | State.PARTIAL:
            return Verdict.NONCOMPLIANT
        case State.DISABLED:
            if any(finding.code in BLOCKING for finding in findings):
                return Verdict.NONCOMPLIANT
            asked = [getattr(planes, name) for name in (*PLANES, "packets") if name in intent.planes]
            unread = any(plane.value is Value.UNKNOWN for plane in asked)
            return Verdict.UNKNOWN if unread else Verdict.COMPLIANT
