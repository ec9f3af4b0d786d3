"""
UniFi: by what a gateway of UniFi OS shows that it is one. It is not enough to go on with: what is set is its
controller's. A USG is an EdgeOS by its own words, and looked at as one.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH, unread
from sipalg_fix.drivers._hallmarks import OPENSSH_OR_DROPBEAR
from sipalg_fix.drivers.ubiquiti_unifi.probes import ADDRESSES, SSH
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.session import Transcript

GATEWAY = re.compile(r"^shortname=(?:UDM|UDR|UDW|UXG|UCG|EFG|UX\b)\S*$", re.MULTILINE)


def shown(seen: Transcript) -> tuple[str, ...]:
    """The name of the model, in an answer that is whole."""
    reply = seen.get(ADDRESSES)
    said = "" if unread(seen, ADDRESSES) or reply is None else reply.text.strip()
    named = GATEWAY.search(said)
    return (named[0],) if named and said.endswith("\nend of addresses") else ()


HALLMARKS = Hallmarks(
    access=SSH,
    by=BY_SH,
    greeting=OPENSSH_OR_DROPBEAR,
    questions=(ADDRESSES,),
    shown=shown,
    lacks=(
        "What it does to SIP is set by its controller: write platform: ubiquiti_unifi, with the controller's "
        "address and login, and this login below connection_options.ssh"
    ),
)
