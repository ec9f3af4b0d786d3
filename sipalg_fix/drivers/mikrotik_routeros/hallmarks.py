"""
RouterOS: by what a router shows that it is one. Over SSH alone: API and REST speak to those who know them.

Its SSH server names itself like no other (``ROSSSH``), so no other router is asked this.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import unread
from sipalg_fix.drivers.mikrotik_routeros.cli import CLI
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.session import SshExec, Transcript

MAKER = "MikroTik"
"""The property ``platform`` of every router's resources."""


def shown(seen: Transcript) -> tuple[str, ...]:
    """Version and maker, as the router prints its resources."""
    reply = seen.get(CLI.resource)
    if unread(seen, CLI.resource) or reply is None:
        return ()
    (row,) = CLI.rows(CLI.resource, reply.text) or ({},)
    version, maker = str(row.get("version", "")), row.get("platform")
    found = re.match(r"\d+\.\d", version) and maker == MAKER
    return (f"version: {version}", f"platform: {maker}") if found else ()


HALLMARKS = Hallmarks(
    access=CLI.name,
    by=SshExec(),
    greeting=re.compile(r"^SSH-2\.0-ROSSSH\b"),
    questions=(CLI.resource,),
    shown=shown,
)
