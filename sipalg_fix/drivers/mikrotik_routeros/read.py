"""
RouterOS: what it is asked, and from its answers to facts.

A change is stored at once and there is no saved configuration beside the running one (MikroTik manual,
"Configuration management"), so there is no startup plane. A helper that is disabled takes on no new
connection, yet keeps those it has until they expire; they are counted by their ``connection-type``
(manual, "Connection tracking"): that is the operational plane. ``invalid`` means that the helper's
module cannot run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sipalg_fix.drivers._family import json_rows, last_words, text, unread
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import NO_PLANE, Facts, Finding, Helper, Plane, off, on, unknown
from sipalg_fix.model.session import Command, Transcript

ACCESS, PORTS = "api", "/ip/firewall/service-port"
RESOURCE = Command(access=ACCESS, text="/system/resource/print")
HELPER = Command(access=ACCESS, text=f"{PORTS}/print ?name=sip")
# A count is one row even when it is nought; rows that are not there would prove nothing.
COUNT = Command(access=ACCESS, text="/ip/firewall/connection/print =count-only= ?connection-type=sip")
ACS = Command(access=ACCESS, text="/tr069-client/print")
PROBES = (RESOURCE, HELPER, COUNT, ACS)

DENIED = "(?P<not_privileged>not enough permissions)"
TRUTH = {"yes": "true", "no": "false", "true": "true", "false": "false"}
"""The API says true and false, the command line yes and no."""
PASSING = (".id", "name", "invalid", "dynamic")
"""Columns that are no settings."""
UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def parse(seen: Transcript) -> Facts:
    """What the router says of itself; NotUnderstood when it is no RouterOS, or shows too little."""
    resource, sip = _row(seen, RESOURCE, "version"), _row(seen, HELPER, "disabled")
    if resource.get("platform") != "MikroTik" or sip.get("name") != "sip":
        raise NotUnderstood("these are not the answers of a MikroTik router", code="wrong-platform")
    settings = tuple(f"{key}={TRUTH.get(sip[key], sip[key])}" for key in sorted(sip) if key not in PASSING)
    switch = f"service-port sip disabled={sip['disabled']}"
    running = {"true": off(switch), "false": on(switch)}.get(TRUTH.get(sip["disabled"], ""), unknown(switch))
    helper = Helper(
        name="sip",
        running=running,
        startup=NO_PLANE,
        operational=_operational(seen, TRUTH.get(sip.get("invalid", "false")) == "true"),
        prior=settings,
    )
    return Facts(
        platform="mikrotik_routeros",
        version=str(resource["version"]).split(maxsplit=1)[0],
        model=str(resource.get("board-name", "")),
        helpers=(helper,),
        boot_mark=boot_mark(seen),
        config=tuple(f"service-port sip {setting}" for setting in settings),
        findings=_managed(seen),
    )


def _row(seen: Transcript, command: Command, needs: str) -> Mapping[str, Any]:
    """The one row that a reply must hold, with a key it must have."""
    reply = seen.get(command)
    if reply and not reply.ok and re.search(DENIED, reply.text):
        message = f"the account may not look: {last_words(reply)}; its group needs the policy 'read'"
        raise NotUnderstood(message, code="not-privileged")
    rows = json_rows(text(seen, command)) or ()
    if (
        len(rows) != 1
        or not all(isinstance(value, str) for value in rows[0].values())
        or not rows[0].get(needs)
    ):
        raise NotUnderstood(f"no {needs} in the answer to '{command.text}'")
    return rows[0]


def _operational(seen: Transcript, invalid: bool) -> Plane:
    if why := unread(seen, COUNT):
        return unknown(why)
    rows = json_rows(text(seen, COUNT)) or ()
    counted = str(rows[0].get("ret", "")) if len(rows) == 1 else ""
    if not re.fullmatch(r"\d+", counted):
        return unknown(f"the answer to '{COUNT.text}' holds no count")
    words = f"{counted} connections of connection-type sip"
    return on(words) if int(counted) else off(words, *(["invalid=true"] if invalid else []))


def _managed(seen: Transcript) -> tuple[Finding, ...]:
    """A TR-069 server may set it again; a router without that package knows no such command."""
    rows = (json_rows(text(seen, ACS)) or ()) if not unread(seen, ACS) else ()
    servers = [row.get("acs-url") for row in rows if TRUTH.get(str(row.get("enabled"))) == "true"]
    if not any(servers):
        return ()
    message = f"a TR-069 server manages this router and may undo a change: {servers[0]}"
    return (Finding(code="managed-elsewhere", message=message),)


def boot_mark(seen: Transcript) -> str:
    """RouterOS has no boot id: ``uptime N`` in seconds. It is compared by :func:`went_back`."""
    rows = json_rows(text(seen, RESOURCE)) if not unread(seen, RESOURCE) else ()
    said = str(rows[0].get("uptime", "")) if rows else ""
    if not re.fullmatch(r"(?:\d+[wdhms])+", said):
        return ""
    parts = re.findall(r"(\d+)([wdhms])", said)
    return f"uptime {sum(int(count) * UNITS[unit] for count, unit in parts)}"
