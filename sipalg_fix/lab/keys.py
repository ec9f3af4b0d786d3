"""
SSH host keys of the lab: made, kept in a directory that only its owner reads, and written for known_hosts.
"""

from __future__ import annotations

from pathlib import Path

import paramiko


def new_host_key() -> paramiko.PKey:
    """A fresh ECDSA key on P-256: quick to make, and every SSH client in use knows it."""
    return paramiko.ECDSAKey.generate(bits=256)


def kept_host_key(path: Path) -> paramiko.PKey:
    """The key in this file, made on first use (mode 0600)."""
    if not path.exists():
        path.touch(mode=0o600)
        paramiko.ECDSAKey.generate(bits=256).write_private_key_file(str(path))
    return paramiko.ECDSAKey.from_private_key_file(str(path))


def known_hosts_line(address: str, port: int, key: paramiko.PKey) -> str:
    """One line of a known_hosts file, with its line end."""
    place = address if port == 22 else f"[{address}]:{port}"
    return f"{place} {key.get_name()} {key.get_base64()}\n"
