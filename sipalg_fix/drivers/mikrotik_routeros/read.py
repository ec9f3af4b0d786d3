"""
RouterOS: what it is asked, and from its answers to facts; the same whatever access they came by.

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

from sipalg_fix.drivers._family import last_words, text, unread
from sipalg_fix.drivers.mikrotik_routeros.hallmarks import MAKER
from sipalg_fix.drivers.mikrotik_routeros.wording import DENIED, Rows, Wording
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import NO_PLANE, Facts, Finding, Helper, Plane, Value, off, on, unknown
from sipalg_fix.model.session import Command, Transcript

TRUTH = {"yes": "true", "no": "false", "true": "true", "false": "false"}
"""API and REST say true and false, the command line yes and no."""
PASSING = (".id", "name", "invalid", "dynamic")
"""Columns that are no settings."""
UNITS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def probes(by: Wording) -> tuple[Command, ...]:
    """All that a look asks."""
    return (by.resource, by.helper, by.connections, by.acs)


def parse(by: Wording, seen: Transcript) -> Facts:
    """What the router says of itself; NotUnderstood when it is no RouterOS, or shows too little."""
    resource, sip = _row(by, seen, by.resource, "version"), _row(by, seen, by.helper, "disabled")
    if resource.get("platform") != MAKER or sip.get("name") != "sip":
        raise NotUnderstood("these are not the answers of a MikroTik router", code="wrong-platform")
    settings = tuple(f"{key}={TRUTH.get(sip[key], sip[key])}" for key in sorted(sip) if key not in PASSING)
    switch = f"service-port sip disabled={sip['disabled']}"
    running = {"true": off(switch), "false": on(switch)}.get(TRUTH.get(sip["disabled"], ""), unknown(switch))
    helper = Helper(
        name="sip",
        running=running,
        startup=NO_PLANE,
        operational=_operational(by, seen, TRUTH.get(sip.get("invalid", "false")) == "true"),
        prior=settings,
    )
    return Facts(
        platform="mikrotik_routeros",
        version=str(resource["version"]).split(maxsplit=1)[0],
        model=str(resource.get("board-name", "")),
        helpers=(helper,),
        boot_mark=boot_mark(by, seen),
        config=tuple(f"service-port sip {setting}" for setting in settings),
        findings=_managed(by, seen),
    )


def _rows(by: Wording, seen: Transcript, command: Command) -> Rows:
    """None where it was not answered."""
    return () if unread(seen, command) else by.rows(command, text(seen, command))


def _row(by: Wording, seen: Transcript, command: Command, needs: str) -> Mapping[str, Any]:
    """The one row that a reply must hold, with a key it must have."""
    reply = seen.get(command)
    if reply and re.search(DENIED, reply.text):
        message = f"the account may not look: {last_words(reply)}; its group needs the policy 'read'"
        raise NotUnderstood(message, code="not-privileged")
    rows = by.rows(command, text(seen, command))
    if (
        len(rows) != 1
        or not all(isinstance(value, str) for value in rows[0].values())
        or not rows[0].get(needs)
    ):
        raise NotUnderstood(f"no {needs} in the answer to '{command.text}'")
    return rows[0]


def _operational(by: Wording, seen: Transcript, invalid: bool) -> Plane:
    plane = counted(by, seen, by.connections, "connections of connection-type sip")
    return off(*plane.evidence, "invalid=true") if plane.value is Value.OFF and invalid else plane


def counted(by: Wording, seen: Transcript, command: Command, words: str) -> Plane:
    """On with how many there are, off with none, unknown without a number."""
    if why := unread(seen, command):
        return unknown(why)
    number = by.count(text(seen, command))
    if number is None:
        return unknown(f"the answer to '{command.text}' holds no count")
    return on(f"{number} {words}") if number else off(f"0 {words}")


def _managed(by: Wording, seen: Transcript) -> tuple[Finding, ...]:
    """A TR-069 server may set it again; a router without that package knows no such command."""
    rows = _rows(by, seen, by.acs)
    servers = [row.get("acs-url") for row in rows if TRUTH.get(str(row.get("enabled"))) == "true"]
    if not any(servers):
        return ()
    message = f"a TR-069 server manages this router and may undo a change: {servers[0]}"
    return (Finding(code="managed-elsewhere", message=message),)


def live_calls(by: Wording, seen: Transcript) -> int | None:
    """
    How many calls there are, if each has a media connection and the one that controls it (RFC 3550); one that
    has only the former counts, too. None without a number.
    """
    number = None if unread(seen, by.media) else by.count(text(seen, by.media))
    return None if number is None else (number + 1) // 2


def boot_mark(by: Wording, seen: Transcript) -> str:
    """RouterOS has no boot id: ``uptime N`` in seconds. It is compared by :func:`went_back`."""
    rows = _rows(by, seen, by.resource)
    said = str(rows[0].get("uptime", "")) if rows else ""
    if not re.fullmatch(r"(?:\d+[wdhms])+", said):
        return ""
    parts = re.findall(r"(\d+)([wdhms])", said)
    return f"uptime {sum(int(count) * UNITS[unit] for count, unit in parts)}"
