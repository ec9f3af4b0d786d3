"""
Checking: do the papers beside a plan let it be carried out now?

An approval counts when the signature is sound, the signers list its key for that person and purpose, it is
of this very plan, it has not expired, and the person is neither the plan's author nor has the author's key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sipalg_fix.approvals import openssh
from sipalg_fix.approvals.papers import Paper, papers_in
from sipalg_fix.approvals.signing import signers_of
from sipalg_fix.model.approval import APPROVES, WRITES, ApprovalRule, Approved, Authorship, Consent, Review
from sipalg_fix.model.errors import PlanError

GRAVEST: Final = (
    "approval-tampered",
    "signer-not-allowed",
    "own-approval",
    "approval-mismatch",
    "approval-expired",
    "approval-missing",
)
"""Of several reasons why approvals do not count, the first of these is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """
    The engine's port. ``file`` holds the papers; ``signers`` is where the allowed signers are on this
    machine, and carries out no plan that does not go by them; empty: where the plan says, if it does.
    """

    file: Path
    signers: str = ""

    def check(self, review: Review, now: str) -> tuple[Approved, ...]:
        """The approvals that count; PlanError says why there are too few. ``now`` is UTC, ISO 8601."""
        if review.rule is None:
            if self.signers:
                message = (
                    f"this machine carries out approved plans only ({self.signers}); this one asks for none"
                )
                raise PlanError("approval-missing", message)
            return ()
        papers = papers_in(self.file)
        counted = _Bench(
            review=review, rule=review.rule, signers=signers_of(review.rule, self.signers), now=now
        )
        return counted.count(papers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    review: Review
    rule: ApprovalRule
    signers: bytes
    now: str

    def count(self, papers: Sequence[Paper]) -> tuple[Approved, ...]:
        author = self._author([paper for paper in papers if paper.kind == "author"])
        counted: list[tuple[Approved, frozenset[str]]] = []
        refusals: list[PlanError] = []
        for paper in papers:
            if paper.kind != "approval":
                continue
            try:
                approved, names = self._approved(paper, author)
            except PlanError as error:
                if error.code not in GRAVEST:
                    raise
                refusals.append(error)
                continue
            # One person with two keys is one person, and one key with two names is one key.
            if not any(approved.key == other.key or names & others for other, others in counted):
                counted.append((approved, names))
        if len(counted) >= self.rule.required:
            return tuple(approved for approved, _ in counted)
        if refusals:
            raise min(refusals, key=lambda error: GRAVEST.index(error.code))
        message = (
            f"{len(counted)} of {self.rule.required} approvals are there; 'sipalg-fix approve' makes one"
        )
        raise PlanError("approval-missing", message)

    def _author(self, papers: Sequence[Paper]) -> frozenset[str]:
        """The names of the author, whose own signature must be there: a key can be named by anybody."""
        who = self.review.author
        if who is None:
            raise PlanError("author-missing", "the plan does not say who made it; plan again with --key")
        for paper in papers:
            key = openssh.sound(paper.signature, WRITES, paper.document)
            if paper.read(Authorship).fingerprint == self.review.fingerprint and key == who.key:
                self._listed(paper, WRITES, who.principal)
                return openssh.principals(paper.signature, self.signers) | {who.principal}
        if papers:
            raise PlanError("approval-mismatch", "the author's signature beside the plan is of another plan")
        raise PlanError("author-missing", "the plan's author has not signed it; plan again with --key")

    def _approved(self, paper: Paper, author_names: frozenset[str]) -> tuple[Approved, frozenset[str]]:
        key = openssh.sound(paper.signature, APPROVES, paper.document)
        consent = paper.read(Consent)
        self._listed(paper, APPROVES, consent.approver)
        names = openssh.principals(paper.signature, self.signers) | {consent.approver}
        if consent.fingerprint != self.review.fingerprint:
            message = f"{consent.approver} approved another plan: {consent.fingerprint}"
            raise PlanError("approval-mismatch", message)
        author = self.review.author
        if author is None or key == author.key or names & author_names:
            raise PlanError("own-approval", f"{consent.approver} made this plan and cannot approve it, too")
        if moment(consent.expires) <= moment(self.now):
            raise PlanError("approval-expired", f"the approval by {consent.approver} ended {consent.expires}")
        return Approved(consent=consent, key=key, signature=paper.signature), names

    def _listed(self, paper: Paper, namespace: str, who: str) -> None:
        args = (paper.signature, namespace, paper.document)
        if not openssh.allowed(*args, signers=self.signers, principal=who):
            message = f"the allowed signers do not list the key of {who} for the namespace {namespace}"
            raise PlanError("signer-not-allowed", message)


def moment(text: str) -> datetime:
    """A time as ISO 8601, UTC where it does not say; PlanError ``approval-tampered`` for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise PlanError("approval-tampered", f"{text!r} is no time") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
