"""
OpenWrt: what the kernel's rules do now, and which helpers they set in which zone.

fw4 prints an object ``ct helper sip`` whether or not a rule sets it (recorded with fw4's own output), so only
rules count. fw4's are in ``helper_ZONE`` of the table fw4, fw3's in ``zone_ZONE_helper`` of the table raw.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import cut, last_words, unread, whole
from sipalg_fix.drivers.linux import iptables, nft
from sipalg_fix.drivers.linux.planes import CT_TARGET, missing
from sipalg_fix.drivers.openwrt import probes
from sipalg_fix.drivers.openwrt.kernel import automatic
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import Plane, off, on, together, unknown
from sipalg_fix.model.session import Command, Transcript

ZONE = re.compile(r"inet fw4 helper_(\S+)|ip6?tables raw zone_(\S+)_helper")
HELPER = re.compile(r'ct helper set "([\w.-]+)"|-j CT\b.*--helper "?([\w.-]+)')


class Rules:
    """All rules that set a helper, as (place, text), and the plane they make."""

    def __init__(self, plane: Plane, places: list[tuple[str, str]], loaded: bool) -> None:
        self.plane = plane
        self.places = places
        self.loaded = loaded
        """Are there any rules of the firewall at all?"""

    def zones(self) -> dict[str, tuple[str, ...]]:
        """The helpers other than sip that the rules of each zone set."""
        found: dict[str, dict[str, None]] = {}
        for place, text in self.places:
            zone, helper = ZONE.fullmatch(place), HELPER.search(text)
            if zone and helper:
                name = helper[1] or helper[2]
                found.setdefault(zone[1] or zone[2], {}).update({name: None} if name != "sip" else {})
        return {zone: tuple(names) for zone, names in found.items()}

    def elsewhere(self) -> tuple[str, ...]:
        """Rules that set the SIP helper, and are in no zone's chain."""
        lines = (f"{place}: {text}" for place, text in self.places if not ZONE.fullmatch(place))
        return tuple(line for line in lines if line in self.plane.evidence)


def rules(seen: Transcript, kernel: tuple[int, int]) -> Rules:
    """What nft and iptables show; what neither can show is unknown."""
    places: list[tuple[str, str]] = []
    parts = [
        _tables(seen, probes.IPTABLES, "iptables", places),
        _tables(seen, probes.IP6TABLES, "ip6tables", places),
    ]
    by_iptables = sum(" -j CT" in f" {text}" for _, text in places)
    parts.append(_nft(seen, places, by_iptables))
    shown = [part for part in parts if part is not None]
    if not shown:
        return Rules(unknown("there is neither nft nor iptables to show the rules"), [], loaded=False)
    replies = [reply for reply in map(seen.get, (probes.NFT, probes.IPTABLES)) if reply]
    loaded = any(re.search(r"table inet fw4 |^:zone_|-j zone_", reply.text, re.M) for reply in replies)
    return Rules(together((*shown, automatic(seen, kernel))), places, loaded=loaded)


def _nft(seen: Transcript, places: list[tuple[str, str]], by_iptables: int) -> Plane | None:
    if missing(seen, probes.NFT):
        return None
    reply = seen.get(probes.NFT)
    if reply and "Operation not permitted" in reply.text:
        raise NotUnderstood(f"the account may not read the rules: {last_words(reply)}", code="not-privileged")
    if reply is None or not reply.ok:
        return unknown(unread(seen, probes.NFT))
    if not whole(reply.text, (r"^end of ruleset$",)):
        return cut(probes.NFT)
    try:
        ruleset = nft.read(reply.text.rpartition("end of ruleset")[0])
    except ValueError as error:
        return unknown(f"the ruleset was not understood: {error}")
    sets, unclear = nft.sip_rules(ruleset)
    places += [
        (f"{rule.family} {rule.table} {rule.chain}", rule.text)
        for rule in ruleset.rules
        if nft.SET.search(rule.text)
    ]
    if sets:
        return on(*(rule.line for rule in sets))
    hidden = [rule for rule in ruleset.rules if CT_TARGET.search(rule.text)]
    if unclear or len(hidden) > by_iptables:
        return unknown(f"what this rule sets could not be told: {(*unclear, *hidden)[0].line}")
    return off(f"nft: {len(ruleset.rules)} rules, none sets a SIP helper")


def _tables(seen: Transcript, command: Command, tool: str, places: list[tuple[str, str]]) -> Plane | None:
    if missing(seen, command):
        return None
    reply = seen.get(command)
    if reply is None or not reply.ok:
        return unknown(unread(seen, command))
    if not whole(reply.text, (r"^end of rules$",)):
        return cut(command)
    try:
        found = iptables.read(reply.text, tool)
    except ValueError as error:
        return unknown(f"'{command.text}': {error}")
    places += [(f"{tool} {rule.table} {rule.chain}", rule.text) for rule in found if HELPER.search(rule.text)]
    if sets := iptables.sip_rules(found):
        return on(*(f"{tool} {rule.table} {rule.chain}: {rule.text}" for rule in sets))
    return off(f"{tool}: {len(found)} rules, none sets a SIP helper")


def custom(seen: Transcript) -> Plane:
    """Do files of the administrator's own, which the firewall loads too, set a helper?"""
    reply = seen.get(probes.CONFIG)
    paths = probes.included(reply.text.rpartition("end of file")[0]) if reply else ()
    asked = [probes.CUSTOM, *([probes.include_probe(paths)] if paths else [])]
    parts = [_searched(seen, command) for command in asked]
    return together(tuple(parts))


def _searched(seen: Transcript, command: Command) -> Plane:
    reply = seen.get(command)
    if reply is None or not reply.ok or not whole(reply.text, (r"^end of search$",)):
        return unknown(unread(seen, command) or f"the answer to '{command.text}' is not whole")
    lines = [line for line in reply.text.splitlines() if ":" in line]
    active = [line for line in lines if not re.match(r"[^:]*:(?:\d+:)?\s*#", line)]
    sets = [line for line in active if re.search(r"ct helper set|--helper", line)]
    if sip := [line for line in sets if re.search(r"\bsip\b", line)]:
        return on(*sip)
    return unknown(f"what this line sets could not be told: {sets[0]}") if sets else off()
