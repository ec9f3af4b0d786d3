"""
Patterns of the shell, of grep and of sed, as Python's regular expressions.

Shell patterns are XCU 2.13; basic and extended regular expressions are XBD 9 with GNU's additions
(``\\+``, ``\\?``, ``\\|``, ``\\b``, ``\\w``, ``\\s``), which scripts use without knowing.
"""

from __future__ import annotations

import re

Pieces = list[tuple[str, bool]]
"""Text in order, each with: was it quoted, that is, does it stand for itself?"""

_CLASSES = {
    "alpha": "A-Za-z",
    "digit": "0-9",
    "alnum": "A-Za-z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "print": " -~",
}
_BRACKET = re.compile(r"\[[!^]?\]?(?:\[:[a-z]+:\]|[^\]])*\]")


class PatternError(Exception):
    """The expression cannot be read."""


def is_pattern(pieces: Pieces) -> bool:
    """Does it hold anything that stands for more than itself?"""
    return any(not quoted and re.search(r"[*?\[]", text) for text, quoted in pieces)


def shell_pattern(pieces: Pieces) -> str:
    """A shell pattern as a regular expression, to be matched in full with ``re.S``."""
    found = ""
    for text, quoted in pieces:
        if quoted:
            found += re.escape(text)
            continue
        at = 0
        while at < len(text):
            bracket = _BRACKET.match(text, at)
            if bracket is not None:
                found += _bracket(bracket.group())
                at = bracket.end()
                continue
            match text[at]:
                case "*":
                    found += ".*"
                case "?":
                    found += "."
                case character:
                    found += re.escape(character)
            at += 1
    return found


def _bracket(text: str) -> str:
    inner = text[1:-1]
    negated = inner[:1] in ("!", "^")
    inner = inner[negated:]
    inner = re.sub(r"\[:([a-z]+):\]", lambda found: f"\0{found.group(1)}\0", inner)
    inner = inner.replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]").replace("^", r"\^")
    inner = inner.replace("&&", r"\&&").replace("~~", r"\~~").replace("||", r"\||").replace("--", r"\--")
    inner = re.sub("\0([a-z]+)\0", lambda found: _class(found.group(1)), inner)
    return f"[{'^' * negated}{inner}]"


def _class(name: str) -> str:
    if name not in _CLASSES:
        raise PatternError(f"Invalid character class name: {name}")
    return _CLASSES[name]


def regular(text: str, *, extended: bool, ignore_case: bool = False) -> re.Pattern[str]:
    """A basic or extended regular expression, compiled."""
    found = ""
    at = 0
    while at < len(text):
        bracket = _BRACKET.match(text, at)
        if bracket is not None:
            found += _bracket(bracket.group())
            at = bracket.end()
            continue
        if text[at] == "[":
            raise PatternError("Unmatched [, [^, [:, [., or [=")
        if text[at] == "\\":
            if at + 1 == len(text):
                raise PatternError("Trailing backslash")
            found += _escaped(text[at + 1], extended=extended)
            at += 2
            continue
        found += _plain(text, at, found, extended=extended)
        at += 1
    try:
        return re.compile(found, re.I if ignore_case else 0)
    except re.error as why:
        raise PatternError(f"Invalid regular expression: {why}") from None


def _escaped(character: str, *, extended: bool) -> str:
    if character in "wWbBsS" or character.isdigit():
        return "\\" + character
    if character in "<>":
        return r"\b"
    if character == "n":
        return r"\n"
    if character == "t":
        return r"\t"
    if character in "+?|(){}" and not extended:
        return character
    return re.escape(character)


def _plain(text: str, at: int, before: str, *, extended: bool) -> str:
    character = text[at]
    if character in "+?|(){}" and not extended:
        return "\\" + character
    start = before == "" or before.endswith(("(", "|"))
    if not extended:
        # In the middle of a basic expression these stand for themselves.
        if character == "*" and (start or before == "^"):
            return r"\*"
        if character == "^" and not start:
            return r"\^"
        if character == "$" and not (at + 1 == len(text) or text.startswith((r"\)", r"\|"), at + 1)):
            return r"\$"
    elif character in "{" and not re.compile(r"\{[0-9]*,?[0-9]*\}").match(text, at):
        return r"\{"
    if character in "^$.*+?|(){}":
        # Python's $ also matches before a newline at the end.
        return r"\Z" if character == "$" else character
    return re.escape(character)
