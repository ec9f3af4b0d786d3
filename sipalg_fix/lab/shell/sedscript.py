"""Reading a script of ``sed`` into commands."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sipalg_fix.lab.shell.patterns import regular


class SedError(Exception):
    """The script cannot be read; the message is GNU sed's."""


@dataclass(slots=True, kw_only=True)
class Address:
    """A line number, ``$`` (-1), or an expression."""

    number: int = 0
    expression: re.Pattern[str] | None = None

    def matches(self, line: str, number: int, last: bool) -> bool:
        if self.expression is not None:
            return self.expression.search(line) is not None
        return last if self.number == -1 else number == self.number


@dataclass(slots=True, kw_only=True)
class SedCommand:
    addresses: list[Address]
    negated: bool
    name: str
    text: str = ""
    expression: re.Pattern[str] | None = None
    flags: str = ""
    body: list[SedCommand] = field(default_factory=list)
    active: bool = False
    """Within a range that has begun."""

    def applies(self, line: str, number: int, last: bool) -> bool:
        return self._selected(line, number, last) != self.negated

    def _selected(self, line: str, number: int, last: bool) -> bool:
        if not self.addresses:
            return True
        first, *second = self.addresses
        if not second:
            return first.matches(line, number, last)
        end = second[0]
        if self.active:
            # A number that has gone by ends the range with the line after its beginning left out.
            if end.number > 0 and number > end.number:
                self.active = False
                return False
            self.active = not end.matches(line, number, last)
            return True
        if first.matches(line, number, last):
            self.active = last is False and not (0 < end.number <= number)
            return True
        return False


class _Reader:
    """Reads the text of a script into commands."""

    def __init__(self, text: str, *, extended: bool) -> None:
        self._text = text
        self._at = 0
        self._extended = extended
        self._last: re.Pattern[str] | None = None

    def commands(self, *, nested: bool = False) -> list[SedCommand]:
        found: list[SedCommand] = []
        while True:
            self._skip(" \t\n;")
            if self._next() == "#":
                self._line()
                continue
            if not self._next():
                if nested:
                    raise SedError("unmatched `{'")
                return found
            if self._next() == "}":
                if not nested:
                    raise SedError("unexpected `}'")
                self._at += 1
                return found
            found.append(self._command())

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self, characters: str) -> None:
        while self._next() and self._next() in characters:
            self._at += 1

    def _line(self) -> str:
        end = self._text.find("\n", self._at)
        stop = len(self._text) if end < 0 else end
        found, self._at = self._text[self._at : stop], stop
        return found

    def _address(self) -> Address | None:
        number = re.compile("[0-9]+").match(self._text, self._at)
        if number is not None:
            self._at = number.end()
            return Address(number=int(number.group()))
        if self._next() == "$":
            self._at += 1
            return Address(number=-1)
        delimiter = self._next()
        if delimiter == "\\":
            self._at += 1
            delimiter = self._next()
        elif delimiter != "/":
            return None
        self._at += 1
        expression = self._expression(self._until(delimiter), "")
        if self._next() == "I":
            self._at += 1
            expression = re.compile(expression.pattern, re.I)
        return Address(expression=expression)

    def _until(self, delimiter: str) -> str:
        found = ""
        while self._next() != delimiter:
            if not self._next() or (self._next() == "\\" and self._at + 1 == len(self._text)):
                raise SedError("unterminated address regex" if delimiter == "/" else "unterminated command")
            if self._next() == "\\":
                escaped = self._text[self._at + 1]
                found += escaped if escaped == delimiter and delimiter != "|" else "\\" + escaped
                self._at += 2
            else:
                found += self._next()
                self._at += 1
        self._at += 1
        return found

    def _expression(self, text: str, flags: str) -> re.Pattern[str]:
        if not text:
            if self._last is None:
                raise SedError("no previous regular expression")
            return self._last
        self._last = regular(text, extended=self._extended, ignore_case="i" in flags.lower())
        return self._last

    def _command(self) -> SedCommand:
        addresses = self._addresses()
        self._skip(" \t")
        negated = self._next() == "!"
        self._at += negated
        self._skip(" \t")
        command = SedCommand(addresses=addresses, negated=negated, name=self._next())
        self._at += 1
        match command.name:
            case "{":
                command.body = self.commands(nested=True)
            case "s":
                self._substitution(command)
            case "y":
                delimiter = self._next()
                self._at += 1
                command.flags, command.text = self._until(delimiter), self._until(delimiter)
                if len(command.flags) != len(command.text):
                    raise SedError("strings for `y' command are different lengths")
            case "a" | "i" | "c":
                command.text = self._appended()
                return command
            case "d" | "p" | "q" | "=" | "n" | "N":
                pass
            case "":
                raise SedError("missing command")
            case _:
                raise SedError(f"unknown command: `{command.name}'")
        self._skip(" \t")
        if self._next() not in ("", ";", "\n", "}"):
            raise SedError(
                "unknown option to `s'" if command.name == "s" else "extra characters after command"
            )
        return command

    def _addresses(self) -> list[Address]:
        first = self._address()
        if first is None:
            return []
        self._skip(" \t")
        if self._next() != ",":
            return [first]
        self._at += 1
        self._skip(" \t")
        second = self._address()
        if second is None:
            raise SedError("unexpected `,'")
        return [first, second]

    def _substitution(self, command: SedCommand) -> None:
        delimiter = self._next()
        self._at += 1
        pattern, command.text = self._until(delimiter), self._until(delimiter)
        flags = re.compile("[gpiI0-9]*").match(self._text, self._at)
        command.flags = flags.group() if flags else ""
        self._at += len(command.flags)
        command.expression = self._expression(pattern, command.flags)

    def _appended(self) -> str:
        # GNU: the text may follow on the same line; a backslash and a newline before it are dropped.
        self._skip(" \t")
        if self._next() == "\\":
            self._at += 1
            self._skip(" \t")
            if self._next() == "\n":
                self._at += 1
        elif not self._next():
            raise SedError("expected \\ after `a', `c' or `i'")
        text = self._line()
        while text.endswith("\\"):
            self._at += 1
            text = text[:-1] + "\n" + self._line()
        return re.sub(r"\\(.)", r"\1", text) + "\n"


def read_script(text: str, *, extended: bool) -> list[SedCommand]:
    """The commands of a script; SedError or PatternError if it cannot be read."""
    return _Reader(text, extended=extended).commands()
