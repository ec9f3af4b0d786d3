"""
A running shell: its variables, its open files, and what it says when it cannot do a thing.

Anything that may sleep is a generator that yields the seconds it sleeps; whoever drives it lets the twin's
clock pass, in the foreground, or sets a timer, in the background. It is sent the status of the sleep.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, TypeVar

from sipalg_fix.lab.shell.files import FileSystem

T = TypeVar("T")
Run: TypeAlias = Generator[float, "int | None", T]


class Exit(Exception):
    """The shell, or the part of it in parentheses, ends with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class BoxDown(Exception):
    """The whole box goes down, now: nothing after this is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a shell words its errors, as recorded or read in its source; what is in braces is filled in."""

    name: str
    not_found: str
    denied: str
    cannot_create: str
    cannot_open: str
    syntax: str
    write_error: str
    redirection_status: int
    missing_command: int = 127
    """What ``command -v`` gives for a command that there is not."""
    echo_escapes: bool = False
    """``echo`` takes backslashes as escapes without being asked to."""
    variable: str = "{name}: {line}: {what}"
    no_file: str = "No such file or directory"
    no_directory: str = "No such file or directory"
    cannot_read: str = "{tool}: {path}: {why}"
    """Of the programs, not of the shell: BusyBox words this in its own way."""


DASH = Dialect(
    name="sh",
    not_found="{name}: {line}: {what}: not found",
    denied="{name}: {line}: {what}: Permission denied",
    cannot_create="{name}: {line}: cannot create {path}: {why}",
    cannot_open="{name}: {line}: cannot open {path}: {why}",
    syntax="{name}: {line}: Syntax error: {why}",
    write_error="{name}: {line}: {what}: {why}",
    redirection_status=2,
    echo_escapes=True,
    no_file="No such file",
    no_directory="Directory nonexistent",
)
BASH = Dialect(
    name="bash",
    not_found="{name}: line {line}: {what}: command not found",
    denied="{name}: line {line}: {what}: Permission denied",
    cannot_create="{name}: line {line}: {path}: {why}",
    cannot_open="{name}: line {line}: {path}: {why}",
    syntax="{name}: -c: line {line}: syntax error: {why}",
    write_error="{name}: line {line}: {what}: write error: {why}",
    redirection_status=1,
    missing_command=1,
    variable="{name}: line {line}: {what}",
)
ASH = Dialect(
    name="ash",
    not_found="{name}: {what}: not found",
    denied="{name}: {what}: Permission denied",
    cannot_create="{name}: can't create {path}: {why}",
    cannot_open="{name}: can't open {path}: {why}",
    syntax="{name}: syntax error: {why}",
    write_error="{name}: write error: {why}",
    redirection_status=1,
    variable="{name}: {what}",
    no_file="no such file",
    no_directory="nonexistent directory",
    cannot_read="{tool}: can't open '{path}': {why}",
)
"""BusyBox."""


class Source:
    """What a program reads; shared by all that have it open, so that each goes on where another stopped."""

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._at = 0

    def read(self) -> str:
        """All that is left."""
        rest, self._at = self._text[self._at :], len(self._text)
        return rest

    def line(self) -> str:
        """The next line with its newline; empty at the end."""
        end = self._text.find("\n", self._at)
        stop = len(self._text) if end < 0 else end + 1
        found, self._at = self._text[self._at : stop], stop
        return found


class Sink(Protocol):
    """Where a program writes."""

    def write(self, text: str) -> None:
        """Take this; OSError if it cannot be stored."""


class Buffer:
    """A sink that keeps what it gets, in order."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def write(self, text: str) -> None:
        """Take this."""
        self._parts.append(text)

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self._parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """A file that was opened for writing; each write goes to its end."""

    files: FileSystem
    path: str
    user: str

    def write(self, text: str) -> None:
        """Append this."""
        if text:
            self.files.write(self.path, text, self.user, append=True)


class Closed:
    """A descriptor that was closed."""

    def write(self, text: str) -> None:
        """Refuse."""
        raise OSError(9, "Bad file descriptor")


Open: TypeAlias = Source | Sink


@dataclass(slots=True, kw_only=True)
class Process:
    """One shell, or one part of a shell that runs in parentheses, in a pipe, or in the background."""

    pid: int
    name: str
    """How it calls itself in errors, and ``$0``."""
    dialect: Dialect
    user: str
    directory: str
    open: dict[int, Open]
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    arguments: list[str] = field(default_factory=list)
    options: set[str] = field(default_factory=set)
    """Letters of ``set -e`` and ``-u``, and ``pipefail``."""
    status: int = 0
    last_background: int = 0
    line: int = 1
    tested: int = 0
    """How many conditions we are within: there, ``set -e`` lets failures pass."""
    substituted: int = 0
    """The status of the last command substitution, which is the status of ``x=$(false)``."""
    command: tuple[str, ...] = ()
    """The arguments that it was started with, its name first, as ``ps`` shows them."""
    own_pid: int = 0
    """Its own number, where ``pid`` is that of the shell that it was forked from."""
    lone: bool = False
    """It was forked for a single program, and becomes it."""

    def fork(self) -> Process:
        """A copy that can go its own way; ``$$`` stays that of the shell."""
        return replace(
            self,
            open=dict(self.open),
            variables=dict(self.variables),
            exported=set(self.exported),
            arguments=list(self.arguments),
            options=set(self.options),
            lone=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The exported variables."""
        return {name: self.variables[name] for name in sorted(self.exported) if name in self.variables}

    @property
    def source(self) -> Source:
        """Standard input."""
        found = self.open.get(0)
        return found if isinstance(found, Source) else Source()

    def sink(self, descriptor: int) -> Sink:
        """What a descriptor writes to."""
        found = self.open.get(descriptor)
        return Closed() if found is None or isinstance(found, Source) else found

    def complain(self, template: str, **fields: str) -> None:
        """Say on standard error what is wrong, in the words of the dialect."""
        self.sink(2).write(template.format(name=self.name, line=self.line, **fields) + "\n")
