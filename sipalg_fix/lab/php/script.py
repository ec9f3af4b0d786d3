"""
``php -r`` as far as short scripts go: variables, arrays, comparisons, if, foreach, echo, exit, functions, and
objects of classes that there are.

Whatever else a script holds is a parse error, with status 255 as PHP has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.php.values import PhpError, Value, compared, text, truth, unquoted

Function = Callable[[list[Value]], Value]

_TOKEN = re.compile(
    r"""\s+|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d+)|(?P<name>\$?[A-Za-z_]\w*|(?:\\[A-Za-z_]\w*)+)"""
    r"""|(?P<sign>->|::|===|!==|==|!=|&&|\|\||\+=|=>|\?\?|[-+.!?:;,(){}\[\]=<>])""",
    re.DOTALL,
)
_BINDING = {
    "??": 1,
    "||": 2,
    "&&": 3,
    "==": 4,
    "!=": 4,
    "===": 4,
    "!==": 4,
    "<": 5,
    ">": 5,
    "+": 6,
    "-": 6,
    ".": 6,
}


class Exit(Exception):
    """``exit`` was called."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True, kw_only=True)
class Php:
    """
    One interpreter: ``variables`` are the global ones, ``functions`` what the script may call, static methods
    among them (``\\Class::name``), and constructors (``new \\Class``).
    """

    variables: dict[str, Value] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def run(self, script: str) -> int:
        """The whole script; its exit status."""
        tokens = _tokens(script)
        try:
            _Script(self, tokens).all()
        except Exit as end:
            return end.status
        return 0


def _tokens(script: str) -> list[str]:
    found, place = [], 0
    while place < len(script):
        match = _TOKEN.match(script, place)
        if match is None:
            raise PhpError(f'PHP Parse error:  syntax error, unexpected character "{script[place]}"')
        if not match[0].isspace():
            found.append(match[0])
        place = match.end()
    return found


