"""
Report: a run, told. What renderers draw and machines read, and the exit code that follows from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.model.assessment import Assessment, Verdict
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Finding
from sipalg_fix.model.journal import SignedHead

AUDIT_SCHEMA = "sipalg-fix/audit/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostError:
    """Why a host has no assessment: a code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """One host in a report. Either ``assessment`` or ``error`` is there; ``change`` after an apply."""

    host: str
    site: str
    platform: str
    version: str = ""
    assessment: Assessment | None = None
    error: HostError | None = None
    change: ChangeState | None = None
    findings: tuple[Finding, ...] = ()
    """Findings of the run besides those of the assessment (what moved, what could not be kept)."""
    done: tuple[str, ...] = ()
    """What was sent, in the device's own words."""
    diff: tuple[str, ...] = ()
    before: Assessment | None = None
    note: str = ""
    seconds: float = 0.0

    @property
    def all_findings(self) -> tuple[Finding, ...]:
        """The assessment's findings and the run's."""
        own = self.assessment.findings if self.assessment else ()
        return tuple(dict.fromkeys((*own, *self.findings)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run. ``started`` and ``ended`` are UTC, ISO 8601. ``stopped``: why it did not go to its end."""

    tool: str
    run: str
    verb: str
    started: str
    ended: str
    by: str = ""
    inventory: str = ""
    playbook: str = ""
    fingerprint: str = ""
    hosts: tuple[HostResult, ...] = ()
    stopped: str = ""
    interrupted: bool = False
    head: str = ""
    """The hash of the row that closed the run in the journal; of its last row while it has no end."""
    signed: SignedHead | None = None
    extra: tuple[tuple[str, str], ...] = field(default=())


RULES = frozenset(
    {"not-begun", "pair-halted", "window-closed", "window-too-short", "frozen", "calls-in-progress"}
)
"""Errors of hosts that a rule left alone: nothing failed there."""

ORDER = (1, 64, 130, 6, 5, 7, 4, 2, 3, 0)
"""Exit codes from worst to best; a run ends with the worst of its hosts' and its own."""


def worst(codes: Iterable[int]) -> int:
    """The worst of these exit codes; 0 of none."""
    return min(codes, key=ORDER.index, default=0)


def exit_code(report: Report) -> int:
    """What the run's process ends with."""
    codes = [host_code(result) for result in report.hosts]
    if report.stopped:
        codes.append(7)
    if report.interrupted:
        codes.append(130)
    return worst(codes)


def host_code(result: HostResult) -> int:
    """The exit code that one host alone would give."""
    match result.change:
        case None | ChangeState.CONFIRMED:
            return _seen_code(result)
        case ChangeState.REFUSED:
            return _refused_code(result)
        case ChangeState.ROLLED_BACK:
            return 5 if result.error is not None else 0
        case ChangeState.UNSAVED | ChangeState.NOT_SHOWN:
            # Whatever else was seen: what was asked for is not shown to be so.
            return _seen_code(result) or 3
        case _:
            # Stranded, a guard that may fire, or stopped between two states: a person must look.
            return 6


def _refused_code(result: HostResult) -> int:
    return 7 if result.error is not None and result.error.code in RULES else 4


def _seen_code(result: HostResult) -> int:
    if result.error is not None:
        return _refused_code(result)
    if result.assessment is None or result.assessment.exempt is not None:
        return 0
    match result.assessment.verdict:
        case Verdict.COMPLIANT | Verdict.NOT_APPLICABLE:
            return 0
        case Verdict.NONCOMPLIANT:
            return 2
        case Verdict.UNKNOWN:
            return 3


def summary(report: Report) -> dict[str, Any]:
    """Counts by verdict, state, error and change, for machines and the last line."""
    verdicts = Counter(r.assessment.verdict.value for r in report.hosts if r.assessment)
    states = Counter(r.assessment.state.value for r in report.hosts if r.assessment)
    errors = Counter(r.error.code for r in report.hosts if r.error)
    changes = Counter(r.change.value for r in report.hosts if r.change)
    return {
        "hosts": len(report.hosts),
        "verdicts": dict(sorted(verdicts.items())),
        "states": dict(sorted(states.items())),
        "errors": dict(sorted(errors.items())),
        "changes": dict(sorted(changes.items())),
        "exit_code": exit_code(report),
    }


def audit_document(report: Report) -> dict[str, Any]:
    """The JSON of ``audit``, ``verify`` and the other listing verbs (readers ignore unknown keys)."""
    return {
        "schema": AUDIT_SCHEMA,
        "tool": report.tool,
        "run": report.run,
        "verb": report.verb,
        "started": report.started,
        "ended": report.ended,
        "hosts": [_host_document(result) for result in report.hosts],
        "summary": summary(report),
        "stopped": report.stopped or None,
        "head": report.head,
        "signed": to_plain(report.signed),
    }


def _host_document(result: HostResult) -> dict[str, Any]:
    seen = result.assessment
    planes = None
    if seen is not None:
        planes = {
            name: getattr(seen.planes, name).value.value
            for name in ("running", "startup", "operational", "packets")
        }
    return {
        "host": result.host,
        "site": result.site,
        "platform": result.platform,
        "version": result.version,
        "state": seen.state.value if seen else "unknown",
        "verdict": seen.verdict.value if seen else "unknown",
        "planes": planes or dict.fromkeys(("running", "startup", "operational", "packets"), "unknown"),
        "evidence": list(seen.evidence) if seen else [],
        "findings": [{"code": f.code, "message": f.message} for f in result.all_findings],
        "exempt": {"reason": seen.exempt.reason, "until": seen.exempt.until}
        if seen and seen.exempt
        else None,
        "error": {"code": result.error.code, "message": result.error.message} if result.error else None,
        "change": result.change.value if result.change else None,
        "done": list(result.done),
        "diff": list(result.diff),
        "note": result.note or None,
        "seconds": round(result.seconds, 3),
    }
