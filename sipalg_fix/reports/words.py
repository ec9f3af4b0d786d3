"""The words that people read: what a state means for calls, what became of a change, what a code says."""

from __future__ import annotations

import unicodedata
from enum import Enum
from types import MappingProxyType
from typing import Final

from sipalg_fix.model.assessment import (
    BLOCKING,
    IN_PACKETS,
    NOT_SAVED,
    STALE_FLOWS,
    STILL_RUNNING,
    Assessment,
    Verdict,
)
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import HOST_CODES, PLAN_CODES
from sipalg_fix.model.facts import Finding, State, Value
from sipalg_fix.model.meeting import DETECTED
from sipalg_fix.model.pair import FOLLOWS
from sipalg_fix.model.report import HostError, HostResult, Report, exit_code, host_code

TAB = 8


def visible(text: str) -> str:
    """
    One line of text in which nothing acts: control characters, marks that turn the direction of writing,
    and halves of characters are written as ``\\x1b``, ``\\u202e``. Tabs become blanks.
    """
    if text.isprintable():
        return text
    return "".join(_shown(char) for char in text.expandtabs(TAB))


def _shown(char: str) -> str:
    if char.isprintable() or unicodedata.category(char) == "Zs":
        return char
    if char in "\n\r":
        return "\\n" if char == "\n" else "\\r"
    number = ord(char)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


class Bucket(Enum):
    """Where a host is counted and filed in a report: each host stands in exactly one."""

    PERSON = "person"
    """What was done to it has no known end."""
    NONCOMPLIANT = "noncompliant"
    ERROR = "error"
    """It could not be looked at."""
    UNKNOWN = "unknown"
    EXEMPT = "exempt"
    COMPLIANT = "compliant"
    NOT_APPLICABLE = "not_applicable"


BUCKETS: Final = MappingProxyType(
    {
        Bucket.PERSON: "needs a person",
        Bucket.NONCOMPLIANT: "noncompliant",
        Bucket.ERROR: "not checked",
        Bucket.UNKNOWN: "unknown",
        Bucket.EXEMPT: "exempt",
        Bucket.COMPLIANT: "compliant",
        Bucket.NOT_APPLICABLE: "not applicable",
    }
)
"""What they are called, worst first."""

UNSETTLED: Final = frozenset(
    {ChangeState.STRANDED, ChangeState.ROLLBACK_FAILED, ChangeState.GUARD_LEFT, ChangeState.REVERTING}
)
"""Ends of a change after which an earlier look says nothing of how the router is now."""

SETTLED: Final = frozenset(
    {None, ChangeState.REFUSED, ChangeState.CONFIRMED, ChangeState.UNSAVED, ChangeState.ROLLED_BACK}
)
"""Ends of a change (or none) after which the last look says how the router is."""


def bucket(result: HostResult) -> Bucket:
    """Where this host belongs. A look from before the change ended clears no host."""
    if result.change in UNSETTLED:
        return Bucket.PERSON
    seen = result.assessment
    if seen is None:
        return Bucket.ERROR
    match seen.verdict:
        case Verdict.COMPLIANT | Verdict.NOT_APPLICABLE if result.change not in SETTLED:
            return Bucket.UNKNOWN
        case Verdict.COMPLIANT:
            return Bucket.COMPLIANT
        case Verdict.NOT_APPLICABLE:
            return Bucket.NOT_APPLICABLE
        case Verdict.NONCOMPLIANT:
            return Bucket.EXEMPT if seen.exempt else Bucket.NONCOMPLIANT
        case Verdict.UNKNOWN:
            return Bucket.EXEMPT if seen.exempt else Bucket.UNKNOWN


NOT_CHECKED = "This router could not be checked: nothing is known of what it does to calls."

_STATES: Final = MappingProxyType(
    {
        State.ENABLED: "This router rewrites call signalling: calls may stay silent on one side or drop, and "
        "phones may become unreachable.",
        State.PARTIAL: "A part of the SIP ALG still acts: some calls may be altered.",
        State.NOT_APPLICABLE: "There is no SIP ALG on this router that could alter calls.",
        State.UNKNOWN: "It could not be told whether this router alters calls.",
    }
)

