"""
OpenWrt: the SIP helper as the firewall's zones attach it, by fw4 (nftables) or fw3 (iptables).

What it is asked: :mod:`.probes`. How it is read: :mod:`.read`. What attaches the helper: :mod:`.helpers`.
What is done about it: :mod:`.change`.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._calls import live_calls, live_streams
from sipalg_fix.drivers._family import BY_SH, boot_id
from sipalg_fix.drivers.openwrt.change import flush, remedy
from sipalg_fix.drivers.openwrt.guard import GUARD
from sipalg_fix.drivers.openwrt.hallmarks import HALLMARKS
from sipalg_fix.drivers.openwrt.probes import (
    ACCESS,
    BOOT,
    CALLS,
    CHANGES,
    CONFIG,
    PROBES,
    STREAMS,
    more_probes,
)
from sipalg_fix.drivers.openwrt.read import parse
from sipalg_fix.model.driver import Driver, Support
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import Tell

ROOT = (
    "# root by a key, for both: rules are shown to nobody else. In a shell of root:",
    "echo 'no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-pty <public key>'"
    " >> /etc/dropbear/authorized_keys",
)
DRIVER = Driver(
    platform="openwrt",
    title="OpenWrt",
    aliases=("openwrt_ssh", "lede", "community.openwrt"),
    accesses={ACCESS: BY_SH},
    probes=PROBES,
    more_probes=more_probes,
    parse=parse,
    remedy=remedy,
    flush=flush,
    reboot=(Tell(command=Command(access=ACCESS, text="reboot"), cuts=True),),
    boot_probes=(BOOT,),
    boot_mark=lambda seen: boot_id(seen, BOOT),
    guard=GUARD,
    backup=(CONFIG, CHANGES),
    calls=(CALLS,),
    live_calls=lambda seen: live_calls(seen, CALLS),
    streams=(STREAMS,),
    live_streams=lambda seen: live_streams(seen, STREAMS),
    secrets=(
        re.compile(
            r"(?i)\b(?:option\s+)?\w*(?:password|passwd|passphrase|secret|psk|token|key)(?:=|\s+)"
            r"(?:'(?P<secret>[^']*)'|\S+)"
        ),
    ),
    support=Support(
        versions=("18.06 to 21.02 (fw3) and 22.03 to 24.10 (fw4)",),
        unverified=(
            "rules as fw3 makes them: known from its source",
            "connections where the package conntrack is not installed: told by timeouts and expectations",
            "calls where the package conntrack is not installed: not shown",
            "comments in /etc/config/firewall are lost with a commit, as with every uci commit",
        ),
        account={"audit": ROOT, "change": ROOT},
    ),
    hallmarks=HALLMARKS,
)
