"""
Host: one router we manage, by its inventory name.

A host is its name and site, never an address alone: customers' networks overlap. It holds references to
secrets and no secret; what a reference points to is looked up where a session is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

AUTO: Final = "auto"
"""The platform of a host that is to show by itself which it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """
    Where a secret is: ``env:NAME``, ``file:PATH``, ``ask``, or ``inventory:FILE#KEY.KEY…`` for one that
    stands in the inventory itself. More kinds may come; only the scheme before the colon tells them apart.
    """

    text: str

    @property
    def scheme(self) -> str:
        """The part before the first colon."""
        return self.text.partition(":")[0]

    @property
    def place(self) -> str:
        """The part after the first colon; empty for ``ask``."""
        return self.text.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """
    How one access of one host is reached, after groups and defaults were merged in.

    ``port`` 0 means the access's own default. ``secret`` is a second password (enable) where there is one.
    """

    address: str
    port: int = 0
    username: str = ""
    password: SecretRef | None = None
    key_file: str = ""
    secret: SecretRef | None = None
    plain: bool = False
    """Unencrypted on purpose (RouterOS API on 8728); never a default."""
    tls_pin: str = ""
    """``sha256:`` and the hex digest of the certificate (DER) of a device that signed its own."""
    tls_ca: str = ""
    """A CA file of the operator's own."""
    legacy_crypto: bool = False
    """Allow SHA-1 key exchange and signatures for a device that offers nothing else."""
    login: str = ""
    """Which of the access's editions it is, by name; empty: found out."""
    controller_site: str = ""
    """Which site of a controller that serves many is meant, by the controller's own short name."""
    seconds: float = 120.0
    """Hard deadline for one session of this access."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePoint:
    """Where packets are sent from: a computer behind routers, and the command that probes from there."""

    command: str
    """``sipalg-fix probe --responder … --output json``, or what answers in the same way."""
    ssh: AccessSettings | None = None
    """How it is reached; None: it is this computer."""
    seconds: float = 20.0
    """Hard deadline for all of it, the login included."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.ssh.username}@{self.ssh.address}" if self.ssh else "this computer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One router. ``accesses`` maps the driver's access names to settings; one not there is not used."""

    name: str
    platform: str
    site: str = ""
    groups: tuple[str, ...] = ()
    accesses: Mapping[str, AccessSettings] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    """The operator's own words about the host; carried into reports, never interpreted."""
    source: str = ""
    """``FILE:LINE`` in the inventory."""
    pair: str = ""
    """The pair or stack it is a member of, by the operator's name for it; empty: it stands alone."""
    standby: bool | None = None
    """Does it stand by for the others of its pair? None: nobody said."""
    probe: ProbePoint | None = None
    """The probe point behind it, where the playbook names one; it goes wherever the host goes: into plans and
    the journal."""

    @property
    def label(self) -> str:
        """``site/name``: how host keys and the journal's leases file it."""
        return f"{self.site}/{self.name}"
