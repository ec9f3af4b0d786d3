"""iptables rules as ``iptables-save`` prints them (iptables-extensions(8), CT)."""

from __future__ import annotations

import re
from dataclasses import dataclass

HELPER = re.compile(r'-j CT\b.*--helper "?sip(?:-\d+)?"?(?=\s|$)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One rule at its place (``number``, from 1) in a chain. ``tool`` changes it: iptables, ip6tables …"""

    tool: str
    table: str
    chain: str
    number: int
    text: str
    """All that follows ``-A CHAIN``."""

    @property
    def line(self) -> str:
        """Where it stands and what it says, for people and for comparing."""
        return f"{self.tool} {self.table}: -A {self.chain} {self.text}"


def read(said: str, tool: str) -> tuple[Line, ...]:
    """All rules in order; :class:`ValueError` when a table is not closed by COMMIT."""
    found, table, counted = list[Line](), "", dict[tuple[str, str], int]()
    for line in map(str.strip, said.splitlines()):
        if line.startswith("*"):
            if table:
                raise ValueError(f"table {table} has no COMMIT")
            table = line[1:]
        elif line == "COMMIT":
            table = ""
        elif rule := re.match(r"(?:\[\d+:\d+\] )?-A (\S+) ?(.*)", line):
            chain, text = rule.groups()
            number = counted[table, chain] = counted.get((table, chain), 0) + 1
            found.append(Line(tool=tool, table=table, chain=chain, number=number, text=text))
    if table:
        raise ValueError(f"table {table} has no COMMIT")
    return tuple(found)


def sip_rules(rules: tuple[Line, ...]) -> tuple[Line, ...]:
    """Rules that set the SIP helper."""
    return tuple(rule for rule in rules if HELPER.search(rule.text))