_BUT: Final = MappingProxyType(
    {
        STALE_FLOWS: "The SIP ALG is off for new connections; calls over connections from before are still "
        "altered until they are flushed or the router restarts.",
        IN_PACKETS: "The router says that its SIP ALG is off, yet test packets were altered: calls may fail.",
        STILL_RUNNING: "The SIP ALG is switched off and still running: calls may be altered until it is "
        "unloaded or the router restarts.",
        "guard-left": "Calls are not altered now, but the router may still take the change back by itself.",
        NOT_SAVED: "Calls are not altered now; after the next restart they will be.",
    }
)
"""For a router whose configuration in force says off: the findings that speak against it, worst first."""

_UNSETTLED: Final = MappingProxyType(
    {
        ChangeState.STRANDED: "Nothing is known of what this router does to calls now: a person must look.",
        ChangeState.ROLLBACK_FAILED: "The change could not be taken back as a whole, so what this router "
        "does to calls now is not known: a person must look.",
        ChangeState.GUARD_LEFT: "The router may still take the change back by itself, so what it does to "
        "calls is not settled: a person must look.",
        ChangeState.REVERTING: "The router is expected to take the change back by itself. What it does to "
        "calls is not known until somebody has looked.",
    }
)

NOT_SHOWN = "The last look could not show what this router does to calls now: a person must look."


def for_calls(result: HostResult) -> str:
    """In one or two sentences: what the router's state means for calls through it."""
    if result.change is not None and result.change in _UNSETTLED:
        return _UNSETTLED[result.change]
    if result.change not in SETTLED and bucket(result) in (Bucket.UNKNOWN, Bucket.ERROR):
        return NOT_SHOWN
    if result.assessment is None:
        return NOT_CHECKED
    meaning = _for_calls(result.assessment)
    if exempt := result.assessment.exempt:
        return f"{meaning} This is accepted until {visible(exempt.until)}: {visible(exempt.reason)}"
    return meaning


def _for_calls(seen: Assessment) -> str:
    if seen.state is State.NOT_APPLICABLE and seen.verdict is not Verdict.NOT_APPLICABLE:
        return _STATES[State.UNKNOWN]
    if seen.state is not State.DISABLED:
        return _STATES[seen.state]
    match seen.verdict:
        case Verdict.COMPLIANT if seen.planes.packets.value is Value.OFF:
            return "Test packets went through this router unaltered, and its own settings say so, too."
        case Verdict.COMPLIANT:
            return "By its own settings this router leaves calls alone."
        case Verdict.UNKNOWN:
            return (
                "The router says that its SIP ALG is off, but not all that was asked for could be read: it "
                "is not shown that calls are left alone."
            )
        case _:
            codes = {finding.code for finding in seen.findings}
            return next((words for code, words in _BUT.items() if code in codes), _STATES[State.UNKNOWN])


CHANGES: Final = MappingProxyType(
    {
        ChangeState.PLANNED: "Nothing was sent.",
        ChangeState.REFUSED: "The change was not begun; nothing was sent.",
        ChangeState.APPLYING: "The change was cut short while it was sent.",
        ChangeState.REFUSED_MIDWAY: "The router refused a command; taking back what came before it was cut "
        "short.",
        ChangeState.APPLIED: "The change was sent, and nothing shows yet what came of it.",
        ChangeState.MET: "The change was seen to be in force; what follows it was cut short.",
        ChangeState.SAVING: "The change was seen to be in force; saving it was cut short.",
        ChangeState.UNSAVED: "The change is in force, but it could not be saved: the next restart loses it.",
        ChangeState.GUARD_LEFT: "The router's timed revert is not shown to be gone: it may still undo what "
        "was done last.",
        ChangeState.FLUSHING: "The change was seen to be in force; clearing old connections was cut short.",
        ChangeState.REBOOTING: "The router was told to restart, and was not seen to come back yet.",
        ChangeState.CONFIRMED: "The change was made, and a new session after everything shows it.",
        ChangeState.NOT_SHOWN: "The change was made and kept, but the last look could not show it.",
        ChangeState.ROLLING_BACK: "Taking the change back was cut short.",
        ChangeState.ROLLED_BACK: "The change was taken back: the router is as it was before.",
        ChangeState.ROLLBACK_FAILED: "The change was to be taken back, and that failed.",
        ChangeState.REVERTING: "Contact was lost with the timed revert armed: the router is expected to undo "
        "the change by itself.",
        ChangeState.STRANDED: "Contact was lost in the middle of the change; in which state the router is "
        "cannot be told.",
    }
)
"""What became of a change."""

