"""
An EdgeOS router: its running and startup configurations, its kernel, its at jobs, and how it boots.

The commit-confirm guard lives here because it outlives every session: an at job on the router's clock,
cut to whole minutes, which only ``confirm`` or ``atrm`` ends (recorded from a Vyatta CLI, 2026-11).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.twin import Chassis, Exec, Terminal, Timer, User
from sipalg_fix.lab.twins.edgeos import factory
from sipalg_fix.lab.twins.edgeos.factory import SIP, Model
from sipalg_fix.lab.twins.edgeos.kernel import CONNTRACK_SIP, NAT_SIP, Kernel
from sipalg_fix.lab.twins.edgeos.options import Options, read_options
from sipalg_fix.lab.twins.edgeos.tree import Tree, commands, exists, find, parse, put, remove, render

BOOT_FILE = "/config/config.boot"
CONFIRM_JOB = "/var/run/confirm.job"
REGISTER_SECONDS = 30.0
"""After its flow is gone a phone registers anew this much later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One line of the commit archive."""

    at: float
    user: str
    via: str
    comment: str
    text: str


@dataclass(slots=True, kw_only=True)
class Job:
    """One at job: what it will do, and when."""

    number: int
    timer: Timer


@dataclass(slots=True, kw_only=True)
class Candidate:
    """
    The edits of one configure session, replayed on what is running whenever somebody looks.

    That is what a session sees on the real box, too: commits of others show through (recorded).
    """

    user: str
    edits: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    unsaved: bool = False
    """This session committed and has not saved: it is warned when it leaves."""

    def working(self, running: Tree) -> Tree:
        """The candidate configuration."""
        tree = copied(running)
        for verb, path in self.edits:
            (put if verb == "set" else remove)(tree, path)
        return tree


def copied(tree: Tree) -> Tree:
    """A copy that shares nothing."""
    return {name: copied(below) for name, below in tree.items()}


class EdgeOs:
    """
    A virtual EdgeRouter with a terminal and an exec channel.

    ``users`` are the accounts (levels ``admin`` and ``operator``), by default ubnt with password ubnt.
    ``options`` are those of :class:`~sipalg_fix.lab.twins.edgeos.options.Options`; another one is a
    :class:`ValueError`.
    """

    def __init__(self, name: str, users: dict[str, User] | None = None, **options: Any) -> None:
        self.options: Options = read_options(options)
        self.chassis = Chassis(
            name=name,
            users=users or {"ubnt": User(password="ubnt")},
            identification="SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u7",
        )
        self.model: Model = factory.model(self.options.model, self.options.version)
        self.files: dict[str, str] = {}
        """Files that somebody put there, by path; they survive a boot."""
        self.revisions: list[Revision] = []
        self.jobs: dict[int, Job] = {}
        self.confirm_job: int | None = None
        self.sessions: list[Terminal] = []
        self.candidates: list[Candidate] = []
        self._next_job = 1
        self._rollback = ""
        self.kernel = Kernel(release=self.model.kernel, phones=self.options.phones)
        self._start(self.options)
        self.chassis.on_down.append(self._boot)

    def _start(self, options: Options) -> None:
        levels = {name: user.level for name, user in self.chassis.users.items()}
        base = factory.first_configuration(options.host_name or self.chassis.name, levels)
        if options.revisions:
            put(base, ("system", "config-management", "commit-revisions", str(options.revisions)))
        if options.uisp:
            put(base, ("service", "unms", "connection", options.uisp))
        startup, self.running = copied(base), copied(base)
        options.startup.write(startup)
        options.running.write(self.running)
        if options.unsaved:
            put(self.running, options.unsaved)
        self.startup = factory.boot_file(render(startup), options.version)
        self.kernel.boot(without=options.unloaded)
        self.kernel.held = options.in_use
        if options.revisions:
            self.archive("root", "init", "commit")

    # What it is.

    @property
    def banner(self) -> str:
        """Shown before authentication."""
        return factory.PRE_LOGIN + (factory.CONFUSING if self.chassis.switches.hash_banner else "")

    @property
    def host_name(self) -> str:
        """As configured."""
        return next(iter(find(self.running, ("system", "host-name")) or {}), "ubnt")

    def clock(self, form: str) -> str:
        """Its time, in UTC, written by :func:`time.strftime`."""
        return time.strftime(form, time.gmtime(self.chassis.now))

    # Doors.

    def terminal(self, user: str, width: int, height: int) -> Terminal:
        """Open a session for a user who has logged in."""
        from sipalg_fix.lab.twins.edgeos.screen import Session  # it holds a router, so it imports us

        session = Session(self, user, width, height)
        self.sessions = [known for known in self.sessions if not known.closed] + [session]
        return session

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run one command line as ``ssh host command`` does: no operational mode, no configure mode."""
        from sipalg_fix.lab.twins.edgeos.environment import Environment

        return Environment(self, user, tty=False).script(command, stdin)

    def reads_stdin(self, command: str) -> bool:
        """Does this command read its standard input to the end?"""
        return "bash -s" in command or command.rstrip().endswith(("/vbash", "/bash"))

    # Changes.

    def save(self) -> bool:
        """Write what is running to the startup file; false if the disk does not take it."""
        if self.chassis.switches.save_fails:
            return False
        self.chassis.wrote()
        self.startup = factory.boot_file(render(self.running), self.options.version)
        return True

    def archive(self, user: str, via: str, comment: str) -> None:
        """Add to the commit archive, which keeps as many revisions as are configured."""
        kept = next(iter(find(self.running, ("system", "config-management", "commit-revisions")) or {}), "0")
        text = factory.boot_file(render(self.running), self.options.version)
        entry = Revision(at=self.chassis.now, user=user, via=via, comment=comment, text=text)
        self.revisions = [entry, *self.revisions][: int(kept)]

    @property
    def revisions_wanted(self) -> bool:
        """Are commit revisions configured? Without them there is no commit-confirm."""
        wanted = find(self.running, ("system", "config-management", "commit-revisions")) or {}
        return any(int(value) > 0 for value in wanted)

    def guard(self, minutes: int) -> None:
        """Queue the job of commit-confirm: back to the startup file of this moment, and a reboot."""
        self._rollback = self.startup
        # at(1) cuts "now + N minutes" to the whole minute (recorded: 06:14:26 + 1 fires at 06:15:00).
        due = self.chassis.now // 60 * 60 + minutes * 60
        self.confirm_job = self.queue(due, lambda: self.roll_back(self._rollback, "root"))

    def queue(self, due: float, act: Callable[[], None]) -> int:
        """Queue an at job; returns its number."""
        number = self._next_job
        self._next_job += 1

        def fire() -> None:
            del self.jobs[number]
            act()

        timer = self.chassis.after(due - self.chassis.now, fire)
        self.jobs[number] = Job(number=number, timer=timer)
        self.chassis.wrote()
        return number

    def unqueue(self, number: int) -> bool:
        """``atrm``; false if there is no such job."""
        job = self.jobs.pop(number, None)
        if job is None:
            return False
        job.timer.cancelled = True
        self.chassis.wrote()
        return True

    def roll_back(self, text: str, user: str) -> None:
        """Write an older configuration to the startup file, and reboot into it."""
        self.startup = text
        if self.revisions:
            entry = Revision(at=self.chassis.now, user=user, via="other", comment="commit", text=text)
            self.revisions = [entry, *self.revisions]
        self.reboot()

    def flush(self, gone: Callable[[str, int, str], bool]) -> int:
        """Delete the tracked flows for which ``gone(protocol, destination port, source)`` holds; how many."""
        kernel = self.kernel
        doomed = [flow for flow in kernel.flows if gone(flow.protocol, flow.dport, flow.inside)]
        kernel.flows = [flow for flow in kernel.flows if flow not in doomed]
        kernel.expected = [flow for flow in kernel.expected if flow not in doomed]
        if doomed:
            self.chassis.wrote()
            self.chassis.after(REGISTER_SECONDS, kernel.register)
        return len(doomed)

    def reboot(self) -> None:
        """Go down and come up, unless the switch ``reboot_fails`` is on."""
        self.chassis.wrote()
        if not self.chassis.switches.reboot_fails:
            self.chassis.power_cycle()

    def _boot(self) -> None:
        """What a power cycle does to us: every session and all that was not saved is gone."""
        for session in self.sessions:
            session.closed = True
        self.sessions, self.candidates, self.confirm_job = [], [], None
        self.running = parse(self.startup)
        off = exists(self.running, (*SIP, "disable"))
        self.kernel.boot(without=(NAT_SIP, CONNTRACK_SIP) if off else ())

    def snapshot(self) -> dict[str, Any]:
        """All of it as plain data; candidates only where they hold an edit."""
        return {
            "running": commands(self.running),
            "startup": self.startup,
            **self.kernel.snapshot(),
            "jobs": {str(number): job.timer.due for number, job in self.jobs.items()},
            "confirm_job": self.confirm_job,
            "candidates": [
                [" ".join((verb, *path)) for verb, path in some.edits]
                for some in self.candidates
                if some.edits
            ],
            "revisions": len(self.revisions),
            "files": dict(self.files),
            "boots": self.chassis.boots,
        }
