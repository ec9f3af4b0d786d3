"""
Linux as a router: nftables and iptables rules that attach the kernel's SIP helper.

What it is asked: :mod:`.probes`. How it is read: :mod:`.read`. What is done about it: :mod:`.change`.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._calls import live_calls, live_streams
from sipalg_fix.drivers._family import BY_SH, boot_id
from sipalg_fix.drivers.linux.change import flush, remedy
from sipalg_fix.drivers.linux.guard import GUARD
from sipalg_fix.drivers.linux.hallmarks import HALLMARKS
from sipalg_fix.drivers.linux.probes import (
    ACCESS,
    BOOT,
    CALLS,
    IP6TABLES,
    IPTABLES,
    NFT,
    PROBES,
    STORED_NFT,
    STORED_RULES,
    STORED_RULES6,
    STREAMS,
    more_probes,
)
from sipalg_fix.drivers.linux.read import parse
from sipalg_fix.model.driver import Driver, Support
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import Tell

ROOT = (
    "# root by a key, for both: rules and flows are shown to nobody else. In a shell of root:",
    "mkdir -p -m 700 /root/.ssh",
    """echo 'from="<address>",restrict <public key>' >> /root/.ssh/authorized_keys""",
)
REBOOT = Tell(command=Command(access=ACCESS, text="systemctl reboot 2>/dev/null || reboot"), cuts=True)

DRIVER = Driver(
    platform="linux",
    title="Linux (nftables, iptables)",
    aliases=("linux_ssh", "debian", "generic_linux"),
    accesses={ACCESS: BY_SH},
    probes=PROBES,
    more_probes=more_probes,
    parse=parse,
    remedy=remedy,
    flush=flush,
    reboot=(REBOOT,),
    boot_probes=(BOOT,),
    boot_mark=lambda seen: boot_id(seen, BOOT),
    guard=GUARD,
    backup=(NFT, IPTABLES, IP6TABLES, STORED_NFT, STORED_RULES, STORED_RULES6),
    calls=(CALLS,),
    live_calls=lambda seen: live_calls(seen, CALLS),
    streams=(STREAMS,),
    live_streams=lambda seen: live_streams(seen, STREAMS),
    secrets=(re.compile(r"(?i)\b(?:password|passwd|passphrase|secret|psk|token)\s*[=:]\s*(?P<secret>\S+)"),),
    support=Support(
        versions=("kernels 4.7 to 6.18 with nftables 0.9 to 1.0, iptables 1.8 and conntrack-tools 1.4",),
        unverified=(
            "kernels below 6.0, which may attach helpers without a rule: read as documented",
            "without systemd: that something loads /etc/nftables.conf at boot",
            "IPv6 flows",
        ),
        account={"audit": ROOT, "change": ROOT},
    ),
    hallmarks=HALLMARKS,
)