NOTHING_SENT = "Nothing had to be sent: a look showed the router as it shall be."


def became(result: HostResult) -> str:
    """What became of the host's change; empty where there was none."""
    if result.change is ChangeState.CONFIRMED and not result.done:
        return NOTHING_SENT
    return CHANGES[result.change] if result.change else ""


EXITS: Final = MappingProxyType(
    {
        0: "all is as intended",
        1: "a fault of this tool",
        2: "not all is as intended",
        3: "not everything could be told",
        4: "some routers could not be reached, read or changed",
        5: "a change was taken back",
        6: "a person must look",
        7: "stopped before its end",
        64: "the command was not understood",
        130: "interrupted",
    }
)
"""What exit codes say."""


def exit_words(report: Report) -> str:
    """``exit code N`` and what it says; of no hosts nothing is said."""
    code = exit_code(report)
    return f"exit code {code}: {EXITS[code]}" if report.hosts or code else f"exit code {code}"


TITLES: Final = MappingProxyType(
    {
        "audit": "SIP ALG audit",
        "verify": "SIP ALG verification",
        "plan": "SIP ALG plan",
        "apply": "SIP ALG change",
        "rollback": "SIP ALG rollback",
        "reboot": "Restart",
    }
)


def title(verb: str) -> str:
    """What a run of this verb is called."""
    return TITLES.get(verb, f"SIP ALG: {visible(verb)}")


def label(value: Enum) -> str:
    """A state's, verdict's or change's word for people."""
    return str(value.value).replace("_", " ").replace("-", " ")


def number(error: HostError) -> str:
    """The number of the error's docs page, in brackets; empty when it has none."""
    found = HOST_CODES.get(error.code) or PLAN_CODES.get(error.code)
    return f" ({found})" if found else ""


def error_line(error: HostError) -> str:
    """Code, number and sentence."""
    return f"{visible(error.code)}{number(error)}: {visible(error.message)}"


def outcome(result: HostResult) -> str:
    """The few words by which hosts are grouped: what became of it, state and verdict."""
    words = [label(result.change)] if result.change else []
    if seen := result.assessment:
        words += [label(seen.state), verdict(result)]
    elif result.error is None:
        words.append("not looked at")
    if result.error is not None:
        words.append(visible(result.error.code) + number(result.error))
    return ", ".join(dict.fromkeys(words))


def verdict(result: HostResult) -> str:
    """The verdict, and what must be known with it: exempt, or from before the change ended."""
    seen = result.assessment
    if seen is None:
        return "unknown"
    exempt = ", exempt" if seen.exempt else ""
    late = "" if result.change in SETTLED else " at the last look"
    return f"{label(seen.verdict)}{exempt}{late}"


def by_weight(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """
    Findings that stand against the intent first, then that another router writes here; advice, which is no
    fault, and how the platform is known come last. All else in its order.
    """

    def weight(finding: Finding) -> int:
        ranks = (finding.code in BLOCKING, finding.code == FOLLOWS)
        late = finding.code.startswith("advice-") + 2 * (finding.code == DETECTED)
        return ranks.index(True) if any(ranks) else len(ranks) + late

    return tuple(sorted(findings, key=weight))


def first_finding(result: HostResult) -> str:
    """The first thing to know of a host: its error, its weightiest finding, or what proves it guilty."""
    if result.error is not None:
        return error_line(result.error)
    if findings := by_weight(result.all_findings):
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        return visible(findings[0].message) + more
    if result.note:
        return visible(result.note)
    seen = result.assessment
    if seen and seen.exempt:
        return f"exempt until {visible(seen.exempt.until)}: {visible(seen.exempt.reason)}"
    return visible(seen.evidence[0]) if seen and seen.evidence and host_code(result) else ""


def count(number_: int, one: str, many: str = "") -> str:
    """``1 host``, ``2 hosts``."""
    return f"{number_} {one if number_ == 1 else many or one + 's'}"
