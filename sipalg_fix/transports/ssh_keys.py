"""
Keys: which host keys and certificates a person has accepted, and whether a device still shows one of them.

Our own store is one text file, a key a line: the host's ``site/name``, the access, the kind and the key.
It goes by names because customers' networks overlap and addresses do not tell devices apart. SSH keys of
a host that the store does not know are looked up in the user's own known_hosts file (sshd(8)), by address.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from sipalg_fix.transports.line import Endpoint

TLS: Final = "tls"
PROBE: Final = "probe"
"""As if it were an access: under which the key of the probe point behind a host is filed."""
_HEAD: Final = (
    "# sipalg-fix: host keys and certificates accepted by name. One a line; do not edit while it runs.\n"
)
_PIN: Final = re.compile(r"(?:sha256:)?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class HostKey:
    """
    What a device shows of itself: an SSH public key (``kind`` is its type, ``data`` the base64 text as in
    known_hosts), or a certificate (``kind`` is ``tls``, ``data`` is ``sha256:`` and the hex digest of its
    DER form).
    """

    kind: str
    data: str

    @property
    def fingerprint(self) -> str:
        """As OpenSSH prints it (``SHA256:`` and base64), or the digest of the certificate."""
        if self.kind == TLS:
            return self.data
        digest = hashlib.sha256(base64.b64decode(self.data)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def __str__(self) -> str:
        """Kind and fingerprint, for people."""
        return f"certificate {self.data}" if self.kind == TLS else f"{self.kind} {self.fingerprint}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Entry:
    """One accepted key. ``label`` is the host's ``site/name``."""

    label: str
    access: str
    key: HostKey


def certificate_key(der: bytes) -> HostKey:
    """The key of a certificate in DER form."""
    return HostKey(kind=TLS, data="sha256:" + hashlib.sha256(der).hexdigest())


def pinned_key(text: str) -> HostKey:
    """A pin as people write it: hex digits with or without colons and ``sha256:``. ValueError."""
    if found := _PIN.fullmatch(text.strip().lower()):
        return HostKey(kind=TLS, data="sha256:" + found[1].replace(":", ""))
    raise ValueError(f"not the SHA-256 of a certificate in hex: {text!r}")


