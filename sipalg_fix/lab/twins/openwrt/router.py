"""The router itself: BusyBox over files in memory, uci, the firewall and its kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipalg_fix.lab.shell.arguments import program
from sipalg_fix.lab.shell.files import Live
from sipalg_fix.lab.shell.process import ASH, BoxDown
from sipalg_fix.lab.shell.run import Call, Program
from sipalg_fix.lab.shell.standard import furnished
from sipalg_fix.lab.twin import Chassis, Exec, User
from sipalg_fix.lab.twins.openwrt.firewall import Loaded, loaded
from sipalg_fix.lab.twins.openwrt.listing import fw3_save, fw4_table
from sipalg_fix.lab.twins.openwrt.options import MODULES, Options, files_of
from sipalg_fix.lab.twins.openwrt.package import Package, UciError
from sipalg_fix.lab.twins.openwrt.tracking import STREAM, Tracking, conntrack
from sipalg_fix.lab.twins.openwrt.uci import Uci, uci

STATE = "/var/run/fw4.state"


class OpenwrtTwin:
    """
    An OpenWrt router reached by SSH exec, as dropbear gives it.

    Switches: ``locked`` and ``refuse_writes`` are an overlay that has become read-only, with which uci says
    ``I/O error``; with ``save_fails`` the flash is full; with ``stay_on`` a reload changes nothing until the
    next boot; with ``reboot_fails`` a reboot is accepted.
    """

    banner = ""

    def __init__(self, name: str, users: dict[str, User], options: Options) -> None:
        self.chassis = Chassis(name=name, users=users, identification="SSH-2.0-dropbear")
        self.options = options
        self.box = furnished(self.chassis, ASH, {"root": 0}, self.chassis.power_cycle)
        self.uci = Uci(self.box.files, self.chassis)
        phones = [(f"192.168.1.{number + 20}", 5060) for number in range(options.phones)]
        self.tracking = Tracking(chassis=self.chassis, phones=phones)
        self._install()
        for path, text in files_of(options, name).items():
            self.box.files.make_dirs(path.rpartition("/")[0])
            self.box.files.put(path, text)
        self._lay_proc()
        self._boot()
        self.chassis.on_down.append(self._boot)
        if options.running is not None and options.running != bool(self.tracking.rules.sip_ports()):
            self._otherwise(on=options.running)
        for line in options.staged:
            self.box.exec("root", f"uci {line}", "")
        self.chassis.writes = 0

    # The doors.

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run one command line; there is nobody but root."""
        self._heed_switches()
        self.tracking.talk()
        return self.box.exec("root" if user in self.chassis.users else user, command, stdin)

    def snapshot(self) -> dict[str, Any]:
        """Everything that matters, as plain JSON."""
        self.tracking.talk()
        jobs = sorted(job.command for job in self.box.jobs.values() if job.work is not None)
        files = self.box.files
        stored = {path: files.read(path) for path in files.below("/etc") if not files.is_dir(path)}
        sections = (
            self._options(self.uci.load("firewall", staged=False))
            if stored.get("/etc/config/firewall")
            else {}
        )
        return {
            "firewall": sections,
            "files": {path: text for path, text in stored.items() if path != "/etc/config/firewall"},
            "staged": [delta.shown("firewall") for delta in self.uci.deltas("firewall")],
            "sip": sorted(self.tracking.in_force.sip_ports()),
            "helpers": {
                zone.name: [each.name for each in zone.helpers] for zone in self.tracking.rules.zones
            },
            "jobs": jobs,
            "boots": self.chassis.boots,
            "flows": [f"{flow.source} {flow.helped}" for flow in self.tracking.flows],
        }

    @staticmethod
    def _options(package: Package) -> dict[str, Any]:
        """The stored configuration: in which order a section's options stand is nobody's concern."""
        return {section.name: {"": section.kind, **section.options} for section in package.sections}

    @property
    def alg(self) -> bool:
        """Is the SIP of any phone altered now?"""
        self.tracking.talk()
        return any(flow.helped for flow in self.tracking.flows)

    def _heed_switches(self) -> None:
        files, switches = self.box.files, self.chassis.switches
        for prefixes, active in (
            (files.read_only, switches.locked or switches.refuse_writes),
            (files.full, switches.save_fails),
        ):
            prefixes.add("/etc") if active else prefixes.discard("/etc")

    # Making it.

    def _install(self) -> None:
        tools: dict[str, Callable[[Call], int]] = {
            "uci": lambda call: uci(call, self.uci),
            "uname": self._uname,
            "reboot": self._down,
            "fw3" if self.options.old else "fw4": self._firewall,
        }
        if self.options.old:
            tools |= {"iptables-save": self._save, "ip6tables-save": self._save}
        else:
            tools["nft"] = self._nft
        if self.options.conntrack:
            tools["conntrack"] = lambda call: conntrack(call, self.tracking)
        programs: dict[str, Program] = {name: program(work) for name, work in tools.items()}
        self.box.install(programs, "/usr/sbin", "/sbin")
        self.box.files.make_dirs("/etc/init.d")
        self.box.install({"firewall": program(self._firewall)}, "/etc/init.d")

    def _lay_proc(self) -> None:
        files = self.box.files
        live = {
            "/proc/sys/kernel/random/boot_id": Live(read=lambda: f"{self.chassis.boot_id}\n"),
            "/proc/net/nf_conntrack": Live(read=self.tracking.proc, write=self.tracking.write, mode=0o644),
            "/proc/net/nf_conntrack_expect": Live(read=self.tracking.expected),
            "/proc/sys/net/netfilter/nf_conntrack_count": Live(
                read=lambda: f"{1 + len(self.tracking.flows)}\n"
            ),
            "/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream": Live(read=lambda: f"{STREAM}\n"),
        }
        if int(self.options.kernel.partition(".")[0]) < 6:
            live["/proc/sys/net/netfilter/nf_conntrack_helper"] = Live(read=lambda: "0\n")
        files.live.update(live)
        for path in (*live, *(f"/sys/module/{name}/x" for name in self.modules)):
            files.make_dirs(path.rpartition("/")[0])

    @property
    def modules(self) -> tuple[str, ...]:
        """What the kernel has loaded."""
        return ("nf_conntrack", "nf_nat", *(MODULES if self.options.package else ()))

    # Programs.

    def _uname(self, call: Call) -> int:
        said = {"-sr": f"Linux {self.options.kernel}", "-r": self.options.kernel}
        call.out(said.get(" ".join(call.arguments[1:]), "Linux") + "\n")
        return 0

    def _down(self, call: Call) -> int:
        if self.chassis.switches.reboot_fails:
            return 0
        raise BoxDown

    def _firewall(self, call: Call) -> int:
        """/etc/init.d/firewall and fw4: start, reload, restart, stop."""
        verb = next((each for each in call.arguments[1:] if not each.startswith("-")), "")
        match verb:
            case "start" | "reload" | "restart" | "print" | "check":
                if verb == "reload" and not self.box.files.exists(STATE):
                    call.err("The fw4 firewall does not appear to be loaded.\n")
                    return 1
                try:
                    rules, said = self._rendered()
                except UciError as why:
                    call.err(f"uci: {why}\n")
                    return 1
                call.err("".join(f"{line}\n" for line in said))
                if verb in ("print", "check"):
                    call.out(fw4_table(rules) if verb == "print" else "Ruleset passes nftables check.\n")
                    return 0
                self.tracking.rules = rules
                self.box.files.put(STATE, "{}\n")
                self.chassis.wrote()
                return 0
            case "stop":
                self.tracking.rules = Loaded()
                if self.box.files.exists(STATE):
                    self.box.files.remove(STATE)
                return 0
            case _:
                call.err(f"Syntax: {call.arguments[0]} [command]\n")
                return 1

    def _rendered(self) -> tuple[Loaded, list[str]]:
        return loaded(self.uci.load("firewall"), frozenset(self.modules), self.options.old)

    def _nft(self, call: Call) -> int:
        if [each for each in call.arguments[1:] if each != "-s"] != ["list", "ruleset"]:
            call.err("Error: syntax error, unexpected newline\n")
            return 1
        self.tracking.talk()
        if self.box.files.exists(STATE):
            call.out(fw4_table(self.tracking.in_force))
        call.out(self.options.custom)
        return 0

    def _save(self, call: Call) -> int:
        family = call.arguments[0].rpartition("/")[2].removesuffix("-save")
        call.out(fw3_save(self.tracking.in_force, "Mon Nov 23 09:00:00 2026", family))
        return 0

    # Booting.

    def _boot(self) -> None:
        """What a start does: nothing is staged, the firewall loads what is stored, and phones register."""
        files = self.box.files
        files.boot()
        for path, text in (("/tmp/sysinfo/model", f"{self.options.model}\n"), (STATE, "{}\n")):
            files.make_dirs(path.rpartition("/")[0])
            files.put(path, text)
        try:
            self.tracking.rules = self._rendered()[0]
        except UciError:
            self.tracking.rules = Loaded()
        self.tracking.at_boot = self.tracking.rules
        self.tracking.begin()

    def _otherwise(self, *, on: bool) -> None:
        """Somebody left other rules in force than those that are stored."""
        package = self.uci.load("firewall")
        for section in package.sections:
            if section.kind == "defaults":
                section.options["auto_helper"] = str(int(on))
        self.tracking.rules, _ = loaded(package, frozenset(self.modules), self.options.old)
        self.tracking.forget(list(self.tracking.flows))
        self.tracking.talk()
