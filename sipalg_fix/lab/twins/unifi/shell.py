"""
The shell of a gateway: root's, with the kernel's own files and nothing that changes what a controller sets.
"""

from __future__ import annotations

from sipalg_fix.lab.shell.arguments import program
from sipalg_fix.lab.shell.files import Live, Node
from sipalg_fix.lab.shell.process import BASH
from sipalg_fix.lab.shell.standard import furnished
from sipalg_fix.lab.twin import Chassis, Exec
from sipalg_fix.lab.twins.openwrt.tracking import STREAM, Tracking, conntrack
from sipalg_fix.lab.twins.unifi.gateway import OTHERS, SIP, Gateway


class Root:
    """Runs lines as root. Waiting in one lets the twin's clock pass."""

    def __init__(self, chassis: Chassis, gateway: Gateway) -> None:
        self._gateway = gateway
        self._box = furnished(chassis, BASH, {"root": 0}, chassis.power_cycle)
        files = self._box.files
        files.make_dirs("/sys/module")
        serial = gateway.mac.replace(":", "")
        for number in range(2):
            files.put(f"/sys/class/net/eth{number}/address", f"{gateway.mac[:-1]}{number + 1}\n")
        if gateway.console:
            files.put("/proc/ubnthal/system.info", f"cpu=ALPINE\nserialno={serial}\nshortname=UDMPRO\n")
        files.live["/proc/sys/kernel/random/boot_id"] = Live(read=lambda: f"{chassis.boot_id}\n")
        files.live["/proc/modules"] = Live(read=self._modules)
        self.tracking = Tracking(chassis=chassis, phones=[])
        tracked = program(lambda call: conntrack(call, self.tracking))
        self._box.install({"conntrack": tracked}, "/usr/sbin", "/sbin")
        netfilter = "/proc/sys/net/netfilter"
        files.make_dirs(netfilter)
        files.live[f"{netfilter}/nf_conntrack_count"] = Live(read=self._count)
        files.live[f"{netfilter}/nf_conntrack_udp_timeout_stream"] = Live(read=lambda: f"{STREAM}\n")
        chassis.writes = 0
        gateway.told.append(self._loaded)
        self._loaded()

    def exec(self, command: str, stdin: str) -> Exec:
        """Run one command line."""
        return self._box.exec("root", command, stdin)

    def _loaded(self) -> None:
        """What is in /sys/module follows what is loaded, also while a command waits."""
        nodes = self._box.files.nodes
        for name in (*OTHERS, *SIP):
            nodes.pop(f"/sys/module/{name}", None)
        for name in self._gateway.modules():
            nodes[f"/sys/module/{name}"] = Node(data=None, mode=0o755)

    def _count(self) -> str:
        return f"{1 + len(self.tracking.flows)}\n"

    def _modules(self) -> str:
        return "".join(f"{name} 16384 0 - Live 0x0000000000000000\n" for name in self._gateway.modules())
