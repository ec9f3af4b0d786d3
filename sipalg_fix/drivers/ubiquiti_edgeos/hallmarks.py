"""
EdgeOS: by what a router shows that it is one. It is asked without a terminal, which a router that is another
might answer with a menu; there operational commands are known by their wrapper alone (vyatta-op).
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH, unread
from sipalg_fix.drivers._hallmarks import OPENSSH
from sipalg_fix.drivers.ubiquiti_edgeos.probes import ACCESS, MODEL
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.session import Command, Transcript

VERSION = Command(access=ACCESS, text="/opt/vyatta/bin/vyatta-op-cmd-wrapper show version")
NAMED = r"^Version:\s+(v\S+)"
OTHERS = re.compile("VyOS|Vyatta")
"""Where the same line of a configuration may mean the opposite."""


def shown(seen: Transcript) -> tuple[str, ...]:
    """Version and model; the model is what Vyatta and VyOS do not name so."""
    reply = seen.get(VERSION)
    said = "" if unread(seen, VERSION) or reply is None else reply.text
    version, model = (re.search(pattern, said, re.MULTILINE) for pattern in (NAMED, MODEL))
    return (version[0], model[0]) if version and model and not OTHERS.search(said) else ()


HALLMARKS = Hallmarks(access=ACCESS, by=BY_SH, greeting=OPENSSH, questions=(VERSION,), shown=shown)
