"""
The programs and processes of one box: what a login shell finds, and what goes on in the background.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from sipalg_fix.lab.shell import grammar
from sipalg_fix.lab.shell.files import ROOT, FileSystem, Live, absolute
from sipalg_fix.lab.shell.process import BoxDown, Buffer, Dialect, Exit, Process, Run, Source
from sipalg_fix.lab.shell.run import Broken, Call, Program, Shell, is_single
from sipalg_fix.lab.shell.syntax import ScriptError
from sipalg_fix.lab.twin import Chassis, Exec, Timer

_ELF = "\x7fELF"


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A process, as ``ps`` shows it. ``work`` is None for one that runs in the foreground, or only sleeps."""

    pid: int
    process: Process
    work: Run[int] | None = None
    timer: Timer | None = None
    sleeper: Job | None = None
    """The ``sleep`` that it waits for; killing that lets it go on at once."""
    leader: bool = False
    """It leads a process group of its own, with its sleep in it."""
    status: int | None = None

    @property
    def command(self) -> str:
        """Its command line."""
        return " ".join(self.process.command)


class Userland:
    """
    ``programs`` are by path; an executable text file runs too. ``go_down`` is what a reboot does.

    ``paths`` is PATH for root and for everybody else. ``builtins`` are those of its shells.
    """

    def __init__(
        self,
        *,
        chassis: Chassis,
        files: FileSystem,
        dialect: Dialect,
        go_down: Callable[[], None],
        paths: tuple[str, str] = (
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "/usr/local/bin:/usr/bin:/bin:/usr/games",
        ),
    ) -> None:
        self.chassis = chassis
        self.files = files
        self.dialect = dialect
        self.programs: dict[str, Program] = {}
        self.builtins: dict[str, Program] = {}
        self.shell = Shell(self, self.builtins)
        self.jobs: dict[int, Job] = {}
        self.finished: dict[int, int] = {}
        """The status of each background process that has ended."""
        self._go_down = go_down
        self._paths = paths
        self._last_pid = 1000
        chassis.on_down.append(self._all_end)

    def install(self, programs: dict[str, Program], *directories: str) -> None:
        """Put programs into directories; the same directory may go by several names, as on merged-/usr."""
        for name, program in programs.items():
            for directory in directories:
                self.programs[f"{directory}/{name}"] = program
                self.files.put(f"{directory}/{name}", _ELF, 0o755)

    # One command line.

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """What a login gets who gives one command; status 255 with nothing more if the box went down."""
        out, err = Buffer(), Buffer()
        process = self.login(user, command)
        process.open = {0: Source(stdin), 1: out, 2: err}
        self.enter(process)
        boots = self.chassis.boots
        try:
            status = self._foreground(self.script(command, process), boots)
        except BoxDown:
            self.halt()
            return Exec(stdout=out.text, stderr=err.text, status=255)
        finally:
            self.leave(process.pid)
        return Exec(stdout=out.text, stderr=err.text, status=status)

    def login(self, user: str, command: str) -> Process:
        """The process of a fresh login."""
        home = "/root" if user == ROOT else f"/home/{user}"
        variables = {"HOME": home, "USER": user, "LOGNAME": user, "SHELL": f"/bin/{self.dialect.name}"}
        variables["PATH"] = self._paths[user != ROOT]
        pid = self.new_pid()
        return Process(
            pid=pid,
            own_pid=pid,
            name=self.dialect.name,
            dialect=self.dialect,
            user=user,
            directory=home if self.files.is_dir(home) else "/",
            open={},
            variables=variables,
            exported=set(variables),
            command=(self.dialect.name, "-c", command),
        )

    def script(self, text: str, process: Process) -> Run[int]:
        """Read and run a script in a process; what cannot be read is status 2 and nothing is done."""
        try:
            script = grammar.parse(text)
            process.lone = len(script.chains) == 1 and is_single(script.chains[0])
            return (yield from self.shell.run(script, process))
        except ScriptError as why:
            process.line = why.line
            process.complain(process.dialect.syntax, why=str(why))
            return 2
        except Exit as exit_:
            return exit_.status
        except Broken:
            return 0

    def _foreground(self, work: Run[int], boots: int) -> int:
        answer: int | None = None
        while True:
            try:
                seconds = work.send(answer)
            except StopIteration as end:
                return int(end.value)
            self.chassis.advance(seconds)
            if self.chassis.boots != boots:
                work.close()
                return 255
            answer = 0

    # Processes.

    def new_pid(self) -> int:
        """A number that no process has had."""
        self._last_pid += 1
        return self._last_pid

    def enter(self, process: Process) -> Job:
        """Show a foreground process until :meth:`leave`."""
        return self._show(Job(pid=process.own_pid, process=process))

    def leave(self, pid: int) -> None:
        """It is there no more."""
        self.jobs.pop(pid, None)
        self.files.live.pop(f"/proc/{pid}/cmdline", None)
        self.files.nodes.pop(f"/proc/{pid}", None)

    def _show(self, job: Job) -> Job:
        self.jobs[job.pid] = job
        self.files.make_dirs(f"/proc/{job.pid}")
        self.files.live[f"/proc/{job.pid}/cmdline"] = Live(
            read=lambda: "".join(f"{each}\0" for each in job.process.command)
        )
        return job

    def start(self, work: Run[int], process: Process) -> int:
        """Run on in the background, up to its first sleep now; the number of the new process."""
        process.own_pid = self.new_pid()
        job = self._show(Job(pid=process.own_pid, process=process, work=work))
        self._resume(job, None)
        return job.pid

    def retitle(self, process: Process, command: list[str]) -> None:
        """The process becomes another program, and ``ps`` shows this for it."""
        job = self.jobs.get(process.own_pid)
        if job is not None:
            job.process.command = tuple(command)

    def _resume(self, job: Job, answer: int | None) -> None:
        if job.work is None:
            return
        if job.sleeper is not None:
            self.leave(job.sleeper.pid)
        job.sleeper = job.timer = None
        try:
            seconds = job.work.send(answer)
        except StopIteration as end:
            self._end(job, int(end.value))
        except BoxDown:
            self.halt()
        else:
            job.timer = self.chassis.after(seconds, lambda: self._resume(job, 0))
            if not job.command.startswith("sleep "):
                asleep = job.process.fork()
                asleep.own_pid, asleep.command = self.new_pid(), ("sleep", f"{seconds:g}")
                job.sleeper = self._show(Job(pid=asleep.own_pid, process=asleep))

    def kill(self, pid: int, signal: int) -> None:
        """
        Send a signal: 0 only looks, any other ends the process. KeyError if there is none.

        A negative ``pid`` is a process group. Killing a shell leaves its ``sleep`` behind, which does
        nothing more; killing the ``sleep`` lets the shell go on.
        """
        job = self.jobs[abs(pid)]
        if pid < 0 and not job.leader:
            raise KeyError(pid)
        if signal == 0:
            return
        waiting = next((each for each in self.jobs.values() if each.sleeper is job), None)
        if waiting is not None:
            if waiting.timer is not None:
                waiting.timer.cancelled = True
            self._resume(waiting, 128 + signal)
            return
        self._end(job, 128 + signal)
        if job.sleeper is not None and job.timer is not None:
            if pid < 0:
                self._end(job.sleeper, 128 + signal)
            else:
                left = job.sleeper
                left.timer = self.chassis.after(job.timer.due - self.chassis.now, lambda: self._end(left, 0))

    def _end(self, job: Job, status: int) -> None:
        self.leave(job.pid)
        if job.timer is not None:
            job.timer.cancelled = True
        job.status = self.finished[job.pid] = status
        if job.work is not None and inspect.getgeneratorstate(job.work) != inspect.GEN_RUNNING:
            job.work.close()

    def halt(self) -> None:
        """The box goes down."""
        self._go_down()

    def _all_end(self) -> None:
        """However it went down, nothing runs any more."""
        for job in list(self.jobs.values()):
            self._end(job, 137)

    # Programs.

    def find(self, name: str, process: Process) -> Program | int:
        """The program of this name, or 127 (there is none) or 126 (it may not be executed)."""
        path = self.locate(name, process)
        if not path:
            return 127
        if not self.files.may(process.user, path, 1) or self.files.is_dir(path):
            return 126
        return self.programs.get(path) or self._interpret

    def locate(self, name: str, process: Process) -> str:
        """The path of a program, by PATH unless the name holds a slash; empty if there is none."""
        if "/" in name:
            path = absolute(name, process.directory)
            return path if self.files.exists(path) else ""
        for directory in process.variables.get("PATH", "").split(":"):
            path = f"{directory.rstrip('/')}/{name}"
            if self.files.exists(path) and not self.files.is_dir(path):
                return path
        return ""

    def _interpret(self, call: Call) -> Run[int]:
        text = self.files.read(call.path(call.arguments[0]), call.process.user)
        process = call.process
        process.name = call.arguments[0]
        process.arguments = call.arguments[1:]
        process.pid = self.new_pid()
        return (yield from self.script(text, process))
