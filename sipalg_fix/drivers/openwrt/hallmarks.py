"""OpenWrt: by what a router shows that it is one."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH, unread
from sipalg_fix.drivers._hallmarks import MARKS, OPENSSH_OR_DROPBEAR, marks
from sipalg_fix.drivers.openwrt.probes import ACCESS, RELEASE
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.session import Transcript

ID = re.compile(r"^DISTRIB_ID=(['\"]?)(?:OpenWrt|LEDE)\1$", re.MULTILINE)


def shown(seen: Transcript) -> tuple[str, ...]:
    """
    The release file, whole, and no mark of another system: access points of UniFi are an OpenWrt
    underneath. What is made from OpenWrt and calls itself otherwise is none here.
    """
    if unread(seen, RELEASE) or marks(seen) != ("/etc/openwrt_release",):
        return ()
    reply = seen.get(RELEASE)
    said = reply.text.strip() if reply is not None else ""
    named = ID.search(said)
    version = re.search(r"^DISTRIB_RELEASE=.*\d.*$", said, re.MULTILINE)
    whole = said.endswith("\nend of release")
    return (named[0], version[0]) if whole and named and version else ()


HALLMARKS = Hallmarks(
    access=ACCESS, by=BY_SH, greeting=OPENSSH_OR_DROPBEAR, questions=(RELEASE, MARKS), shown=shown
)
