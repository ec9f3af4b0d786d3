"""
YAML as written: a tree of texts, each with its line, and no guessing what a text means.

YAML 1.1 reads an unquoted ``off`` as false, ``22:30`` as 1350 and ``010`` as 8. Here a scalar is the text
that stands in the file; whether ``off`` is a switch or a name is decided by the key it stands under. Only
nothing at all, ``~`` and ``null`` (unquoted) are no text. Anchors, aliases and ``<<`` work as in YAML 1.1;
tags, second documents, duplicate keys and files that grow beyond reason by their aliases are refused.

PyYAML's scanner and parser are used (libyaml's where it is built in), not its constructors. Messages never
quote a value: it may be a password that the file's author forgot to put in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.words import shown
from sipalg_fix.model.errors import InputError, Problem

MAX_BYTES: Final = 10_000_000
"""Size of a file; 5,000 hosts take about one tenth."""
MAX_NODES: Final = 1_000_000
"""Scalars, lists and mappings of a file, each counted as often as aliases repeat it."""
MAX_DEPTH: Final = 40
"""Nesting, through aliases."""
NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})

_LOADER: Final[type[Any]] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text, as written (escapes and folding undone). ``bare``: without quotes."""

    text: str
    line: int
    bare: bool = False
    weight: int = field(default=1, init=False, repr=False)
    height: int = field(default=1, init=False, repr=False)

    @property
    def empty(self) -> bool:
        """Does nothing stand here?"""
        return self.bare and self.text in NULLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list. ``weight`` counts its nodes and ``height`` its levels, aliases followed."""

    items: tuple[Node, ...]
    line: int
    weight: int = field(default=1, compare=False, repr=False)
    height: int = field(default=1, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands under a key, and the key's line."""

    line: int
    node: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping, in the order of the file."""

    entries: Mapping[str, Entry]
    line: int
    weight: int = field(default=1, compare=False, repr=False)
    height: int = field(default=1, compare=False, repr=False)


Node = Scalar | Listing | Table


def read_file(path: Path, name: str) -> bytes:
    """The bytes of a file that messages call ``name``; :class:`InputError` when it cannot be had."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        _stop(name, 1, codes.UNREADABLE, f"cannot be read: {why}")
    if len(data) > MAX_BYTES:
        limit = f"{MAX_BYTES // 1_000_000} MB"
        _stop(name, 1, codes.TOO_LARGE, f"larger than {limit}: is this the right file?")
    return data


