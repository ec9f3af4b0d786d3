"""Persons with SSH keys of their own, and the list of those who may sign."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sipalg_fix.approvals import papers, signing
from sipalg_fix.model.approval import ApprovalRule, Author, Consent
from sipalg_fix.model.plan import Plan

NOW = "2026-11-23T10:00:00+00:00"
LATER = "2026-11-24T10:00:00Z"


def make_key(file: Path) -> Path:
    """A key without a passphrase."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)]
    subprocess.run(words, check=True)
    return file


@dataclass(frozen=True, slots=True)
class Office:
    """A folder with keys by name, and the allowed signers in it."""

    folder: Path

    @property
    def signers(self) -> Path:
        """The allowed signers."""
        return self.folder / "allowed_signers"

    def key(self, name: str) -> Path:
        """A person's private key."""
        return self.folder / name

    def enlist(self, who: str, key: str, options: str = "") -> Path:
        """Make a key where there is none, and list it under this name."""
        file = self.key(key)
        if not file.exists():
            make_key(file)
        blob = " ".join(file.with_suffix(".pub").read_text().split()[:2])
        with self.signers.open("a") as lines:
            lines.write(f"{who} {options}{' ' if options else ''}{blob}\n")
        return file

    def rule(self, required: int = 1) -> ApprovalRule:
        """As a playbook read now would have it."""
        digest = "sha256:" + hashlib.sha256(self.signers.read_bytes()).hexdigest()
        return ApprovalRule(allowed_signers=str(self.signers), digest=digest, required=required)

    def author(self, key: str) -> Author:
        """Who makes a plan with this key."""
        return signing.author(self.key(key), self.signers.read_bytes())

    def consent(self, plan: Plan, key: str, expires: str = LATER) -> Consent:
        """What the key's owner would put their name to."""
        listed = self.signers.read_bytes()
        name = signing.named(self.key(key), listed)
        return Consent(
            fingerprint=plan.fingerprint,
            reason="one-way audio",
            ticket="CHG-1",
            expires=expires,
            approver=name,
        )

    def written(self, plan: Plan, key: str) -> Path:
        """The papers of a plan with its author's signature."""
        file = papers.beside(self.folder / "plan.json")
        assert plan.author is not None
        listed = self.signers.read_bytes()
        papers.add(file, signing.signed_by_author(self.key(key), plan.author, plan.fingerprint, listed))
        return file

    def approve(self, plan: Plan, key: str, expires: str = LATER) -> papers.Paper:
        """One more approval beside the plan; the tool itself would refuse the author's."""
        consent = self.consent(plan, key, expires)
        paper = signing.approved(self.key(key), consent, None, self.signers.read_bytes())
        papers.add(papers.beside(self.folder / "plan.json"), paper)
        return paper
