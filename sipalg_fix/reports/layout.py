"""Plain text for people: words on the left, and beside them sentences that wrap or lines that never do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sipalg_fix.reports.words import visible

WORDS: Final = 13
"""Columns of the words on the left."""

NARROWEST: Final = 30
"""Columns that sentences are given at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    One line, and those that it wraps into. ``exact``: a device's own words, or words for one, which are
    written as they are so that they can be compared and copied.
    """

    word: str = ""
    text: str = ""
    indent: int = 0
    exact: bool = False

    def written(self, width: int) -> list[str]:
        """The line on a page of that many columns."""
        start = " " * self.indent + (f"{self.word:<{WORDS}}" if self.word or self.indent else "")
        if self.exact or not self.text:
            return [(start + self.text).rstrip()]
        return textwrap.wrap(
            self.text,
            max(width, len(start) + NARROWEST),
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_on_hyphens=False,
            break_long_words=False,
        )


EMPTY: Final = Line()


def heading(text: str, under: str) -> tuple[Line, Line]:
    """A heading, underlined."""
    return Line(text=text, exact=True), Line(text=under * len(text), exact=True)


def entry(word: str, text: str, indent: int = 0) -> Iterator[Line]:
    """A word and a sentence beside it; nothing where there is no sentence. Both are made visible."""
    if text:
        yield Line(word=visible(word), text=visible(text), indent=indent)


def block(word: str, lines: Iterable[str], indent: int = 0) -> Iterator[Line]:
    """A word and below each other the lines beside it; nothing where there are none."""
    for number, line in enumerate(lines):
        text = " " * (0 if word else WORDS) + visible(line)
        yield Line(word=word if not number else " " if word else "", text=text, indent=indent, exact=True)


def page(lines: Iterable[Line], width: int) -> str:
    """All of them as one text."""
    return "".join(f"{text}\n" for line in lines for text in line.written(width))
