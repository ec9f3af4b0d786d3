"""
OpenWrt: what it is asked.

Lists end with a mark, because a list that was cut short looks like a shorter list. ``uci show`` mixes what is
stored with what was only staged, so the stored configuration is read from its file (libuci, file.c).
"""

from __future__ import annotations

from shlex import quote

from sipalg_fix.drivers._calls import lines, stream_lines
from sipalg_fix.drivers.openwrt.config import UCI_FILE, read, value
from sipalg_fix.model.session import Command, Transcript

ACCESS = "ssh"


def ask(line: str, seconds: float = 30) -> Command:
    """A command that only looks."""
    return Command(access=ACCESS, text=line, seconds=seconds)


KERNEL = ask("uname -sr && id -u")
RELEASE = ask("cat /etc/openwrt_release 2>&1 && echo end of release")
MODEL = ask("cat /tmp/sysinfo/model 2>&1")
BOOT = ask("cat /proc/sys/kernel/random/boot_id")
CONFIG = ask(f"cat {UCI_FILE} 2>&1 && echo && echo end of file")
CHANGES = ask("uci changes firewall 2>&1 && echo end of changes")
# -s leaves out counters, which would differ at every look.
NFT = ask("nft -s list ruleset 2>&1 && echo end of ruleset", 60)
IPTABLES = ask("iptables-save 2>&1 && echo end of rules", 60)
IP6TABLES = ask("ip6tables-save 2>&1 && echo end of rules", 60)
MODULES = ask("ls /sys/module 2>&1 && echo end of modules")
AT_BOOT = ask("grep -rs nf_conntrack_sip /etc/modules.d /etc/modules-boot.d; echo end of search")
AUTOMATIC = ask("cat /proc/sys/net/netfilter/nf_conntrack_helper 2>&1")
CUSTOM = ask(
    "grep -rns -e 'ct helper' -e '--helper' /etc/nftables.d /usr/share/nftables.d /etc/firewall.user; "
    "echo end of search"
)
FLOWS = ask(
    "{ conntrack -L -f ipv4; conntrack -L -f ipv6; } 2>&1 "
    "| grep -e helper=sip -e conntrack && echo end of flows",
    60,
)
CALLS = ask(lines(), 60)
STREAMS = ask(stream_lines(), 60)
TRACKED = ask("grep 'port=5060 ' /proc/net/nf_conntrack 2>&1; [ $? -le 1 ] && echo end of connections", 60)
EXPECTED = ask("cat /proc/net/nf_conntrack_expect 2>&1 && echo end of expectations")
STREAM = ask("cat /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream 2>&1")

PROBES = (
    *(KERNEL, RELEASE, MODEL, BOOT, CONFIG, CHANGES, NFT, IPTABLES, IP6TABLES, MODULES, AT_BOOT),
    *(AUTOMATIC, CUSTOM, FLOWS, TRACKED, EXPECTED, STREAM),
)

SEARCHED = ("/etc/nftables.d/", "/usr/share/nftables.d/", "/etc/firewall.user")


def included(stored: str) -> tuple[str, ...]:
    """Files that the configuration includes, besides those that are searched anyway."""
    try:
        sections = read(stored)
    except ValueError:
        return ()
    paths = [value(section, "path") for section in sections if section.kind == "include"]
    return tuple(dict.fromkeys(path for path in paths if path and not path.startswith(SEARCHED)))


def more_probes(seen: Transcript) -> tuple[Command, ...]:
    """The files that the configuration includes, searched for helpers."""
    reply = seen.get(CONFIG)
    paths = included(reply.text.rpartition("end of file")[0]) if reply and reply.ok else ()
    return (include_probe(paths),) if paths else ()


def include_probe(paths: tuple[str, ...]) -> Command:
    """The search of included files."""
    names = " ".join(map(quote, paths))
    return ask(f"grep -Hns -e 'ct helper' -e '--helper' {names}; echo end of search")
