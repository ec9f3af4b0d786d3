"""
pfSense: what a person should know for the sake of SIP, and what this tool never changes.

Source ports, state timeouts and scrub are no ALG. Static source ports by default broke more than they helped,
and pfSense took them out in 2010; its manual says to begin with conservative timeouts ("VoIP and NAT").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sipalg_fix.drivers._carp import Part, part, signs, unshown
from sipalg_fix.drivers._family import cut, unread
from sipalg_fix.drivers.pfsense import probes
from sipalg_fix.model.facts import Finding
from sipalg_fix.model.session import Transcript

LEAST = 120
"""Seconds between two packets of a phone that keeps its way open, at the longest that is usual."""


def advice(seen: Transcript, config: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Findings that are no fault; empty where the configuration was not read."""
    if not config:
        return ()
    found = [_timeouts(seen, config), _static(config), _scrub(config)]
    return tuple(Finding(code=code, message=message) for code, message in found if message)


def _timeouts(seen: Transcript, config: Mapping[str, Any]) -> tuple[str, str]:
    reply = seen.get(probes.TIMEOUTS)
    match = re.search(r"^udp\.multiple\s+(\d+)s", reply.text, re.MULTILINE) if reply and reply.ok else None
    if match is None or int(match[1]) >= LEAST:
        return "", ""
    return (
        "advice-udp-timeouts",
        f"UDP states are forgotten after {match[1]} seconds (optimization: "
        f"{config.get('optimization') or 'normal'}); for phones that speak less often, System > Advanced > "
        "Firewall & NAT: conservative",
    )


def _static(config: Mapping[str, Any]) -> tuple[str, str]:
    count = config.get("static")
    if not isinstance(count, int) or not count:
        return "", ""
    return (
        "advice-static-port",
        f"{count} outbound NAT rules keep the source port: two phones behind one of them get in each other's "
        "way",
    )


def _scrub(config: Mapping[str, Any]) -> tuple[str, str]:
    if config.get("disablescrub") is not True:
        return "", ""
    return "advice-scrub", "scrub is disabled: large SIP messages that arrive in fragments may be lost"


def pair(seen: Transcript, config: Mapping[str, Any]) -> Part:
    """Its part among two. What is stored here is given to the other, or must be done there too."""
    marks = [
        *([f"its configuration is given to {config['sync']}"] if config.get("sync") else []),
        *(["states are synchronised"] if config.get("pfsync") == "on" else []),
        *([f"{config['carp']} CARP addresses"] if config.get("carp") else []),
    ]
    found = signs(seen, probes.ROLES)
    # Who gives its own configuration away takes none: the other end of a merge refuses loops (xmlrpc.php).
    states, merges = found or ((), ())
    here = part(states, () if config.get("sync") else merges, "siproxd")
    if not marks:
        return here
    message = (
        f"one of a pair ({', '.join(marks)}): packages' settings are not synchronised by default, so the "
        "other node needs the same change"
    )
    why = unread(seen, probes.ROLES) or cut(probes.ROLES).reason
    untold = () if found else (unshown(why),)
    return replace(here, findings=(Finding(code="ha-pair", message=message), *untold, *here.findings))
