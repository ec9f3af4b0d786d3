"""
Selection: which hosts a pattern means.

A pattern is terms, separated by commas or colons. Hosts that any bare term names are taken (all, where
there is none), of these only those that every ``&term`` names, and none that a ``!term`` names; the order
of terms does not matter. A term is the name of a host (with ``*``, ``?``, ``[…]``), the name of a group,
``group=``, ``site=``, ``platform=`` or ``data.KEY=`` with such a glob, ``@FILE`` (names, one a line), or
``all``. A colon or comma inside a value is written ``?``.

A term that names no host is an error: a slip of the pen must not widen or empty a change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.strict_yaml import decode, read_file
from sipalg_fix.inputs.words import did_you_mean, listed, shown
from sipalg_fix.model.errors import InputError, Problem
from sipalg_fix.model.host import Host

KEYS: Final = ("group", "site", "platform", "data.KEY")
GUESSES: Final = 50
"""Unknown names of a list for which near misses are looked up; each takes a look at every host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term. ``sign`` is empty, ``!`` or ``&``; ``key`` is empty for a name, ``@`` for a file."""

    sign: str
    key: str
    value: str

    @property
    def text(self) -> str:
        """As it was written."""
        return self.sign + (
            f"{self.key}={self.value}" if self.key not in ("", "@") else self.key + self.value
        )


def read_names(path: str) -> str:
    """The text of a list of names; :class:`InputError` when it cannot be had."""
    try:
        return decode(read_file(Path(path), path), path)
    except InputError as error:
        lines = (
            Problem(
                file=p.file,
                line=p.line,
                code=codes.BAD_NAME_LIST,
                message=f"the list of names: {p.message}",
            )
            for p in error.problems
        )
        raise InputError(tuple(lines)) from None


def select(
    hosts: Iterable[Host],
    pattern: str,
    *,
    where: tuple[str, int] = ("pattern", 1),
    names_in: Callable[[str], str] = read_names,
) -> tuple[Host, ...]:
    """
    The hosts that the pattern means, in their own order; all of them for a blank one.

    It may well be none (``a:!a``). ``where`` is the file and line of the pattern, for messages.
    """
    every = tuple(hosts)
    terms, wrong = terms_of(pattern)
    problems = [Problem(file=where[0], line=where[1], code=codes.BAD_PATTERN, message=text) for text in wrong]
    taken: set[str] | None = None
    kept, dropped = {host.name for host in every}, set[str]()
    for term in terms:
        names = _named(term, every, where, names_in, problems)
        match term.sign:
            case "&":
                kept &= names
            case "!":
                dropped |= names
            case _:
                taken = names if taken is None else taken | names
    if problems:
        raise InputError(tuple(problems))
    final = (kept if taken is None else taken & kept) - dropped
    return tuple(host for host in every if host.name in final)


def terms_of(pattern: str) -> tuple[tuple[Term, ...], tuple[str, ...]]:
    """The terms of a pattern, and what is wrong with it, in words."""
    terms, wrong = list[Term](), list[str]()
    for text in (part.strip() for part in re.split("[,:]", pattern)) if pattern.strip() else ():
        sign = text[:1] if text[:1] in ("!", "&") else ""
        bare = text.removeprefix(sign).strip()
        key, equals, value = bare.partition("=")
        if bare in ("", "@"):
            wrong.append(f"the pattern {shown(pattern)} has an empty term: a comma or colon too many?")
        elif bare.startswith("@"):
            terms.append(Term(sign=sign, key="@", value=bare[1:]))
        elif not equals:
            terms.append(Term(sign=sign, key="", value=bare))
        elif key in KEYS[:3] or (key.startswith("data.") and key != "data."):
            terms.append(Term(sign=sign, key=key, value=value))
        else:
            meant = did_you_mean(key, KEYS) or f"; there are {listed(f'{known}=' for known in KEYS)}"
            wrong.append(f"the term {shown(text)} selects by an unknown key{meant}")
    return tuple(terms), tuple(dict.fromkeys(wrong))


def _named(
    term: Term,
    hosts: tuple[Host, ...],
    where: tuple[str, int],
    names_in: Callable[[str], str],
    problems: list[Problem],
) -> set[str]:
    """The names of the hosts that a term names; a term that names none goes to ``problems``."""
    if term.key == "@":
        return _listed_in(term, hosts, where, names_in, problems)
    names = {host.name for host in hosts if _matches(term, host)}
    if not names and hosts:
        known = _known(term, hosts)
        meant = did_you_mean(term.value, known)
        if not meant and term.key and 0 < len(known) <= 12:
            meant = f"; there are {listed(sorted(known))}"
        message = f"the term {shown(term.text)} matches no host{meant}"
        problems.append(Problem(file=where[0], line=where[1], code=codes.NOTHING_MATCHES, message=message))
    return names


def _matches(term: Term, host: Host) -> bool:
    match term.key:
        case "":
            by_name = fnmatchcase(host.name, term.value) or term.value in host.groups
            return by_name or term.value in ("all", "*")
        case "group":
            return any(fnmatchcase(group, term.value) for group in host.groups)
        case "site":
            return fnmatchcase(host.site, term.value)
        case "platform":
            return fnmatchcase(host.platform, term.value)
        case key:
            said = host.data.get(key.removeprefix("data."))
            return said is not None and fnmatchcase(said, term.value)


def _known(term: Term, hosts: tuple[Host, ...]) -> set[str]:
    """What the term might have meant."""
    groups = {group for host in hosts for group in host.groups}
    match term.key:
        case "":
            return {host.name for host in hosts} | groups
        case "group":
            return groups
        case "site":
            return {host.site for host in hosts if host.site}
        case "platform":
            return {host.platform for host in hosts}
        case key:
            name = key.removeprefix("data.")
            return {host.data[name] for host in hosts if name in host.data}


def _listed_in(
    term: Term,
    hosts: tuple[Host, ...],
    where: tuple[str, int],
    names_in: Callable[[str], str],
    problems: list[Problem],
) -> set[str]:
    known = {host.name for host in hosts}
    try:
        lines = tuple(_names(names_in(term.value)))
    except InputError as error:
        problems.extend(error.problems)
        return set()
    if not lines:
        message = f"the list of names {shown(term.value)} holds no name"
        problems.append(Problem(file=where[0], line=where[1], code=codes.NOTHING_MATCHES, message=message))
    for number, name in lines:
        if name not in known:
            message = f"no host is called {shown(name)}{did_you_mean(name, known)}"
            problems.append(
                Problem(file=term.value, line=number, code=codes.NOTHING_MATCHES, message=message)
            )
    return {name for _, name in lines} & known


def _names(text: str) -> Iterator[tuple[int, str]]:
    """Line numbers and names; blank lines and what follows a ``#`` do not count."""
    for number, line in enumerate(text.splitlines(), start=1):
        if name := line.partition("#")[0].strip():
            yield number, name
