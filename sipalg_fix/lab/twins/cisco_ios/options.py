"""How a virtual Cisco router may begin: which release, and in which state somebody left it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sipalg_fix.lab.twin import User

UNSAVED = "ip route 10.99.0.0 255.255.0.0 192.168.10.254"
SAVES = ("compressed", "plain", "overwrite", "busy")
INSPECTS = ("", "cbac", "zones")
TRANSPORTS = ("udp", "tcp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    The options as one writes them in Python or in ``lab.yaml``.

    ``version`` decides what kind of router it is: 16 and later are IOS-XE. ``running`` and ``startup`` say
    whether the SIP ALG is on in that configuration (``startup`` is as ``running`` unless given);
    ``only_off`` names the one transport whose line is there, in both. ``ports`` are further UDP ports on
    which the ALG acts. ``tcp_line``: does the train know the line for TCP (by default: not before 15)?
    ``archive`` configures a place for copies, so that a revert timer can be used. ``inspect`` has a
    firewall that inspects SIP (cbac, zones). ``unsaved`` is somebody's edit that was not saved, as a line
    or true. ``enable`` is the enable password; ``level`` the privilege level of who logs in.
    ``save`` chooses how ``write memory`` answers: compressed, plain, overwrite (asks), busy (once).
    ``phones`` counts SIP phones behind the router.
    """

    version: str = "16.09.04"
    host_name: str = ""
    running: bool = True
    startup: bool | None = None
    only_off: str = ""
    ports: tuple[int, ...] | list[int] = ()
    tcp_line: bool | None = None
    nat: bool = True
    archive: bool = False
    inspect: str = ""
    unsaved: bool | str = False
    enable: str = ""
    level: int = 15
    save: str = "compressed"
    phones: int = 2

    @property
    def xe(self) -> bool:
        """Is it IOS-XE?"""
        return int(self.version.split(".", maxsplit=1)[0]) >= 16

    @property
    def knows_tcp(self) -> bool:
        """Does it have the line for SIP over TCP?"""
        if self.tcp_line is not None:
            return self.tcp_line
        return int(self.version.split(".", maxsplit=1)[0]) >= 15


def read_options(given: Mapping[str, Any]) -> Options:
    """Check plain options; raises :class:`ValueError` that names the first one that is wrong."""
    known = {each.name for each in fields(Options)}
    for name in given:
        if name not in known:
            raise ValueError(
                f"unknown option {name!r} for a Cisco IOS twin; known are {', '.join(sorted(known))}"
            )
    options = Options(**given)
    for name, value, choices in (
        ("save", options.save, SAVES),
        ("inspect", options.inspect, INSPECTS),
        ("only_off", options.only_off, ("", *TRANSPORTS)),
        ("level", options.level, (1, 15)),
    ):
        if value not in choices:
            raise ValueError(f"option {name!r} is {value!r}, and can be {', '.join(map(str, choices))}")
    if not options.version.split(".", maxsplit=1)[0].isdigit():
        raise ValueError(f"option 'version' is {options.version!r}, and must begin with a number")
    return options


def accounts(given: Mapping[str, Any] | None) -> dict[str, User] | None:
    """Users by name, from values that are already users or plain mappings."""
    if given is None:
        return None
    return {name: user if isinstance(user, User) else User(**user) for name, user in given.items()}
