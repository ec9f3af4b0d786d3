"""Cisco IOS: the SIP ALG of NAT, transport by transport, in the planes that show it."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import cut, text, unread
from sipalg_fix.drivers.cisco_ios.config import Line
from sipalg_fix.drivers.cisco_ios.lines import sip_line
from sipalg_fix.drivers.cisco_ios.probes import ANY_SIP, COUNTERS, PORT, SIP, TRANSPORTS
from sipalg_fix.model.facts import Helper, Plane, off, on, unknown
from sipalg_fix.model.session import Transcript

NAMES = {transport: f"nat sip {transport}" for transport in TRANSPORTS}
"""Helper names."""


def translates(lines: tuple[Line, ...]) -> bool:
    """Is there NAT at all? ``enable`` is the form without inside and outside (NAT virtual interface)."""
    return any(len(line) > 1 and re.match(r"ip nat (?:inside|outside|enable)\b", line[-1]) for line in lines)


def has_tcp(version: str, xe: bool, lines: tuple[Line, ...]) -> bool:
    """
    Does this release translate SIP over TCP? Trains 12.x have ``sip udp`` alone, as far as their manuals
    say, and refuse the TCP line. No look shows it, so that from 15.0 on, and wherever a TCP line stands
    in the configuration, the ALG of TCP counts as there and as on until its line is seen.
    """
    known = any((match := SIP.fullmatch(line[0])) and match["transport"] == "tcp" for line in lines)
    return xe or known or not version.startswith("12.")


def nat_helpers(
    running: tuple[Line, ...], startup: tuple[Line, ...] | str, held: Plane, transports: tuple[str, ...]
) -> tuple[Helper, ...]:
    """One helper a transport. ``startup`` is a text where it could not be read: why."""
    return tuple(
        Helper(
            name=NAMES[transport],
            running=_plane(running, transport, "running"),
            startup=unknown(startup) if isinstance(startup, str) else _plane(startup, transport, "startup"),
            operational=held,
            prior=tuple(line[0] for line in running if _is_about(line[0], transport)),
        )
        for transport in transports
    )


def _is_about(line: str, transport: str) -> bool:
    """A line of this transport's usual port, or one of a form that nobody has published."""
    match = SIP.fullmatch(line)
    if match is None:
        return ANY_SIP.fullmatch(line) is not None
    return match["transport"] == transport and match["port"] == PORT


def _plane(lines: tuple[Line, ...], transport: str, where: str) -> Plane:
    tops = [line[0] for line in lines if _is_about(line[0], transport)]
    switch = sip_line(transport, wanted=False)
    if strange := [line for line in tops if SIP.fullmatch(line) is None]:
        return unknown(f"{where}: what this line does to {transport} is not known", *strange)
    return off(f"{where}: {switch}") if switch in tops else on(f"{where}: no '{switch}'")


def held(seen: Transcript) -> Plane:
    """What the forwarding processor of IOS-XE holds for the ALG now: sessions, not counts of the past."""
    if why := unread(seen, COUNTERS):
        return unknown(why)
    line = re.search(
        r"^SIP info pool used chunk entries number: (\d+)\s*$", text(seen, COUNTERS), re.MULTILINE
    )
    if line is None:
        return cut(COUNTERS)
    return off(line[0].strip()) if int(line[1]) == 0 else on(line[0].strip())


def other_ports(lines: tuple[Line, ...]) -> tuple[str, ...]:
    """Lines that somebody wrote to have the ALG on another port as well."""
    found = ((line[0], SIP.fullmatch(line[0])) for line in lines)
    return tuple(text for text, match in found if match and not match["no"] and match["port"] != PORT)
