"""
Text sealed to age recipients (age-encryption.org/v1, X25519), as armour that stands in a JSON text.

Sealing needs public keys alone. Opening needs an identity file as ``age-keygen`` writes it; nothing else
here, and no key of ours, can do it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from sipalg_fix.model.errors import PlanError


def sealer(recipients: Sequence[str]) -> Callable[[str], str] | None:
    """What seals a text to all of these recipients, None for none. PlanError ``bad-recipient``."""
    if not recipients:
        return None
    age = _age()
    keys = [_recipient(age, text) for text in dict.fromkeys(recipients)]

    def seal(text: str) -> str:
        # Bytes of a device that are of no known encoding may stand in a text as lone surrogates.
        return str(age.encrypt(text.encode("utf-8", "surrogateescape"), keys, armored=True).decode("ascii"))

    return seal


def opened(sealed: str, identities: str) -> str:
    """
    The text again, by the secret keys in an identity file's text. PlanError ``backup-locked`` when none of
    them opens it.
    """
    age = _age()
    lines = [line.strip() for line in identities.splitlines()]
    secret = [line for line in lines if line and not line.startswith("#")]
    try:
        keys = [age.x25519.Identity.from_str(line) for line in secret]
    except age.IdentityError:
        # The line is not repeated: it may be a secret key with a letter too few.
        raise PlanError("backup-locked", "the identity file holds a line that is no age secret key") from None
    if not keys:
        raise PlanError("backup-locked", "the identity file holds no age secret key")
    try:
        return bytes(age.decrypt(sealed.encode("ascii"), keys)).decode("utf-8", "surrogateescape")
    except (age.DecryptError, UnicodeEncodeError):
        message = "no key of the identity file opens it: it was sealed to another, or was changed"
        raise PlanError("backup-locked", message) from None


def _recipient(age: Any, text: str) -> Any:
    try:
        return age.x25519.Recipient.from_str(text)
    except age.RecipientError:
        raise PlanError("bad-recipient", f"{text!r} is no age recipient; 'age-keygen' prints one") from None


def _age() -> Any:
    """The library (pyrage, which has no types), imported where it is used."""
    try:
        return importlib.import_module("pyrage")
    except ImportError:
        raise PlanError(
            "bad-recipient", "sealing needs the Python package pyrage, which is not there"
        ) from None
