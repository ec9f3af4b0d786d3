"""
nftables rulesets as ``nft -s list ruleset`` prints them (nft(8), 1.0): tables, helper objects, chains, rules.

A helper works where a rule says ``ct helper set``; an object that is declared and not set by any rule
does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SIP = re.compile(r"sip(?:-\d+)?")
"""The kernel's names of the helper: sip for port 5060, sip-N for others given to the module."""
SET = re.compile(r"\bct helper set (.*)")
HEADER = re.compile(r"^(?:type \w+ hook |comment \")")
OWNER = re.compile(r'\{ # [^"]*$')
"""nft names the program that owns a table after the brace."""
COMMENT = re.compile(r'\s*\bcomment "[^"]*"\s*$')


FOREIGN = re.compile(r"^# Warning: table (\S+) (\S+) is managed by iptables-nft", re.MULTILINE)
FROM_IPTABLES = re.compile(r'\bxt (?:target|match) "?\w|# xt_\w')
"""How rules look that iptables made: iptables-save shows them whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule at its place (``index``, from 0) in a chain. ``nested``: with a chain without a name."""

    family: str
    table: str
    chain: str
    index: int
    text: str
    nested: bool = False

    @property
    def line(self) -> str:
        """Where it stands and what it says, for people and for comparing."""
        return f"{self.family} {self.table} {self.chain}: {self.text}"


@dataclass(slots=True)
class Ruleset:
    """All rules in order, and by table what its helper objects and maps are."""

    rules: list[Rule] = field(default_factory=list)
    helpers: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """(family, table) -> object name -> type."""
    maps: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    """(family, table) -> map name -> its elements as text."""


def read(said: str) -> Ruleset:
    """A listing as a ruleset; :class:`ValueError` when its braces do not fit."""
    ruleset, above, counted = Ruleset(), list[str](), dict[tuple[str, ...], int]()
    for printed in said.splitlines():
        line = OWNER.sub("{", printed.strip())
        if not line or line.startswith("#"):
            continue
        if line == "}":
            if not above:
                raise ValueError("a brace closes that was not opened")
            above.pop()
            continue
        opens = line.endswith("{")
        if not opens or len(above) >= 2:
            _leaf(ruleset, above, line, counted)
        if opens:
            above.append(line.removesuffix("{").strip())
    if above:
        raise ValueError(f"{above[0]} is not closed")
    return ruleset


def _leaf(ruleset: Ruleset, above: list[str], line: str, counted: dict[tuple[str, ...], int]) -> None:
    if len(above) < 2:
        if not above:
            raise ValueError(f"{line!r} is no part of a ruleset")
        return
    _, family, table = above[0].split()[:3]
    kind, _, name = above[1].rpartition(" ")
    here = (family, table)
    match kind:
        case "ct helper":
            if found := re.match(r'type "([^"]+)"', line):
                ruleset.helpers.setdefault(here, {})[name] = found[1]
        case "map" | "set":
            maps = ruleset.maps.setdefault(here, {})
            maps[name] = maps.get(name, "") + line
        case "chain" if not HEADER.match(line):
            place = (*here, name)
            inside = len(above) > 2
            counted[place] = counted.get(place, 0) + (not inside)
            rule = Rule(
                family=family,
                table=table,
                chain=name,
                index=counted[place] - 1,
                text=line,
                nested=inside or line.endswith("{"),
            )
            ruleset.rules.append(rule)


def native(ruleset: Ruleset, said: str) -> tuple[Rule, ...]:
    """The rules that are nft's own: the others are shown by iptables-save."""
    foreign = set(FOREIGN.findall(said))
    return tuple(
        rule
        for rule in ruleset.rules
        if (rule.family, rule.table) not in foreign and not FROM_IPTABLES.search(rule.text)
    )


def sip_rules(ruleset: Ruleset) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Rules that set a SIP helper, and rules of which it cannot be told."""
    sets, unclear = list[Rule](), list[Rule]()
    for rule in ruleset.rules:
        said = SET.search(COMMENT.sub("", rule.text))
        if said is None:
            continue
        here = (rule.family, rule.table)
        kinds = _kinds(said[1], ruleset.helpers.get(here, {}), ruleset.maps.get(here, {}))
        if any(SIP.fullmatch(kind) for kind in kinds):
            sets.append(rule)
        elif not kinds or "" in kinds:
            unclear.append(rule)
    return tuple(sets), tuple(unclear)


def _kinds(said: str, helpers: Mapping[str, str], maps: Mapping[str, str]) -> list[str]:
    """The types of the helpers that the rest of a rule names, itself or by a map; "" for an unknown one."""
    text = said + "".join(maps.get(name, ' "?"') for name in re.findall(r"@([\w.-]+)", said))
    return [helpers.get(name, "") for name in re.findall(r'"([^"]+)"', text)]