class KeyStore:
    """
    The store. ``path`` is our file, made with its folder when the first key is accepted (mode 0600);
    ``user_file`` is the user's known_hosts, only ever read. Threads and processes may share it.
    """

    def __init__(self, path: Path, *, user_file: Path | None = None) -> None:
        self._path = path
        self._user_file = user_file

    def entries(self) -> tuple[Entry, ...]:
        """All that was accepted, in order of names."""
        with contextlib.suppress(FileNotFoundError):
            return tuple(sorted(filter(None, map(_entry, self._path.read_text("utf-8").splitlines()))))
        return ()

    def accepted(self, label: str, access: str) -> tuple[HostKey, ...]:
        """What was accepted for one access of one host, by name."""
        return tuple(entry.key for entry in self.entries() if (entry.label, entry.access) == (label, access))

    def known(self, label: str, access: str, address: str, port: int) -> tuple[HostKey, ...]:
        """SSH keys by which this device may be believed: ours by name, or else the user's by address."""
        keys = tuple(key for key in self.accepted(label, access) if key.kind != TLS)
        return keys or self._users("", address, port)

    def accept(self, label: str, access: str, key: HostKey) -> None:
        """From now on, this key is this access's, in place of any other."""

        def change(entries: set[Entry]) -> set[Entry]:
            kept = {entry for entry in entries if (entry.label, entry.access) != (label, access)}
            return kept | {Entry(label=label, access=access, key=key)}

        self._rewrite(change)

    def forget(self, label: str, access: str = "") -> int:
        """Forget a host's keys, all or one access's; how many there were."""
        before = self.entries()
        gone = {entry for entry in before if entry.label == label and access in ("", entry.access)}
        if gone:
            self._rewrite(lambda entries: entries - gone)
        return len(gone)

    def check(self, endpoint: Endpoint, shown: HostKey) -> None:
        """DeviceError ``host-key-unknown`` or ``host-key-changed`` unless this SSH key may be believed."""
        known = self.known(endpoint.label, endpoint.access, endpoint.address, endpoint.port)
        if shown in self._users("@revoked", endpoint.address, endpoint.port):
            raise endpoint.error(
                "host-key-changed",
                f"shows a host key that {self._user_file} marks as revoked: {shown}. Nothing was sent to it.",
            )
        if shown in known:
            return
        if known:
            raise endpoint.error(
                "host-key-changed",
                f"shows another host key than it used to: {shown}, not {' or '.join(map(str, known))}. "
                "Somebody may be in between, or the device was replaced or reset. Nothing was sent to it. "
                f"If you know why, compare the key with the device's own, then: {advice(endpoint)}",
            )
        raise endpoint.error(
            "host-key-unknown",
            f"shows a host key that nobody has accepted yet: {shown}. Compare it with the device's own, "
            f"then: {advice(endpoint)}",
        )

    def _users(self, marker: str, address: str, port: int) -> tuple[HostKey, ...]:
        """Keys of lines with this marker (empty: none) that the user's known_hosts has for an address."""
        if self._user_file is None:
            return ()
        name = address.lower() if port == 22 else f"[{address.lower()}]:{port}"
        with contextlib.suppress(OSError):
            lines = self._user_file.read_text("utf-8", "replace").splitlines()
            return tuple(key for line in lines if (key := _known_host(line, marker, name)))
        return ()

    def _rewrite(self, change: Callable[[set[Entry]], set[Entry]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._locked():
            entries = sorted(change(set(self.entries())))
            # A new file under another name, then renamed: readers see the old one or the new one, whole.
            handle, name = tempfile.mkstemp(prefix=self._path.name + ".", dir=self._path.parent)
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    file.write(_HEAD + "".join(map(_line, entries)))
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._path)
            except BaseException:
                os.unlink(name)
                raise

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        lock = self._path.with_name(self._path.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def advice(endpoint: Endpoint) -> str:
    """The command by which a person accepts what a device shows."""
    playbook = " -p PLAYBOOK" if endpoint.access == PROBE else ""
    return f"sipalg-fix hostkeys accept {endpoint.name}{playbook}"


def _line(entry: Entry) -> str:
    label, access = (quote(text, safe="/@:._-") for text in (entry.label, entry.access))
    return f"{label} {access} {entry.key.kind} {entry.key.data}\n"


def _entry(line: str) -> Entry | None:
    """A line of our own file; None for a comment or what is no entry."""
    match line.split():
        case [label, access, kind, data] if not label.startswith("#"):
            return Entry(label=unquote(label), access=unquote(access), key=HostKey(kind=kind, data=data))
        case _:
            return None


def _known_host(line: str, marker: str, name: str) -> HostKey | None:
    """The key of a line of known_hosts if the line is about this name and has this marker."""
    fields = line.split()
    if not fields or fields[0].startswith("#"):
        return None
    found = fields.pop(0) if fields[0].startswith("@") else ""
    if found != marker or len(fields) < 3 or not _names(fields[0], name):
        return None
    try:
        base64.b64decode(fields[2], validate=True)
    except binascii.Error:
        return None
    return HostKey(kind=fields[1], data=fields[2])


def _names(patterns: str, name: str) -> bool:
    """Does the first field of a known_hosts line mean this name? Hashed, with wildcards, or plain."""
    matched = False
    for pattern in patterns.split(","):
        if pattern.startswith("|1|"):
            matched |= _hashed(pattern, name)
        elif pattern.startswith("!"):
            if _like(name, pattern[1:]):
                return False
        else:
            matched |= _like(name, pattern)
    return matched


def _hashed(pattern: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in pattern.split("|")[2:4])
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)


def _like(name: str, pattern: str) -> bool:
    """``*`` and ``?`` are wildcards in known_hosts; brackets are not, they stand around addresses."""
    return fnmatchcase(name, pattern.lower().replace("[", "[[]"))
