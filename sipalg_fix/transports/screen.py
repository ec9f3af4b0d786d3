"""
Screen: what a person would see of what a terminal was sent, as plain lines.

Routers redraw: a prompt is written again over itself, a pager's colon is wiped, a long command is wrapped
where the screen ends, an erased character is stepped over. Sequences are those of ECMA-48 and the VT100.
"""

from __future__ import annotations

import re
from typing import Final

WIDTH: Final = 511
"""Columns of the terminal we ask for: as wide as the devices known to netmiko can bear."""
HEIGHT: Final = 1000

_INVISIBLE: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # a window's title
    r"|\x1b\[[0-9;:]*m"  # colours
    r"|\x1b\[[?>=!][0-9;]*[A-Za-z]"  # modes, such as bracketed paste
    r"|\x1b[=>78cDEHMNOZ]|\x1b[()#][0-9A-Za-z]"
    r"|[\x00\x07\x0e\x0f]"
)
_PART: Final = re.compile(r"\x1b\[([0-9;]*)([@-~])|([\r\x08])|([^\r\x08\x1b]+)|\x1b")
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[@-~]|[\s\x00-\x1f\x7f]+")


def render(raw: str, width: int = WIDTH) -> str:
    """The lines on a screen of this width; lines it wrapped itself are whole again."""
    return "\n".join(_line(line, width) for line in _INVISIBLE.sub("", raw).split("\n"))


def end_of_echo(raw: str, typed: str) -> int | None:
    """
    Where in ``raw`` the line after the echo of the typed line begins; None while it has not come.

    Blanks do not count, since a screen that wraps puts some in; nor does what comes before, which may be
    the end of something earlier.
    """
    wanted = _squeezed(typed)
    end = -1
    while (end := raw.find("\n", end + 1)) >= 0:
        seen = raw[:end]
        if wanted in _squeezed(seen) or wanted in _squeezed(render(seen)):
            return end + 1
    return None


def ending(pattern: re.Pattern[str], shown: str) -> re.Match[str] | None:
    """The match of the pattern at the very end of what is shown, blanks aside."""
    for found in pattern.finditer(shown):
        if not shown[found.end() :].strip(" \t"):
            return found
    return None


def _squeezed(text: str) -> str:
    return _CONTROL.sub("", _INVISIBLE.sub("", text))


def _line(raw: str, width: int) -> str:
    """One line: what is left after every carriage return, backspace and erasure in it."""
    raw = raw.rstrip("\r")
    if not any(mark in raw for mark in "\r\x08\x1b"):
        return raw
    cells: list[str] = []
    at = 0
    for found in _PART.finditer(raw):
        count, action, step, text = found.groups()
        if text:
            cells.extend(" " * (at - len(cells)))
            cells[at : at + len(text)] = text
            at += len(text)
        elif step == "\r":
            # A cursor behind the last column still belongs to that row, until something is written.
            at = max(at - 1, 0) // width * width
        elif step:
            at = max(at - 1, 0)
        elif action:
            at = _moved(cells, at, action, count)
    # Blanks behind the cursor were put there to erase something.
    return "".join(cells[:at]) + "".join(cells[at:]).rstrip(" ")


def _moved(cells: list[str], at: int, action: str, count: str) -> int:
    """Where the cursor is after a control sequence; erasures change the cells."""
    number = int(count) if count.isdigit() else 0
    match action:
        case "K" if number == 0:
            del cells[at:]
        case "K":
            end = at + 1 if number == 1 else len(cells)
            cells[: min(end, len(cells))] = " " * min(end, len(cells))
        case "C":
            return at + max(number, 1)
        case "D":
            return max(at - max(number, 1), 0)
        case "G":
            return max(number, 1) - 1
        case "P":
            del cells[at : at + max(number, 1)]
        case _:
            pass  # moves between lines: nothing that a command line does
    return at
