"""
Notary: signs the heads of closed runs, and remembers them outside of the database.

The key is Ed25519 (RFC 8032), made when it is first needed, for its owner's eyes only. What is signed is
``sipalg-fix-journal-head``, a zero byte, and the canonical JSON of ``[run, seq, hash]``. The file of heads
beside the key holds one JSON object a line: a database that was put back to an older state does not know
them all.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sipalg_fix.model.canon import canonical, from_plain
from sipalg_fix.model.errors import JournalError
from sipalg_fix.model.journal import SignedHead

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PURPOSE: Final = b"sipalg-fix-journal-head\0"
KIND: Final = "ed25519:"


@dataclass(slots=True)
class Notary:
    """``folder`` is the state folder; ``journal.key`` and ``journal.heads`` are in it."""

    folder: Path
    _key: Ed25519PrivateKey | None = field(default=None, repr=False)

    @property
    def key_file(self) -> Path:
        """The private key."""
        return self.folder / "journal.key"

    @property
    def heads_file(self) -> Path:
        """The heads that were signed here."""
        return self.folder / "journal.heads"

    @property
    def public(self) -> str:
        """``ed25519:`` and the public key in base64. Makes the key where there is none."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        raw = self._private().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return KIND + base64.b64encode(raw).decode()

    def prepare(self) -> None:
        """Have the key. JournalError ``journal-key`` when it cannot be had."""
        self._private()

    def sign(self, run: str, seq: int, head: str) -> SignedHead:
        """The head of a run, signed."""
        signature = self._private().sign(_signed(run, seq, head))
        return SignedHead(
            run=run, seq=seq, head=head, key=self.public, signature=base64.b64encode(signature).decode()
        )

    def remember(self, head: SignedHead) -> None:
        """Durable when it returns. JournalError ``journal-unwritable``."""
        line = (canonical(head) + "\n").encode()
        try:
            descriptor = os.open(self.heads_file, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            message = (
                f"the signed head of the run {head.run} cannot be kept in {self.heads_file}: {error.strerror}"
            )
            raise JournalError("journal-unwritable", message) from None

    def remembered(self) -> tuple[SignedHead, ...]:
        """All heads in the file, none where there is no file. JournalError ``head-changed``."""
        try:
            lines = self.heads_file.read_text().splitlines()
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise JournalError("head-changed", f"{self.heads_file} cannot be read: {error}") from None
        try:
            return tuple(from_plain(SignedHead, json.loads(line)) for line in lines)
        except ValueError as error:
            raise JournalError("head-changed", f"{self.heads_file} was changed: {error}") from None

    def _private(self) -> Ed25519PrivateKey:
        if self._key is None:
            self._key = self._loaded()
        return self._key

    def _loaded(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            if not self.key_file.exists():
                self._make()
            key = load_pem_private_key(self.key_file.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            why = (
                error.strerror if isinstance(error, OSError) else "it is no private key without a passphrase"
            )
            raise JournalError(
                "journal-key", f"the journal's key {self.key_file} cannot be used: {why}"
            ) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise JournalError("journal-key", f"the journal's key {self.key_file} is not an Ed25519 key")
        return key

    def _make(self) -> None:
        """A new key. Of two programs that come at once, one makes it and both use that one."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.folder / f".journal.key.{os.getpid()}"
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            os.write(descriptor, pem)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(new, self.key_file)
        except FileExistsError:
            pass
        finally:
            new.unlink()


def genuine(head: SignedHead) -> bool:
    """Did the key that it names sign this head? Whose key that is must be known from elsewhere."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(
            base64.b64decode(head.key.removeprefix(KIND), validate=True)
        )
        public.verify(base64.b64decode(head.signature, validate=True), _signed(head.run, head.seq, head.head))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return head.key.startswith(KIND)


def _signed(run: str, seq: int, head: str) -> bytes:
    return PURPOSE + canonical([run, seq, head]).encode()
