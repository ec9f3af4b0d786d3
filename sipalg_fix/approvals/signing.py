"""Signing: who somebody is among the allowed signers, and what they put their name to."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from sipalg_fix.approvals import openssh
from sipalg_fix.approvals.papers import Paper
from sipalg_fix.model.approval import APPROVES, WRITES, ApprovalRule, Author, Authorship, Consent
from sipalg_fix.model.canon import canonical
from sipalg_fix.model.errors import PlanError


def signers_of(rule: ApprovalRule, file: str = "") -> bytes:
    """The allowed signers, as they were for the plan; ``file`` where they are kept elsewhere here."""
    where = file or rule.allowed_signers
    try:
        found = Path(where).read_bytes()
    except OSError as error:
        message = f"the allowed signers {where} cannot be read: {error.strerror or error}"
        raise PlanError("signers-changed", message) from None
    if "sha256:" + hashlib.sha256(found).hexdigest() != rule.digest:
        message = f"the allowed signers {where} are not as they were when the plan was made; plan again"
        raise PlanError("signers-changed", message)
    return found


def named(key: Path, signers: bytes) -> str:
    """
    The first name under which a key is listed; PlanError ``signer-not-allowed`` when it is not. Of a
    certificate the lines say nothing: its principal must be said.
    """
    blob = openssh.public_key(key)
    for line in signers.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words and not words[0].startswith("#") and blob in words[1:]:
            return re.split(",", words[0].strip('"'))[0]
    raise PlanError("signer-not-allowed", f"the key {key} is not among the allowed signers")


def author(key: Path, signers: bytes, principal: str = "") -> Author:
    """Who makes a plan with this key."""
    return Author(principal=principal or named(key, signers), key=openssh.fingerprint(key))


def signed_by_author(key: Path, who: Author, fingerprint: str, signers: bytes) -> Paper:
    """The author's signature under a plan. PlanError when it would not count."""
    document = canonical(Authorship(fingerprint=fingerprint, author=who.principal))
    return _signed("author", key, WRITES, document, who.principal, signers)


def approved(key: Path, consent: Consent, author: Author | None, signers: bytes) -> Paper:
    """An approver's signature. PlanError when it would not count: nobody is asked for it then."""
    if author is not None and (
        author.principal == consent.approver or author.key == openssh.fingerprint(key)
    ):
        raise PlanError("own-approval", f"{author.principal} made this plan and cannot approve it, too")
    return _signed("approval", key, APPROVES, canonical(consent), consent.approver, signers)


def _signed(kind: str, key: Path, namespace: str, document: str, who: str, signers: bytes) -> Paper:
    signature = openssh.sign(key, namespace, document)
    if not openssh.allowed(signature, namespace, document, signers=signers, principal=who):
        message = f"the allowed signers do not list the key {key} for {who} and the namespace {namespace}"
        raise PlanError("signer-not-allowed", message)
    return Paper(kind=kind, document=document, signature=signature)
