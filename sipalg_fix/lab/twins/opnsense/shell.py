"""
Root's shell on the virtual OPNsense: csh, as FreeBSD gives it, and the sh that one must ask for.

``ssh root@host 'command'`` is run by csh. Its rules were checked with tcsh 6.24: ``2>&1`` by itself
passes an argument ``2`` and sends everything to a file named ``1``; with a second redirection, or
before a pipe, it is an ``Ambiguous output redirect.``, and nothing of the line is done; ``$(…)`` is an
``Illegal variable name.``; ``!word`` an ``Event not found.``, even in quotes; a pipeline fails if any
of it fails. ``/bin/sh -c '…'`` means what it says everywhere else. Compound commands (if, for, while,
parentheses) are left out of both.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sipalg_fix.lab.twin import Exec

Run = Callable[[list[str], str], Exec]
"""Runs one command with its standard input."""

QUOTED = {False: r"""(?:\\.|[^"\\])*""", True: r"""[^"]*"""}
"""What may stand between double quotes, in sh and in csh, where a backslash does not help a quote."""

WORD = {
    csh: re.compile(rf"""(?:\\.|'[^']*'|"{quoted}"|`[^`]*`|\$\([^()]*\)|[^\s;|&<>'"`\\])+""", re.DOTALL)
    for csh, quoted in QUOTED.items()
}
OPERATOR = re.compile(r"&&|\|\||\|&|>>&|>&|>>|>|<|\||;|\n|&")
PIECE = {
    csh: re.compile(
        rf"""\\(?P<escaped>.)|'(?P<single>[^']*)'|"(?P<double>{quoted})"|(?P<run>`[^`]*`|\$\([^()]*\))"""
        r"""|(?P<variable>\$(?:\w+|\?|\{\w+\}))|(?P<plain>.)""",
        re.DOTALL,
    )
    for csh, quoted in QUOTED.items()
}
INSIDE = {
    False: re.compile(r"\\([\"\\$`])|(`[^`]*`|\$\([^()]*\)|\$(?:\w+|\?|\{\w+\}))"),
    True: re.compile(r"(\0)|(`[^`]*`|\$(?:\w+|\?|\{\w+\}))"),
}
"""What means something between double quotes."""

NULL = "/dev/null"


class Unreadable(Exception):
    """A line, or the rest of it, that is not done; the message goes to standard error."""


class NoMatch(Exception):
    """One command of csh that is not done, for a pattern in it stands for no file."""


@dataclass(slots=True, kw_only=True)
class Simple:
    """One command as it is written: its words, and where its descriptors go, in order."""

    words: list[str] = field(default_factory=list)
    redirections: list[tuple[str, str, str]] = field(default_factory=list)
    """Descriptor, operator, target."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Commands joined by pipes, and the operator that stands before them."""

    before: str
    commands: list[Simple] = field(default_factory=list)


def located(name: str) -> str:
    """The key of a file by the name it was called: names without a slash in front are in root's home."""
    return name if name.startswith("/") else f"./{name.removeprefix('./')}"


def tokens(line: str, *, csh: bool) -> Iterable[tuple[str, bool]]:
    """The words and operators of a line as they are written, each with: does it touch what is before it?"""
    at, touches = 0, False
    while at < len(line):
        found = OPERATOR.match(line, at) or WORD[csh].match(line, at)
        if found:
            yield found.group(), touches
            at, touches = found.end(), True
        elif line[at].isspace():
            at, touches = at + 1, False
        else:
            raise Unreadable(f"Unmatched '{line[at]}'.")


def pipelines(line: str, *, csh: bool) -> list[Pipeline]:
    """Commands, pipes and chains. In sh a digit right before ``>`` is a descriptor, in csh a word."""
    result = [Pipeline(before=";", commands=[Simple()])]
    queue = list(tokens(line, csh=csh))
    while queue:
        token, touches = queue.pop(0)
        command = result[-1].commands[-1]
        if not OPERATOR.fullmatch(token):
            command.words.append(token)
        elif token in (";", "\n", "&&", "||"):
            result.append(Pipeline(before=token, commands=[Simple()]))
        elif token in ("|", "|&"):
            result[-1].commands.append(Simple())
        elif token == "&" or not queue or OPERATOR.fullmatch(queue[0][0]):
            raise Unreadable("Missing name for redirect." if csh else "sh: Syntax error")
        else:
            descriptor = "0" if token == "<" else "1"
            if not csh and touches and command.words[-1:] in (["1"], ["2"]):
                descriptor = command.words.pop()
            command.redirections.append((descriptor, token, queue.pop(0)[0]))
    return [pipeline for pipeline in result if pipeline.commands[0].words]


def check_csh(line: str, chains: list[Pipeline]) -> None:
    """What csh refuses before it does anything."""
    if event := re.search(r"!([^\s=(']+)", line):
        raise Unreadable(f"{event[1]}: Event not found.")
    if re.search(r"\$\(", re.sub(r"\\.|'[^']*'", "", line)):
        raise Unreadable("Illegal variable name.")
    for chain in chains:
        for number, command in enumerate(chain.commands):
            outputs = sum(operator != "<" for _, operator, _ in command.redirections)
            if outputs + (number + 1 < len(chain.commands)) > 1:
                raise Unreadable("Ambiguous output redirect.")


@dataclass(slots=True, kw_only=True)
class Shell:
    """Runs lines, as csh or as sh. ``names`` are the files there are, ``files`` what redirections made."""

    run: Run
    csh: bool
    names: Callable[[], Iterable[str]]
    files: dict[str, str] = field(default_factory=dict)
    status: int = 0

    def line(self, text: str, stdin: str = "") -> Exec:
        """Run a whole line."""
        out = err = ""
        try:
            chains = pipelines(text, csh=self.csh)
            if self.csh:
                check_csh(text, chains)
            for chain in chains:
                if (chain.before == "&&" and self.status) or (chain.before == "||" and not self.status):
                    continue
                done = self._pipe(chain.commands, stdin)
                out, err, self.status = out + done.stdout, err + done.stderr, done.status
        except Unreadable as refusal:
            return Exec(stdout=out, stderr=f"{err}{refusal}\n", status=1 if self.csh else 2)
        return Exec(stdout=out, stderr=err, status=self.status)

    def _pipe(self, commands: list[Simple], stdin: str) -> Exec:
        err, failed, done = "", 0, Exec()
        for command in commands:
            try:
                done = self._simple(command, stdin)
            except NoMatch as refusal:
                done = Exec(stderr=f"{refusal}\n", status=1)
            stdin, err, failed = done.stdout, err + done.stderr, done.status or failed
        return Exec(stdout=done.stdout, stderr=err, status=failed if self.csh else done.status)

    def _simple(self, command: Simple, stdin: str) -> Exec:
        words = [word for written in command.words for word in self._expand(written, command.words[0])]
        # Where each descriptor goes: "1" and "2" are the session's own, anything else is a file.
        places = {"1": "1", "2": "2"}
        for descriptor, operator, written in command.redirections:
            target = "".join(self._expand(written, command.words[0]))
            place = located(target)
            if operator == "<":
                stdin = self.files.get(place, "")
            elif operator.endswith("&") and self.csh:
                places = {"1": place, "2": place}
            elif operator.endswith("&"):
                places[descriptor] = places.get(target, place)
            else:
                places[descriptor] = place
        done = self.run(words, stdin)
        texts = {"1": "", "2": ""}
        for descriptor, text in (("1", done.stdout), ("2", done.stderr)):
            place = places[descriptor]
            if place in texts:
                texts[place] += text
            elif place != NULL:
                self.files[place] = self.files.get(place, "") + text
        return Exec(stdout=texts["1"], stderr=texts["2"], status=done.status)

    def _expand(self, written: str, command: str) -> list[str]:
        """A word as the command gets it; more than one if it is a pattern that stands for several files."""
        text, pattern = "", False
        for piece in PIECE[self.csh].finditer(written):
            plain = piece["plain"] or ""
            pattern = pattern or plain in tuple("*?[")
            text += (piece["escaped"] or "") + (piece["single"] or "") + plain
            text += INSIDE[self.csh].sub(self._inside, piece["double"] or "")
            text += self._value(piece["run"] or piece["variable"] or "")
        if not pattern:
            return [text]
        hits = [name for name in sorted(self.names()) if fnmatch.fnmatchcase(name, text)]
        if self.csh and not hits:
            raise NoMatch(f"{command}: No match.")
        return hits or [text]

    def _inside(self, found: re.Match[str]) -> str:
        return found[1] if found[1] else self._value(found[2])

    def _value(self, written: str) -> str:
        """What a variable or a substitution stands for."""
        if written[:1] == "`" or written[:2] == "$(":
            inner = written[1:-1] if written[0] == "`" else written[2:-1]
            return self.line(inner).stdout.rstrip("\n")
        name = written.strip("${}")
        known = {"": "", "?": str(self.status), "status": str(self.status), "HOME": "/root"}
        if self.csh and name not in known:
            raise Unreadable(f"{name}: Undefined variable.")
        return known.get(name, "")
