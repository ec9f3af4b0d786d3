"""
Hallmarks: what the drivers share of telling by a login which platform a router is of.
"""

from __future__ import annotations

import re

from sipalg_fix.model.session import Command, Transcript

MARKED = ("/proc/ubnthal", "/usr/bin/ubnt-device-info", "/opt/vyatta", "/etc/openwrt_release")
"""Where systems that are built on Linux, and are none to be treated as one, show themselves."""
MARKS = Command(access="ssh", text=f"ls -d / {' '.join(MARKED)} 2>/dev/null; echo end of marks")
OPENSSH, OPENSSH_OR_DROPBEAR = re.compile(r"^SSH-2\.0-OpenSSH"), re.compile(r"^SSH-2\.0-(?:OpenSSH|dropbear)")
"""How an SSH server names itself behind which a line for sh is harmless, be the router what it will."""


def marks(seen: Transcript) -> tuple[str, ...] | None:
    """Which of those there are; None where that is not shown."""
    reply = seen.get(MARKS)
    if reply is None or not reply.ok:
        return None
    root, *found, end = reply.text.split("\n") if reply.text.count("\n") else ("", "")
    whole_list = root == "/" and end == "end of marks" and set(found) <= set(MARKED)
    return tuple(found) if whole_list else None
