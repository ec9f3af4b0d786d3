"""
Who types, and in which mode: what one command means to a shell of the router.

An interactive shell has operational mode and ``configure``; a command over an SSH exec channel has only
Linux (recorded: ``ssh host 'show version'`` is an invalid command, status 127), unless it goes through
the wrappers in /opt/vyatta or a script sources the script template.
"""

from __future__ import annotations

from collections.abc import Sequence

from sipalg_fix.lab.twin import Exec
from sipalg_fix.lab.twins.edgeos import configure, linux, operational
from sipalg_fix.lab.twins.edgeos.router import Candidate, EdgeOs
from sipalg_fix.lab.twins.edgeos.shell import Result, Unfinished, run, split

TEMPLATE = "/opt/vyatta/etc/functions/script-template"
OPERATOR_WORDS = ("exit", "set", "show", "terminal")
"""What an operator's shell takes of what we know (vyatta-cfg, etc/shell/level/users/allowed-op)."""


class Environment:
    """One shell: its user, mode and variables. ``tty`` says that a person may be looking at it."""

    def __init__(self, router: EdgeOs, user: str, *, tty: bool) -> None:
        self.router: EdgeOs = router
        self.user: str = user
        self.tty: bool = tty
        self.operational: bool = tty
        self.candidate: Candidate | None = None
        self.names: dict[str, str] = {"SHELL": "/bin/vbash", "USER": user, "HOME": f"/home/{user}", "?": "0"}
        self.root: bool = False
        self.closed: bool = False
        self.rows: int | None = None
        """The screen height that was asked for with ``terminal length``; 0 turns the pager off."""
        self.columns: int | None = None
        self.restricted: bool = router.chassis.users[user].level == "operator"

    @property
    def paging(self) -> bool:
        """Does long output wait for a key?"""
        return self.tty and self.rows != 0 and self.names.get("VYATTA_PAGER") != "cat"

    def enter_configure(self) -> None:
        """Begin a candidate."""
        self.candidate = Candidate(user=self.user)
        self.router.candidates.append(self.candidate)

    def leave_configure(self) -> None:
        """Drop the candidate."""
        self.router.candidates = [some for some in self.router.candidates if some is not self.candidate]
        self.candidate = None

    def call(self, words: Sequence[str], stdin: str) -> Result:
        """Run one command; its status becomes ``$?``."""
        result = self._call(list(words), stdin)
        self.names["?"] = str(result.status)
        return result

    def _call(self, words: list[str], stdin: str) -> Result:
        first = words[0]
        if self.candidate is not None and first == "run":
            return operational.run(self, words[1:], before="" if words[1:] else "run")
        if self.candidate is not None and first in configure.COMMANDS:
            return configure.COMMANDS[first](self, self.candidate, words[1:])
        if self.tty and self.restricted:
            # Recorded: an operator's shell knows no pipes and no Linux; `lsmod | grep sip` names lsmod.
            if not any(word.startswith(first) for word in OPERATOR_WORDS):
                return operational.invalid("", first)
            return operational.run(self, words)
        if first == "source" and words[1:] == [TEMPLATE]:
            self.operational = True
            return Result()
        if self.operational and self.candidate is None and operational.knows(first):
            return operational.run(self, words)
        return linux.run(self, words, stdin)

    def script(self, text: str, stdin: str) -> Exec:
        """Run lines one after the other, as an exec channel or a script does."""
        stdout, stderr, status = "", "", 0
        for line in text.splitlines():
            try:
                steps = split(line)
            except Unfinished:
                stderr += "vbash: -c: syntax error: unexpected end of file\n"
                return Exec(stdout=stdout, stderr=stderr, status=2)
            for step in steps:
                if self.closed or not step.due(status):
                    continue
                result = run(step.pipeline, self.call, self.names, stdin)
                if result.ask is not None:  # nobody can answer: IO::Prompt takes that for a no
                    result = Result(stdout=result.stdout + result.ask.then(False).stdout, status=1)
                stdout, stderr, status = stdout + result.stdout, stderr + result.stderr, result.status
        if self.candidate is not None:
            self.leave_configure()
        return Exec(stdout=stdout, stderr=stderr, status=status)
