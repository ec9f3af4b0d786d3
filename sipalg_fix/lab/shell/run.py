"""
Running commands that have been read: order, status, redirections, pipes, background. (XCU 2.7 to 2.9, 2.12.)

A pipe is run from left to right, each side to its end before the next begins.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sipalg_fix.lab.shell import expand
from sipalg_fix.lab.shell.files import FileSystem, absolute, fault
from sipalg_fix.lab.shell.patterns import shell_pattern
from sipalg_fix.lab.shell.process import Buffer, Closed, Exit, FileSink, Open, Process, Run, Source
from sipalg_fix.lab.shell.syntax import (
    Case,
    Chain,
    Command,
    For,
    Group,
    If,
    Loop,
    Pipeline,
    Redirection,
    Script,
    Simple,
    Word,
)

_MOST_ROUNDS = 10_000
"""A loop of more rounds than this never ends: in memory nothing outside can end it."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of a program. ``arguments`` begin with its name; a builtin's ``process`` is the shell."""

    arguments: list[str]
    process: Process
    files: FileSystem
    shell: Shell

    def out(self, text: str) -> None:
        """Write to standard output."""
        self.process.sink(1).write(text)

    def err(self, text: str) -> None:
        """Write to standard error."""
        self.process.sink(2).write(text)

    def fail(self, message: str, status: int = 1) -> int:
        """Say ``name: message`` on standard error, and give the status."""
        self.err(f"{self.arguments[0].rpartition('/')[2]}: {message}\n")
        return status

    def path(self, name: str) -> str:
        """A file name as an absolute path."""
        return absolute(name, self.process.directory)


Program: TypeAlias = Callable[[Call], "int | Generator[float, int | None, int]"]


class Broken(Exception):
    """``break`` or ``continue`` out of ``depth`` loops."""

    def __init__(self, depth: int, *, again: bool) -> None:
        super().__init__(depth)
        self.depth = depth
        self.again = again


class Machine(Protocol):
    """What a shell needs of the box it runs on."""

    files: FileSystem

    def find(self, name: str, process: Process) -> Program | int:
        """The program of this name, or 127 (there is none) or 126 (it may not be executed)."""

    def start(self, work: Run[int], process: Process) -> int:
        """Run on in the background; the number of the new process."""

    def retitle(self, process: Process, command: list[str]) -> None:
        """The process becomes another program, and ``ps`` shows this for it."""


def is_single(chain: Chain) -> bool:
    """Is it one command, for which a shell needs no process besides the command's own?"""
    (_, first), *more = chain.links
    return not more and len(first.commands) == 1 and isinstance(first.commands[0], Simple)


