"""
Linux: by what a router shows that it is one, and nothing that is built on one.

Kernel and distribution alone do not say it: EdgeOS and the gateways of UniFi are a Debian underneath.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH, unread
from sipalg_fix.drivers._hallmarks import MARKS, OPENSSH_OR_DROPBEAR, marks
from sipalg_fix.drivers.linux import probes
from sipalg_fix.model.driver import Hallmarks
from sipalg_fix.model.session import Command, Transcript

OTHERS = {"openwrt": "OpenWrt", "vyos": "VyOS", "opnsense": "OPNsense"}
"""Systems whose firewall is written by something of their own, by the ID in os-release."""
EDGEOS = "-UBNT"
"""How the kernel release of EdgeOS ends."""
GENERAL = frozenset({
    "almalinux", "alpine", "amzn", "arch", "centos", "debian", "fedora", "gentoo", "linuxmint", "nixos", "ol",
    "opensuse-leap", "opensuse-tumbleweed", "raspbian", "rhel", "rocky", "sles", "ubuntu", "void",
})  # fmt: skip
"""Distributions of which it is known that nothing of their own writes the firewall; by the ID, too."""
ID = re.compile(r'^ID="?([\w.-]+)"?$', re.MULTILINE)


def shown(seen: Transcript) -> tuple[str, ...]:
    """Kernel and distribution, both whole, and no mark of a system that is built on them."""
    if unread(seen, probes.KERNEL) or unread(seen, probes.RELEASE) or marks(seen) != ():
        return ()
    kernel = re.fullmatch(r"(Linux (\S+))\n\d+", _said(seen, probes.KERNEL))
    release = re.fullmatch(r"(?s)(.*\n)end of release", _said(seen, probes.RELEASE))
    named = ID.search(release[1]) if release else None
    if kernel is None or kernel[2].endswith(EDGEOS) or named is None or named[1] not in GENERAL:
        return ()
    return kernel[1], named[0]


def _said(seen: Transcript, command: Command) -> str:
    reply = seen.get(command)
    return reply.text.strip() if reply is not None else ""


HALLMARKS = Hallmarks(
    access=probes.ACCESS,
    by=BY_SH,
    greeting=OPENSSH_OR_DROPBEAR,
    questions=(probes.KERNEL, probes.RELEASE, MARKS),
    shown=shown,
)
