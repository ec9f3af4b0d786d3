"""
What runs on the virtual OPNsense: root's csh, the sh that one must ask for, the programs of both, and jobs
that outlive a session but no restart.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from sipalg_fix.lab.shell.arguments import program
from sipalg_fix.lab.shell.files import Live
from sipalg_fix.lab.shell.process import ASH
from sipalg_fix.lab.shell.run import Call, Program
from sipalg_fix.lab.shell.standard import furnished
from sipalg_fix.lab.shell.userland import Userland
from sipalg_fix.lab.twin import Exec
from sipalg_fix.lab.twins.opnsense import php
from sipalg_fix.lab.twins.opnsense.box import Box
from sipalg_fix.lab.twins.opnsense.commands import COMMANDS, system_files
from sipalg_fix.lab.twins.opnsense.shell import Csh

SH = replace(ASH, name="sh", cannot_read="{tool}: {path}: {why}")
FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
BUILTINS = ("echo", "kill")
"""Those that csh has as sh has them."""


@dataclass(slots=True, kw_only=True)
class System:
    """The processes and files of one box; made before it is first asked."""

    box: Box
    userland: Userland = field(init=False)

    def __post_init__(self) -> None:
        self.userland = furnished(self.box.chassis, SH, {"root": 0}, self.box.reboot)
        own: dict[str, Program] = {name: program(_run(self.box, work)) for name, work in COMMANDS.items()}
        own |= {"php": program(self._php), "pgrep": program(self._pgrep)}
        self.userland.install(own, *FOLDERS)
        self.box.chassis.on_down.append(self.userland.files.boot)

    def exec(self, command: str, stdin: str) -> Exec:
        """Run a command line in csh."""
        files = self.userland.files
        files.live = {path: live for path, live in files.live.items() if path.startswith("/proc/")}
        for path, text in system_files(self.box).items():
            files.make_dirs(path.rpartition("/")[0])
            files.live[path] = Live(read=partial(str, text))
        return Csh(run=self._csh, files=files).line(command, stdin)

    @property
    def jobs(self) -> list[str]:
        """The command lines of what goes on in the background."""
        return sorted(job.command for job in self.userland.jobs.values() if job.work is not None)

    def _csh(self, words: list[str], stdin: str) -> Exec:
        if words[0].rpartition("/")[2] == "sh":
            script, rest = (words[2], stdin) if words[1:2] == ["-c"] and len(words) > 2 else (stdin, "")
            return self.userland.exec("root", script, rest)
        files = self.userland.files
        paths = [words[0]] if "/" in words[0] else [f"{folder}/{words[0]}" for folder in FOLDERS]
        if words[0] not in BUILTINS and not any(files.exists(path) for path in paths):
            return Exec(stderr=f"{words[0]}: Command not found.\n", status=1)
        return self.userland.exec("root", shlex.join(words), stdin)

    def _php(self, call: Call) -> int:
        match call.arguments[1:]:
            case ["-r", script, *rest]:
                text, status = php.run(self.box, script, [word for word in rest if word != "--"])
                call.out(text)
                return status
            case _:
                call.out("Could not open input file\n")
                return 1

    def _pgrep(self, call: Call) -> int:
        """``-x`` for the daemon, ``-f`` and ``-lf`` for what a command line holds."""
        *options, pattern = call.arguments[1:]
        flags = "".join(options)
        if "f" not in flags:
            pid = self.box.daemon.pid if pattern == "siproxd" else None
            call.out(f"{pid}\n" if pid else "")
            return int(pid is None)
        found = [job for job in self.userland.jobs.values() if job.work is not None]
        found = [job for job in found if pattern.replace("[ ]", " ") in job.command]
        call.out("".join(f"{job.pid} {job.command}\n" if "l" in flags else f"{job.pid}\n" for job in found))
        return int(not found)


def _run(box: Box, work: Callable[[Box, list[str], str], Exec]) -> Callable[[Call], int]:
    """A command of the box as a program of its shell."""

    def run(call: Call) -> int:
        done = work(box, call.arguments[1:], call.process.source.read())
        call.out(done.stdout)
        call.err(done.stderr)
        return done.status

    return run
