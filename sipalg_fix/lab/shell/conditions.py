"""``test`` and ``[``: conditions. (XCU "test" of POSIX.1-2017.)"""

from __future__ import annotations

import operator
from collections.abc import Callable

from sipalg_fix.lab.shell.arguments import Usage
from sipalg_fix.lab.shell.run import Call

_NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": operator.eq,
    "-ne": operator.ne,
    "-lt": operator.lt,
    "-le": operator.le,
    "-gt": operator.gt,
    "-ge": operator.ge,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_UNARY = ("-n", "-z", "-e", "-f", "-d", "-s", "-r", "-w", "-x", "-L", "-h", "-t")


def test(call: Call) -> int:
    """Status 0 if the condition holds, 1 if not, 2 if it cannot be read."""
    words = call.arguments[1:]
    bracket = call.arguments[0].rpartition("/")[2] == "["
    if bracket and (not words or words.pop() != "]"):
        return _refused(call, "missing ]")
    try:
        return int(not _holds(call, words))
    except Usage as why:
        return _refused(call, str(why))


def _refused(call: Call, message: str) -> int:
    call.process.complain(call.process.dialect.variable, what=f"{call.arguments[0]}: {message}")
    return 2


def _holds(call: Call, words: list[str]) -> bool:
    """By the number of arguments first, as the standard says, so that any text can be compared."""
    match words:
        case []:
            return False
        case [one]:
            return one != ""
        case ["!", one]:
            return one == ""
        case [op, one] if op in _UNARY:
            return _file_or_text(call, op, one)
        case [one, op, other] if op in _TEXTS:
            return _TEXTS[op](one, other)
        case [one, op, other] if op in _NUMBERS:
            return _NUMBERS[op](_number(one), _number(other))
        case ["!", *rest] if len(rest) <= 3:
            return not _holds(call, rest)
        case _:
            return _joined(call, words)


def _joined(call: Call, words: list[str]) -> bool:
    for connective in ("-o", "-a"):
        for at in range(1, len(words) - 1):
            if words[at] == connective:
                left, right = _holds(call, words[:at]), _holds(call, words[at + 1 :])
                return left or right if connective == "-o" else left and right
    if words[0] == "!":
        return not _holds(call, words[1:])
    if words[0] == "(" and words[-1] == ")":
        return _holds(call, words[1:-1])
    raise Usage(f"{words[0]}: unexpected operator")


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Usage(f"Illegal number: {text}") from None


def _file_or_text(call: Call, op: str, name: str) -> bool:
    if op in ("-n", "-z"):
        return (name != "") == (op == "-n")
    if op == "-t":
        return False  # nothing here is a terminal
    path = call.path(name)
    files = call.files
    if not name or not files.exists(path):
        return False
    match op:
        case "-d":
            return files.is_dir(path)
        case "-f":
            return not files.is_dir(path)
        case "-s":
            return files.is_dir(path) or files.read(path) != ""
        case "-r" | "-w" | "-x":
            return files.may(call.process.user, path, {"-r": 4, "-w": 2, "-x": 1}[op])
        case "-e":
            return True
        case _:
            return False  # there are no links here
