"""
Shapes: what the inventory must know of a platform, without knowing its driver.

The composition root makes them from the drivers; see :func:`shapes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sipalg_fix.model.driver import Driver
from sipalg_fix.model.session import Access, HttpsJson, RouterosApi, SshCli, SshExec


class AccessKind(Enum):
    """What is spoken over an access; decides which of an access's extras mean anything."""

    SSH_CLI = "ssh_cli"
    SSH_EXEC = "ssh_exec"
    ROUTEROS_API = "routeros_api"
    HTTPS_JSON = "https_json"

    @property
    def is_ssh(self) -> bool:
        """Is it carried by SSH?"""
        return self in (AccessKind.SSH_CLI, AccessKind.SSH_EXEC)

    @property
    def extras(self) -> frozenset[str]:
        """The extras that mean something here."""
        return _EXTRAS[self]

    @property
    def port(self) -> int:
        """Where it is usually found; only used to see that two hosts are one."""
        return _PORTS[self]


_EXTRAS: Final = {
    AccessKind.SSH_CLI: frozenset({"key_file", "secret", "legacy_crypto", "seconds"}),
    AccessKind.SSH_EXEC: frozenset({"key_file", "secret", "legacy_crypto", "seconds"}),
    AccessKind.ROUTEROS_API: frozenset({"plain", "tls_pin", "tls_ca", "seconds"}),
    AccessKind.HTTPS_JSON: frozenset({"tls_pin", "tls_ca", "seconds"}),
}
_PORTS: Final = {
    AccessKind.SSH_CLI: 22,
    AccessKind.SSH_EXEC: 22,
    AccessKind.ROUTEROS_API: 8729,
    AccessKind.HTTPS_JSON: 443,
}
SSH_NAMES: Final = frozenset({"netmiko", "paramiko"})
"""What Nornir calls connections that are a platform's SSH access here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformShape:
    """A platform's own name, and the kinds of its accesses by name; the first access is the main one."""

    name: str
    accesses: Mapping[str, AccessKind]

    @property
    def main(self) -> str:
        """The access that a host's own address, port and login are for."""
        return next(iter(self.accesses))

    def access(self, name: str) -> str | None:
        """The access that ``connection_options`` means by this name, or None."""
        if name in self.accesses:
            return name
        ssh = (own for own, kind in self.accesses.items() if kind.is_ssh)
        return next(ssh, None) if name in SSH_NAMES else None


Platforms = Mapping[str, PlatformShape]
"""Platforms by name and alias."""


def platform_named(name: str, platforms: Platforms) -> PlatformShape | None:
    """The platform of this name or alias, in any case; None when there is none."""
    return platforms.get(name) or platforms.get(name.lower())


def shape(driver: Driver) -> PlatformShape:
    """A driver's platform, as the inventory knows it."""
    return PlatformShape(
        name=driver.platform, accesses={name: _kind(access) for name, access in driver.accesses.items()}
    )


def shapes(drivers: Iterable[Driver]) -> dict[str, PlatformShape]:
    """All platforms by name and alias; a platform's own name goes before another's alias."""
    known: dict[str, PlatformShape] = {}
    listed = tuple(drivers)
    for driver in listed:
        known.update(dict.fromkeys(driver.aliases, shape(driver)))
    return {**known, **{driver.platform: shape(driver) for driver in listed}}


def _kind(access: Access) -> AccessKind:
    match access:
        case SshCli():
            return AccessKind.SSH_CLI
        case SshExec():
            return AccessKind.SSH_EXEC
        case RouterosApi():
            return AccessKind.ROUTEROS_API
        case HttpsJson():
            return AccessKind.HTTPS_JSON
