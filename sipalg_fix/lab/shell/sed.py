"""
``sed``: the stream editor, as far as scripts that edit configurations use it.

Commands s d p q = a i c n N y and groups; addresses by number, ``$`` and ``/re/``, ranges, ``!``; options
-n -e -f -E -r -s -i. What is not known is an error, as it is in a real one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sipalg_fix.lab.shell.arguments import Options, options, program, reading
from sipalg_fix.lab.shell.patterns import PatternError
from sipalg_fix.lab.shell.run import Call, Program
from sipalg_fix.lab.shell.sedscript import SedCommand, SedError, read_script


class _Quit(Exception):
    """``q``."""


class _Editor:
    """One run over some lines."""

    def __init__(self, script: list[SedCommand], text: str, *, quiet: bool) -> None:
        self._script = script
        self._lines = [each for each in re.split(r"(?<=\n)", text) if each]
        self._quiet = quiet
        self._number = 0
        self._space = ""
        self._out: list[str] = []
        self._after: list[str] = []

    def result(self) -> str:
        """The text after editing."""
        try:
            while self._number < len(self._lines):
                self._load()
                self._cycle()
        except _Quit:
            pass
        text = "".join(self._out)
        # A last line without its newline stays without it.
        if self._lines and not self._lines[-1].endswith("\n") and self._number == len(self._lines):
            text = text.removesuffix("\n")
        return text

    def _load(self) -> None:
        self._space = self._lines[self._number].removesuffix("\n")
        self._number += 1

    def _cycle(self) -> None:
        self._after = []
        try:
            kept = self._apply(self._script)
        except _Quit:
            self._finish(shown=not self._quiet)
            raise
        self._finish(shown=kept and not self._quiet)

    def _finish(self, *, shown: bool) -> None:
        if shown:
            self._out.append(self._space + "\n")
        self._out += self._after
        self._after = []

    def _apply(self, commands: list[SedCommand]) -> bool:
        """False if the line is deleted."""
        for command in commands:
            if not command.applies(self._space, self._number, self._number == len(self._lines)):
                continue
            if command.name == "{":
                if not self._apply(command.body):
                    return False
            elif not self._one(command):
                return False
        return True

    def _one(self, command: SedCommand) -> bool:
        match command.name:
            case "s":
                self._substitute(command)
            case "y":
                self._space = self._space.translate(str.maketrans(command.flags, command.text))
            case "p":
                self._out.append(self._space + "\n")
            case "=":
                self._out.append(f"{self._number}\n")
            case "a":
                self._after.append(command.text)
            case "i":
                self._out.append(command.text)
            case "c":
                if not command.active:
                    self._out.append(command.text)
                return False
            case "q":
                raise _Quit
            case "n" | "N":
                if self._number == len(self._lines):
                    raise _Quit
                if command.name == "n":
                    self._finish(shown=not self._quiet)
                    self._load()
                else:
                    self._space += "\n" + self._lines[self._number].removesuffix("\n")
                    self._number += 1
            case _:
                return False
        return True

    def _substitute(self, command: SedCommand) -> None:
        if command.expression is None:
            return
        wanted = int("".join(each for each in command.flags if each.isdigit()) or "1")
        out, at, count, end = "", 0, 0, -1
        for found in command.expression.finditer(self._space):
            if found.group() == "" and found.start() == end:
                continue  # nothing is found right behind what was found
            end = found.end()
            count += 1
            if count < wanted or (count > wanted and "g" not in command.flags):
                continue
            out += self._space[at : found.start()] + _replacement(command.text, found)
            at = found.end()
        if count >= wanted:
            self._space = out + self._space[at:]
            if "p" in command.flags:
                self._out.append(self._space + "\n")


def _replacement(text: str, found: re.Match[str]) -> str:
    def one(escape: re.Match[str]) -> str:
        if escape.group() == "&":
            return found.group()
        character = escape.group()[1]
        if character.isdigit():
            return (found.group(int(character)) or "") if int(character) <= (found.re.groups) else ""
        return {"n": "\n", "t": "\t"}.get(character, character)

    return re.sub(r"\\(?:.|\n)|&", one, text)


def _sed(call: Call) -> int:
    arguments = [f"--in-place={each[2:]}" if re.fullmatch(r"-i.*", each) else each for each in call.arguments]
    given = options(arguments, "nErsz", "ef", ("in-place=", "quiet", "silent", "regexp-extended"))
    text = "\n".join(_scripts(call, given))
    extended = bool(given.flags & {"E", "r", "regexp-extended"})
    quiet = bool(given.flags & {"n", "quiet", "silent"})
    try:
        read_script(text, extended=extended)
    except (SedError, PatternError) as why:
        return call.fail(f"-e expression #1, char {len(text)}: {why}")
    found = _inputs(call, given)
    if not given.all("in-place"):
        script = read_script(text, extended=extended)
        whole = "".join(each for _, each in found)
        call.out(_Editor(script, whole, quiet=quiet).result())
        return 0 if len(found) == len(given.operands or ["-"]) else 2
    for name, each in found:
        result = _Editor(read_script(text, extended=extended), each, quiet=quiet).result()
        if not _store(call, name, each, result, given.value("in-place")):
            return 4
    return 0 if len(found) == len(given.operands or ["-"]) else 2


def _scripts(call: Call, given: Options) -> Iterator[str]:
    """The parts of the script; without -e or -f it is the first operand."""
    if not given.values or all(name == "in-place" for name, _ in given.values):
        if given.operands:
            yield given.operands.pop(0)
        return
    for name, value in given.values:
        if name == "e":
            yield value
        elif name == "f":
            yield call.files.read(call.path(value), call.process.user).removesuffix("\n")


def _inputs(call: Call, given: Options) -> list[tuple[str, str]]:
    directories = [name for name in given.operands if call.files.is_dir(call.path(name))]
    for name in directories:
        call.err(f"sed: couldn't edit {name}: not a regular file\n")
    there = [
        name for name in given.operands if name not in directories and call.files.exists(call.path(name))
    ]
    for name in given.operands:
        if name not in there and name not in directories:
            call.err(f"sed: can't read {name}: No such file or directory\n")
    return reading(call, there) if there or not given.operands else []


def _store(call: Call, name: str, before: str, after: str, suffix: str) -> bool:
    """Through a new file beside the old one, as GNU does it: where that fails, the old one stays."""
    path = call.path(name)
    directory = path.rpartition("/")[0] or "/"
    fresh = f"{directory.rstrip('/')}/sedTwin01"
    user = call.process.user
    try:
        call.files.write(fresh, "", user)
    except OSError as why:
        call.err(f"sed: couldn't open temporary file {fresh}: {why.strerror}\n")
        return False
    try:
        mode = call.files.mode(path)
        call.files.write(fresh, after, user)
        call.files.set_mode(fresh, mode, user)
        if suffix:
            call.files.write(path + suffix, before, user)
        call.files.rename(fresh, path, user)
    except OSError as why:
        call.files.remove(fresh, user)
        call.err(f"sed: couldn't flush {fresh}: {why.strerror}\n")
        return False
    return True


def sed_programs() -> dict[str, Program]:
    """By name."""
    return {"sed": program(_sed)}
