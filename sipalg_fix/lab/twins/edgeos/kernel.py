"""
The Linux kernel below EdgeOS: its loaded modules and its connection tracking table.

Sizes and users are those of a published EdgeRouter ``lsmod``; what rmmod, modprobe and conntrack print,
and what unloading does to flows, was recorded from kmod and conntrack-tools on a Linux 6.1 (2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

NAT_SIP = "nf_nat_sip"
CONNTRACK_SIP = "nf_conntrack_sip"

MODULES: dict[str, tuple[int, tuple[str, ...]]] = {
    NAT_SIP: (8853, (CONNTRACK_SIP, "nf_nat")),
    CONNTRACK_SIP: (21773, ("nf_conntrack",)),
    "nf_nat_pptp": (2074, ("nf_conntrack_pptp", "nf_nat")),
    "nf_conntrack_pptp": (5173, ("nf_conntrack",)),
    "nf_nat_h323": (6243, ("nf_conntrack_h323", "nf_nat")),
    "nf_conntrack_h323": (42853, ("nf_conntrack",)),
    "nf_nat_tftp": (934, ("nf_conntrack_tftp", "nf_nat")),
    "nf_conntrack_tftp": (4161, ("nf_conntrack",)),
    "nf_nat_ftp": (1828, ("nf_conntrack_ftp", "nf_nat")),
    "nf_conntrack_ftp": (6787, ("nf_conntrack",)),
    "ipt_MASQUERADE": (1814, ("nf_conntrack", "nf_nat")),
    "xt_CT": (3429, ("nf_conntrack",)),
    "xt_conntrack": (3241, ("nf_conntrack",)),
    "iptable_nat": (2874, ("nf_conntrack", "nf_nat", "ip_tables")),
    "nf_nat": (13284, ("nf_conntrack",)),
    "nf_conntrack": (62604, ()),
    "ip_tables": (15210, ()),
    "ubnt_platform": (48163, ()),
    "ubnt_nf_app": (12407, ("nf_conntrack",)),
}
"""Every module there is, the newest first: its size and the modules it uses."""

CONNTRACK = "conntrack v1.4.4 (conntrack-tools): "
STREAM_TIMEOUT = 180


@dataclass(slots=True, kw_only=True)
class Flow:
    """One tracked connection, from a host inside to one outside."""

    protocol: str
    inside: str
    sport: int
    outside: str
    dport: int
    state: str = ""
    helper: str = ""
    expected: bool = False
    """Is it a call's media, which a helper had foreseen?"""
    passes: bool = False
    """Do packets go through it in both directions all the time?"""

    def line(self, wan: str, left: int) -> str:
        """As ``conntrack -L`` writes it; ``left`` is the time to live in seconds."""
        number = {"udp": 17, "tcp": 6}[self.protocol]
        state = f"{self.state} " if self.state else ""
        helper = f"helper={self.helper} " if self.helper else ""
        return (
            f"{self.protocol:<8} {number} {left} {state}src={self.inside} dst={self.outside} "
            f"sport={self.sport} dport={self.dport} src={self.outside} dst={wan} "
            f"sport={self.dport} dport={self.sport} [ASSURED] mark=0 {helper}use=1"
        )


@dataclass(slots=True, kw_only=True)
class Kernel:
    """The state that is lost with power: modules, flows, expectations."""

    release: str
    phones: int = 2
    """SIP phones behind the router; each keeps one registration alive through it."""
    held: bool = False
    """Something else (an iptables rule) uses nf_conntrack_sip, so that it cannot be unloaded."""
    loaded: list[str] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    expected: list[Flow] = field(default_factory=list)

    def boot(self, without: Sequence[str] = ()) -> None:
        """Everything anew: all modules but some, and the phones register again."""
        self.loaded = [name for name in MODULES if name not in without]
        self.held = False
        self.flows = [
            Flow(
                protocol="tcp",
                inside="192.168.77.60",
                sport=49822,
                outside="198.51.100.7",
                dport=443,
                state="ESTABLISHED",
            )
        ]
        self.expected = []
        self.register()

    @property
    def helper_active(self) -> bool:
        """Would a new SIP flow get the helper?"""
        return CONNTRACK_SIP in self.loaded

    def register(self) -> None:
        """Phones without a flow register: a new flow gets the helper if it is loaded, an old one does not."""
        for number in range(self.phones):
            inside = f"192.168.77.{20 + number}"
            if any(flow.inside == inside for flow in self.flows):
                continue
            helper = "sip" if self.helper_active else ""
            flow = Flow(
                protocol="udp", inside=inside, sport=5060, outside="203.0.113.9", dport=5060, helper=helper
            )
            self.flows.append(flow)
            if helper and NAT_SIP in self.loaded:
                self.expected.append(flow)

    def users(self, name: str) -> list[str]:
        """The loaded modules that use this one."""
        return [user for user in self.loaded if name in MODULES[user][1]]

    def _uses(self, name: str) -> int:
        return len(self.users(name)) + (self.held and name == CONNTRACK_SIP)

    def lsmod(self) -> str:
        """The table of lsmod."""
        lines = ["Module                  Size  Used by"]
        for name in self.loaded:
            users = ",".join(self.users(name))
            lines.append(f"{name:<19} {MODULES[name][0]:8d}  {self._uses(name)} {users}".rstrip())
        return "".join(f"{line}\n" for line in lines)

    def proc_modules(self) -> str:
        """``/proc/modules``."""
        return "".join(
            f"{name} {MODULES[name][0]} {self._uses(name)} "
            f"{''.join(user + ',' for user in self.users(name)) or '-'} Live 0x0000000000000000\n"
            for name in self.loaded
        )

    def rmmod(self, name: str) -> str:
        """Unload; what went wrong, or an empty text. A leaving helper takes itself off its flows."""
        if name not in self.loaded:
            return f"rmmod: ERROR: Module {name} is not currently loaded\n"
        if users := self.users(name):
            return f"rmmod: ERROR: Module {name} is in use by: {' '.join(users)}\n"
        if self._uses(name):
            return f"rmmod: ERROR: Module {name} is in use\n"
        self.loaded.remove(name)
        if name in {NAT_SIP, CONNTRACK_SIP}:
            self.expected = []
        if name == CONNTRACK_SIP:
            for flow in self.flows:
                flow.helper = ""
        return ""

    def modprobe(self, name: str) -> str:
        """Load with all that it needs; what went wrong, or an empty text. Old flows get no helper back."""
        if name not in MODULES:
            return f"modprobe: FATAL: Module {name} not found in directory /lib/modules/{self.release}\n"
        for needed in MODULES[name][1]:
            self.modprobe(needed)
        if name not in self.loaded:
            self.loaded = [module for module in MODULES if module in self.loaded or module == name]
        return ""

    def snapshot(self) -> dict[str, Any]:
        """Plain data, without anything that only the clock moves."""
        return {
            "modules": list(self.loaded),
            "flows": [" ".join((f.inside, f.outside, str(f.dport), f.helper)).strip() for f in self.flows],
            "expected": [flow.inside for flow in self.expected],
        }
