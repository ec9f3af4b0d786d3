"""What a shell script is made of, once it has been read: words and commands, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


class ScriptError(Exception):
    """The script is wrong, or uses something that this shell does not have; ``line`` counts from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Characters that stand for themselves; quoted ones are neither split nor taken as a pattern."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """``$name`` or ``${name<operator><argument>}``; ``${#name}`` has the operator ``length``."""

    name: str
    operator: str = ""
    argument: Word = ()
    quoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """``$(script)``."""

    script: Script
    quoted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """``$((expression))``; the expression may hold further expansions."""

    expression: Word
    quoted: bool


Part: TypeAlias = Text | Parameter | Substitution | Sum
Word: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """``descriptor operator target``. For a here-document (``<<``) the target is its text."""

    line: int
    descriptor: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class Simple:
    """Assignments, words, redirections: a command as one types it."""

    line: int
    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """``{ body; }``, or ``( body )`` in a process of its own."""

    body: Script
    subshell: bool
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class If:
    """Conditions with what follows from them, in order; ``otherwise`` may be empty."""

    arms: tuple[tuple[Script, Script], ...]
    otherwise: Script
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """``while`` (or ``until``) a condition."""

    condition: Script
    until: bool
    body: Script
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class For:
    """``for name in words``; without ``in``, over the positional parameters (``words`` is None)."""

    name: str
    words: tuple[Word, ...] | None
    body: Script
    redirections: tuple[Redirection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``case word in``: patterns with what follows from them."""

    word: Word
    arms: tuple[tuple[tuple[Word, ...], Script], ...]
    redirections: tuple[Redirection, ...]


Command: TypeAlias = Simple | Group | If | Loop | For | Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Commands joined by ``|``; ``negated`` by a ``!`` before them."""

    commands: tuple[Command, ...]
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """
    Pipelines joined by ``&&`` and ``||``; each has the operator before it ("" for the first).

    ``background`` if an ``&`` follows; ``source`` is the text, as ``ps`` would show it.
    """

    links: tuple[tuple[str, Pipeline], ...]
    background: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Chains in order."""

    chains: tuple[Chain, ...] = ()
