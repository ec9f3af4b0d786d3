"""How words from the operator's files stand in messages: quoted, cut short, and with a near miss."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST = 60


def shown(text: str) -> str:
    """The word in quotes, on one line whatever it holds, and not longer than a line can bear."""
    return repr(text if len(text) <= LONGEST else text[:LONGEST] + "…")


def listed(words: Iterable[str]) -> str:
    """Words as people list them: ``a, b, c``."""
    return ", ".join(words)


def near(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three known words that the word may have been meant to be, the likeliest first."""
    by_lower = {name.lower(): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(word.lower()[:LONGEST], by_lower, n=3, cutoff=0.6)
    return tuple(by_lower[name] for name in close)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x' or 'y'?`` to end a message with, or nothing."""
    close = near(word, known)
    return f"; did you mean {' or '.join(repr(name) for name in close)}?" if close else ""
