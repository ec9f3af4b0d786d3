"""
One tree of errors; a branch says who must act. Every error has a code with a page in the docs.

::

    SipalgError
    ├── InputError      the operator's files or words: FILE:LINE, all of a file at once
    ├── DeviceError     one device; becomes that host's state and never crosses to another host
    │   ├── NotUnderstood    its words prove nothing: never read as "off"
    │   └── Refused          it said no to a step
    ├── PlanError       a plan that may not be carried out (drifted, tampered, objected to)
    ├── JournalError    the journal could not be written or does not add up
    └── CaptureError    traffic that was to be listened to cannot be read
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOST_CODES: Final = {
    "unreachable": "E301",
    "timeout": "E302",
    "access-denied": "E303",
    "host-key-unknown": "E304",
    "host-key-changed": "E305",
    "certificate-unknown": "E306",
    "certificate-changed": "E307",
    "command-refused": "E308",
    "not-understood": "E309",
    "wrong-platform": "E310",
    "connection-lost": "E311",
    "not-privileged": "E312",
    "no-secret": "E313",
    "no-access": "E314",
    "crypto-refused": "E315",
    "config-locked": "E316",
    "save-failed": "E317",
    "not-rebooted": "E318",
    "look-only": "E319",
    "packets-regressed": "E320",
    "platform-unclear": "E321",
    "internal": "E399",
}
"""Codes of host errors: the word in JSON, the number of the docs page. Words never change."""

PLAN_CODES: Final = {
    "plan-tampered": "E401",
    "plan-drifted": "E402",
    "plan-objections": "E403",
    "plan-version": "E404",
    "run-unknown": "E405",
    "host-busy": "E406",
    "run-cut-short": "E407",
    "superseded": "E408",
    "run-open": "E409",
    "run-pruned": "E410",
    "approval-missing": "E411",
    "approval-tampered": "E412",
    "approval-mismatch": "E413",
    "approval-expired": "E414",
    "signer-not-allowed": "E415",
    "own-approval": "E416",
    "signers-changed": "E417",
    "author-missing": "E418",
    "ssh-keygen-missing": "E419",
    "bad-recipient": "E421",
    "backup-missing": "E422",
    "backup-unsealed": "E423",
    "backup-locked": "E424",
    "not-begun": "E431",
    "window-closed": "E432",
    "window-too-short": "E433",
    "frozen": "E434",
    "not-frozen": "E435",
    "calls-in-progress": "E436",
    "calls-unknown": "E437",
    "pair-halted": "E441",
    "follows-another": "E442",
}
"""Codes of errors about plans and runs."""

JOURNAL_CODES: Final = {
    "journal-broken": "E501",
    "journal-locked": "E502",
    "journal-version": "E503",
    "journal-unwritable": "E504",
    "journal-key": "E505",
    "row-changed": "E511",
    "row-missing": "E512",
    "rows-truncated": "E513",
    "run-missing": "E514",
    "head-changed": "E515",
}
"""Codes of errors about the journal."""

CAPTURE_CODES: Final = {
    "capture-unreadable": "E601",
    "capture-format": "E602",
    "log-format": "E603",
    "hep-port": "E604",
}
"""Codes of errors about captures, logs and streams."""


class SipalgError(Exception):
    """Something is so that somebody must act on. The text says what is so, and what to do."""

    code: str = "internal"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong in a file of the operator's. ``code`` is a number: E1xx inventory, E2xx playbook."""

    file: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        """As compilers write it, so that editors jump there."""
        return f"{self.file}:{self.line}: {self.code} {self.message}"


class InputError(SipalgError):
    """The operator's files or words. Holds all problems of a file at once, in line order."""

    code = "bad-input"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DeviceError(SipalgError):
    """One device could not be reached, believed or changed."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)

    @property
    def number(self) -> str:
        """The number of its docs page."""
        return HOST_CODES[self.code]


class NotUnderstood(DeviceError):
    """A reply does not hold what it must hold, so that nothing can be read from it."""

    def __init__(self, message: str, *, code: str = "not-understood") -> None:
        super().__init__(code, message)


class Refused(DeviceError):
    """The device said no to a step. ``reply`` is what it said, redacted."""

    def __init__(self, message: str, *, reply: str, code: str = "command-refused") -> None:
        super().__init__(code, message)
        self.reply = reply


class PlanError(SipalgError):
    """A plan or run that may not be used as asked."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class JournalError(SipalgError):
    """The journal could not be read, written or trusted."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class CaptureError(SipalgError):
    """A capture, a log or a stream that cannot be listened to."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)
