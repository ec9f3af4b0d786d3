"""
RouterOS says the same over three accesses, each in its own words: what a driver asks and tells by one.

The menus, their properties and their values are one thing (the manual calls the API and REST wrappers of
the console), so that facts are read, and changes decided, in one place for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sipalg_fix.model.session import Access, Command
from sipalg_fix.model.step import Step

Rows = tuple[Mapping[str, Any], ...]

DENIED = "(?P<not_privileged>not enough permissions)"
GUARD_NAME = "sipalg-fix-guard"
OF_STREAMS = "src-address,src-port,dst-address,dst-port,timeout,fasttrack"
"""The properties of a connection that are asked for where one can choose."""
TAKES_BACK = (
    f"/ip firewall service-port set sip disabled=no; :log warning {GUARD_NAME}-fired; "
    f"/system scheduler remove {GUARD_NAME}"
)
"""What the router does when nobody confirms. Should its first command fail, it stays, and tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """
    The commands and steps of one access, and how its answers are read.

    ``rows`` gives the items in the answer to a command, property by property, none where it is not
    understood; ``count`` the number that a command which counts was answered with, or None.
    """

    name: str
    access: Access
    policy: str
    """What lets an account's group in by this access."""
    resource: Command
    helper: Command
    connections: Command
    """Counts those that have the helper."""
    media: Command
    """Counts those over UDP that a helper had expected: the media of calls, and what controls them."""
    tracking: Command
    """Shows the settings of connection tracking, and how many connections there are."""
    udp: tuple[Command, Command]
    """List those over UDP that are assured, of IPv4 and of IPv6, of which a router may know nothing."""
    whole: Callable[[str], Rows | None]
    """The items of such a list, None where it is cut or not understood."""
    acs: Command
    guards: Command
    """Counts the entries of the scheduler that are the guard's."""
    backup: Command
    rows: Callable[[Command, str], Rows]
    count: Callable[[str], int | None]
    switch: Callable[[str], Step]
    """Sets ``disabled`` of the helper: yes or no."""
    flush: Callable[[tuple[int, ...]], Step]
    """Drops the connections to these ports."""
    arm: Callable[[int], tuple[Step, ...]]
    """Adds the guard's entry, which runs after so many minutes, and goes on only if it is shown waiting."""
    disarm: Step
    """Refused where there is no such entry."""
    reboot: Step
