"""
Rules: what must hold between the parts of an inventory, and what is only worth a warning.

Each is reported where it stands, once, however many hosts inherit it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.elements import Options, Part
from sipalg_fix.inputs.fields import is_reference, wrong_with_name
from sipalg_fix.inputs.merging import site_of
from sipalg_fix.inputs.owndata import secret_keys
from sipalg_fix.inputs.references import secrets_of
from sipalg_fix.inputs.shapes import Platforms, PlatformShape, platform_named
from sipalg_fix.inputs.words import did_you_mean, listed, shown
from sipalg_fix.model.errors import Problem
from sipalg_fix.model.host import AUTO, Host

_ACCESS: Final = ("connection_options",)


def group_problems(parts: Iterable[Part], groups: Mapping[str, Part]) -> Iterator[Problem]:
    """Groups that are named and not there, and circles of groups, each circle once."""
    meant: dict[str, str] = {}
    for part in parts:
        for number, name in enumerate(part.groups):
            if name not in groups:
                if name not in meant:
                    meant[name] = did_you_mean(name, groups) or ": define it in groups.yaml"
                message = f"the group {shown(name)} is not defined{meant[name]}"
                yield part.problem(codes.UNKNOWN_GROUP, message, "groups", number)
    yield from _circles(groups)


def _circles(groups: Mapping[str, Part]) -> Iterator[Problem]:
    seen: set[str] = set()
    for name in groups:
        circle = () if name in seen else _circle(name, groups)
        if circle:
            seen.update(circle)
            way = " > ".join(shown(group) for group in (*circle, circle[0]))
            yield groups[name].problem(codes.GROUP_CIRCLE, f"groups hold each other: {way}", "groups")


def _circle(start: str, groups: Mapping[str, Part]) -> tuple[str, ...]:
    """The groups on a way from a group back to itself; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    visited: set[str] = set()
    while ways:
        way = ways.pop()
        for name in groups[way[-1]].groups:
            if name == start:
                return way
            if name in groups and name not in visited:
                visited.add(name)
                ways.append((*way, name))
    return ()


def part_problems(part: Part, platforms: Platforms) -> Iterator[Problem]:
    """What is wrong with a part by itself: its platforms and its site."""
    options = (part.element.connection_options or {}).items()
    named = [((*_ACCESS, access, "platform"), said.platform) for access, said in options if said]
    for path, name in (*named, (("platform",), part.element.platform)):
        if name is not None and platform_named(name, platforms) is None:
            supported = listed(sorted({shape.name for shape in platforms.values()}))
            meant = did_you_mean(name, platforms)
            message = f"the platform {shown(name)} is not supported; supported are {supported}{meant}"
            yield part.problem(codes.UNKNOWN_PLATFORM, message, *path)
    yield from _site_problems(part)


def _site_problems(part: Part) -> Iterator[Problem]:
    beside = (part.element.data or {}).get("site")
    if not isinstance(beside, str):
        return
    if wrong := wrong_with_name(beside):
        yield part.problem(codes.BAD_NAME, f"data.site: the name {shown(beside)} {wrong}", "data", "site")
    site = site_of(part)
    if site is not None and site[0] != beside:
        message = f"'site' says {shown(site[0])}, 'data.site' says {shown(beside)}: keep one"
        yield part.problem(codes.TWO_SITES, message, "data", "site")


def access_problems(part: Part, known: tuple[PlatformShape, ...], platforms: Platforms) -> Iterator[Problem]:
    """What is wrong with the accesses an element names; ``known``: the platforms it can be of."""
    for name, options in (part.element.connection_options or {}).items():
        found = ((shape, shape.access(name)) for shape in known)
        kinds = {shape.kinds[access] for shape, access in found if access is not None}
        if not kinds:
            yield part.problem(codes.NO_SUCH_ACCESS, _no_access(name, known), *_ACCESS, name)
        elif options is not None:
            fit = frozenset[str]().union(*(kind.extras for kind in kinds))
            spoken = " or ".join(sorted({kind.words for kind in kinds}))
            yield from _extras_problems(part, name, options, fit, spoken)
            meant = platform_named(options.platform, platforms) if options.platform else None
            if meant is not None and meant not in known:
                message = (
                    f"this access is of {shown(meant.name)}, the host of {shown(known[0].name)}: keep one"
                )
                yield part.problem(codes.UNFIT_SETTING, message, *_ACCESS, name, "platform")