def decode(data: bytes, name: str) -> str:
    """The text of a file: UTF-8, with or without a byte order mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        _stop(name, 1, codes.NOT_UTF8, "saved as UTF-16: save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.start
    # Raised out here, so that the error does not carry the other one, which holds the whole file.
    line = data.count(b"\n", 0, bad) + 1
    message = f"the byte 0x{data[bad]:02x} is not UTF-8: save the file as UTF-8"
    raise InputError((Problem(file=name, line=line, code=codes.NOT_UTF8, message=message),))


def parse(text: str, name: str, notes: list[Problem] | None = None) -> Node | None:
    """
    The tree of a YAML text, or None of an empty one. :class:`InputError` with all that is wrong.

    With ``notes``, what leaves the rest readable (a tag, a key twice) is put there instead, so that what is
    wrong with the rest can be told in the same run.
    """
    if bad := _FORBIDDEN.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        message = f"the character U+{ord(bad[0]):04X} may not stand in a YAML file: remove it"
        _stop(name, line, codes.NOT_YAML, message)
    composer = _Composer(name=name)
    try:
        root = composer.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        composer.problems.append(_syntax_problem(error, text, name))
    except (yaml.YAMLError, ValueError):  # ValueError: PyYAML's own scanner, for the escape "\U00110000"
        composer.problems.append(Problem(file=name, line=1, code=codes.NOT_YAML, message="this is not YAML"))
    else:
        if notes is not None:
            notes.extend(composer.problems)
            return root
    if composer.problems:
        raise InputError(tuple(composer.problems))
    return root


def as_plain(node: Node) -> Any:
    """The tree as dicts, lists, texts and None, for a model to say what they mean."""
    match node:
        case Scalar():
            return None if node.empty else node.text
        case Listing(items=items):
            return [as_plain(item) for item in items]
        case Table(entries=entries):
            return {key: as_plain(entry.node) for key, entry in entries.items()}


def line_of(node: Node, path: tuple[int | str, ...]) -> int:
    """The line of the key or item that the path leads to, or of as much of the path as there is."""
    line = node.line
    for step in path:
        match node:
            case Table(entries=entries) if isinstance(step, str) and step in entries:
                line, node = entries[step].line, entries[step].node
            case Listing(items=items) if isinstance(step, int) and step < len(items):
                line, node = items[step].line, items[step]
            case _:
                break
    return line


def _stop(name: str, line: int, code: str, message: str) -> NoReturn:
    raise InputError((Problem(file=name, line=line, code=code, message=message),))


class _Composer:
    """
    Makes the tree from the parser's events.

    What leaves the rest of the file readable (a tag, a key twice) is noted in ``problems``; what does not
    ends the reading at once.
    """

    def __init__(self, *, name: str) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._anchors: dict[str, Node | None] = {}
        """None while the node is being made: an alias to it there would hold itself."""
        self._repeated = 0
        """Nodes that aliases have repeated so far, whatever becomes of them."""

    def document(self, events: Iterator[Any]) -> Node | None:
        """The one document of the stream."""
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(
                        event,
                        codes.MANY_DOCUMENTS,
                        "a second document begins here: only one may be in a file",
                    )
                root = self._node(next(events), events, 1)
        return None if isinstance(root, Scalar) and root.empty else root

    def _note(self, line: int, code: str, message: str) -> None:
        self.problems.append(Problem(file=self._name, line=line, code=code, message=message))

    def _stop(self, event: Any, code: str, message: str) -> NoReturn:
        self._note(_line(event), code, message)
        raise InputError(tuple(self.problems))

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._stop(event, codes.TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        if event.tag is not None:
            self._note(
                _line(event),
                codes.TAG,
                "a word that begins with '!' is a tag here, and tags are not read: "
                "put it in quotes if it is a value, remove it otherwise",
            )
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = self._fresh(event, events, depth)
        if node.weight > MAX_NODES or node.height > MAX_DEPTH:
            self._stop(event, codes.TOO_DEEP, "with its aliases written out, this grows beyond reason")
        if event.anchor is not None:
            self._anchors[event.anchor] = node
            if isinstance(node, Scalar) and node.empty:
                self._note(
                    node.line,
                    codes.ANCHOR,
                    "a word that begins with '&' is an anchor here, and nothing follows it: "
                    "put it in quotes if it is a value",
                )
        return node

    def _aliased(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is not None:
            self._repeated += node.weight
            if self._repeated > MAX_NODES:
                self._stop(event, codes.TOO_DEEP, "with its aliases written out, this grows beyond reason")
            return node
        known = event.anchor in self._anchors
        why = "leads into itself" if known else "no anchor ('&') of that name stands before it"
        self._note(
            _line(event),
            codes.ANCHOR,
            f"a word that begins with '*' is an alias here, but {why}: put it in quotes if it is a value",
        )
        return Scalar(text="", line=_line(event), bare=True)

    def _fresh(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._listing(event, events, depth)
        return self._table(event, events, depth)

    def _scalar(self, event: Any) -> Scalar:
        if any("\ud800" <= char <= "\udfff" for char in event.value):
            self._note(
                _line(event), codes.NOT_YAML, "half of a character pair (an escape \\uD800 to \\uDFFF)"
            )
            return Scalar(text="", line=_line(event))
        return Scalar(text=event.value, line=_line(event), bare=not event.style)

    def _listing(self, start: Any, events: Iterator[Any], depth: int) -> Listing:
        items: list[Node] = []
        weight, height = 1, 0
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            item = self._node(event, events, depth + 1)
            weight, height = weight + item.weight, max(height, item.height)
            items.append(item)
        return Listing(items=tuple(items), line=_line(start), weight=weight, height=height + 1)

    def _table(self, start: Any, events: Iterator[Any], depth: int) -> Table:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(self._node(event, events, depth + 1))
            node = self._node(next(events), events, depth + 1)
            if key is None:
                continue
            if key.text == "<<" and key.bare:
                merged.append(node)
            elif first := entries.get(key.text):
                self._note(
                    key.line,
                    codes.DUPLICATE_KEY,
                    f"the key {shown(key.text)} stands twice: first in line {first.line}, again here",
                )
            else:
                entries[key.text] = Entry(line=key.line, node=node)
        for node in merged:
            self._merge(entries, node)
        nodes = [entry.node for entry in entries.values()]
        weight = 1 + sum(node.weight for node in nodes)
        height = 1 + max((node.height for node in nodes), default=0)
        return Table(entries=entries, line=_line(start), weight=weight, height=height)

    def _key(self, node: Node) -> Scalar | None:
        if isinstance(node, Scalar) and not node.empty:
            return node
        self._note(node.line, codes.SHAPE, "a key is missing before ':', or is not a single word")
        return None

    def _merge(self, entries: dict[str, Entry], node: Node) -> None:
        """What stands under ``<<``: keys of the mapping itself win, then those of earlier ones."""
        for source in node.items if isinstance(node, Listing) else (node,):
            if not isinstance(source, Table):
                self._note(source.line, codes.SHAPE, "'<<' takes an alias of a mapping, or a list of such")
                return
            for key, entry in source.entries.items():
                entries.setdefault(key, entry)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


_SYNTAX: Final = (
    # (in what PyYAML or libyaml says, where to point, what we say)
    (r"mapping values are not allowed", "problem",
     "a ': ' where none may stand: put the value in quotes, line the keys up, or end the key above with ':'"),
    (r"could not find expected ':'", "context", "no ':' after this key"),
    (r"cannot start any token", "problem",
     "a value may not begin with this character (@ ` % or a tab): put it in quotes"),
    (r"expected alphabetic or numeric", "problem",
     "'*' and '&' begin an alias or anchor: put the value in quotes"),
    (r"unexpected (end of stream|document separator)", "context", "a quote is opened and not closed"),
    (r"expected '[,}\]]'|expected ',' or", "context", "a bracket is not closed, or a comma is missing"),
    (r"escape|expected URI|did not find URI", "problem",
     "a backslash in double quotes begins an escape: use single quotes"),
)  # fmt: skip


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, name: str) -> Problem:
    """The parser's complaint in our words; it may quote a value, so nothing of it is passed on."""
    said = str(error.problem)
    lines = text.split("\n")
    marks = {"problem": error.problem_mark, "context": error.context_mark or error.problem_mark}
    which, message = next(
        ((where, words) for pattern, where, words in _SYNTAX if re.search(pattern, said)),
        ("problem", "this does not fit the lines above it: see to indentation, brackets and quotes"),
    )
    mark = marks[which]
    line = min(mark.line + 1 if mark else 1, len(lines))
    indent = re.match(r"\s*", lines[line - 1])
    if indent and "\t" in indent[0]:
        return Problem(
            file=name, line=line, code=codes.TAB, message="a tab in the indentation: YAML wants blanks"
        )
    return Problem(file=name, line=line, code=codes.NOT_YAML, message=message)
