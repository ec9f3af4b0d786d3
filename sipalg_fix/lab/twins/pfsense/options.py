"""How a virtual pfSense may begin: which release, and in which state somebody left the SIP proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sipalg_fix.lab.twin import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    The options as one writes them in Python or in ``lab.yaml``.

    ``version`` is pfSense's; before 2.7 its PHP has no config_set_path. ``package`` is whether siproxd is
    installed, ``settings`` whether somebody set it up, ``enabled`` what its settings say (None: the flag is
    not there), ``running`` whether its daemon runs, ``redirect`` whether pf's rule is loaded (None: as
    enabled). ``port`` is the proxy's (empty: the default). ``pair`` is the address of the node to which its
    configuration is given. ``carp`` is the state of each CARP address (MASTER, BACKUP, INIT), and ``merged``
    what another node wrote into its configuration, section names with commas between. ``optimization``,
    ``disablescrub`` and ``static_ports`` are what the advice looks at. ``phones`` are their addresses.
    ``restapi`` is whether the REST package is installed, ``key`` an API key of the first account.
    """

    version: str = "2.7.2-RELEASE"
    package: bool = True
    settings: bool = True
    enabled: bool | None = True
    running: bool | None = None
    redirect: bool | None = None
    port: str = ""
    pair: str = ""
    carp: tuple[str, ...] | list[str] = ()
    merged: str = ""
    optimization: str = ""
    disablescrub: bool = False
    static_ports: int = 0
    restapi: bool = True
    key: str = ""
    phones: tuple[str, ...] | list[str] = ("192.168.1.21", "192.168.1.22")

    @property
    def old(self) -> bool:
        """Is it of before 2.7? (Plus counts from 23.01.)"""
        major, minor = self.version.partition("-")[0].split(".")[:2]
        return (int(major), int(minor)) < (2, 7)


def read_options(given: Mapping[str, Any]) -> Options:
    """Check plain options; raises :class:`ValueError` that names the first one that is wrong."""
    known = {each.name for each in fields(Options)}
    for name in given:
        if name not in known:
            raise ValueError(
                f"unknown option {name!r} for a pfSense twin; known are {', '.join(sorted(known))}"
            )
    return Options(**given)


def accounts(given: Mapping[str, Any] | None) -> dict[str, User]:
    """admin and root are one and the same account."""
    if given is None:
        return {"admin": User(password="pfsense"), "root": User(password="pfsense")}
    return {name: user if isinstance(user, User) else User(**user) for name, user in given.items()}
