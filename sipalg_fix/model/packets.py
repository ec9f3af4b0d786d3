"""
Packets: what a probe point's answer says of a host, and how much of it may be believed.

The answer is a probe's report and its exit code. Whatever is not clear in it is ``unknown`` with the reason;
``off`` needs both a connection made for the probe and one from a port that was used before, because a router
goes on altering what it already tracks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sipalg_fix.model.canon import from_plain
from sipalg_fix.model.facts import Plane, Value, unknown
from sipalg_fix.model.path import ALG, KEPT, OLD_PORT, SCHEMA, Outcome, PathReport, as_plane, exit_code

MOST: Final = 4 << 20
"""Characters of an answer; a whole probe's is a tenth of that."""
SKEW: Final = timedelta(minutes=2)
"""How much a probe point's clock may differ from ours before its report counts as another time's."""
NOT_PROBED: Final = unknown("no packets were sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """What packets show of one host."""

    plane: Plane = NOT_PROBED
    new: Value = Value.UNKNOWN
    """Connections made for the probe: on (altered), off (shown clean), or not told."""
    old: Value = Value.UNKNOWN
    """Connections from a port that probes and phones use again: the same, of what is tracked already."""
    blocked: bool = False
    """SIP is shown not to get through, or its answers not to come back."""
    told: bool = False
    """Did a probe say all this? Whether that is much or little is another matter."""


NO_PACKETS: Final = Packets()
"""What is known of a host that no probe point stands behind."""


def not_told(reason: str) -> Packets:
    """Nothing is known, for this reason."""
    return Packets(plane=unknown(reason))


def read_answer(text: str, status: int, asked: datetime, answered: datetime) -> Packets:
    """
    What an answer says: standard output and exit code of a command that was run between these two times.
    Nothing is raised; what is not as it must be is unknown.
    """
    try:
        report = _report(text)
    except ValueError as error:
        ended = f" (exit code {status})" if status else ""
        return not_told(f"is not what 'sipalg-fix probe --output json' answers{ended}: {error}")
    if status != exit_code(report.outcome):
        return not_told(
            f"the answer says {report.outcome.value!r} and the exit code {status}, which belong not together"
        )
    if problem := _wrong_time(report, asked, answered) or _contradiction(report):
        return not_told(problem)
    return packets_of(report)


def packets_of(report: PathReport) -> Packets:
    """What a report says of the host that its packets went through."""
    new, old = _new(report), _old(report)
    plane = as_plane(report)
    if plane.value is Value.OFF and Value.UNKNOWN in (new, old):
        which = "a fresh port" if new is Value.UNKNOWN else "a port that was used before"
        why = "; ".join(f"{each.what}: {each.why}" for each in report.not_tested if _is_of_ports(each.what))
        reason = f"what was tested is unaltered, but UDP from {which} was not tested" + (why and f" ({why})")
        plane = unknown(reason, *plane.evidence)
    return Packets(
        plane=plane,
        new=new,
        old=old,
        blocked=report.outcome in (Outcome.BLOCKED, Outcome.REPLIES_BLOCKED),
        told=True,
    )


def _report(text: str) -> PathReport:
    """The report, read strictly. ValueError."""
    if len(text) > MOST:
        raise ValueError("it is too long")
    if not text.strip():
        raise ValueError("it is empty")
    try:
        plain = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON, or not all of it: {error.msg}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    said = plain.get("schema") if isinstance(plain, dict) else None
    if said != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    return from_plain(PathReport, plain, "report")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in it")
    return found


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _wrong_time(report: PathReport, asked: datetime, answered: datetime) -> str:
    """A report kept from earlier says nothing about now."""
    try:
        at = datetime.fromisoformat(report.at)
    except ValueError:
        return "its report does not say when it was made"
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if asked - SKEW <= at <= answered + SKEW:
        return ""
    return f"its report is of {report.at}, not of now: an old one, or the clock there is wrong"


def _contradiction(report: PathReport) -> str:
    """What a report that was made by a probe never says."""
    legs = [leg for leg in report.legs if leg.name != "tls" or leg.outcome in ALG]
    if report.outcome is Outcome.NONE:
        clean = legs and all(leg.outcome is Outcome.NONE for leg in legs)
        if not clean or any(each.outcome in ALG for each in report.evidence):
            return "the answer contradicts itself: 'none', with parts that are not"
    elif report.outcome in ALG and not any(leg.outcome is report.outcome for leg in report.legs):
        return f"the answer contradicts itself: {report.outcome.value!r}, with no part that is"
    return ""


def _new(report: PathReport) -> Value:
    """New connections: over UDP, and over TCP where it was tested, as every one over TCP is new."""
    if not any(leg.name == "udp" for leg in report.legs):
        return Value.UNKNOWN
    return _together({leg.outcome for leg in report.legs if leg.name == "udp" or _is_new_tcp(leg.name)})


def _old(report: PathReport) -> Value:
    return _together({leg.outcome for leg in report.legs if leg.name.startswith((OLD_PORT, KEPT))})


def _is_new_tcp(name: str) -> bool:
    return name.startswith("tcp") and name != KEPT


def _together(outcomes: set[Outcome]) -> Value:
    if outcomes & ALG:
        return Value.ON
    return Value.OFF if outcomes == {Outcome.NONE} else Value.UNKNOWN


def _is_of_ports(what: str) -> bool:
    """Is this not-tested thing about source ports of UDP?"""
    return what == "udp" or what.startswith((OLD_PORT, "UDP from"))