def _no_access(name: str, known: tuple[PlatformShape, ...]) -> str:
    accesses = sorted({access for shape in known for access in shape.kinds})
    meant = did_you_mean(name, accesses)
    if [shape.name for shape in known] == [AUTO]:
        which = listed(known[0].kinds)
        return (
            f"a platform is found out over {which} alone: name the platform that has an access {shown(name)}"
        )
    if len(known) == 1:
        return f"{known[0].name} has no access {shown(name)}; it has {listed(known[0].kinds)}{meant}"
    return f"no platform has an access {shown(name)}; there are {listed(accesses)}{meant}"


def _extras_problems(
    part: Part, name: str, options: Options, fit: frozenset[str], spoken: str
) -> Iterator[Problem]:
    extras = options.extras.model_dump(exclude_none=True) if options.extras else {}
    path = (*_ACCESS, name, "extras")
    for key in extras:
        if key not in fit:
            message = f"{key!r} means nothing to the access {shown(name)} ({spoken}): remove it"
            yield part.problem(codes.UNFIT_SETTING, message, *path, key)
    if (
        "plain" in fit
        and extras.get("plain")
        and (tls := [key for key in ("tls_pin", "tls_ca") if key in extras])
    ):
        message = f"'plain: true' and {tls[0]!r} contradict each other: keep one"
        yield part.problem(codes.UNFIT_SETTING, message, *path, "plain")


def part_warnings(part: Part) -> Iterator[Problem]:
    """Secrets that stand in the file itself."""
    for path, secret in secrets_of(part):
        if not is_reference(secret.get_secret_value()):
            message = f"{path[-1]} of {part.title} stands in the file itself: use env:NAME, file:PATH or ask"
            yield part.problem(codes.LITERAL_SECRET, message, *path)
    for path in secret_keys(part):
        key = ".".join(("data", *path))
        message = f"{key} of {part.title} looks like a secret and is left out: reports show all data"
        yield part.problem(codes.SECRET_IN_DATA, message, "data", *path)


def same_addresses(
    hosts: Iterable[Host], parts: Iterable[Part], known: Iterable[PlatformShape]
) -> Iterator[Problem]:
    """
    Hosts of one site that are reached at one address and port: most likely one router, twice, unless they
    are two sites of one controller.
    """
    place = {part.name: part for part in parts}
    shapes = {shape.name: shape for shape in known}
    first: dict[tuple[str, str, int, str], Host] = {}
    for host in hosts:
        shape = shapes[host.platform]
        main = shape.main([host.accesses])
        settings = host.accesses[main]
        port = settings.port or shape.kinds[main].port
        where = (host.site, _one_spelling(settings.address), port, settings.controller_site)
        other = first.setdefault(where, host)
        if other is not host:
            message = (
                f"host {host.name} is reached at {settings.address} port {port}, as {other.name} "
                f"({other.source}) of the same site is: is it one router?"
            )
            yield place[host.name].problem(codes.SAME_ADDRESS, message, "hostname")


def pair_problems(hosts: Sequence[Host], parts: Iterable[Part]) -> Iterator[Problem]:
    """Pairs of one, pairs in which all stand by, and who stands by for nobody."""
    place = {part.name: part for part in parts}
    pairs: dict[str, list[Host]] = {}
    for host in hosts:
        if host.pair:
            pairs.setdefault(host.pair, []).append(host)
        elif host.standby is not None:
            message = f"host {host.name} says 'standby', and no 'pair': name the pair at each of its members"
            yield place[host.name].problem(codes.NO_PAIR, message, "standby")
    for name, members in pairs.items():
        at = place[members[0].name]
        if len(members) == 1:
            meant = did_you_mean(name, [pair for pair in pairs if pair != name])
            message = f"{members[0].name} is the only member of the pair {shown(name)}{meant}"
            yield at.problem(codes.NO_PAIR, message, "pair")
        elif all(host.standby for host in members):
            message = f"all members of the pair {shown(name)} stand by: one must carry the calls"
            yield at.problem(codes.NO_PAIR, message, "standby")


def _one_spelling(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address.lower().rstrip(".")
