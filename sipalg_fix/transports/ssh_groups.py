"""
SSH groups: Diffie-Hellman as old devices need it, at a cost that a peer does not choose.

paramiko computes with Python's integers. Its own exponents are as long as the group (36 ms of CPU for
2048 bits), and it takes groups of 8192 bits, for which a peer can make us spend 2.4 seconds (measured)
before anything is known of it. A group exchange also costs a round trip more than a group that both know.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from paramiko import Transport
from paramiko.message import Message
from paramiko.ssh_exception import IncompatiblePeer

LARGEST: Final = 4096
"""Bits of the largest group."""

EXPONENT: Final = 512
"""Bits of our exponent: twice those of the longest key that is derived (RFC 4419, 6.2; as OpenSSH does)."""

NAMES: Final = (
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group1-sha1",
)
"""The best first."""


class _Short:
    """Laid over paramiko's exchange in a group that both know."""

    x: int

    def _generate_x(self) -> None:
        self.x = secrets.randbits(EXPONENT) | 1 << (EXPONENT - 1)


class _Bounded(_Short):
    """Laid over paramiko's exchange in a group that the server chooses."""

    max_bits = LARGEST

    def _parse_kexdh_gex_group(self, m: Message) -> None:
        place = m.packet.tell()
        if (bits := m.get_mpint().bit_length()) > LARGEST:
            raise IncompatiblePeer(f"a Diffie-Hellman group of {bits} bits")
        m.packet.seek(place)
        super()._parse_kexdh_gex_group(m)  # type: ignore[misc]  # paramiko's, over which this is laid


def _groups() -> dict[str, type[Any]]:
    theirs: dict[str, type] = Transport._kex_info  # type: ignore[attr-defined]  # not in the stubs
    kinds = {name: _Bounded if "exchange" in name else _Short for name in NAMES}
    return {name: type(theirs[name].__name__, (kind, theirs[name]), {}) for name, kind in kinds.items()}


GROUPS: Final = _groups()
"""Exchanges by name, the best first."""
