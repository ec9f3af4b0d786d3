"""
Expanding words: parameters, substitutions, arithmetic, field splitting, file names. (XCU 2.6.)
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

from sipalg_fix.lab.shell.files import FileSystem, absolute
from sipalg_fix.lab.shell.patterns import Pieces, is_pattern, shell_pattern
from sipalg_fix.lab.shell.process import Process, Run
from sipalg_fix.lab.shell.syntax import Parameter, Script, Substitution, Sum, Text, Word

Substitute = Callable[[Script, Process], Run[str]]
"""Runs a script and gives its standard output."""


class ExpansionError(Exception):
    """A word cannot be expanded; the shell ends."""


def fields(word: Word, process: Process, files: FileSystem, substitute: Substitute) -> Run[list[str]]:
    """The arguments that a word becomes: none, one, or more."""
    found: list[Pieces] = []
    current: Pieces | None = None
    for part in word:
        match part:
            case Parameter(name="@", operator="", quoted=True):
                for number, argument in enumerate(process.arguments):
                    if number:
                        found.append(current or [])
                        current = None
                    current = [*(current or []), (argument, True)]
            case Text():
                current = [*(current or []), (part.text, part.quoted)]
            case _:
                value = yield from _value(part, process, files, substitute)
                if part.quoted:
                    current = [*(current or []), (value, True)]
                else:
                    current = _split(value, process.variables.get("IFS", " \t\n"), current, found)
    if current is not None:
        found.append(current)
    return [name for pieces in found for name in _names(pieces, process, files)]


def text(word: Word, process: Process, files: FileSystem, substitute: Substitute) -> Run[str]:
    """A word as one text: of an assignment, a redirection, a here-document, a ``case``."""
    found = yield from pieces(word, process, files, substitute)
    return "".join(each for each, _ in found)


def pieces(word: Word, process: Process, files: FileSystem, substitute: Substitute) -> Run[Pieces]:
    """A word as one text that may be a pattern."""
    found: Pieces = []
    for part in word:
        if isinstance(part, Text):
            found.append((part.text, part.quoted))
        else:
            value = yield from _value(part, process, files, substitute)
            found.append((value, part.quoted))
    return found


def _split(value: str, separators: str, current: Pieces | None, found: list[Pieces]) -> Pieces | None:
    """Split at the characters of IFS; whole fields go to ``found``, the unfinished last one is returned."""
    blanks = "".join(each for each in separators if each in " \t\n")
    others = "".join(each for each in separators if each not in " \t\n")
    blank = f"[{re.escape(blanks)}]" if blanks else "(?!)"
    other = f"[{re.escape(others)}]" if others else "(?!)"
    at = 0
    for gap in re.finditer(f"{blank}*{other}{blank}*|{blank}+", value):
        if gap.start() > at:
            current = [*(current or []), (value[at : gap.start()], False)]
        at = gap.end()
        if current is not None or re.search(other, gap.group()):
            found.append(current or [("", True)])
            current = None
    return [*(current or []), (value[at:], False)] if at < len(value) else current


def _value(
    part: Parameter | Substitution | Sum, process: Process, files: FileSystem, substitute: Substitute
) -> Run[str]:
    match part:
        case Substitution():
            output = yield from substitute(part.script, process)
            return output.rstrip("\n")
        case Sum():
            expression = yield from text(part.expression, process, files, substitute)
            return str(arithmetic(expression, process.variables))
        case Parameter():
            return (yield from _parameter(part, process, files, substitute))


def _parameter(part: Parameter, process: Process, files: FileSystem, substitute: Substitute) -> Run[str]:
    value = lookup(part.name, process)
    if part.operator == "length":
        return str(len(value or ""))
    kind = part.operator.removeprefix(":")
    missing = value is None or (part.operator.startswith(":") and not value)
    if kind in ("%", "%%", "#", "##"):
        pattern = yield from pieces(part.argument, process, files, substitute)
        return _trimmed(value or "", kind, shell_pattern(pattern))
    if kind == "+":
        return "" if missing else (yield from text(part.argument, process, files, substitute))
    if not missing or not kind:
        if value is None and "u" in process.options and part.name not in "@*":
            raise ExpansionError(f"{part.name}: parameter not set")
        return value or ""
    argument = yield from text(part.argument, process, files, substitute)
    if kind == "?":
        raise ExpansionError(f"{part.name}: {argument or 'parameter not set'}")
    if kind == "=":
        process.variables[part.name] = argument
    return argument


def lookup(name: str, process: Process) -> str | None:
    """A variable or special parameter; None if it is not set."""
    match name:
        case "?":
            return str(process.status)
        case "$":
            return str(process.pid)
        case "!":
            return str(process.last_background) if process.last_background else None
        case "#":
            return str(len(process.arguments))
        case "@" | "*":
            return " ".join(process.arguments)
        case "-":
            return "".join(sorted(each for each in process.options if len(each) == 1))
        case "0":
            return process.name
        case _ if name.isdigit():
            number = int(name)
            return process.arguments[number - 1] if number <= len(process.arguments) else None
        case _:
            return process.variables.get(name)


def _trimmed(value: str, kind: str, pattern: str) -> str:
    compiled = re.compile(pattern, re.S)
    cuts = range(len(value) + 1)
    if kind == "#":
        return next((value[cut:] for cut in cuts if compiled.fullmatch(value[:cut])), value)
    if kind == "##":
        return next((value[cut:] for cut in reversed(cuts) if compiled.fullmatch(value[:cut])), value)
    if kind == "%":
        return next((value[:cut] for cut in reversed(cuts) if compiled.fullmatch(value[cut:])), value)
    return next((value[:cut] for cut in cuts if compiled.fullmatch(value[cut:])), value)


def _names(pieces: Pieces, process: Process, files: FileSystem) -> list[str]:
    """The files that a pattern stands for; itself if there are none, or if it is no pattern."""
    literal = "".join(each for each, _ in pieces)
    if not is_pattern(pieces):
        return [literal]
    levels: list[Pieces] = [[]]
    for each, quoted in pieces:
        first, *more = each.split("/")
        levels[-1].append((first, quoted))
        levels += [[(level, quoted)] for level in more]
    found = [""]
    for number, level in enumerate(levels):
        plain = "".join(each for each, _ in level)
        joint = "/" if number else ""
        if not is_pattern(level):
            found = [f"{base}{joint}{plain}" for base in found]
            continue
        pattern = re.compile(shell_pattern(level), re.S)
        found = [
            f"{base}{joint}{name}"
            for base in found
            for name in _listed(absolute(base + joint or ".", process.directory), files)
            if pattern.fullmatch(name) and (plain.startswith(".") or not name.startswith("."))
        ]
    there = [each for each in found if files.exists(absolute(each, process.directory))]
    return there or [literal]


def _listed(directory: str, files: FileSystem) -> list[str]:
    return files.names(directory) if files.is_dir(directory) else []


_BINARY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda a, b: -(-a // b) if (a < 0) != (b < 0) else a // b,
    ast.Mod: lambda a, b: a - b * _BINARY[ast.Div](a, b),
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_COMPARED: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def arithmetic(expression: str, variables: dict[str, str]) -> int:
    """The value of ``$((expression))``, without assignments."""
    adapted = expression.strip().replace("&&", " and ").replace("||", " or ")
    adapted = re.sub(r"!(?!=)", " not ", adapted) or "0"
    try:
        return _evaluated(ast.parse(adapted.strip(), mode="eval").body, variables)
    except (SyntaxError, ValueError, RecursionError):
        raise ExpansionError(f'arithmetic expression: expecting primary: "{expression}"') from None
    except ZeroDivisionError:
        raise ExpansionError(f'arithmetic expression: division by zero: "{expression}"') from None


def _evaluated(node: ast.expr, variables: dict[str, str]) -> int:
    match node:
        case ast.Constant(value=int() as value):
            return value
        case ast.Name(id=name):
            return int(variables.get(name) or "0")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _BINARY[type(op)](_evaluated(left, variables), _evaluated(right, variables))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_evaluated(operand, variables)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return int(not _evaluated(operand, variables))
        case ast.BoolOp(op=op, values=values):
            truths = [bool(_evaluated(value, variables)) for value in values]
            return int(all(truths) if isinstance(op, ast.And) else any(truths))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
            return int(_COMPARED[type(op)](_evaluated(left, variables), _evaluated(right, variables)))
        case _:
            raise ValueError(node)
