"""
How a typed line falls into commands: quotes, pipes, ``&&``, ``||``, ``;`` and the redirections people use.

Not a shell: no globs, no loops, no substitution but ``$NAME`` and ``$?``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

_TOKEN = re.compile(
    r"""\s*(?:(?P<redirection>(?:[12&]?>\s*/dev/null|2>&1)(?=[\s|;&]|$))|(?P<operator>&&|\|\||\||;)|"""
    r"""(?P<word>(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|[^\s|;&'"\\]|&(?!&))+))"""
)
_PIECE = re.compile(r"""\\(.)|'([^']*)'|"((?:\\.|[^"\\])*)"|([^'"\\]+)""", re.DOTALL)
_NAME = re.compile(r"\$(\?|\w+)")


class Unfinished(Exception):
    """The line ends inside a quote or after an operator: a shell asks for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simple:
    """
    One command of a pipeline, its words still quoted. ``merge`` is ``2>&1``; ``mute`` names what goes to
    /dev/null: ``out``, ``err`` or both.
    """

    words: tuple[str, ...]
    merge: bool = False
    mute: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A pipeline, and the operator before it: empty for the first, else ``;``, ``&&`` or ``||``."""

    after: str
    pipeline: tuple[Simple, ...]

    def due(self, status: int) -> bool:
        """Does it run after a pipeline that ended with this status?"""
        return not ((self.after == "&&" and status != 0) or (self.after == "||" and status == 0))


@dataclass(slots=True, kw_only=True)
class Ask:
    """A yes-or-no question of one key, before a command goes on; yes is the default."""

    prompt: str
    then: Callable[[bool], Result]


@dataclass(slots=True, kw_only=True)
class Result:
    """What one command gave. ``pager`` is the program through which a person would see it, if any."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0
    pager: str = ""
    ask: Ask | None = None


Caller = Callable[[Sequence[str], str], Result]
"""Runs one command, words and standard input."""


def _expand(word: str, names: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        return names.get(match[1], "")

    def piece(match: re.Match[str]) -> str:
        escaped, single, double, plain = match.groups()
        if escaped is not None:
            return escaped
        if single is not None:
            return single
        if double is not None:
            return _NAME.sub(value, re.sub(r'\\(["\\$`])', r"\1", double))
        return _NAME.sub(value, plain)

    return _PIECE.sub(piece, word)


def _tokens(line: str) -> list[tuple[str, str]]:
    """Kind and text of each token; raises :class:`Unfinished` for an open quote."""
    tokens: list[tuple[str, str]] = []
    at = 0
    while line[at:].strip():
        match = _TOKEN.match(line, at)
        if match is None:
            raise Unfinished
        tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
        at = match.end()
    return tokens


def split(line: str) -> list[Step]:
    """The pipelines of a line; raises :class:`Unfinished`."""
    steps: list[Step] = []
    after, commands = "", [Simple(words=())]
    tokens = [] if line.lstrip().startswith("#") else _tokens(line)
    for kind, text in [*tokens, ("operator", ";")]:
        last = commands[-1]
        if kind == "word":
            commands[-1] = replace(last, words=(*last.words, text))
        elif kind == "redirection":
            commands[-1] = _redirected(last, text)
        elif text == "|":
            commands.append(Simple(words=()))
        else:
            if not last.words and (len(commands) > 1 or after in {"&&", "||"}):
                raise Unfinished
            if last.words:
                steps.append(Step(after=after, pipeline=tuple(commands)))
            after, commands = text, [Simple(words=())]
    return steps


def _redirected(command: Simple, how: str) -> Simple:
    if how == "2>&1":
        return replace(command, merge=True)
    streams = {"2": "err", "&": "out err"}.get(how[0], "out")
    return replace(command, mute=f"{command.mute} {streams}")


def run(pipeline: Sequence[Simple], call: Caller, names: Mapping[str, str], stdin: str = "") -> Result:
    """
    Run a pipeline, each command's output the next one's input; ``names`` are the shell's variables. What
    is not piped onwards (errors) stands before the last command's output, as it does on a terminal.
    """
    errors, result = "", Result()
    for place, command in enumerate(pipeline):
        result = call([_expand(word, names) for word in command.words], stdin)
        if "err" in command.mute:
            result.stderr = ""
        if "out" in command.mute:
            result.stdout = ""
        if command.merge:
            result.stdout, result.stderr = result.stdout + result.stderr, ""
        if place < len(pipeline) - 1:
            stdin, errors = result.stdout, errors + result.stderr
    if len(pipeline) > 1:
        result = Result(stdout=result.stdout, stderr=errors + result.stderr, status=result.status)
    return result
