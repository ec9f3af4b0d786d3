"""
Shapes: what the inventory must know of a platform, without knowing its driver.

Who wires the program together makes them from the drivers and hands them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class AccessKind(Enum):
    """
    What is spoken over an access; decides which of an access's extras mean anything.

    The values are the names of the types in :mod:`sipalg_fix.model.session`.
    """

    SSH_CLI = "SshCli"
    SSH_EXEC = "SshExec"
    ROUTEROS_API = "RouterosApi"
    HTTPS_JSON = "HttpsJson"
    HTTPS_SHELL = "HttpsShell"

    @property
    def is_ssh(self) -> bool:
        """Is it carried by SSH?"""
        return self in (AccessKind.SSH_CLI, AccessKind.SSH_EXEC)

    @property
    def words(self) -> str:
        """As people call it."""
        return _WORDS[self]

    @property
    def extras(self) -> frozenset[str]:
        """The extras that mean something here."""
        return _EXTRAS[self]

    @property
    def port(self) -> int:
        """Where it is usually found; only used to see that two hosts are one."""
        return _PORTS[self]


_WORDS: Final = {
    AccessKind.SSH_CLI: "SSH",
    AccessKind.SSH_EXEC: "SSH",
    AccessKind.ROUTEROS_API: "RouterOS API",
    AccessKind.HTTPS_JSON: "HTTPS",
    AccessKind.HTTPS_SHELL: "HTTPS",
}
_EXTRAS: Final = {
    AccessKind.SSH_CLI: frozenset({"key_file", "secret", "legacy_crypto", "seconds"}),
    AccessKind.SSH_EXEC: frozenset({"key_file", "secret", "legacy_crypto", "seconds"}),
    AccessKind.ROUTEROS_API: frozenset({"plain", "tls_pin", "tls_ca", "legacy_crypto", "seconds"}),
    AccessKind.HTTPS_JSON: frozenset(
        {"tls_pin", "tls_ca", "legacy_crypto", "login", "controller_site", "seconds"}
    ),
    AccessKind.HTTPS_SHELL: frozenset({"tls_pin", "tls_ca", "legacy_crypto", "login", "seconds"}),
}
_PORTS: Final = {
    AccessKind.SSH_CLI: 22,
    AccessKind.SSH_EXEC: 22,
    AccessKind.ROUTEROS_API: 8729,
    AccessKind.HTTPS_JSON: 443,
    AccessKind.HTTPS_SHELL: 443,
}
SSH_NAMES: Final = frozenset({"netmiko", "paramiko"})
"""What Nornir calls connections that are a platform's SSH access here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformShape:
    """A platform's own name, and (name, kind) of each of its accesses; the first is the main one."""

    name: str
    accesses: tuple[tuple[str, str], ...]
    """The kind is the name of its type, such as ``SshCli`` or ``HttpsShell``."""
    instead: tuple[str, ...] = ()
    """Accesses that take the place of the main one where they are configured and it is not."""

    @property
    def kinds(self) -> dict[str, AccessKind]:
        """The kinds of the accesses by name."""
        return {name: AccessKind(kind) for name, kind in self.accesses}

    @property
    def usual(self) -> str:
        """The main access, where nothing else is said."""
        return self.accesses[0][0]

    def main(self, said: Iterable[Iterable[str]]) -> str:
        """
        The access that a host's own address, port and login are for: ``said`` are the accesses that its
        element, then its groups and the defaults name, and the nearest that names one of those that take
        each other's place decides.
        """
        for names in said:
            named = {self.access(name) for name in names}
            if found := next((access for access in (self.usual, *self.instead) if access in named), None):
                return found
        return self.usual

    def access(self, name: str) -> str | None:
        """The access that ``connection_options`` means by this name, or None."""
        kinds = self.kinds
        if name in kinds:
            return name
        ssh = (own for own, kind in kinds.items() if kind.is_ssh)
        return next(ssh, None) if name in SSH_NAMES else None


Platforms = Mapping[str, PlatformShape]
"""Platforms by name and alias."""


def platform_named(name: str, platforms: Platforms) -> PlatformShape | None:
    """The platform of this name or alias, in any case; None when there is none."""
    return platforms.get(name) or platforms.get(name.lower())
