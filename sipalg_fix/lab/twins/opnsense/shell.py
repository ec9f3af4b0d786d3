r"""
Root's shell on the virtual OPNsense: csh, as FreeBSD gives it.

``ssh root@host 'command'`` is run by csh. Its rules were checked with tcsh 6.24: ``2>&1`` by itself
passes an argument ``2`` and sends everything to a file named ``1``; with a second redirection, or
before a pipe, it is an ``Ambiguous output redirect.``, and nothing of the line is done; ``$(…)`` is an
``Illegal variable name.``; ``!word`` an ``Event not found.``, even in quotes; a pipeline fails if any
of it fails. Compound commands (if, foreach, while, parentheses) are left out.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sipalg_fix.lab.shell.files import FileSystem, absolute
from sipalg_fix.lab.twin import Exec

Run = Callable[[list[str], str], Exec]
"""Runs one command with its standard input."""

WORD = re.compile(r"""(?:\\.|'[^']*'|"[^"]*"|`[^`]*`|\$\([^()]*\)|[^\s;|&<>'"`\\])+""", re.DOTALL)
"""Between double quotes a backslash does not help a quote."""
OPERATOR = re.compile(r"&&|\|\||\|&|>>&|>&|>>|>|<|\||;|\n|&")
PIECE = re.compile(
    r"""\\(?P<escaped>.)|'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<run>`[^`]*`)"""
    r"""|(?P<variable>\$(?:\w+|\?|\{\w+\}))|(?P<plain>.)""",
    re.DOTALL,
)
INSIDE = re.compile(r"`[^`]*`|\$(?:\w+|\?|\{\w+\})")
"""What means something between double quotes."""

HOME = "/root"


class Unreadable(Exception):
    """A line, or the rest of it, that is not done; the message goes to standard error."""


class NoMatch(Exception):
    """One command that is not done, for a pattern in it stands for no file."""


@dataclass(slots=True, kw_only=True)
class Simple:
    """One command as it is written: its words, and where its descriptors go, in order."""

    words: list[str] = field(default_factory=list)
    redirections: list[tuple[str, str]] = field(default_factory=list)
    """Operator, target."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Commands joined by pipes, and the operator that stands before them."""

    before: str
    commands: list[Simple] = field(default_factory=list)


def tokens(line: str) -> Iterable[str]:
    """The words and operators of a line as they are written."""
    at = 0
    while at < len(line):
        found = OPERATOR.match(line, at) or WORD.match(line, at)
        if found:
            yield found.group()
            at = found.end()
        elif line[at].isspace():
            at += 1
        else:
            raise Unreadable(f"Unmatched '{line[at]}'.")


def pipelines(line: str) -> list[Pipeline]:
    """Commands, pipes and chains."""
    result = [Pipeline(before=";", commands=[Simple()])]
    queue = list(tokens(line))
    while queue:
        token = queue.pop(0)
        command = result[-1].commands[-1]
        if not OPERATOR.fullmatch(token):
            command.words.append(token)
        elif token in (";", "\n", "&&", "||"):
            result.append(Pipeline(before=token, commands=[Simple()]))
        elif token in ("|", "|&"):
            result[-1].commands.append(Simple())
        elif token == "&" or not queue or OPERATOR.fullmatch(queue[0]):
            raise Unreadable("Missing name for redirect.")
        else:
            command.redirections.append((token, queue.pop(0)))
    return [pipeline for pipeline in result if pipeline.commands[0].words]


def check(line: str, chains: list[Pipeline]) -> None:
    """What csh refuses before it does anything."""
    if event := re.search(r"(?<!\\)!([^\s=(']+)", line):
        raise Unreadable(f"{event[1]}: Event not found.")
    if re.search(r"\$\(", re.sub(r"\\.|'[^']*'", "", line)):
        raise Unreadable("Illegal variable name.")
    for chain in chains:
        for number, command in enumerate(chain.commands):
            outputs = sum(operator != "<" for operator, _ in command.redirections)
            if outputs + (number + 1 < len(chain.commands)) > 1:
                raise Unreadable("Ambiguous output redirect.")


@dataclass(slots=True, kw_only=True)
class Csh:
    """Runs lines, in root's home."""

    run: Run
    files: FileSystem
    status: int = 0

    def line(self, text: str, stdin: str = "") -> Exec:
        """Run a whole line."""
        out = err = ""
        try:
            chains = pipelines(text)
            check(text, chains)
            for chain in chains:
                if (chain.before == "&&" and self.status) or (chain.before == "||" and not self.status):
                    continue
                done = self._pipe(chain.commands, stdin)
                out, err, self.status = out + done.stdout, err + done.stderr, done.status
        except Unreadable as refusal:
            return Exec(stdout=out, stderr=f"{err}{refusal}\n", status=1)
        return Exec(stdout=out, stderr=err, status=self.status)

    def _pipe(self, commands: list[Simple], stdin: str) -> Exec:
        err, failed, done = "", 0, Exec()
        for command in commands:
            try:
                done = self._simple(command, stdin)
            except NoMatch as refusal:
                done = Exec(stderr=f"{refusal}\n", status=1)
            stdin, err, failed = done.stdout, err + done.stderr, done.status or failed
        return Exec(stdout=done.stdout, stderr=err, status=failed)

    def _simple(self, command: Simple, stdin: str) -> Exec:
        words = [word for written in command.words for word in self._expand(written, command.words[0])]
        place, both = "", False
        for operator, written in command.redirections:
            target = absolute("".join(self._expand(written, command.words[0])), HOME)
            if operator == "<":
                stdin = self.files.read(target) if self.files.exists(target) else ""
                continue
            place, both = target, operator.endswith("&")
            if not operator.startswith(">>"):
                self.files.write(place, "")
        done = self.run(words, stdin)
        if not place:
            return done
        self.files.write(place, done.stdout + (done.stderr if both else ""), append=True)
        return Exec(stderr="" if both else done.stderr, status=done.status)

    def _expand(self, written: str, command: str) -> list[str]:
        """A word as the command gets it; more than one if it is a pattern that stands for several files."""
        text, pattern = "", False
        for piece in PIECE.finditer(written):
            plain = piece["plain"] or ""
            pattern = pattern or plain in tuple("*?[")
            text += (piece["escaped"] or "") + (piece["single"] or "") + plain
            text += INSIDE.sub(lambda found: self._value(found[0]), piece["double"] or "")
            text += self._value(piece["run"] or piece["variable"] or "")
        if not pattern:
            return [text]
        names = [*self.files.names(HOME), *self.files.below("/")]
        hits = [name for name in sorted(names) if fnmatch.fnmatchcase(name, text)]
        if not hits:
            raise NoMatch(f"{command}: No match.")
        return hits

    def _value(self, written: str) -> str:
        """What a variable or a substitution stands for."""
        if written[:1] == "`":
            return self.line(written[1:-1]).stdout.rstrip("\n")
        name = written.strip("${}")
        known = {"": "", "?": str(self.status), "status": str(self.status), "HOME": HOME}
        if name not in known:
            raise Unreadable(f"{name}: Undefined variable.")
        return known[name]
