"""
The kernel's nftables: tables with handles, and transactions that happen as a whole or not at all.

Handles are given as the kernel gives them (recorded): tables count by themselves; within a table chains,
objects, sets without a name and rules share one count.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field

from sipalg_fix.lab.twins.linux.expression import Packet, Part, Token, helper_for, sets_in, shown, takes

NO_SUCH = "Could not process rule: No such file or directory"
BUSY = "Could not process rule: Device or resource busy"
SAVED_HELPER = re.compile(r"-j CT .*--helper (\S+)")
PRIORITIES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}


@dataclass(slots=True, kw_only=True)
class Rule:
    """``saved`` is the rule in the words of iptables-save, if iptables made it."""

    handle: int
    parts: tuple[Part, ...]
    saved: str = ""

    @property
    def text(self) -> str:
        """As nft lists it."""
        return shown(self.parts)


@dataclass(slots=True, kw_only=True)
class Chain:
    """``hook`` is empty for a chain that is only jumped to: (type, hook, priority), all as text."""

    name: str
    handle: int
    hook: tuple[str, str, str] | None = None
    policy: str = "accept"
    rules: list[Rule] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class HelperObject:
    """``ct helper name { type "kind" protocol udp; l3proto ip; }``."""

    name: str
    handle: int
    kind: str
    protocol: str
    l3proto: str


@dataclass(slots=True, kw_only=True)
class Named:
    """A named set or map, kept as the lines between its braces."""

    kind: str
    name: str
    handle: int
    lines: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Table:
    """One table; ``made`` counts the handles that it has given."""

    family: str
    name: str
    handle: int
    made: int = 0
    helpers: dict[str, HelperObject] = field(default_factory=dict)
    named: dict[str, Named] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)

    def next_handle(self) -> int:
        """A handle for something new in it."""
        self.made += 1
        return self.made


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """
    One thing to do: ``verb`` add, create, insert, delete, flush or replace; ``kind`` ruleset, table,
    chain, rule, ct helper, set, map. ``at`` is the token that an error points to, ``whole`` the last
    one of the command. ``place`` is ("index" or "handle", number) of a rule.
    """

    verb: str
    kind: str
    family: str = "ip"
    table: str = ""
    name: str = ""
    at: Token
    whole: Token
    parts: tuple[Part, ...] = ()
    hook: tuple[str, str, str] | None = None
    policy: str = ""
    helper: tuple[str, str] = ("", "")
    lines: tuple[str, ...] = ()
    place: tuple[str, int] | None = None
    saved: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, at a token; ``span`` may reach to another one."""

    message: str
    at: Token
    to: Token | None = None


