"""
OPNsense: what part it has in a pair, by the API and by root's shell.

os-siproxd is none of the things that OPNsense synchronises (the plugin has no ``xmlrpc_sync``), but what is
merged is told by the outermost section alone: ``OPNsense`` holds the settings of siproxd and of much else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sipalg_fix.drivers._carp import MERGED, part, signs, unshown
from sipalg_fix.drivers._family import cut, json_object, unread
from sipalg_fix.drivers.opnsense import probes
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.session import Command, Transcript

Rows = tuple[dict[str, Any], ...]
STATES = ("MASTER", "BACKUP", "INIT", "DISABLED")


def with_part(seen: Transcript, facts: Facts) -> Facts:
    """The same facts with its part. What the shell shows goes before the API, whose words may be old."""
    shown = signs(seen, probes.ROLES)
    history = _rows(seen, probes.HISTORY, "items")
    states, merges = shown or (_states(seen), _merges(history or ()))
    found = part(states, merges, "siproxd")
    why = ""
    if states and not shown and history is None:
        why = unread(seen, probes.HISTORY) or cut(probes.HISTORY).reason
    return replace(
        facts,
        standby=found.standby,
        follows=found.follows,
        overwritten=found.overwritten,
        findings=(*facts.findings, *found.findings, *([unshown(why)] if why else [])),
    )


def _states(seen: Transcript) -> tuple[str, ...]:
    """One for each address; an alias on a CARP address has that one's state."""
    rows = _rows(seen, probes.ADDRESSES, "rows") or ()
    shown = (f"{row.get('status')} vhid {row.get('vhid')}" for row in rows if row.get("status") in STATES)
    return tuple(dict.fromkeys(shown))


def _merges(history: Rows) -> tuple[str, ...]:
    found = (MERGED.search(str(row.get("description"))) for row in history)
    return tuple(dict.fromkeys(match[0] for match in found if match))


def _rows(seen: Transcript, command: Command, name: str) -> Rows | None:
    """The objects of a list; None where it was not answered, or not whole."""
    reply = seen.get(command)
    rows = (json_object(reply.text) or {}).get(name) if reply and reply.ok else None
    return tuple(row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else None
