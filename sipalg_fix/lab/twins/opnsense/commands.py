"""
What root can run on the virtual OPNsense, one function a command, in one table.

Sources: opnsense/core (configctl, pluginctl, opnsense-version), FreeBSD's service(8), pgrep(1), pfctl(8)
and sysctl(8). A command that is not in the table is not found.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sipalg_fix.lab.twin import Exec
from sipalg_fix.lab.twins.opnsense.box import Box
from sipalg_fix.lab.twins.opnsense.shell import Shell, located

ABSENT = "siproxd does not exist in /etc/rc.d or the local startup\ndirectories (/usr/local/etc/rc.d)"


@dataclass(slots=True, kw_only=True)
class Root:
    """One exec channel of root."""

    box: Box
    shell: Shell = field(init=False)

    def __post_init__(self) -> None:
        self.shell = Shell(run=self._csh, csh=True, names=self._names)

    def exec(self, command: str, stdin: str) -> Exec:
        """Run a command line in csh."""
        return self.shell.line(command, stdin)

    def _csh(self, words: list[str], stdin: str) -> Exec:
        return self._run(words, stdin, lost="{}: Command not found.\n", status=1)

    def _sh(self, words: list[str], stdin: str) -> Exec:
        return self._run(words, stdin, lost="sh: {}: not found\n", status=127)

    def _run(self, words: list[str], stdin: str, *, lost: str, status: int) -> Exec:
        name = words[0].rpartition("/")[2]
        if name == "sh":
            return self._inner(words, stdin)
        if name == "cat" and len(words) > 1:
            return self._cat(words[1:])
        command = COMMANDS.get(name)
        if command is None:
            return Exec(stderr=lost.format(words[0]), status=status)
        return command(self.box, words[1:], stdin)

    def _inner(self, words: list[str], stdin: str) -> Exec:
        inner = Shell(run=self._sh, csh=False, names=self._names, files=self.shell.files)
        return inner.line(words[2]) if len(words) > 2 and words[1] == "-c" else inner.line(stdin)

    def _names(self) -> list[str]:
        return [*system_files(self.box), *self.shell.files]

    def _cat(self, names: list[str]) -> Exec:
        files = {**system_files(self.box), **self.shell.files}
        lost = [name for name in names if located(name) not in files]
        complaint = "".join(f"cat: {name}: No such file or directory\n" for name in lost)
        text = "".join(files[located(name)] for name in names if located(name) in files)
        return Exec(stdout=text, stderr=complaint, status=1 if lost else 0)


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
        files["/etc/rc.conf.d/siproxd"] = (script if box.daemon.enabled else "") + enable
    return files


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


def pgrep(box: Box, words: list[str], stdin: str) -> Exec:
    """The process id of the proxy, by its exact name or a part of it."""
    name = next((word for word in words if not word.startswith("-")), "")
    hit = name == "siproxd" if "-x" in words else bool(re.search(name, "siproxd"))
    return Exec(stdout=f"{box.daemon.pid}\n") if box.daemon.pid and name and hit else Exec(status=1)


def pfctl(box: Box, words: list[str], stdin: str) -> Exec:
    """``-sn``, ``-ss`` and ``-k host [-k host]``; what it killed it says on standard error."""
    match words:
        case ["-sn"] | ["-s", "nat"]:
            return Exec(stdout=box.filter.rules())
        case ["-ss"] | ["-s", "state" | "states"]:
            return Exec(stdout="".join(f"{state.line()}\n" for state in box.filter.states))
        case ["-k", source] | ["-k", source, "-k", _]:
            box.chassis.wrote()
            target = words[3] if len(words) == 4 else ""
            count = box.filter.kill(source, target)
            ends = f"from 1 sources and {int(bool(target))} destinations"
            return Exec(stderr=f"killed {count} states {ends}\n")
        case _:
            return Exec(stderr="usage: pfctl [-AdeghMmNnOPqRrvz] [-a anchor]\n", status=1)


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


def grep(box: Box, words: list[str], stdin: str) -> Exec:
    """Lines of its input; the options i, v, c, q, F, E and their groups."""
    flags = "".join(word[1:] for word in words if re.fullmatch(r"-[ivcqFE]+", word))
    patterns = [word for word in words if not re.fullmatch(r"-[ivcqFE]+", word)]
    if len(patterns) != 1:
        return Exec(stderr="usage: grep [-abcdDEFGHhIiLlmnOopqRSsUVvwxz] [pattern] [file ...]\n", status=2)
    text = re.escape(patterns[0]) if "F" in flags else patterns[0]
    wanted = re.compile(text, re.IGNORECASE if "i" in flags else 0)
    hits = [line for line in stdin.splitlines() if bool(wanted.search(line)) != ("v" in flags)]
    out = f"{len(hits)}\n" if "c" in flags else "".join(f"{line}\n" for line in hits)
    return Exec(stdout="" if "q" in flags else out, status=0 if hits else 1)


def reboot(box: Box, words: list[str], stdin: str) -> Exec:
    """The box restarts; the session does not hear the end of it."""
    box.reboot()
    return Exec()


def shutdown(box: Box, words: list[str], stdin: str) -> Exec:
    """``shutdown -r now``."""
    return reboot(box, words, stdin) if words == ["-r", "now"] else Exec(stderr="usage: shutdown\n", status=1)


def _says(text: str, status: int = 0) -> Callable[[Box, list[str], str], Exec]:
    return lambda box, words, stdin: Exec(stdout=text, status=status)


def echo(box: Box, words: list[str], stdin: str) -> Exec:
    """Its words."""
    return Exec(stdout=" ".join(words) + "\n")


def listing(box: Box, words: list[str], stdin: str) -> Exec:
    """``ls`` of the directory with the copies of the configuration."""
    if words[-1:] and words[-1].rstrip("/") == "/conf/backup":
        return Exec(stdout="".join(f"{revision.id}\n" for revision in box.config.history))
    names = [word for word in words if not word.startswith("-")]
    lost = "".join(f"ls: {name}: No such file or directory\n" for name in names)
    return Exec(stderr=lost, status=1 if lost else 0)


COMMANDS: Mapping[str, Callable[[Box, list[str], str], Exec]] = {
    "opnsense-version": opnsense_version,
    "pluginctl": pluginctl,
    "configctl": configctl,
    "service": service,
    "pgrep": pgrep,
    "pfctl": pfctl,
    "sysctl": sysctl,
    "uname": uname,
    "id": _says("uid=0(root) gid=0(wheel) groups=0(wheel),5(operator)\n"),
    "whoami": _says("root\n"),
    "true": _says(""),
    "false": _says("", 1),
    "cat": lambda box, words, stdin: Exec(stdout=stdin),
    "echo": echo,
    "ls": listing,
    "grep": grep,
    "egrep": grep,
    "reboot": reboot,
    "shutdown": shutdown,
}
"""Every command by its name; a path before the name is as good."""
