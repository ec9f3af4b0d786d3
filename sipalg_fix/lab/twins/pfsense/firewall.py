"""The firewall itself: FreeBSD's shell, pfSense's PHP, the package siproxd, and pf."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sipalg_fix.lab import pf, siproxd
from sipalg_fix.lab.php.script import Php
from sipalg_fix.lab.php.values import PhpError, Value
from sipalg_fix.lab.shell.arguments import program
from sipalg_fix.lab.shell.files import Live
from sipalg_fix.lab.shell.process import ASH, BoxDown
from sipalg_fix.lab.shell.run import Call, Program
from sipalg_fix.lab.shell.standard import furnished
from sipalg_fix.lab.twin import Chassis, Exec, Request, Response, User
from sipalg_fix.lab.twins.pfsense import web
from sipalg_fix.lab.twins.pfsense.config import copied, first_config, merge, revised, xml
from sipalg_fix.lab.twins.pfsense.filter import Filter
from sipalg_fix.lab.twins.pfsense.options import Options

SH = replace(ASH, name="sh")
DAEMON = "/usr/local/sbin/siproxd -c /usr/local/etc/siproxd.conf"
PACKAGE = "/usr/local/pkg/siproxd.inc"


class PfsenseTwin:
    """
    A pfSense firewall reached by SSH exec, which /etc/rc.initial gives to /bin/sh, and by the REST package.

    Switches: with ``locked``, ``refuse_writes`` and ``save_fails`` the configuration cannot be written, which
    write_config says by returning -1; with ``stay_on`` the daemon is told to stop and runs on until the next
    boot; with ``reboot_fails`` a reboot is accepted.
    """

    banner = ""

    def __init__(self, name: str, users: dict[str, User], options: Options) -> None:
        self.chassis = Chassis(name=name, users=users)
        self.options = options
        self.box = furnished(self.chassis, SH, {"root": 0}, self.chassis.power_cycle)
        self.filter = Filter()
        self.stored = first_config(name, options)
        """What config.xml holds."""
        self.revisions = 1
        self.description = "admin@192.168.1.10 (Local Database): /system.php made changes"
        """What the last of them says of itself."""
        self.carp = tuple(options.carp)
        """The state of each CARP address: who fails over sets them."""
        self.pid: int | None = None
        self.media: siproxd.Media = {}
        self._pids = 41_000
        self._install()
        self._lay_files()
        if options.merged:
            self.merge(options.merged)
        self._boot()
        self.chassis.on_down.append(self._boot)
        self._otherwise()
        self.filter.register(self.phones)
        self.chassis.writes = 0

    # The doors.

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run one command line: admin and root are user id 0."""
        self.filter.register(self.phones)
        return self.box.exec("root" if user in self.chassis.users else user, command, stdin)

    def serve(self, request: Request) -> Response:
        """One request to the web server, of which the REST package is a part."""
        if not self.options.restapi:
            return Response(status=404, body=b"<html><body><h1>404 Not Found</h1></body></html>")
        return web.serve(self.chassis, self.options.key, self._posted, request)

    def _posted(self, line: str) -> Exec:
        """shutdown has ended well before the box goes down, and its answer is out."""
        boots = self.chassis.boots
        done = self.exec("root", line, "")
        return done if self.chassis.boots == boots else replace(done, status=0)

    def snapshot(self) -> dict[str, Any]:
        """Everything that matters, as plain JSON."""
        self.filter.register(self.phones)
        jobs = sorted(job.command for job in self.box.jobs.values() if job.work is not None)
        return {
            "config": json.loads(json.dumps(self.stored)),
            "running": self.pid is not None,
            "redirects": list(self.filter.redirects),
            "jobs": jobs,
            "revisions": self.revisions,
            "states": [line for state in self.filter.states for line in state.lines()],
            "boots": self.chassis.boots,
        }

    @property
    def phones(self) -> tuple[str, ...]:
        """Their addresses."""
        return tuple(self.options.phones)

    @property
    def alg(self) -> bool:
        """Does the SIP of any phone go by way of a proxy that runs?"""
        return self.pid is not None and any(state.proxied for state in self.filter.states)

    @property
    def black_hole(self) -> bool:
        """Is SIP sent to a proxy that does not run?"""
        return self.pid is None and bool(self.filter.redirects)

    def merge(self, sections: str, proxy: dict[str, str] | None = None) -> None:
        """Another node's sections are written over those here, ``proxy`` being siproxd's among them."""
        stored = copied(self.stored)
        if proxy is not None:
            stored["installedpackages"]["siproxdsettings"] = {"config": {0: dict(proxy)}}
        self._write(stored, merge(sections))

    # Making it.

    def _install(self) -> None:
        tools: dict[str, Callable[[Call], int]] = {
            "uname": self._uname,
            "php": self._php,
            "pkg": self._pkg,
            "pgrep": self._pgrep,
            "pfctl": self._pfctl,
            "sysctl": self._sysctl,
            "sockstat": self._sockstat,
            "ifconfig": self._ifconfig,
            "shutdown": self._shutdown,
            "reboot": self._shutdown,
        }
        programs: dict[str, Program] = {name: program(work) for name, work in tools.items()}
        self.box.install(programs, "/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin")

    def _lay_files(self) -> None:
        files = self.box.files
        for path, content in (
            ("/etc/version", f"{self.options.version}\n"),
            ("/etc/platform", "pfSense\n"),
            ("/etc/product_name", "pfSense\n"),
            *([(PACKAGE, "<?php\n")] if self.options.package else []),
        ):
            files.make_dirs(path.rpartition("/")[0])
            files.put(path, content)
        files.make_dirs("/cf/conf/backup")
        files.make_dirs(siproxd.FILE.rpartition("/")[0])
        files.live["/cf/conf/config.xml"] = Live(read=lambda: xml(revised(self.stored, self.description)))

    def _otherwise(self) -> None:
        """What somebody left otherwise than the settings say."""
        if self.options.running is not None:
            self._start() if self.options.running else self._stop(really=True)
        if self.options.redirect is not None:
            port = self.options.port or "5060"
            self.filter.redirects = [("lan", port)] if self.options.redirect else []

    # Booting.

    def _boot(self) -> None:
        """A start: the daemon by its rc file, pf by the configuration, and no states."""
        self.box.files.boot()
        self.pid = None
        self._lay_conf(self.stored)
        if self._settings(self.stored).get("sipenable") == "on":
            self._start()
        self._load_rules(self.stored)
        self.filter.states.clear()
        self.filter.streams.clear()

    def _write(self, tree: dict[str, Any], description: str) -> None:
        """Store a configuration; the one before it is kept as a file."""
        before = xml(revised(self.stored, self.description))
        self.box.files.put(f"/cf/conf/backup/config-{1_795_000_000 + self.revisions}.xml", before)
        self.stored, self.description = tree, description
        self.revisions += 1

    # The package.

    def _settings(self, config: Any) -> dict[str, Any]:
        try:
            found = config["installedpackages"]["siproxdsettings"]["config"][0]
        except (KeyError, TypeError):
            return {}
        return found if isinstance(found, dict) and self.options.package else {}

    def _port(self) -> str:
        return self._settings(self.stored).get("port") or "5060"

    def _lay_conf(self, config: Any) -> None:
        """Of a proxy that is not enabled it says nothing."""
        enabled = self._settings(config).get("sipenable") == "on"
        self.box.files.put(siproxd.FILE, siproxd.conf(self._port()) if enabled else "# by pfSense\n")

    def _start(self) -> None:
        self._pids += 7
        self.pid = self.pid or self._pids

    def _stop(self, *, really: bool = False) -> None:
        if really or not self.chassis.switches.stay_on:
            self.pid = None

    def _sync(self, config: Any) -> None:
        """sync_package_siproxd: what is disabled is stopped, and the rules are left as they are."""
        self.chassis.wrote()
        self._lay_conf(config)
        if self._settings(config).get("sipenable") != "on":
            self._stop()
            return
        self._stop()
        self._start()
        self._load_rules(config)

    def _load_rules(self, config: Any) -> None:
        """filter_configure: the package adds its redirect if it is enabled and its daemon runs."""
        settings = self._settings(config)
        self.filter.redirects = []
        if self.pid is not None and settings.get("sipenable") == "on":
            port = settings.get("port") or "5060"
            self.filter.redirects = [
                (interface, port) for interface in str(settings.get("if_inbound", "")).split(",") if interface
            ]
        self.filter.optimization = self.stored["system"].get("optimization", "")

    # Programs.

    def _php(self, call: Call) -> int:
        if call.arguments[1:2] != ["-r"] or len(call.arguments) != 3:
            call.out("Could not open input file\n")
            return 1
        php = Php(variables={"$config": None})
        php.functions = self._functions(php)
        try:
            status = php.run(call.arguments[2])
        except PhpError as why:
            call.out("".join(php.printed) + f"{why} in Command line code on line 1\n")
            return 255
        call.out("".join(php.printed))
        return status

    def _functions(self, php: Php) -> dict[str, Callable[[list[Value]], Value]]:
        """What pfSense's files define, and what of PHP itself is needed; each file when it is required."""
        loaded: dict[str, Callable[[list[Value]], Value]] = {}

        def require(arguments: list[Value]) -> Value:
            name = str(arguments[0])
            known = {
                "config.inc": config_functions,
                "filter.inc": filter_functions,
                PACKAGE: package_functions,
            }
            if name not in known or (name == PACKAGE and not self.options.package):
                raise PhpError(
                    f"PHP Fatal error:  Uncaught Error: Failed opening required '{name}' "
                    "(include_path='.:/etc/inc:/usr/local/pfSense/include')"
                )
            if name == "config.inc":
                php.variables["$config"] = copied(self.stored)
            loaded.update(known[name])
            return True

        def act(work: Callable[[Any], None]) -> Callable[[list[Value]], Value]:
            def acted(arguments: list[Value]) -> Value:
                work(php.variables["$config"])
                return None

            return acted

        config_functions = self._config_functions(php)
        filter_functions = {
            name: act(self._load_rules) for name in ("filter_configure", "filter_configure_sync")
        }
        package_functions = {"sync_package_siproxd": act(self._sync)}
        loaded |= {
            "require_once": require,
            "function_exists": lambda arguments: str(arguments[0]) in loaded,
            "file_exists": lambda arguments: self.box.files.exists(str(arguments[0])),
            "json_encode": lambda arguments: json.dumps(arguments[0], separators=(",", ":")).replace(
                "/", "\\/"
            ),
        }
        return loaded

    def _config_functions(self, php: Php) -> dict[str, Callable[[list[Value]], Value]]:
        def at(path: Value) -> list[Any]:
            return [int(part) if part.isdigit() else part for part in str(path).split("/")]

        def write(arguments: list[Value]) -> Value:
            switches = self.chassis.switches
            if switches.locked or switches.refuse_writes or switches.save_fails:
                return -1
            tree = copied(php.variables["$config"])  # type: ignore[arg-type]  # config.inc made it a tree
            self._write(tree, f"(system): {arguments[0] if arguments else ''}")
            self.chassis.wrote()
            return php.variables["$config"]

        def set_path(arguments: list[Value]) -> Value:
            place: Any = php.variables["$config"]
            *way, last = at(arguments[0])
            for part in way:
                place = place.setdefault(part, {})
            place[last] = arguments[1]
            return arguments[1]

        def del_path(arguments: list[Value]) -> Value:
            place: Any = php.variables["$config"]
            *way, last = at(arguments[0])
            for part in way:
                place = place.get(part, {})
            found: Value = place.pop(last, None)
            return found

        new = {} if self.options.old else {"config_set_path": set_path, "config_del_path": del_path}
        return {"write_config": write, **new}

    def _uname(self, call: Call) -> int:
        call.out("FreeBSD\n" if call.arguments[1:] in ([], ["-s"]) else "FreeBSD 14.0-CURRENT\n")
        return 0

    def _pkg(self, call: Call) -> int:
        if call.arguments[1:3] != ["info", "-e"]:
            call.err("pkg: unknown command\n")
            return 64
        return int(call.arguments[3:] != ["pfSense-pkg-siproxd"] or not self.options.package)

    def _pgrep(self, call: Call) -> int:
        """-x for the daemon, -f and -lf for what a command line holds."""
        pattern = call.arguments[-1]
        if "-x" in call.arguments:
            call.out(f"{self.pid}\n" if pattern == "siproxd" and self.pid else "")
            return int(not (pattern == "siproxd" and self.pid))
        jobs = [job for job in self.box.jobs.values() if pattern.replace("[ ]", " ") in job.command]
        jobs = [job for job in jobs if pattern not in job.command and job.work is not None]
        for job in jobs:
            call.out(f"{job.pid} {job.command}\n" if "-lf" in call.arguments else f"{job.pid}\n")
        return int(not jobs)

    def _pfctl(self, call: Call) -> int:
        match call.arguments[1:]:
            case ["-sn"]:
                call.out(self.filter.rules())
            case ["-st"]:
                call.out(self.filter.timeouts())
            case ["-ss"]:
                call.out("".join(f"{line}\n" for line, _ in self.filter.table(self.chassis.now)))
            case ["-vss"]:
                call.out(pf.verbose(self.filter.table(self.chassis.now)))
            case ["-si"]:
                call.out(pf.counters(len(self.filter.table(self.chassis.now))))
            case ["-k", phone]:
                count = self.filter.kill(phone)
                self.chassis.wrote()
                call.err(f"killed {count} states from 1 sources and 0 destinations\n")
            case _:
                call.err("usage: pfctl [-AdeghMmNnOPqRrvz] ...\n")
                return 1
        return 0

    def _sockstat(self, call: Call) -> int:
        call.out(siproxd.sockets(self.pid, self._port(), self.media))
        return 0

    def _sysctl(self, call: Call) -> int:
        if call.arguments[-1] != "kern.boottime":
            call.err(f"sysctl: unknown oid '{call.arguments[-1]}'\n")
            return 1
        seconds = int(self.chassis.booted_at) + 7 * self.chassis.boots
        call.out(f"{{ sec = {seconds}, usec = 412345 }} Mon Nov 23 09:00:00 2026\n")
        return 0

    def _ifconfig(self, call: Call) -> int:
        """Every interface; a CARP address's state below the address itself."""
        if call.arguments[1:] != ["-a"]:
            call.err(f"ifconfig: interface {call.arguments[-1]} does not exist\n")
            return 1
        call.out("em1: flags=8943<UP,BROADCAST,RUNNING,PROMISC,SIMPLEX,MULTICAST> metric 0 mtu 1500\n")
        call.out("\tinet 192.168.1.1 netmask 0xffffff00 broadcast 192.168.1.255\n")
        for number, state in enumerate(self.carp, 1):
            call.out(f"\tinet 192.168.1.{255 - number} netmask 0xffffff00 vhid {number}\n")
            call.out(f"\tcarp: {state} vhid {number} advbase 1 advskew {100 if state == 'BACKUP' else 0}\n")
        return 0

    def _shutdown(self, call: Call) -> int:
        if call.arguments[0].endswith("shutdown") and call.arguments[1:] != ["-r", "now"]:
            call.err("usage: shutdown [-] [-c | -f | -h | -p | -r | -k] time [warning-message ...]\n")
            return 1
        call.out("Shutdown NOW!\n")
        if self.chassis.switches.reboot_fails:
            return 0
        raise BoxDown
