"""Linux: from its answers to facts."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import boot_id, find, text, whole
from sipalg_fix.drivers.linux import iptables, probes
from sipalg_fix.drivers.linux.hallmarks import EDGEOS, ID, OTHERS
from sipalg_fix.drivers.linux.iptables import Line
from sipalg_fix.drivers.linux.nft import Rule
from sipalg_fix.drivers.linux.planes import (
    AUTOMATIC_ON,
    automatic,
    flows,
    missing,
    modules,
    rules_of_iptables,
    rules_of_nft,
)
from sipalg_fix.drivers.linux.saved import saved
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import Facts, Finding, Helper, Plane, Value, together, unknown
from sipalg_fix.model.session import Command, Transcript

OWNERS = {"firewalld": "firewalld", "fw4": "OpenWrt's fw4"}
"""Programs that write their table anew whenever they are reloaded, by the table's name."""
OTHER_HELPER, NO_TOOL = "other helper: ", "no conntrack tool"
"""Beginnings of notes."""


def parse(seen: Transcript) -> Facts:
    """What the router says of itself; NotUnderstood when it is no Linux, or the account not root."""
    version, kernel, model = _identity(seen)
    lists = [
        rules_of_iptables(seen, command, tool)
        for command, tool in (
            (probes.IPTABLES, "iptables"),
            (probes.IP6TABLES, "ip6tables"),
            *_legacy(seen),
        )
    ]
    lines = tuple(line for _, rules in lists for line in rules)
    plane, sets, all_nft = rules_of_nft(seen, lines)
    alone = automatic(seen, kernel)
    running = _running([plane, *(each for each, _ in lists)], alone)
    stored = saved(seen, kernel, running, alone)
    helper = Helper(
        name="nf_conntrack_sip",
        running=running,
        startup=stored.plane,
        operational=flows(seen),
        prior=(
            *(nft_note(rule) for rule in sets),
            *(line_note(line) for line in iptables.sip_rules(lines)),
            *((AUTOMATIC_ON,) if alone.value is Value.ON else ()),
            *(line.note for line in stored.lines),
        ),
    )
    return Facts(
        platform="linux",
        version=version,
        model=model,
        helpers=(helper,),
        boot_mark=boot_id(seen, probes.BOOT),
        config=(*(rule.line for rule in all_nft), *(line.line for line in lines)),
        findings=_findings(sets),
        notes=_notes(seen, alone),
    )


def _identity(seen: Transcript) -> tuple[str, tuple[int, int], str]:
    """(kernel release, its first two numbers, distribution)."""
    said = text(seen, probes.KERNEL)
    if other := re.match(r"(?!Linux )([A-Z]\w+) \d", said):
        raise NotUnderstood(f"this is {other[1]}, not Linux", code="wrong-platform")
    release = find(seen, probes.KERNEL, r"^Linux (\S+)$", "Linux kernel release")
    if release.endswith(EDGEOS):
        message = f"the kernel is EdgeOS's ({release}), which writes its firewall rules itself"
        raise NotUnderstood(message, code="wrong-platform")
    if find(seen, probes.KERNEL, r"^(\d+)$", "user id") != "0":
        message = "the account is not root, and rules and flows are shown to nobody else"
        raise NotUnderstood(message, code="not-privileged")
    numbers = re.match(r"(\d+)\.(\d+)", release)
    if numbers is None:
        raise NotUnderstood(f"no kernel version in {release!r}")
    kernel = int(numbers[1]), int(numbers[2])
    if missing(seen, probes.RELEASE):
        return release, kernel, ""
    said = text(seen, probes.RELEASE)
    if not whole(said, (r"^end of release$",)):
        raise NotUnderstood(f"the answer to '{probes.RELEASE.text}' is not whole")
    known = ID.search(said)
    if known and known[1].lower() in OTHERS:
        message = f"this is {OTHERS[known[1].lower()]}, which writes its firewall rules itself"
        raise NotUnderstood(message, code="wrong-platform")
    pretty = re.search(r'^PRETTY_NAME="?([^"\n]*)"?$', said, re.MULTILINE)
    return release, kernel, pretty[1] if pretty else ""


def _legacy(seen: Transcript) -> list[tuple[Command, str]]:
    asked = probes.more_probes(seen)
    pairs = ((probes.LEGACY, "iptables-legacy"), (probes.LEGACY6, "ip6tables-legacy"))
    return [(command, tool) for command, tool in pairs if command in asked]


def _running(parts: list[Plane | None], alone: Plane) -> Plane:
    shown = [part for part in parts if part is not None]
    if not shown:
        return unknown("there is neither nft nor iptables to show the rules")
    return together((*shown, alone))


def nft_note(rule: Rule) -> str:
    """A rule as a literal setting: its place and its text."""
    kind = "nested" if rule.nested else "nft"
    return f"{kind} {rule.family} {rule.table} {rule.chain} {rule.index} {rule.text}"


def line_note(line: Line) -> str:
    """An iptables rule as a literal setting."""
    return f"{line.tool} {line.table} {line.chain} {line.number} {line.text}"


def _findings(sets: tuple[Rule, ...]) -> tuple[Finding, ...]:
    owners = dict.fromkeys(OWNERS[rule.table] for rule in sets if rule.table in OWNERS)
    return tuple(
        Finding(code="managed-elsewhere", message=f"{owner} writes this rule anew whenever it is reloaded")
        for owner in owners
    )


def _notes(seen: Transcript, alone: Plane) -> tuple[str, ...]:
    """What the remedy must know besides: helpers that the same switch serves, and a lacking tool."""
    loaded = modules(seen) or frozenset()
    others = sorted(
        name
        for name in loaded
        if re.fullmatch(r"nf_conntrack_(?:ftp|h323|irc|pptp|tftp|amanda|sane|snmp)", name)
    )
    reply = seen.get(probes.FLOWS)
    lacking = reply is not None and "shown" not in reply.text and "not found" in reply.text
    return (
        *(f"{OTHER_HELPER}{name}" for name in others if alone.value is Value.ON),
        *((NO_TOOL,) if lacking else ()),
    )
