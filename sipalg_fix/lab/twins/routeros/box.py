"""
The virtual MikroTik router's state, and what can be done to it, whichever door the command came by.

RouterOS is a tree of menus; a menu is a table of items, and an item is a set of named values, all of
them text. The doors (the API, the console, REST) turn commands into calls of
:class:`Box`, and its :class:`Refusal` into their own form of an error. A change is stored at once:
what runs is what the next boot starts with (manual, page "Configuration management").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sipalg_fix.lab.twin import Chassis
from sipalg_fix.lab.twins.routeros import notation

Row = dict[str, str]

Reader = Callable[[str], str]
"""Reads a value as people write it, and gives it as RouterOS keeps it; ValueError if it is none."""

SERVICE_PORT = "/ip/firewall/service-port"
CONNECTION = "/ip/firewall/connection"
CONNECTION6 = "/ipv6/firewall/connection"
LOG = "/log"

READ = frozenset({"print", "getall", "get", "find"})


class Refusal(Exception):
    """
    A command that was not done, in the words of RouterOS.

    ``category`` is the API's number (0 missing item or command, 1 bad value, …), or None when the
    message comes from deep inside and has none.
    """

    def __init__(self, message: str, category: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.category = category


@dataclass(slots=True, kw_only=True)
class Menu:
    """
    One table. ``writable`` gives for each property that can be set how its text is read (ValueError if bad).

    ``single`` is for menus of one item, which needs no id. ``passing`` items are not configuration.
    """

    rows: list[Row] = field(default_factory=list)
    verbs: frozenset[str] = READ
    writable: Mapping[str, Reader] = field(default_factory=dict)
    single: bool = False
    passing: bool = False
    policy: str = "write"
    live: Callable[[Row], Row] | None = None
    """Adds the values that are worked out when somebody looks: timeouts, the clock."""


@dataclass(slots=True, kw_only=True)
class Box:
    """The router behind every door. ``iso_dates`` is how 7.10 and later write dates."""

    chassis: Chassis
    menus: dict[str, Menu] = field(default_factory=dict)
    iso_dates: bool = True
    changed: list[Callable[[str], None]] = field(default_factory=list)
    """Told the path of a menu after each change in it: the scheduler sets its timers by this."""
    booted: list[Callable[[], None]] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    """Switch ``stay_on``: what ``disabled`` will be after the next boot, by the id of the helper."""
    _next: int = 0x100

    def __post_init__(self) -> None:
        self.chassis.on_down.append(self._power)

    def policies(self, user: str) -> frozenset[str]:
        """What this user's group may do: ``read``, ``write``, ``api``, ``reboot``, …"""
        group = self.chassis.users[user].level
        for row in self.menus["/user/group"].rows:
            if row["name"] == group:
                return frozenset(word for word in row["policy"].split(",") if not word.startswith("!"))
        return frozenset()

    def permit(self, policies: frozenset[str], policy: str) -> None:
        """Refuse unless the policy is among those."""
        if policy not in policies:
            raise Refusal("not enough permissions (9)")

    def shown(self, path: str) -> Iterator[Row]:
        """The items as somebody who looks sees them, in order."""
        menu = self.menus[path]
        for row in list(menu.rows):
            yield menu.live(row) if menu.live else dict(row)

    def pick(self, path: str, selector: str) -> Row:
        """The item with this id (``*5``) or name. A bare number means nothing outside a console."""
        for row in self.menus[path].rows:
            if selector in (row.get(".id"), row.get("name")):
                return row
        raise Refusal("no such item", 0)

    def may_change(self, path: str) -> None:
        """Refuse as the switches say; ``save_fails`` says nothing, for what runs is what is stored."""
        switches = self.chassis.switches
        if switches.refuse_writes:
            raise Refusal("no such command", 0)
        if switches.locked and not self.menus[path].passing:
            raise Refusal("failure: configuration is being changed by another session")

    def read_values(self, path: str, values: Mapping[str, str]) -> Row:
        """The values as they would be stored; Refusal for a property or a value that does not exist."""
        good: Row = {}
        for name, text in values.items():
            reader = self.menus[path].writable.get(name)
            if reader is None:
                raise Refusal(f"unknown parameter {name}" if self.iso_dates else "unknown parameter")
            try:
                good[name] = reader(text)
            except ValueError:
                raise Refusal(f"invalid value for argument {name}", 1) from None
        return good

    def set(self, path: str, row: Row, values: Mapping[str, str]) -> None:
        """Change an item."""
        self.may_change(path)
        good = self.read_values(path, values)
        if missing := next((name for name in good if path == SERVICE_PORT and name not in row), None):
            # ports and the sip-… properties exist only for the helpers that have them
            raise Refusal(f"invalid value for argument {missing}", 1)
        self.chassis.wrote()
        if path == SERVICE_PORT and self.chassis.switches.stay_on and "disabled" in good:
            number, wanted = row[".id"], good.pop("disabled")
            self.held.pop(number, None)
            if wanted != row["disabled"]:
                self.held[number] = wanted
        row.update(good)
        self._tell(path)

    def add(self, path: str, values: Mapping[str, str], defaults: Mapping[str, str]) -> str:
        """Add an item; gives its id."""
        self.may_change(path)
        good = self.read_values(path, values)
        name = good.get("name", defaults.get("name"))
        if name is not None and any(row.get("name") == name for row in self.menus[path].rows):
            raise Refusal("failure: item with this name already exists")
        self.chassis.wrote()
        number = f"*{self._next:X}"
        self._next += 1
        self.menus[path].rows.append({".id": number, **defaults, **good})
        self._tell(path)
        return number

    def remove(self, path: str, row: Row) -> None:
        """Take an item away."""
        self.may_change(path)
        self.chassis.wrote()
        self.menus[path].rows.remove(row)
        self._tell(path)

    def reboot(self) -> None:
        """Restart. Configuration stays as it is; connections do not outlive it."""
        self.chassis.wrote()
        if not self.chassis.switches.reboot_fails:
            self.chassis.power_cycle()

    def note(self, topics: str, message: str) -> None:
        """A line in the log, which is in memory only."""
        rows = self.menus[LOG].rows
        time = notation.hour(self.chassis.now)
        rows.append({".id": f"*{len(rows) + 1:X}", "time": time, "topics": topics, "message": message})

    def helper(self, name: str) -> bool:
        """Does this connection tracking helper take on new connections?"""
        row = self.pick(SERVICE_PORT, name)
        return row["disabled"] == "false" and row["invalid"] == "false"

    def _tell(self, path: str) -> None:
        for listener in self.changed:
            listener(path)

    def _power(self) -> None:
        """The box went down and is up again (the clock does not move meanwhile)."""
        for menu in self.menus.values():
            if menu.passing:
                menu.rows.clear()
        for number, disabled in self.held.items():
            self.pick(SERVICE_PORT, number)["disabled"] = disabled
        self.held.clear()
        for listener in self.booted:
            listener()


CONDITION = re.compile(r"([\w.-]+)(!=|=|~)(.*)", re.DOTALL)


def meets(row: Row, condition: str) -> bool:
    """One condition of a console's ``find where``: ``name=sip``, ``dst-address~":5060"``, or a flag."""
    parts = CONDITION.fullmatch(condition)
    if parts is None:
        return row.get(condition) == "true"
    name, relation, text = parts.groups()
    value = row.get(name, "")
    if relation == "~":
        return re.search(text, value) is not None
    if value in ("true", "false") and text in ("yes", "no"):
        text = notation.truth(text)
    return (value == text) is (relation == "=")
