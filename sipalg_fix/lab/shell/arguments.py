"""
Reading the options of a program, as getopt does, with the words in which GNU programs refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from sipalg_fix.lab.shell.run import Call, Program


class Usage(Exception):
    """The program was called in a way that it, or this twin of it, does not have."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True, kw_only=True)
class Options:
    """``flags`` are single letters or long names; ``values`` the options that take one, in order."""

    flags: set[str] = field(default_factory=set)
    values: list[tuple[str, str]] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)

    def value(self, name: str, otherwise: str = "") -> str:
        """The last value of an option."""
        return next((value for each, value in reversed(self.values) if each == name), otherwise)

    def all(self, name: str) -> list[str]:
        """Every value of an option."""
        return [value for each, value in self.values if each == name]


def options(
    arguments: list[str], flags: str = "", valued: str = "", long: tuple[str, ...] = (), status: int = 1
) -> Options:
    """
    ``flags`` and ``valued`` are letters; ``long`` are names, with ``=`` if they take a value.

    Options may stand after operands, as GNU has it. Usage, with ``status``, for any other option.
    """
    found = Options()
    rest = list(arguments[1:])
    while rest:
        each = rest.pop(0)
        if each == "--":
            found.operands += rest
            break
        if each.startswith("--"):
            name, equals, value = each[2:].partition("=")
            if name in long and not equals:
                found.flags.add(name)
            elif name + "=" in long:
                found.values.append((name, value if equals else _next(rest, name, status)))
            else:
                raise Usage(f"unrecognized option '{each}'", status)
        elif each.startswith("-") and each != "-":
            _letters(each[1:], rest, found, (flags, valued), status)
        else:
            found.operands.append(each)
    return found


def _letters(letters: str, rest: list[str], found: Options, known: tuple[str, str], status: int) -> None:
    while letters:
        letter, letters = letters[0], letters[1:]
        if letter in known[0]:
            found.flags.add(letter)
        elif letter in known[1]:
            found.values.append((letter, letters or _next(rest, letter, status)))
            return
        else:
            raise Usage(f"invalid option -- '{letter}'", status)


def _next(rest: list[str], name: str, status: int) -> str:
    if not rest:
        raise Usage(f"option requires an argument -- '{name}'", status)
    return rest.pop(0)


def program(work: Callable[[Call], int | Generator[float, int | None, int]]) -> Program:
    """A program whose Usage errors become its message and status."""

    def guarded(call: Call) -> int | Generator[float, int | None, int]:
        try:
            result = work(call)
        except Usage as why:
            return call.fail(str(why), why.status)
        return result if isinstance(result, int) else _watched(call, result)

    return guarded


def _watched(call: Call, result: Generator[float, int | None, int]) -> Generator[float, int | None, int]:
    try:
        return (yield from result)
    except Usage as why:
        return call.fail(str(why), why.status)


def reading(call: Call, names: list[str]) -> list[tuple[str, str]]:
    """(name, text) of each file, or of standard input; one that cannot be read is said and left out."""
    found = []
    for name in names or ["-"]:
        if name == "-":
            found.append(("-", call.process.source.read()))
            continue
        try:
            found.append((name, call.files.read(call.path(name), call.process.user)))
        except OSError as why:
            tool = call.arguments[0].rpartition("/")[2]
            template = call.process.dialect.cannot_read
            call.err(template.format(tool=tool, path=name, why=why.strerror) + "\n")
    return found
