"""What else one meets on a Debian router: systemctl, sysctl, uname, reboot, sudo."""

from __future__ import annotations

import re
from collections.abc import Callable

from sipalg_fix.lab.shell.arguments import Usage, options
from sipalg_fix.lab.shell.process import BoxDown, Run
from sipalg_fix.lab.shell.run import Call
from sipalg_fix.lab.twins.linux.kernel import Kernel

_WANTS = "/etc/systemd/system/{}.target.wants/{}.service"
UNITS = {
    "nftables.service": _WANTS.format("sysinit", "nftables"),
    "netfilter-persistent.service": _WANTS.format("multi-user", "netfilter-persistent"),
    "ssh.service": _WANTS.format("multi-user", "ssh"),
}
"""Units, and the link that each has while it is enabled (systemctl(1), "enable")."""


def unit_file(unit: str) -> str:
    """Where a unit is installed."""
    return f"/lib/systemd/system/{unit}"


def enabled(call_exists: Callable[[str], bool], unit: str) -> bool:
    """Is the unit started at boot?"""
    return call_exists(unit_file(unit)) and call_exists(UNITS[unit])


def uname(call: Call, kernel: Kernel) -> int:
    """Of Debian's kernel on a PC."""
    given = options(call.arguments, "asnrvmo")
    debian = kernel.release.endswith("-amd64")
    fields = {
        "s": "Linux",
        "n": kernel.chassis.name,
        "r": kernel.release,
        "v": f"#1 SMP PREEMPT_DYNAMIC {'Debian 6.1.192-2 (2026-11-16)' if debian else '@0'}",
        "m": "x86_64",
        "o": "GNU/Linux",
    }
    wanted = set(fields) if "a" in given.flags else given.flags or {"s"}
    call.out(" ".join(value for name, value in fields.items() if name in wanted) + "\n")
    return 0


def down(call: Call, kernel: Kernel) -> int:
    """reboot, and ``shutdown -r``: the box goes down now, unless the switch reboot_fails is on."""
    name = call.arguments[0].rpartition("/")[2]
    if call.process.user != "root":
        call.err(f"{name}: (null): Operation not permitted\n")
        return 1
    if name == "shutdown" and "-r" not in call.arguments:
        raise Usage("only -r is supported")
    later = [each for each in call.arguments[1:] if re.fullmatch(r"\+[1-9][0-9]*", each)]
    if later:
        raise Usage("only 'now' is supported")
    if kernel.chassis.switches.reboot_fails:
        return 0
    raise BoxDown


def sysctl(call: Call, kernel: Kernel) -> int:
    """Read and write files of /proc/sys."""
    given = options(call.arguments, "nweqi")
    status = 0
    for each in given.operands:
        name, equals, value = each.partition("=")
        path = "/proc/sys/" + name.strip().replace(".", "/")
        if not call.files.exists(path) or call.files.is_dir(path):
            if "e" not in given.flags:
                call.err(f"sysctl: cannot stat {path}: No such file or directory\n")
                status = 1
            continue
        if equals:
            if call.process.user != "root" or kernel.chassis.switches.refuse_writes:
                call.err(f'sysctl: permission denied on key "{name.strip()}"\n')
                status = 1
                continue
            call.files.write(path, value.strip() + "\n")
            kernel.chassis.wrote()
        found = call.files.read(path).strip()
        if "q" not in given.flags:
            call.out(f"{found}\n" if "n" in given.flags else f"{name.strip()} = {found}\n")
    return status


def systemctl(call: Call, kernel: Kernel, start: Callable[[Call, str, str], int]) -> int:
    """is-enabled, is-active, enable, disable, start, stop, restart, reload, reboot. ``start`` acts."""
    given = options(call.arguments, "q", "", ("now", "quiet", "no-block"))
    verb, *units = given.operands or ["status"]
    if verb == "reboot":
        return down(call, kernel)
    if verb not in ("is-enabled", "is-active", "enable", "disable", "start", "stop", "restart", "reload"):
        call.err(f"Unknown command verb {verb}.\n")
        return 1
    status = 0
    for name in units:
        unit = name if "." in name else f"{name}.service"
        status = _unit(call, kernel, verb, unit, start) or status
        if verb in ("enable", "disable") and "now" in given.flags and not status:
            status = start(call, unit, "start" if verb == "enable" else "stop")
    return status


def _unit(call: Call, kernel: Kernel, verb: str, unit: str, start: Callable[[Call, str, str], int]) -> int:
    there = call.files.exists(unit_file(unit))
    link = UNITS.get(unit, "")
    if verb == "is-enabled":
        if not there:
            call.err(f"Failed to get unit file state for {unit}: No such file or directory\n")
            return 1
        on = enabled(call.files.exists, unit)
        call.out("enabled\n" if on else "disabled\n")
        return int(not on)
    if verb == "is-active":
        call.out("active\n" if there else "inactive\n")
        return 0 if there else 3
    if call.process.user != "root":
        call.err(f"Failed to {verb} {unit}: Interactive authentication required.\n")
        return 1
    if not there:
        call.err(f"Failed to {verb} unit: Unit file {unit} does not exist.\n")
        return 1
    if verb not in ("enable", "disable"):
        return start(call, unit, verb)
    try:
        if verb == "enable" and not call.files.exists(link):
            call.files.write(link, "")
            call.err(f"Created symlink {link} → {unit_file(unit)}.\n")
        elif verb == "disable" and call.files.exists(link):
            call.files.remove(link)
            call.err(f'Removed "{link}".\n')
    except OSError as why:
        call.err(f"Failed to {verb} unit: {why.strerror}\n")
        return 1
    return 0


def sudo(call: Call, allowed: bool) -> Run[int]:
    """Without asking for a password, or not at all: nobody could type one on an exec channel."""
    rest = call.arguments[1:]
    asked = "-n" in rest
    while rest and rest[0] in ("-n", "-E", "-S", "--"):
        rest.pop(0)
    if call.process.user != "root" and not allowed:
        said = "a password is required"
        if not asked:
            said = (
                "a terminal is required to read the password; either use the -S option to read from "
                "standard input or configure an askpass helper"
            )
        call.err(f"sudo: {said}\n")
        return 1
    call.process.user = "root"
    call.process.variables["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return (yield from call.shell.program(rest, call.process))
