"""
What OPNsense and FreeBSD have for root to run on the virtual one, one function a command, in one table.

Sources: opnsense/core (configctl, pluginctl, opnsense-version), FreeBSD's service(8), pfctl(8) and
sysctl(8).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sipalg_fix.lab import pf, siproxd
from sipalg_fix.lab.shell.process import BoxDown
from sipalg_fix.lab.twin import Exec
from sipalg_fix.lab.twins.opnsense import carp
from sipalg_fix.lab.twins.opnsense.box import Box

ABSENT = "siproxd does not exist in /etc/rc.d or the local startup\ndirectories (/usr/local/etc/rc.d)"


def system_files(box: Box) -> dict[str, str]:
    """The files that can be read."""
    enable = f'siproxd_enable="{"YES" if box.daemon.enabled else "NO"}"\n'
    script = 'siproxd_var_script="/usr/local/opnsense/scripts/OPNsense/Siproxd/setup.sh"\n'
    files = {
        "/conf/config.xml": box.config.history[-1].xml,
        "/usr/local/opnsense/version/core": f'{{\n    "CORE_VERSION": "{box.version}"\n}}\n',
    }
    files |= {f"/conf/backup/{revision.id}": revision.xml for revision in box.config.history}
    if box.plugin:
        files[siproxd.FILE] = _conf(box)
        files["/etc/rc.conf.d/siproxd"] = (script if box.daemon.enabled else "") + enable
    return files


def _conf(box: Box) -> str:
    """As it was generated; nothing of a proxy that is not enabled."""
    settings = box.siproxd or {}
    ports = (settings[name] for name in ("sip_listen_port", "rtp_port_low", "rtp_port_high"))
    return siproxd.conf(*ports) if box.daemon.enabled else ""


def sockstat(box: Box, words: list[str], stdin: str) -> Exec:
    """``-4 -P udp``."""
    port = (box.siproxd or {}).get("sip_listen_port", "")
    return Exec(stdout=siproxd.sockets(box.daemon.pid, port, box.daemon.media))


def opnsense_version(box: Box, words: list[str], stdin: str) -> Exec:
    """Name, version and architecture; ``-v`` the version alone."""
    return Exec(stdout=f"{box.version}\n" if words == ["-v"] else f"OPNsense {box.version} (amd64)\n")


def pluginctl(box: Box, words: list[str], stdin: str) -> Exec:
    """``-g path`` prints a value of the configuration, an empty line for one that is not there."""
    prefix = "OPNsense.siproxd.general."
    if len(words) == 2 and words[0] == "-g":
        settings = box.siproxd or {}
        known = settings.get(words[1].removeprefix(prefix), "") if words[1].startswith(prefix) else ""
        return Exec(stdout=f"{known}\n")
    return Exec(stderr="Usage: man pluginctl\n", status=1)


def configctl(box: Box, words: list[str], stdin: str) -> Exec:
    """What configd answers; its own exit status is 0 whatever became of the action."""
    outcome = box.configd_run(" ".join(words))
    if outcome is None:
        return Exec(stderr="configd socket missing (@/var/run/configd.socket)\n", status=255)
    return Exec(stdout=f"{outcome}\n")


def service(box: Box, words: list[str], stdin: str) -> Exec:
    """``service siproxd onestatus`` and its like."""
    match words:
        case ["siproxd", action] if box.plugin:
            if not action.endswith("status"):
                box.chassis.wrote()
            return box.daemon.rc(action)
        case [name, _]:
            return Exec(stderr=f"{ABSENT.replace('siproxd', name)}, or is not executable\n", status=1)
        case _:
            return Exec(stderr="usage: service [-j <jail name or id>] -e\n", status=1)


def pfctl(box: Box, words: list[str], stdin: str) -> Exec:
    """What it killed it says on standard error."""
    match words:
        case ["-sn"] | ["-s", "nat"]:
            return Exec(stdout=box.filter.rules())
        case ["-ss"] | ["-s", "state" | "states"]:
            return Exec(stdout="".join(f"{line}\n" for line, _ in box.filter.table(box.chassis.now)))
        case ["-vss"]:
            return Exec(stdout=pf.verbose(box.filter.table(box.chassis.now)))
        case ["-si"]:
            return Exec(stdout=pf.counters(len(box.filter.table(box.chassis.now))))
        case ["-st"]:
            return Exec(stdout=pf.timeouts(60, 30, 60))
        case ["-k", source] | ["-k", source, "-k", _]:
            box.chassis.wrote()
            target = words[3] if len(words) == 4 else ""
            count = box.filter.kill(source, target)
            ends = f"from 1 sources and {int(bool(target))} destinations"
            return Exec(stderr=f"killed {count} states {ends}\n")
        case _:
            return Exec(stderr="usage: pfctl [-AdeghMmNnOPqRrvz] [-a anchor]\n", status=1)


def ifconfig(box: Box, words: list[str], stdin: str) -> Exec:
    """``-a``."""
    if words != ["-a"]:
        return Exec(stderr=f"ifconfig: interface {' '.join(words)} does not exist\n", status=1)
    return Exec(stdout=carp.by_ifconfig(box))


def sysctl(box: Box, words: list[str], stdin: str) -> Exec:
    """``kern.boottime``, and the two names of the system."""
    booted = box.chassis.booted_at
    date = time.strftime(f"%a %b {time.gmtime(booted).tm_mday:2d} %H:%M:%S %Y", time.gmtime(booted))
    known = {
        "kern.boottime": f"{{ sec = {int(booted)}, usec = 0 }} {date}",
        "kern.hostname": f"{box.config.host}.example.net",
        "kern.ostype": "FreeBSD",
    }
    names = [word for word in words if not word.startswith("-")]
    out = "".join(
        f"{known[name]}\n" if "-n" in words else f"{name}: {known[name]}\n" for name in names if name in known
    )
    lost = "".join(f"sysctl: unknown oid '{name}'\n" for name in names if name not in known)
    return Exec(stdout=out, stderr=lost, status=1 if lost else 0)


def uname(box: Box, words: list[str], stdin: str) -> Exec:
    """The system, with ``-a`` all of it, with ``-r`` its release."""
    release = "14.3-RELEASE-p5"
    host = f"{box.config.host}.example.net"
    whole = f"FreeBSD {host} {release} FreeBSD {release} stable/26.7-n271652 SMP amd64"
    return Exec(stdout={"-a": whole, "-r": release}.get("".join(words), "FreeBSD") + "\n")


def reboot(box: Box, words: list[str], stdin: str) -> Exec:
    """The box restarts; the session does not hear the end of it."""
    if not box.chassis.switches.reboot_fails:
        raise BoxDown
    return Exec()


def shutdown(box: Box, words: list[str], stdin: str) -> Exec:
    """``shutdown -r now``."""
    return reboot(box, words, stdin) if words == ["-r", "now"] else Exec(stderr="usage: shutdown\n", status=1)


def identity(box: Box, words: list[str], stdin: str) -> Exec:
    """``id``, and ``id -u``."""
    all_of_it = "uid=0(root) gid=0(wheel) groups=0(wheel),5(operator)\n"
    return Exec(stdout="0\n" if words == ["-u"] else all_of_it)


COMMANDS: Mapping[str, Callable[[Box, list[str], str], Exec]] = {
    "opnsense-version": opnsense_version,
    "pluginctl": pluginctl,
    "configctl": configctl,
    "service": service,
    "pfctl": pfctl,
    "sysctl": sysctl,
    "sockstat": sockstat,
    "ifconfig": ifconfig,
    "uname": uname,
    "id": identity,
    "reboot": reboot,
    "shutdown": shutdown,
}
"""Every command by its name."""
