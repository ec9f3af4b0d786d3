"""
Approval: who must have said yes to a plan before it is carried out, and who has.

An approval is an SSH signature over a small text that names the plan's fingerprint, so it says yes to one
plan and to no other. The rule stands in the plan itself: what is approved says by whom it had to be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

APPROVES: Final = "sipalg-fix-plan"
"""The SSH signature namespace of an approval (``ssh-keygen -Y sign -n``)."""
WRITES: Final = "sipalg-fix-author"
"""The namespace of an author's signature: it can never be taken for an approval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """
    ``allowed_signers`` is the path of a file as in ssh-keygen(1), ``digest`` (``sha256:``…) is of its bytes
    as they were for the plan, ``required`` is how many persons must approve.
    """

    allowed_signers: str
    digest: str
    required: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who made a plan: a principal of the allowed signers, and the key's fingerprint (``SHA256:``…)."""

    principal: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What of a plan an approval is about. ``rule`` is None for a plan that asks for none."""

    fingerprint: str
    rule: ApprovalRule | None = None
    author: Author | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What an approver signs, as canonical JSON. ``expires`` is UTC, ISO 8601; it holds until then."""

    fingerprint: str
    reason: str
    ticket: str
    expires: str
    approver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorship:
    """What an author signs, as canonical JSON."""

    fingerprint: str
    author: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """An approval that was checked and counts. ``signature`` is the armoured SSH signature over it."""

    consent: Consent
    key: str
    """The fingerprint of the approver's key."""
    signature: str
