"""
How ssh-keygen is asked to sign and to check (ssh-keygen(1), ``-Y``; PROTOCOL.sshsig of OpenSSH).

It does the signing, so agents, hardware keys and certificates work as they do for SSH itself. What is
checked goes through a folder of its own, so that nobody can exchange a file between two looks at it.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sipalg_fix.model.errors import PlanError

CHECK_SECONDS: Final = 30.0
"""How long a check may take; it takes milliseconds."""

_KEY: Final = re.compile(r" key (SHA256:\S+)\s*$", re.MULTILINE)
_PUBLIC: Final = re.compile(r"^(?:ssh|ecdsa|sk)-\S+ (\S+)", re.MULTILINE)


def sign(key: Path, namespace: str, text: str) -> str:
    """
    The armoured signature over a text. ``key`` is a private key, or a public one whose private part an
    agent or a hardware key holds. ssh-keygen speaks to the person itself: passphrase, touch, and why not.
    """
    words = ["-q", "-Y", "sign", "-n", namespace, "-f", str(key)]
    done = _run(words, text, captured=subprocess.PIPE, seconds=None)
    if done.returncode != 0 or "BEGIN SSH SIGNATURE" not in done.stdout:
        raise PlanError("signer-not-allowed", f"ssh-keygen could not sign with {key}; it says why above")
    return done.stdout


def public_key(key: Path) -> str:
    """The public part of a key, in base64: of the file itself, of the one beside it, or of ssh-keygen's."""
    for file in (key, key.with_name(key.name + ".pub")):
        try:
            if found := _PUBLIC.search(file.read_text()):
                return found[1]
        except (OSError, UnicodeDecodeError):
            continue
    done = _run(["-y", "-f", str(key)], "", captured=subprocess.PIPE, seconds=None)
    found = _PUBLIC.search(done.stdout)
    if found is None:
        raise PlanError("signer-not-allowed", f"{key} is no key that ssh-keygen can read")
    return found[1]


def fingerprint(key: Path) -> str:
    """``SHA256:``… of a key file, public or private."""
    done = _run(["-l", "-E", "sha256", "-f", str(key)], "")
    found = re.search(r"SHA256:\S+", done.stdout)
    if found is None:
        raise PlanError("signer-not-allowed", f"{key} is no key that ssh-keygen can read: {_last(done)}")
    return found[0]


def sound(signature: str, namespace: str, text: str) -> str:
    """The fingerprint of the key that made this signature over this text; PlanError when none did."""
    with _files(signature=signature) as folder:
        words = ["-Y", "check-novalidate", "-n", namespace, "-s", str(folder / "signature")]
        done = _run(words, text)
    found = _KEY.search(done.stdout)
    if done.returncode != 0 or found is None:
        raise PlanError("approval-tampered", f"a signature beside the plan does not fit: {_last(done)}")
    return found[1]


def allowed(signature: str, namespace: str, text: str, *, signers: bytes, principal: str) -> bool:
    """Do these allowed signers list the signature's key for this person and namespace, today?"""
    with _files(signature=signature, signers=signers) as folder:
        words = ["-Y", "verify", "-f", str(folder / "signers"), "-I", principal, "-n", namespace]
        return _run([*words, "-s", str(folder / "signature")], text).returncode == 0


def principals(signature: str, signers: bytes) -> frozenset[str]:
    """All names under which these allowed signers list the signature's key."""
    with _files(signature=signature, signers=signers) as folder:
        words = ["-Y", "find-principals", "-f", str(folder / "signers"), "-s", str(folder / "signature")]
        return frozenset(line.strip() for line in _run(words, "").stdout.splitlines() if line.strip())


@contextmanager
def _files(**contents: str | bytes) -> Iterator[Path]:
    """A folder that only this user can look into, with these files."""
    with tempfile.TemporaryDirectory(prefix="sipalg-fix-") as name:
        folder = Path(name)
        for file, content in contents.items():
            (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
        yield folder


def _run(
    words: list[str], text: str, *, captured: int | None = None, seconds: float | None = CHECK_SECONDS
) -> subprocess.CompletedProcess[str]:
    """``captured``: take standard output alone, and leave standard error to the person."""
    try:
        return subprocess.run(
            ["ssh-keygen", *words],
            input=text,
            stdout=subprocess.PIPE,
            stderr=None if captured else subprocess.PIPE,
            text=True,
            check=False,
            timeout=seconds,
        )
    except FileNotFoundError:
        raise PlanError("ssh-keygen-missing", "ssh-keygen is not there: install OpenSSH's client") from None
    except subprocess.TimeoutExpired:
        raise PlanError("approval-tampered", f"ssh-keygen did not answer in {seconds:.0f} seconds") from None


def _last(done: subprocess.CompletedProcess[str]) -> str:
    """The last thing that ssh-keygen said."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[0] if lines else f"ssh-keygen ended with {done.returncode}"