class _Script:
    """Reads and does in one; ``live`` is False in a branch that is only read."""

    def __init__(self, php: Php, tokens: list[str]) -> None:
        self.php = php
        self.tokens = tokens
        self.place = 0
        self.live = True

    # Tokens.

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise PhpError(f'PHP Parse error:  syntax error, unexpected token "{token or "end of file"}"')
        self.place += 1
        return token

    def given(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.place += 1
        return True

    # Statements.

    def all(self) -> None:
        while self.peek():
            self.statement()

    def statement(self) -> None:
        match self.peek():
            case "{":
                self.take()
                while not self.given("}"):
                    self.statement()
            case "if":
                self.branch()
            case "foreach":
                self.loop()
            case "echo":
                self.take()
                self.printed(self.value())
                while self.given(","):
                    self.printed(self.value())
                self.take(";")
            case "global":
                while self.take() != ";":
                    pass
            case "require_once":
                self.take()
                self.call("require_once", [self.value()])
                self.take(";")
            case _:
                self.value()
                self.take(";")

    def printed(self, value: Value) -> None:
        if self.live:
            self.php.printed.append(text(value))

    def branch(self) -> None:
        self.take("if")
        self.take("(")
        holds = truth(self.value())
        self.take(")")
        self.only(holds)
        if self.given("else"):
            self.only(not holds)

    def only(self, holds: bool) -> None:
        """A statement that is done, or only read."""
        before, self.live = self.live, self.live and holds
        self.statement()
        self.live = before

    def loop(self) -> None:
        self.take("foreach")
        self.take("(")
        rows = self.value()
        self.take("as")
        name = self.take()
        self.take(")")
        start, items = self.place, list(rows.values()) if isinstance(rows, dict) else []
        for item in items if self.live else []:
            self.php.variables[name] = item
            self.place = start
            self.statement()
        if not items or not self.live:
            self.only(False)

    # Values.

    def value(self, binding: int = 0) -> Value:
        left = self.unary()
        while (sign := self.peek()) in _BINDING and _BINDING[sign] > binding:
            self.take()
            left = self.joined(sign, left)
        if binding == 0 and self.given("?"):
            return self.choice(truth(left))
        return left

    def choice(self, holds: bool) -> Value:
        before = self.live
        self.live = before and holds
        first = self.value()
        self.take(":")
        self.live = before and not holds
        second = self.value()
        self.live = before
        return first if holds else second

    def joined(self, sign: str, left: Value) -> Value:
        if sign == "??":
            before, self.live = self.live, self.live and left is None
            other = self.value(_BINDING[sign])
            self.live = before
            return other if left is None else left
        if sign in ("&&", "||"):
            decided = truth(left) is (sign == "||")
            before, self.live = self.live, self.live and not decided
            right = truth(self.value(_BINDING[sign]))
            self.live = before
            return truth(left) if decided else right
        right_value = self.value(_BINDING[sign])
        return compared(sign, left, right_value)

    def unary(self) -> Value:
        token = self.take()
        if token == "!":
            return not truth(self.unary())
        if token == "-":
            return -int(text(self.unary()) or 0)
        if token == "(":
            return self.grouped()
        if token == "new":
            name = self.take()
            self.take("(")
            return self.call(f"new {name}", self.values())
        if token[0] in "\"'":
            return unquoted(token)
        if token.isdigit():
            return int(token)
        if token.startswith("$"):
            return self.variable(token)
        return self.word(token)

    def grouped(self) -> Value:
        """What is in parentheses, or a value that is to be taken as a text."""
        if self.peek() == "string":
            self.take()
            self.take(")")
            cast = self.unary()
            return text(cast) if self.live else None
        found = self.value()
        self.take(")")
        return found

    def word(self, name: str) -> Value:
        if name in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[name]
        if name in ("isset", "empty", "unset"):
            return self.about(name)
        if self.given("::"):
            name = f"{name}::{self.take()}"
        self.take("(")
        if name == "array":
            return self.array()
        return self.call(name, self.values())

    def values(self) -> list[Value]:
        found: list[Value] = []
        while not self.given(")"):
            found.append(self.value())
            if self.peek() != ")":
                self.take(",")
        return found

    def array(self) -> Value:
        found: dict[Any, Any] = {}
        while not self.given(")"):
            key = self.value()
            if self.given("=>"):
                found[key] = self.value()
            else:
                found[len(found)] = key
            if self.peek() != ")":
                self.take(",")
        return found

    def call(self, name: str, arguments: list[Value]) -> Value:
        if not self.live:
            return None
        if name == "exit":
            raise Exit(arguments[0] if arguments and isinstance(arguments[0], int) else 0)
        work = self.php.functions.get(name)
        if work is None:
            raise PhpError(f"PHP Fatal error:  Uncaught Error: Call to undefined function {name}()")
        return work(arguments)

    # Variables.

    def way(self) -> tuple[str, list[Value]]:
        """A variable and its indices."""
        name, keys = self.take(), list[Value]()
        if not name.startswith("$"):
            raise PhpError(f'PHP Parse error:  syntax error, unexpected token "{name}"')
        while self.given("["):
            keys.append(self.value())
            self.take("]")
        return name, keys

    def variable(self, name: str) -> Value:
        self.place -= 1
        name, keys = self.way()
        match self.peek():
            case "->":
                return self.member(self.read(name, keys))
            case "=":
                self.take()
                value = self.value()
                self.assign(name, keys, value)
                return value
            case "+=":
                self.take()
                value = compared("+", self.read(name, keys), self.value())
                self.assign(name, keys, value)
                return value
            case _:
                return self.read(name, keys)

    def member(self, holder: Value) -> Value:
        """Properties and methods, one after the other."""
        while self.given("->"):
            name = self.take()
            arguments = self.values() if self.given("(") else None
            if not self.live:
                continue
            if holder is None or isinstance(holder, (bool, int, str, dict)):
                what = "null" if holder is None else "array" if isinstance(holder, dict) else "string"
                raise PhpError(
                    f"PHP Fatal error:  Uncaught Error: Call to a member function {name}() on {what}"
                )
            holder = holder.get(name) if arguments is None else holder.call(name, arguments)
        return holder

    def read(self, name: str, keys: list[Value]) -> Value:
        found: Any = self.php.variables.get(name)
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found  # type: ignore[no-any-return]  # what an array holds is a value

    def assign(self, name: str, keys: list[Value], value: Value) -> None:
        if not self.live:
            return
        if not keys:
            self.php.variables[name] = value
            return
        place: Any = self.php.variables.setdefault(name, {})
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value

    def about(self, what: str) -> Value:
        self.take("(")
        name, keys = self.way()
        self.take(")")
        found = self.read(name, keys)
        if what == "unset":
            holder = self.read(name, keys[:-1])
            if self.live and keys and isinstance(holder, dict):
                holder.pop(keys[-1], None)
            return None
        return found is not None if what == "isset" else not truth(found)
