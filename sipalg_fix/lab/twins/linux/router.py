"""The router itself: a box with a shell, a kernel, files that a boot loads, and users."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sipalg_fix.lab.shell.arguments import program
from sipalg_fix.lab.shell.files import Live
from sipalg_fix.lab.shell.process import BASH, Buffer, Process
from sipalg_fix.lab.shell.run import Call, Program
from sipalg_fix.lab.shell.standard import furnished
from sipalg_fix.lab.twin import Chassis, Exec, User
from sipalg_fix.lab.twins.linux import modules, system
from sipalg_fix.lab.twins.linux.conntrack import conntrack
from sipalg_fix.lab.twins.linux.expression import Packet
from sipalg_fix.lab.twins.linux.iptables import iptables, iptables_restore, iptables_save, restored
from sipalg_fix.lab.twins.linux.kernel import AT_BOOT as MODULES_AT_BOOT
from sipalg_fix.lab.twins.linux.kernel import CONNTRACK_SIP, NAT_SIP, REGISTRAR, STREAM_TIMEOUT, Kernel, Phone
from sipalg_fix.lab.twins.linux.listing import Listing
from sipalg_fix.lab.twins.linux.nft import change, load, nft
from sipalg_fix.lab.twins.linux.options import Options, iptables_file, nft_file

NFT_FILE = "/etc/nftables.conf"
RULES_FILES = {"ip": "/etc/iptables/rules.v4", "ip6": "/etc/iptables/rules.v6"}
AUTOMATIC = "net/netfilter/nf_conntrack_helper"
OS_RELEASE = """\
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
"""


READS_STDIN = re.compile(
    r"(?:sudo -n )?(?:cat\s*>|tee\b|nft\b.*-f\s+-(?:\s|$)|ip6?tables-restore\b(?!.*<)"
    r"|(?:ba)?sh(?:\s+-s\b|\s*$)|base64 -d\s*>)"
)
"""How a command begins that takes what the client sends after it."""


class LinuxTwin:
    """A Debian router reached by SSH exec. Users of level admin have user id 0."""

    banner = ""

    def __init__(self, name: str, users: dict[str, User], options: Options) -> None:
        self.chassis = Chassis(name=name, users=users)
        self.options = options
        self.kernel = Kernel(chassis=self.chassis, release=options.release, loadable=not options.builtin)
        self._user_ids = {"root": 0}
        self.box = furnished(self.chassis, BASH, self._user_ids, self.chassis.power_cycle)
        self._install()
        self._lay_files()
        self._boot()
        self.chassis.on_down.append(self._reboot)
        if options.stored != options.running:
            self._store(options, on=options.stored)
        self.chassis.writes = 0

    # The doors.

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run one command line."""
        self._heed_switches()
        self.kernel.talk()
        return self.box.exec(self._account(user), command, stdin)

    def reads_stdin(self, command: str) -> bool:
        """Must what the client sends be waited for?"""
        return READS_STDIN.match(command.lstrip()) is not None

    def snapshot(self) -> dict[str, Any]:
        """Everything that matters, as plain JSON."""
        self.kernel.talk()
        jobs = sorted(job.command for job in self.box.jobs.values() if job.work is not None)
        files = self.box.files
        stored = {path: files.read(path) for path in files.below("/etc") if not files.is_dir(path)}
        return {
            "rules": "".join(map(Listing(stateless=True).table, self.kernel.rules.tables.values())),
            "files": stored,
            "modules": sorted(self.kernel.loaded),
            "automatic": self.kernel.automatic,
            "jobs": jobs,
            "boots": self.chassis.boots,
            "flows": sorted(f"{flow.packet.source} {flow.helper}" for flow in self.kernel.flows),
        }

    @property
    def alg(self) -> bool:
        """Is the SIP of any phone altered now?"""
        self.kernel.talk()
        return any(self.kernel.alters(flow) for flow in self.kernel.flows)

    def _account(self, user: str) -> str:
        """Who a login is for the kernel: user id 0 is root, whatever the name."""
        known = self.chassis.users.get(user)
        if known is not None and known.level in ("admin", "root"):
            return "root"
        if user not in self._user_ids:
            self._user_ids[user] = 999 + len(self._user_ids)
            self.box.files.make_dirs(f"/home/{user}")
            self.box.files.nodes[f"/home/{user}"].owner = user
        return user

    def _heed_switches(self) -> None:
        switches = self.chassis.switches
        files = self.box.files
        for prefixes, active in (
            (files.read_only, switches.locked or switches.refuse_writes),
            (files.full, switches.save_fails),
        ):
            if active:
                prefixes.add("/etc")
            else:
                prefixes.discard("/etc")

    # Making it.

    def _install(self) -> None:
        kernel = self.kernel
        tools: dict[str, Callable[[Call, Kernel], int]] = {
            "nft": nft,
            "iptables": iptables,
            "ip6tables": iptables,
            "iptables-save": iptables_save,
            "ip6tables-save": iptables_save,
            "iptables-restore": iptables_restore,
            "ip6tables-restore": iptables_restore,
            "conntrack": conntrack,
            "modprobe": modules.modprobe,
            "rmmod": modules.rmmod,
            "modinfo": modules.modinfo,
            "sysctl": system.sysctl,
            "reboot": system.down,
            "shutdown": system.down,
        }
        self.box.install({name: _bound(work, kernel) for name, work in tools.items()}, "/usr/sbin", "/sbin")
        ordinary: dict[str, Program] = {
            "lsmod": _bound(modules.lsmod, kernel),
            "uname": _bound(system.uname, kernel),
            "systemctl": program(lambda call: system.systemctl(call, kernel, self._service)),
        }
        if self.options.sudo != "none":
            free = self.options.sudo == "free"
            ordinary["sudo"] = program(lambda call: system.sudo(call, free))
        self.box.install(ordinary, "/usr/bin", "/bin")

    def _lay_files(self) -> None:
        files, options = self.box.files, self.options
        for directory in ("/etc/modprobe.d", "/etc/modules-load.d", "/etc/sysctl.d", "/etc/iptables", "/sys"):
            files.make_dirs(directory)
        loaded = {"both": f"{NAT_SIP}\n", "conntrack": f"{CONNTRACK_SIP}\n", "none": ""}[options.loaded]
        for path, text in (
            ("/etc/os-release", OS_RELEASE),
            ("/etc/hostname", f"{self.chassis.name}\n"),
            ("/etc/modules", loaded),
            ("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
            ("/etc/sysctl.conf", "net.ipv4.ip_forward=1\n"),
            (system.unit_file("nftables.service"), "[Unit]\nDescription=nftables\n"),
            (system.unit_file("ssh.service"), "[Unit]\nDescription=OpenBSD Secure Shell server\n"),
        ):
            files.put(path, text)
        services = ["ssh.service"]
        if options.enabled:
            services.append("nftables.service")
        if options.how == "iptables":
            unit = "netfilter-persistent.service"
            files.put(system.unit_file(unit), "[Unit]\nDescription=netfilter persistent configuration\n")
            services += [unit] if options.enabled else []
        for link in system.UNITS.values():
            files.make_dirs(link.rpartition("/")[0])
        for unit in services:
            files.put(system.UNITS[unit], "")
        self._store(options, on=options.running)
        self._lay_proc()

    def _lay_proc(self) -> None:
        files, kernel = self.box.files, self.kernel
        live = {
            "/proc/sys/kernel/random/boot_id": Live(read=lambda: f"{self.chassis.boot_id}\n"),
            "/proc/uptime": Live(read=lambda: f"{self.chassis.uptime:.2f} {self.chassis.uptime * 0.9:.2f}\n"),
            "/proc/version": Live(read=lambda: f"Linux version {kernel.release}\n"),
            "/proc/sys/net/netfilter/nf_conntrack_count": Live(read=lambda: f"{1 + len(kernel.flows)}\n"),
            "/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream": Live(
                read=lambda: f"{STREAM_TIMEOUT:.0f}\n"
            ),
            "/proc/sys/net/ipv4/ip_forward": Live(read=lambda: "1\n", write=lambda text: None, mode=0o644),
            "/proc/sys/kernel/modules_disabled": Live(
                read=lambda: f"{int(kernel.modules_disabled)}\n", write=self._disable_modules, mode=0o644
            ),
        }
        if kernel.loadable:
            live["/proc/modules"] = Live(read=lambda: modules.proc_modules(kernel))
        if int(kernel.release.partition(".")[0]) < 6:
            kernel.automatic = False
            live[f"/proc/sys/{AUTOMATIC}"] = Live(
                read=lambda: f"{int(bool(kernel.automatic))}\n", write=self._set_automatic, mode=0o644
            )
        files.live.update(live)
        for path in live:
            files.make_dirs(path.rpartition("/")[0])

    def _disable_modules(self, text: str) -> None:
        self.kernel.modules_disabled = self.kernel.modules_disabled or text.strip() == "1"

    def _set_automatic(self, text: str) -> None:
        self.kernel.automatic = text.strip() == "1"

    def _show_modules(self) -> None:
        """Keep /sys/module as it is in a real one: what is loaded, and of what is built in nearly all."""
        files = self.box.files
        for path in [each for each in files.below("/sys/module") if each != "/sys/module"][::-1]:
            del files.nodes[path]
        shown = ["8250", "kernel", "printk", "tcp_cubic", *self.kernel.loaded]
        if not self.kernel.loadable:
            # nf_nat_sip has no entry when it is built in (measured on 6.18).
            shown += ["nf_conntrack", CONNTRACK_SIP]
        for name in shown:
            files.make_dirs(f"/sys/module/{name}")

    def _store(self, options: Options, *, on: bool) -> None:
        files = self.box.files
        files.put(NFT_FILE, nft_file(options, on=on), 0o755)
        if options.how == "iptables":
            files.put(RULES_FILES["ip"], iptables_file(options, on=on))
        if options.how == "automatic":
            files.put("/etc/sysctl.d/50-voip.conf", f"{AUTOMATIC.replace('/', '.')} = {int(on)}\n")

    # Booting.

    def _reboot(self) -> None:
        self._boot()
        for phone in self.kernel.phones:
            phone.spoke = self.chassis.now

    def _boot(self) -> None:
        """What a boot does: modules, sysctls, rules by the services that are enabled, and phones talk."""
        files, kernel = self.box.files, self.kernel
        files.boot()
        kernel.changed = self._show_modules
        kernel.flows.clear()
        kernel.rules.flush()
        kernel.loaded = list(MODULES_AT_BOOT) if kernel.loadable else []
        kernel.modules_disabled = False
        if kernel.loadable:
            modules.load_at_boot(files, kernel)
        if kernel.automatic is not None:
            kernel.automatic = False
        for path in ["/etc/sysctl.conf", *files.below("/etc/sysctl.d")]:
            if files.exists(path) and not files.is_dir(path):
                self._sysctls(files.read(path))
        for unit in ("nftables.service", "netfilter-persistent.service"):
            if system.enabled(files.exists, unit):
                self._service(self._at_boot(), unit, "boot")
        kernel.at_boot.take(kernel.rules.copy())
        kernel.phones = [self._phone(number) for number in range(self.options.phones)]
        for phone in kernel.phones:
            kernel.send(phone.packet)
        self._show_modules()

    def _phone(self, number: int) -> Phone:
        packet = Packet(
            protocol="udp", source=f"192.168.77.{number + 2}", destination=REGISTRAR, sport=5060, dport=5060
        )
        return Phone(packet=packet, spoke=self.chassis.now)

    def _sysctls(self, text: str) -> None:
        for line in text.splitlines():
            name, equals, value = line.partition("=")
            path = "/proc/sys/" + name.strip().replace(".", "/")
            entry = self.box.files.live.get(path)
            if equals and not line.lstrip().startswith(("#", ";")) and entry is not None and entry.write:
                entry.write(value)

    def _at_boot(self) -> Call:
        """A call of nobody in particular, for services: root's, and nobody reads what it says."""
        process: Process = self.box.login("root", "init")
        process.open = {1: Buffer(), 2: Buffer()}
        return Call(arguments=["init"], process=process, files=self.box.files, shell=self.box.shell)

    def _service(self, call: Call, unit: str, verb: str) -> int:
        """Start or stop what a unit is for."""
        if verb == "stop":
            if unit == "nftables.service":
                self.kernel.rules.flush()
                self.chassis.wrote()
            return 0
        status = 0
        if unit == "nftables.service":
            work = load if verb == "boot" else change
            status = work(call, self.kernel, self.box.files.read(NFT_FILE), NFT_FILE, check=False)
        elif unit == "netfilter-persistent.service":
            trial = self.kernel.rules.copy()
            for family, path in RULES_FILES.items():
                if self.box.files.exists(path):
                    text = self.box.files.read(path)
                    status = status or int(bool(restored(trial, family, text, keep=False, name="restore")))
            if not status:
                self.kernel.rules.take(trial)
                self.kernel.want_modules()
        if status:
            call.err(
                f"Job for {unit} failed because the control process exited with error code.\n"
                f'See "systemctl status {unit}" and "journalctl -xeu {unit}" for details.\n'
            )
        return int(bool(status))


def _bound(work: Callable[[Call, Kernel], int], kernel: Kernel) -> Program:
    def bound(call: Call) -> int:
        return work(call, kernel)

    return program(bound)
