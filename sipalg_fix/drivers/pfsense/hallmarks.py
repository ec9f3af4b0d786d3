"""pfSense: by what a firewall shows that it is one."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH, unread, whole
from sipalg_fix.drivers._hallmarks import OPENSSH
from sipalg_fix.drivers.pfsense.probes import ACCESS, IDENTITY
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.session import Transcript

ENDED = r"^end of identity$"


def lines_of(said: str) -> tuple[str, ...]:
    """The kernel, and the file in which pfSense names itself; none where either is missing."""
    kernel = re.search(r"^FreeBSD$", said, re.MULTILINE)
    named = re.search(r"^pfSense.*$", said, re.IGNORECASE | re.MULTILINE)
    return (kernel[0], named[0]) if kernel and named else ()


def shown(seen: Transcript) -> tuple[str, ...]:
    """Those, and the version, in an answer that is whole."""
    reply = seen.get(IDENTITY)
    said = "" if unread(seen, IDENTITY) or reply is None else reply.text
    version = re.search(r"^version \d+\.\d.*$", said, re.MULTILINE)
    found = lines_of(said)
    return (*found, version[0]) if found and version and whole(said, (ENDED,)) else ()


HALLMARKS = Hallmarks(access=ACCESS, by=BY_SH, greeting=OPENSSH, questions=(IDENTITY,), shown=shown)
