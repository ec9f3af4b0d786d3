"""How nft prints what the kernel has: as text, and as JSON (libnftables-json(5))."""

from __future__ import annotations

import json
import re
from typing import Any

from sipalg_fix.lab.twins.linux.expression import Part, shown
from sipalg_fix.lab.twins.linux.ruleset import PRIORITIES, Chain, Ruleset, Table

VERSION = "1.0.6"
RELEASE = "Lester Gooch #5"


class Listing:
    """``handles`` is -a, ``stateless`` -s, ``numeric`` -n."""

    def __init__(self, *, handles: bool = False, stateless: bool = False) -> None:
        self._handles = handles
        self._stateless = stateless

    def table(self, table: Table) -> str:
        """A whole table."""
        blocks = [self._helper(table, name) for name in table.helpers]
        blocks += [self._named(table, name) for name in table.named]
        blocks += [self.chain(chain) for chain in table.chains.values()]
        return self._framed(table, "\n".join(blocks), self._mark(table.handle))

    def part(self, table: Table, block: str) -> str:
        """One block of a table, in the table's frame."""
        return self._framed(table, block, "")

    def chain(self, chain: Chain) -> str:
        """A chain's block."""
        lines = [f"\tchain {chain.name} {{{self._mark(chain.handle)}"]
        if chain.hook is not None:
            kind, hook, priority = chain.hook
            lines.append(f"\t\ttype {kind} hook {hook} priority {priority}; policy {chain.policy};")
        for rule in chain.rules:
            lines.append(f"\t\t{shown(rule.parts, stateless=self._stateless)}{self._mark(rule.handle)}")
        return "\n".join([*lines, "\t}"]) + "\n"

    def helpers(self, table: Table) -> str:
        """All helper objects, as ``nft list ct helpers`` frames them: without lines between."""
        return "".join(self._helper(table, name) for name in table.helpers)

    def one_helper(self, table: Table, name: str) -> str:
        """One helper object's block."""
        return self._helper(table, name)

    def _helper(self, table: Table, name: str) -> str:
        found = table.helpers[name]
        return (
            f"\tct helper {name} {{{self._mark(found.handle)}\n"
            f'\t\ttype "{found.kind}" protocol {found.protocol}\n\t\tl3proto {found.l3proto}\n\t}}\n'
        )

    def _named(self, table: Table, name: str) -> str:
        found = table.named[name]
        lines = "".join(f"\t\t{line}\n" for line in found.lines)
        return f"\t{found.kind} {name} {{{self._mark(found.handle)}\n{lines}\t}}\n"

    def _framed(self, table: Table, inside: str, mark: str) -> str:
        return f"table {table.family} {table.name} {{{mark}\n{inside}}}\n"

    def _mark(self, handle: int) -> str:
        return f" # handle {handle}" if self._handles else ""


def as_json(ruleset: Ruleset, *, stateless: bool = False) -> str:
    """``nft -j list ruleset``; ValueError for a rule that this cannot put into JSON."""
    found: list[dict[str, Any]] = [
        {"metainfo": {"version": VERSION, "release_name": RELEASE, "json_schema_version": 1}}
    ]
    for table in ruleset.tables.values():
        found += _table(table, stateless)
    return json.dumps({"nftables": found}) + "\n"


def _table(table: Table, stateless: bool) -> list[dict[str, Any]]:
    if table.named:
        raise ValueError(f"named sets of table {table.name}")
    here = {"family": table.family, "table": table.name}
    found: list[dict[str, Any]] = [
        {"table": {"family": table.family, "name": table.name, "handle": table.handle}}
    ]
    for helper in table.helpers.values():
        found.append(
            {
                "ct helper": {
                    "family": table.family,
                    "name": helper.name,
                    "table": table.name,
                    "handle": helper.handle,
                    "type": helper.kind,
                    "protocol": helper.protocol,
                    "l3proto": helper.l3proto,
                }
            }
        )
    for chain in table.chains.values():
        entry: dict[str, Any] = here | {"name": chain.name, "handle": chain.handle}
        if chain.hook is not None:
            kind, hook, priority = chain.hook
            entry |= {"type": kind, "hook": hook, "prio": _priority(priority), "policy": chain.policy}
        found.append({"chain": entry})
    for chain in table.chains.values():
        for rule in chain.rules:
            entry = here | {"chain": chain.name, "handle": rule.handle}
            comment = [part.values[0] for part in rule.parts if part.kind == "comment"]
            if comment:
                entry["comment"] = comment[0]
            entry["expr"] = [_part(part, stateless) for part in rule.parts if part.kind != "comment"]
            found.append({"rule": entry})
    return found


def _priority(text: str) -> int:
    name, _, rest = text.partition(" ")
    if name not in PRIORITIES:
        return int(text.replace(" ", ""))
    return PRIORITIES[name] + int(rest.replace(" ", "") or "0")


def _part(part: Part, stateless: bool) -> dict[str, Any]:
    match part.kind:
        case "match":
            several = part.key == "ct state"
            right = list(part.values) if several and len(part.values) > 1 else _right(part)
            operator = "!=" if part.negated else "in" if several else "=="
            return {"match": {"op": operator, "left": _left(part.key), "right": right}}
        case "helper" if not part.key:
            return {"ct helper": part.values[0]}
        case "helper":
            pairs = [pair.partition(" : ") for pair in part.values]
            data = {"set": [[_value(key), name.strip('"')] for key, _, name in pairs]}
            return {"ct helper": {"map": {"key": _left(part.key), "data": data}}}
        case "counter":
            numbers = re.findall(r"\d+", part.text)
            zero = {"packets": int(numbers[0]), "bytes": int(numbers[1])}
            return {"counter": None if stateless else zero}
        case "verdict" if part.token is not None:
            return {part.text.split()[0]: {"target": part.values[0]}}
        case "verdict" if " " not in part.text:
            return {part.text: None}
        case _:
            prefix = re.fullmatch(r'log prefix "([^"]*)"', part.text)
            if prefix:
                return {"log": {"prefix": prefix.group(1)}}
            raise ValueError(part.text)


def _left(key: str) -> dict[str, Any]:
    layer, _, name = key.partition(" ")
    if not name:
        return {"meta": {"key": layer}}
    if layer in ("ct", "meta"):
        return {layer: {"key": name}}
    return {"payload": {"protocol": layer, "field": name}}


def _right(part: Part) -> Any:
    if not part.values:
        raise ValueError(part.text)
    if "{" in part.text:
        return {"set": [_value(value) for value in part.values]}
    return _value(part.values[0])


def _value(text: str) -> Any:
    if text.isdigit():
        return int(text)
    bounds = re.fullmatch(r"(\d+)-(\d+)", text)
    if bounds:
        return {"range": [int(each) for each in bounds.groups()]}
    prefix = re.fullmatch(r"([0-9a-f.:]+)/(\d+)", text)
    if prefix:
        return {"prefix": {"addr": prefix.group(1), "len": int(prefix.group(2))}}
    return text
