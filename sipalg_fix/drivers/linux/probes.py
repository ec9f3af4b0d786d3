"""
Linux: what it is asked.

Each list ends with a mark, because a list that was cut short looks like a shorter list. Errors are asked
for with the answer, so that a tool that is not there can be told from one that says no.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._calls import lines, stream_lines
from sipalg_fix.model.session import Command, Transcript

ACCESS = "ssh"


def ask(line: str, seconds: float = 30) -> Command:
    """A command that only looks."""
    return Command(access=ACCESS, text=line, seconds=seconds)


def file(path: str) -> Command:
    """A file, whole; a pattern of file names gives them one after the other."""
    return ask(f"cat {path} 2>&1 && echo && echo end of file")


KERNEL = ask("uname -sr && id -u")
RELEASE = ask("cat /etc/os-release 2>&1 && echo && echo end of release")
BOOT = ask("cat /proc/sys/kernel/random/boot_id")
# -s leaves out counters, which would differ at every look.
NFT = ask("nft -s list ruleset 2>&1 && echo end of ruleset", 60)
# Without -t: naming a table would make the legacy tool load its module.
IPTABLES = ask("iptables-save 2>&1 && echo end of rules", 60)
IP6TABLES = ask("ip6tables-save 2>&1 && echo end of rules", 60)
LEGACY = ask("iptables-legacy-save 2>&1 && echo end of rules", 60)
LEGACY6 = ask("ip6tables-legacy-save 2>&1 && echo end of rules", 60)
AUTOMATIC = ask("cat /proc/sys/net/netfilter/nf_conntrack_helper 2>&1")
# /sys/module names what is loaded and what is built in; /proc/modules only the former.
MODULES = ask("ls /sys/module 2>&1 && echo end of modules")
# Only the flows that matter, and what the tool itself says: tables of 100,000 flows are common.
FLOWS = ask(
    "{ conntrack -L -f ipv4; conntrack -L -f ipv6; } 2>&1 "
    "| grep -e helper=sip -e conntrack && echo end of flows",
    60,
)
CALLS = ask(lines(), 60)
STREAMS = ask(stream_lines(), 60)
NFT_FILE = "/etc/nftables.conf"
RULES_FILES = ("/etc/iptables/rules.v4", "/etc/iptables/rules.v6")
STORED_NFT, STORED_RULES, STORED_RULES6 = map(file, (NFT_FILE, *RULES_FILES))
NFT_UNIT = ask("systemctl is-enabled nftables 2>&1")
RULES_UNIT = ask("systemctl is-enabled netfilter-persistent 2>&1")
SYSCTLS = ask(
    "grep -rns nf_conntrack_helper /etc/sysctl.conf /etc/sysctl.d /run/sysctl.d /usr/lib/sysctl.d "
    "/etc/modprobe.d; echo end of search"
)

PROBES = (
    *(KERNEL, RELEASE, BOOT, NFT, IPTABLES, IP6TABLES, AUTOMATIC, MODULES, FLOWS),
    *(STORED_NFT, NFT_UNIT, STORED_RULES, STORED_RULES6, RULES_UNIT, SYSCTLS),
)

INCLUDE = re.compile(r'^\s*include\s+"([\w./*?-]+)"\s*;?\s*(?:#.*)?$', re.MULTILINE)
"""nft(8), "Including files": a name without a slash at its beginning is looked up in /etc."""
LEGACY_PRESENT = "tables-legacy tables present"


def included(stored: str) -> tuple[str, ...]:
    """The files that a stored ruleset takes in, by full name or pattern, in order."""
    names = dict.fromkeys(INCLUDE.findall(stored))
    return tuple(name if name.startswith("/") else f"/etc/{name.removeprefix('./')}" for name in names)


def more_probes(seen: Transcript) -> tuple[Command, ...]:
    """Files that the stored ruleset includes, and rules of the older iptables beside the newer."""
    stored, rules, rules6 = (seen.get(command) for command in (STORED_NFT, IPTABLES, IP6TABLES))
    more = [file(name) for name in included(stored.text)] if stored and stored.ok else []
    more += [LEGACY] if rules and LEGACY_PRESENT in rules.text else []
    more += [LEGACY6] if rules6 and LEGACY_PRESENT in rules6.text else []
    return tuple(more)
