"""
OPNsense: by what a firewall shows that it is one. Over SSH alone: who has a key of its API knows what it is,
and a key is good for nothing else.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH, unread
from sipalg_fix.drivers._hallmarks import OPENSSH
from sipalg_fix.drivers.opnsense.probes import NAMED, SSH, VERSION
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.session import Transcript


def shown(seen: Transcript) -> tuple[str, ...]:
    """Name and version, and nothing else: ``OPNsense 24.7.12_4``, in some releases with the machine."""
    reply = seen.get(VERSION)
    said = "" if unread(seen, VERSION) or reply is None else reply.text.strip()
    return (said,) if re.fullmatch(rf"{NAMED.pattern}(?: \(\w+\))?", said) else ()


HALLMARKS = Hallmarks(access=SSH, by=BY_SH, greeting=OPENSSH, questions=(VERSION,), shown=shown)