class Shell:
    """Runs scripts on a machine. ``builtins`` are called with the shell's own process."""

    def __init__(self, machine: Machine, builtins: dict[str, Program]) -> None:
        self.machine = machine
        self.builtins = builtins

    def run(self, script: Script, process: Process) -> Run[int]:
        """All chains of a script; the last status. Exit ends it early."""
        for chain in script.chains:
            if chain.background:
                self._background(chain, process)
                process.status = 0
            else:
                yield from self._chain(chain, process)
        return process.status

    def in_fork(self, script: Script, process: Process) -> Run[int]:
        """Run in a copy of the process, as parentheses do; what it changes stays there."""
        child = process.fork()
        try:
            return (yield from self.run(script, child))
        except Exit as exit_:
            return exit_.status

    def output(self, script: Script, process: Process) -> Run[str]:
        """What a command substitution gives; its status is that of a command that only assigns."""
        child = process.fork()
        buffer = Buffer()
        child.open[1] = buffer
        process.substituted = yield from self.in_fork(script, child)
        return buffer.text

    # Chains and pipes.

    def _background(self, chain: Chain, process: Process) -> None:
        child = process.fork()
        child.open[0] = Source()
        child.tested = 0
        child.lone = is_single(chain)
        process.last_background = self.machine.start(self._alone(chain, child), child)

    def _alone(self, chain: Chain, process: Process) -> Run[int]:
        try:
            yield from self._chain(chain, process)
        except Exit as exit_:
            return exit_.status
        return process.status

    def _chain(self, chain: Chain, process: Process) -> Run[None]:
        for number, (operator, pipeline) in enumerate(chain.links):
            if (operator == "&&" and process.status != 0) or (operator == "||" and process.status == 0):
                continue
            last = number == len(chain.links) - 1
            process.tested += not last
            try:
                process.status = yield from self._pipeline(pipeline, process)
            finally:
                process.tested -= not last
            self._errexit(process, ignored=not last or pipeline.negated)

    @staticmethod
    def _errexit(process: Process, *, ignored: bool) -> None:
        if process.status != 0 and "e" in process.options and not process.tested and not ignored:
            raise Exit(process.status)

    def _pipeline(self, pipeline: Pipeline, process: Process) -> Run[int]:
        process.tested += pipeline.negated
        try:
            if len(pipeline.commands) == 1:
                status = yield from self._command(pipeline.commands[0], process)
            else:
                status = yield from self._pipe(pipeline.commands, process)
        finally:
            process.tested -= pipeline.negated
        return int(status == 0) if pipeline.negated else status

    def _pipe(self, commands: tuple[Command, ...], process: Process) -> Run[int]:
        statuses: list[int] = []
        source: Open | None = process.open.get(0)
        for number, command in enumerate(commands):
            child = process.fork()
            if source is not None:
                child.open[0] = source
            buffer = Buffer()
            if number < len(commands) - 1:
                child.open[1] = buffer
            try:
                statuses.append((yield from self._command(command, child)))
            except Exit as exit_:
                statuses.append(exit_.status)
            source = Source(buffer.text)
        failed = [status for status in statuses if status]
        return failed[-1] if failed and "pipefail" in process.options else statuses[-1]

    # Commands.

    def _command(self, command: Command, process: Process) -> Run[int]:
        if isinstance(command, Simple):
            return (yield from self._simple(command, process))
        before = dict(process.open)
        try:
            if not (yield from self._redirect(command.redirections, process)):
                return process.dialect.redirection_status
            return (yield from self._compound(command, process))
        finally:
            process.open = before

    def _compound(self, command: Group | If | Loop | For | Case, process: Process) -> Run[int]:
        match command:
            case Group(subshell=True):
                return (yield from self.in_fork(command.body, process))
            case Group():
                return (yield from self.run(command.body, process))
            case If():
                for condition, body in command.arms:
                    if (yield from self._holds(condition, process)):
                        return (yield from self._body(body, process))
                return (yield from self._body(command.otherwise, process))
            case Case():
                return (yield from self._case(command, process))
            case Loop():
                status = 0
                for _ in range(_MOST_ROUNDS):
                    if (yield from self._holds(command.condition, process)) == command.until:
                        return status
                    if (yield from self._round(command.body, process)):
                        return process.status
                    status = process.status
                raise RuntimeError(f"a loop of the twin's shell does not end: {command}")
            case For():
                words = process.arguments if command.words is None else []
                for word in command.words or ():
                    words += yield from self._fields(word, process)
                for value in list(words):
                    process.variables[command.name] = value
                    if (yield from self._round(command.body, process)):
                        break
                return process.status if words else 0

    def _body(self, script: Script, process: Process) -> Run[int]:
        return (yield from self.run(script, process)) if script.chains else 0

    def _holds(self, condition: Script, process: Process) -> Run[bool]:
        process.tested += 1
        try:
            return (yield from self.run(condition, process)) == 0
        finally:
            process.tested -= 1

    def _round(self, body: Script, process: Process) -> Run[bool]:
        """One round of a loop: is it over?"""
        try:
            yield from self.run(body, process)
        except Broken as broken:
            if broken.depth > 1:
                raise Broken(broken.depth - 1, again=broken.again) from None
            process.status = 0
            return not broken.again
        return False

    def _case(self, command: Case, process: Process) -> Run[int]:
        subject = yield from self._text(command.word, process)
        for patterns, body in command.arms:
            for word in patterns:
                pieces = yield from expand.pieces(word, process, self.machine.files, self.output)
                if re.fullmatch(shell_pattern(pieces), subject, re.S):
                    return (yield from self._body(body, process))
        return 0

    def _fields(self, word: Word, process: Process) -> Run[list[str]]:
        return (yield from expand.fields(word, process, self.machine.files, self.output))

    def _text(self, word: Word, process: Process) -> Run[str]:
        return (yield from expand.text(word, process, self.machine.files, self.output))

    def _simple(self, command: Simple, process: Process) -> Run[int]:
        process.line = command.line
        before = dict(process.open)
        kept = False
        try:
            arguments: list[str] = []
            for word in command.words:
                arguments += yield from self._fields(word, process)
            if not (yield from self._redirect(command.redirections, process)):
                return process.dialect.redirection_status
            process.substituted = 0
            values = []
            for name, word in command.assignments:
                values.append((name, (yield from self._text(word, process))))
            if not arguments:
                process.variables.update(values)
                return process.substituted
            kept = arguments == ["exec"]
            return (yield from self._call(arguments, dict(values), process))
        except expand.ExpansionError as why:
            process.complain(process.dialect.variable, what=str(why))
            raise Exit(2) from None
        finally:
            if not kept:
                process.open = before

    def _call(self, arguments: list[str], values: dict[str, str], process: Process) -> Run[int]:
        builtin = self.builtins.get(arguments[0])
        if builtin is not None:
            if arguments[0] in ("export", "readonly", ":", "eval", "exec", ".", "set"):
                process.variables.update(values)
                return (yield from self.invoke(builtin, arguments, process))
            hidden = {name: process.variables.get(name) for name in values}
            process.variables.update(values)
            try:
                return (yield from self.invoke(builtin, arguments, process))
            finally:
                for name, value in hidden.items():
                    if value is None:
                        process.variables.pop(name, None)
                    else:
                        process.variables[name] = value
        child = process.fork()
        child.lone = process.lone
        # A program gets what is exported and nothing else of the shell.
        child.variables = process.environment | values
        child.exported = set(child.variables)
        child.options, child.arguments, child.tested = set(), [], 0
        return (yield from self.program(arguments, child))

    def program(self, arguments: list[str], process: Process) -> Run[int]:
        """Run a program, found by its name, in a process that was made for it."""
        if process.lone:
            self.machine.retitle(process, arguments)
        found = self.machine.find(arguments[0], process)
        if isinstance(found, int):
            template = process.dialect.denied if found == 126 else process.dialect.not_found
            process.complain(template, what=arguments[0])
            return found
        return (yield from self.invoke(found, arguments, process))

    def invoke(self, program: Program, arguments: list[str], process: Process) -> Run[int]:
        """Call a program or builtin; what cannot be written ends it with an error and status 1."""
        call = Call(arguments=arguments, process=process, files=self.machine.files, shell=self)
        try:
            result = program(call)
            return result if isinstance(result, int) else (yield from result)
        except OSError as why:
            process.complain(process.dialect.write_error, what=arguments[0], why=str(why.strerror))
            return 1

    # Redirections.

    def _redirect(self, redirections: tuple[Redirection, ...], process: Process) -> Run[bool]:
        """Open what is asked for; False, with an error said, if one cannot be opened."""
        for each in redirections:
            process.line = each.line
            target = yield from self._text(each.target, process)
            try:
                process.open = {**process.open, each.descriptor: self._opened(each, target, process)}
            except OSError as why:
                dialect = process.dialect
                reason = {errno.ENOENT: dialect.no_directory, errno.ENOTDIR: dialect.no_directory}
                template = dialect.cannot_create
                if each.operator == "<":
                    reason = {errno.ENOENT: dialect.no_file}
                    template = dialect.cannot_open
                said = reason.get(why.errno or 0, str(why.strerror))
                process.complain(template, path=target, why=said)
                return False
        return True

    def _opened(self, redirection: Redirection, target: str, process: Process) -> Open:
        files = self.machine.files
        path = absolute(target, process.directory)
        match redirection.operator:
            case "<<":
                return Source(target)
            case ">&" | "<&" if target == "-":
                return Closed()
            case ">&" | "<&":
                found = process.open.get(int(target))
                if found is None:
                    raise OSError(errno.EBADF, "Bad file descriptor")
                return found
            case "<":
                if path == "/dev/null":
                    return Source()
                return Source(files.read(path, process.user))
            case "<>":
                raise fault(errno.EINVAL, path)
            case operator:
                files.write(path, "", process.user, append=operator == ">>")
                return FileSink(files=files, path=path, user=process.user)