class Ruleset:
    """All tables of the kernel."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str], Table] = {}
        self._made = 0

    def copy(self) -> Ruleset:
        """Another one, to try things on."""
        return copy.deepcopy(self)

    def burn(self, tried: Ruleset) -> None:
        """What was only tried has used up handles all the same (recorded)."""
        self._made = tried._made
        for key, table in self.tables.items():
            if key in tried.tables:
                table.made = max(table.made, tried.tables[key].made)

    def take(self, other: Ruleset) -> None:
        """Become what the other is."""
        self.tables, self._made = other.tables, other._made

    def flush(self) -> None:
        """No tables."""
        self.tables.clear()

    def rules(self) -> list[tuple[Table, Chain, Rule]]:
        """All rules in order."""
        return [
            (table, chain, rule)
            for table in self.tables.values()
            for chain in table.chains.values()
            for rule in chain.rules
        ]

    def helper_kinds(self) -> list[str]:
        """The kinds of all helper objects, and of iptables rules, one for each: what holds modules."""
        objects = [helper.kind for table in self.tables.values() for helper in table.helpers.values()]
        saved = [SAVED_HELPER.search(rule.saved) for _, _, rule in self.rules()]
        return objects + [found.group(1) for found in saved if found]

    def helper_of(self, packet: Packet) -> str:
        """The kind of helper that the rules attach to a connection with this first packet."""
        families = ("inet", packet.family)
        for table, chain, rule in self.rules():
            if table.family in families and chain.hook and chain.hook[1] in ("prerouting", "output"):
                by_iptables = SAVED_HELPER.search(rule.saved)
                if by_iptables and takes(rule.parts, packet):
                    return by_iptables.group(1)
                name = helper_for(rule.parts, packet)
                if name in table.helpers and table.helpers[name].protocol == packet.protocol:
                    return table.helpers[name].kind
        return ""

    def apply(self, op: Op) -> Problem | None:
        """Do it, or say what is wrong; the caller throws this ruleset away then."""
        if op.kind == "ruleset":
            self.tables.clear()
            return None
        if op.kind == "table":
            return self._table(op)
        table = self.tables.get((op.family, op.table))
        if table is None:
            return Problem(message=NO_SUCH, at=op.at)
        match op.kind:
            case "chain":
                return self._chain(op, table)
            case "rule":
                return self._rule(op, table)
            case "ct helper":
                return self._helper(op, table)
            case _:
                return self._named(op, table)

    def _table(self, op: Op) -> Problem | None:
        key = (op.family, op.name)
        there = self.tables.get(key)
        match op.verb:
            case "delete" if there is not None:
                del self.tables[key]
            case "flush" if there is not None:
                for chain in there.chains.values():
                    chain.rules.clear()
            case "delete" | "flush":
                return Problem(message=NO_SUCH, at=op.at)
            case "create" if there is not None:
                return Problem(message="Could not process rule: File exists", at=op.at)
            case _ if there is None:
                self._made += 1
                self.tables[key] = Table(family=op.family, name=op.name, handle=self._made)
            case _:
                pass
        return None

    def _chain(self, op: Op, table: Table) -> Problem | None:
        there = table.chains.get(op.name)
        if op.verb in ("delete", "flush"):
            if there is None:
                return Problem(message=NO_SUCH, at=op.at)
            used = any(op.name in part.values for _, _, rule in self.rules() for part in rule.parts)
            if op.verb == "flush":
                there.rules.clear()
            elif there.rules or used:
                return Problem(message=BUSY, at=op.at)
            else:
                del table.chains[op.name]
        elif there is None:
            handle = table.next_handle()
            policy = op.policy or "accept"
            table.chains[op.name] = Chain(name=op.name, handle=handle, hook=op.hook, policy=policy)
        elif op.policy:
            there.policy = op.policy
        return None

    def _rule(self, op: Op, table: Table) -> Problem | None:
        chain = table.chains.get(op.name)
        if chain is None:
            return Problem(message=NO_SUCH, at=op.at)
        if op.verb in ("delete", "replace"):
            number = op.place[1] if op.place else 0
            found = next((rule for rule in chain.rules if rule.handle == number), None)
            if found is None:
                return Problem(message=NO_SUCH, at=op.whole)
            at = chain.rules.index(found)
            if op.verb == "delete":
                chain.rules.remove(found)
                return None
            chain.rules[at] = Rule(handle=table.next_handle(), parts=op.parts)
            return None
        at = len(chain.rules) if op.verb == "add" else 0
        if op.place is not None:
            kind, number = op.place
            known = (
                [rule.handle for rule in chain.rules] if kind == "handle" else list(range(len(chain.rules)))
            )
            if number not in known:
                return Problem(message=NO_SUCH, at=op.whole)
            at = known.index(number) + (op.verb == "add")
        for _ in range(sets_in(op.parts)):
            table.next_handle()
        rule = Rule(handle=table.next_handle(), parts=op.parts, saved=op.saved)
        problem = self._unknown_names(op, table)
        if problem is None:
            chain.rules.insert(at, rule)
        return problem

    def _unknown_names(self, op: Op, table: Table) -> Problem | None:
        for part in op.parts:
            names = (
                part.values
                if not part.key
                else tuple(each.partition(" : ")[2].strip('"') for each in part.values)
            )
            if part.kind == "helper" and not set(names) <= set(table.helpers):
                return Problem(message=NO_SUCH, at=part.token or op.whole)
            if part.kind == "verdict" and part.token and part.values[0] not in table.chains:
                return Problem(message=NO_SUCH, at=part.token)
        return None

    def _helper(self, op: Op, table: Table) -> Problem | None:
        there = op.name in table.helpers
        if op.verb == "delete":
            if not there:
                return Problem(message=NO_SUCH, at=op.at)
            if any(_uses(rule, op.name) for chain in table.chains.values() for rule in chain.rules):
                return Problem(message=BUSY, at=op.at)
            del table.helpers[op.name]
        elif not there:
            kind, protocol = op.helper
            table.helpers[op.name] = HelperObject(
                name=op.name,
                handle=table.next_handle(),
                kind=kind,
                protocol=protocol,
                l3proto=op.family,
            )
        return None

    def _named(self, op: Op, table: Table) -> Problem | None:
        if op.verb == "delete":
            if op.name not in table.named:
                return Problem(message=NO_SUCH, at=op.at)
            del table.named[op.name]
        elif op.name not in table.named:
            handle = table.next_handle()
            table.named[op.name] = Named(kind=op.kind, name=op.name, handle=handle, lines=op.lines)
        return None


def _uses(rule: Rule, name: str) -> bool:
    for part in rule.parts:
        if part.kind == "helper" and (
            name in part.values or any(each.endswith(f': "{name}"') for each in part.values)
        ):
            return True
    return False
