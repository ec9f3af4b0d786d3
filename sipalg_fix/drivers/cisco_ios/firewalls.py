"""
Cisco IOS: what else inspects SIP. ``ip nat service`` does not govern these, and this tool does not edit them.

CBAC: ``ip inspect name N sip`` bound to an interface. Zone-based firewall: a class that matches SIP, with
the action ``inspect`` in a policy of a zone pair. Removing either may block SIP altogether, since what
is not inspected falls to the class or list that drops it (Cisco IOS Security Configuration Guide).
"""

from __future__ import annotations

import re

from sipalg_fix.drivers.cisco_ios.config import Line, written
from sipalg_fix.model.facts import NO_PLANE, Helper, Plane, off, on, unknown

CBAC, ZONES = "ip inspect", "zone firewall"


def inspecting(running: tuple[Line, ...], startup: tuple[Line, ...] | str) -> tuple[Helper, ...]:
    """A helper for each kind of firewall that inspects SIP now; ``startup`` may be why it was not read."""
    found = list[Helper]()
    for name, look in ((CBAC, _by_interface), (ZONES, _by_zone)):
        if lines := look(running):
            saved = unknown(startup) if isinstance(startup, str) else _plane(look(startup), name)
            found.append(
                Helper(name=name, running=on(*lines), startup=saved, operational=NO_PLANE, prior=lines)
            )
    return tuple(found)


def _plane(lines: tuple[str, ...], name: str) -> Plane:
    return on(*lines) if lines else off(f"startup: no {name} of SIP")


def _by_interface(lines: tuple[Line, ...]) -> tuple[str, ...]:
    named = {
        match[1]: line
        for line in lines
        if (match := re.fullmatch(r"ip inspect name (\S+) sip(?: .*)?", line[0]))
    }
    return tuple(
        text
        for line in lines
        if len(line) > 1
        and (bound := re.fullmatch(r"ip inspect (\S+) (?:in|out)", line[-1]))
        and bound[1] in named
        for text in (written(named[bound[1]]), written(line))
    )


def _by_zone(lines: tuple[Line, ...]) -> tuple[str, ...]:
    classes = _classes(lines)
    policies = {
        match[1]: line
        for line in lines
        if len(line) == 3
        and (match := re.fullmatch(r"policy-map type inspect (\S+)", line[0]))
        and (chosen := re.fullmatch(r"class (?:type inspect )?(\S+)", line[1]))
        and chosen[1] in classes
        and line[2].split()[0] == "inspect"
    }
    return tuple(
        text
        for line in lines
        if line[0].startswith("zone-pair ")
        and (used := re.fullmatch(r"service-policy type inspect (\S+)", line[-1]))
        and used[1] in policies
        for text in (written(policies[used[1]]), written(line))
    )


def _classes(lines: tuple[Line, ...]) -> set[str]:
    """The inspection classes that match SIP, by themselves or by a class they match."""
    matches: dict[str, set[str]] = {}
    for line in lines:
        if len(line) == 2 and (name := re.fullmatch(r"class-map type inspect (?:match-\w+ )?(\S+)", line[0])):
            matches.setdefault(name[1], set()).add(line[1])
    found = {name for name, words in matches.items() if "match protocol sip" in words}
    while more := {
        name
        for name, words in matches.items()
        if name not in found and any(f"match class-map {known}" in words for known in found)
    }:
        found |= more
    return found
