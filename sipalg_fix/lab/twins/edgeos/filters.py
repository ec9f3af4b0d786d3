"""
What may stand behind a pipe: grep and its kin of operational mode (``match``, ``count``, ``no-more``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sipalg_fix.lab.twins.edgeos.shell import Result

_COUNTED = {"-A", "-B", "-C", "-m", "-e"}


def _pattern(text: str, *, extended: bool) -> str:
    """A POSIX pattern as Python's: in the basic kind, plain ``+?|(){}`` are letters and escaped ones act."""
    if not extended:
        text = re.sub(
            r"\\?[+?|(){}]", lambda found: found[0][1:] if len(found[0]) > 1 else rf"\{found[0]}", text
        )
    return text


def grep(words: Sequence[str], text: str, *, extended: bool = False, inverted: bool = False) -> Result:
    """grep with -E -F -c -i -v -q -w -n -o and the context options; status 1 where nothing matches."""
    flags, patterns, after = "", [], 0
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in _COUNTED and rest:
            value = rest.pop(0)
            if word == "-e":
                patterns.append(value)
            after = int(value) if word in {"-A", "-C"} else after
        elif re.fullmatch(r"-[AC]\d+", word):
            after = int(word[2:])
        elif word.startswith("-") and len(word) > 1:
            flags += word[1:]
        else:
            patterns.append(word)
    if not patterns:
        return Result(stderr="Usage: grep [OPTION]... PATTERN [FILE]...\n", status=2)
    source = (
        re.escape(patterns[0]) if "F" in flags else _pattern(patterns[0], extended=extended or "E" in flags)
    )
    try:
        wanted = re.compile(rf"\b(?:{source})\b" if "w" in flags else source, re.I if "i" in flags else 0)
    except re.error:
        return Result(stderr="grep: Invalid regular expression\n", status=2)
    lines = text.splitlines()
    hits = [
        place for place, line in enumerate(lines) if bool(wanted.search(line)) != (inverted or "v" in flags)
    ]
    status = 0 if hits else 1
    if "q" in flags:
        return Result(status=status)
    if "c" in flags:
        return Result(stdout=f"{len(hits)}\n", status=status)
    shown = sorted({place + more for place in hits for more in range(after + 1) if place + more < len(lines)})
    numbers = {place: f"{place + 1}:" if "n" in flags else "" for place in shown}
    return Result(stdout="".join(f"{numbers[place]}{lines[place]}\n" for place in shown), status=status)


def count(words: Sequence[str], text: str) -> Result:
    """How many lines; ``wc`` without -l is not told apart."""
    return Result(stdout=f"{len(text.splitlines())}\n")


def head(words: Sequence[str], text: str) -> Result:
    """The first lines (ten, or ``-n N``, or ``-N``)."""
    return Result(stdout="".join(text.splitlines(keepends=True)[: _number(words)]))


def tail(words: Sequence[str], text: str) -> Result:
    """The last lines."""
    return Result(stdout="".join(text.splitlines(keepends=True)[-_number(words) :]))


def _number(words: Sequence[str]) -> int:
    digits = re.sub(r"\D", "", " ".join(words))
    return int(digits) if digits else 10
