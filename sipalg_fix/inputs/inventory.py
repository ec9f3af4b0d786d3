"""
Inventory: files in the shape of Nornir's SimpleInventory, read into hosts.

``hosts.yaml``, and ``groups.yaml`` and ``defaults.yaml`` if they stand beside it. All that is wrong in all
of them is told at once. Platform names are looked up in a mapping that is handed in; secrets stay where
they are, and hosts hold references to them.
"""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.elements import Part, Source, read_part, read_parts
from sipalg_fix.inputs.merging import Lineage, make_host
from sipalg_fix.inputs.owndata import merged_data
from sipalg_fix.inputs.refusals import unsaid
from sipalg_fix.inputs.rules import (
    access_problems,
    group_problems,
    pair_problems,
    part_problems,
    part_warnings,
    same_addresses,
)
from sipalg_fix.inputs.shapes import Platforms, PlatformShape, platform_named
from sipalg_fix.inputs.strict_yaml import Entry, Node, Table, decode, parse, read_file
from sipalg_fix.inputs.words import listed
from sipalg_fix.model.errors import InputError, Problem
from sipalg_fix.model.host import Host

__all__ = ("Inventory", "PlatformShape", "Platforms", "read_inventory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """
    The hosts, in the order of the file.

    ``digest`` is over the files as they are: what ``sha256sum hosts.yaml groups.yaml defaults.yaml |
    sha256sum`` prints in their folder, of those that there are. ``warnings`` do not keep it from being used.
    """

    hosts: tuple[Host, ...]
    digest: str
    warnings: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class _Files:
    """What was read so far: elements by kind, and everything that is wrong."""

    parts: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    notes: list[Problem] = field(default_factory=list)
    """What is wrong with the YAML itself and left the rest readable."""
    problems: list[Problem] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    complete: bool = True
    """Could all files be read? If not, nothing is said of what may stand in those."""
    sums: list[str] = field(default_factory=list)


def read_inventory(path: Path | str, platforms: Platforms) -> Inventory:
    """
    The inventory at this path: a file of hosts, or the folder of a ``hosts.yaml``.

    :class:`InputError` holds all that is wrong in all of its files.
    """
    hosts_file = _hosts_file(Path(path))
    files = _Files()
    _read(files, "hosts", hosts_file)
    for kind in ("groups", "defaults"):
        beside = _beside(hosts_file, kind)
        if beside is not None and beside != hosts_file:
            _read(files, kind, beside)
    groups = {part.name: part for part in files.parts.get("groups", ())}
    every = tuple(part for parts in files.parts.values() for part in parts)
    if files.complete:
        files.problems.extend(group_problems(every, groups))
    for part in every:
        files.problems.extend(part_problems(part, platforms))
    hosts = tuple(_hosts(files, groups, platforms))
    if not (files.notes or files.problems):
        files.problems.extend(pair_problems(hosts, files.parts["hosts"]))
    if files.notes or files.problems:
        raise InputError(unsaid(files.notes, files.problems))
    warnings = [warning for part in every for warning in part_warnings(part)]
    warnings.extend(same_addresses(hosts, files.parts["hosts"], platforms.values()))
    sums = hashlib.sha256("".join(files.sums).encode()).hexdigest()
    return Inventory(
        hosts=hosts, digest=f"sha256:{sums}", warnings=tuple(sorted(warnings)), files=tuple(files.names)
    )


def _hosts_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = _beside(path / "hosts.yaml", "hosts")
    if found is None:
        message = "this folder holds no hosts.yaml: name the file of hosts"
        raise InputError((Problem(file=str(path), line=1, code=codes.UNREADABLE, message=message),))
    return found


def _beside(hosts_file: Path, kind: str) -> Path | None:
    """``groups.yaml`` or ``groups.yml`` in the same folder, if there is one."""
    candidates = (hosts_file.with_name(f"{kind}{ending}") for ending in (".yaml", ".yml"))
    return next((path for path in candidates if os.path.lexists(path)), None)


def _read(files: _Files, kind: str, path: Path) -> None:
    """Read one file into ``files``, problems included."""
    source = Source(shown=str(path), path=os.path.abspath(path))
    files.names.append(source.shown)
    try:
        content = read_file(path, source.shown)
        root = parse(decode(content, source.shown), source.shown, files.notes)
    except InputError as error:
        files.problems.extend(error.problems)
        files.complete = False
        return
    files.sums.append(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n")
    if kind == "hosts" and (wrong := _wrong_with_hosts(root, source)):
        files.problems.append(wrong)
    elif kind == "defaults":
        node = root or Table(entries={}, line=1)
        part, problems = read_part(kind, "", Entry(line=node.line, node=node), source)
        files.parts[kind] = (part,)
        files.problems.extend(problems)
    else:
        files.parts[kind], problems = read_parts(kind, root, source) if root else ((), ())
        files.problems.extend(problems)


def _wrong_with_hosts(root: Node | None, source: Source) -> Problem | None:
    if root is None or (isinstance(root, Table) and not root.entries):
        message = "no hosts: add one as 'name:' and, indented below it, hostname and platform"
        return Problem(file=source.shown, line=1, code=codes.EMPTY, message=message)
    entries = root.entries if isinstance(root, Table) else {}
    below = entries["all"].node if "all" in entries else None
    if isinstance(below, Table) and below.entries.keys() & {"children", "hosts", "vars"}:
        message = "this is an Ansible inventory; write the hosts as docs/reference/inventory.md shows"
        return Problem(file=source.shown, line=entries["all"].line, code=codes.FOREIGN, message=message)
    return None


def _hosts(files: _Files, groups: Mapping[str, Part], platforms: Platforms) -> Iterator[Host]:
    """The hosts that can be made; what keeps others from it, and these from use, goes to ``files``."""
    defaults = files.parts.get("defaults", ())
    every = tuple({shape.name: shape for shape in platforms.values()}.values())
    for part in (*groups.values(), *defaults):
        files.problems.extend(access_problems(part, every, platforms))
    for part in files.parts.get("hosts", ()):
        lineage = _lineage(part, groups, defaults)
        named = lineage.first("platform")
        shape = platform_named(named[0], platforms) if named else None
        files.problems.extend(access_problems(part, (shape,) if shape else every, platforms))
        whole = files.complete and lineage.whole
        if named is None and whole and not lineage.refused("platform"):
            names = listed(sorted(shape.name for shape in every))
            message = f"{part.title} has no platform: add 'platform'; supported are {names}"
            files.problems.append(part.problem(codes.NO_PLATFORM, message))
        if shape is not None:
            host, lacking = make_host(lineage, shape, merged_data(lineage.parts))
            files.problems.extend(lacking if whole else ())
            yield host


def _lineage(host: Part, groups: Mapping[str, Part], defaults: tuple[Part, ...]) -> Lineage:
    """A host, its groups depth first, the defaults."""
    order: dict[str, Part] = {}
    waiting = [*reversed(host.groups)]
    while waiting:
        name = waiting.pop()
        if name in groups and name not in order:
            order[name] = groups[name]
            waiting.extend(reversed(groups[name].groups))
    parts = (host, *order.values(), *defaults)
    whole = all(name in order for part in parts for name in part.groups)
    return Lineage(host=host, parts=parts, groups=tuple(order), whole=whole)
