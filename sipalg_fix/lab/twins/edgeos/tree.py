"""
A configuration as a tree, and the four ways the device writes it: braces, commands, marks, context diff.

A :data:`Tree` is nested dicts: names, tags and values are keys alike, and the schema says which is which.
The layout follows cnode-algorithm.cpp of EdgeOS' vyatta-cfg (github.com/Lochnair/vyatta-cfg).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from sipalg_fix.lab.twins.edgeos.schema import Kind, Template, schema

Tree: TypeAlias = "dict[str, Tree]"
Path: TypeAlias = Sequence[str]

EMPTY = "Configuration under specified path is empty"
SECRETS = re.compile(r"(?:passphrase|password|pre-shared-secret|key)$")
HIDDEN = "*" * 16
_NEEDS_DOUBLE = re.compile(r"[*}{;\t\n\v\f\r ]|^$")
_NEEDS_SINGLE = re.compile(r"""[*}{\t\n\v\f\r \[;&`!$><|\]?#\\~():]|^$""")


def parse(text: str) -> Tree:
    """Read the brace form (``config.boot``); comments and the version footer are left out."""
    root: Tree = {}
    stack = [root]
    for line in text.splitlines():
        words = [] if line.lstrip().startswith("/*") else shlex.split(line)
        if words == ["}"]:
            stack.pop()
        elif words:
            opens = words[-1] == "{"
            here = stack[-1]
            for word in words[:-1] if opens else words:
                here = here.setdefault(word, {})
            if opens:
                stack.append(here)
    return root


def exists(tree: Tree, path: Path) -> bool:
    """Is there such a node, tag or value?"""
    return find(tree, path) is not None


def find(tree: Tree, path: Path) -> Tree | None:
    """What is below this path; none where the path is absent."""
    here = tree
    for word in path:
        if word not in here:
            return None
        here = here[word]
    return here


def put(tree: Tree, path: Path) -> None:
    """Set a valid path; a leaf of one value loses the value it had."""
    here, template = tree, schema()
    for word in path:
        if template.kind is Kind.LEAF and word not in here:
            here.clear()
        here, template = here.setdefault(word, {}), template.below(word)


def template_at(path: Path) -> Template:
    """The template of what a valid path holds."""
    template = schema()
    for word in path:
        template = template.below(word)
    return template


def remove(tree: Tree, path: Path) -> None:
    """
    Delete a path if it is there. Containers above stay, even empty (recorded: ``sip { }`` remains), but a
    tag node or leaf goes with its last tag or value.
    """
    above = find(tree, path[:-1])
    if above is None or path[-1] not in above:
        return
    del above[path[-1]]
    if path[:-1] and not above and template_at(path[:-1]).kind in {Kind.TAG, Kind.LEAF, Kind.MULTI}:
        remove(tree, path[:-1])


def natural(name: str) -> list[tuple[int, int | str]]:
    """The device's sort order: numbers as numbers, letters before other characters (Debian versions)."""
    key: list[tuple[int, int | str]] = []
    for text, digits in re.findall(r"(\D*)(\d*)", name):
        key += [(ord(char) + (0 if char.isalpha() else 256), "") for char in text]
        key.append((0, int(digits or 0)))
    return key


def _quoted(name: str, value: str, hide: bool) -> str:
    if hide and SECRETS.search(name):
        return HIDDEN
    return f'"{value}"' if _NEEDS_DOUBLE.search(value) else value


def _names(old: Tree | None, new: Tree | None) -> list[str]:
    return sorted({*(old or {}), *(new or {})}, key=natural)


def _mark(old: object, new: object) -> str:
    return "+" if old is None else "-" if new is None else " "


def _values(old: Tree | None, new: Tree | None, template: Template) -> Iterator[tuple[str, str]]:
    """The values of a leaf with their marks, in the order of ``cmp_multi_values``."""
    before, after = list(old or {}), list(new or {})
    if old is None or new is None:
        yield from ((_mark(old, new), value) for value in before + after)
    elif template.kind is Kind.LEAF:
        yield from ((" " if before == after else ">", value) for value in after)
    else:
        yield from (("-", value) for value in before if value not in new)
        for place, value in enumerate(after):
            same = before[place : place + 1] == [value]
            yield (" " if same else ">" if value in old else "+"), value


def _lines(
    old: Tree | None, new: Tree | None, template: Template, level: int = 0, hide: bool = False
) -> Iterator[str]:
    """Every node below, each line beginning with its mark."""
    indent = "    " * level
    for name in _names(old, new):
        child = template.below(name)
        was, now = (old or {}).get(name), (new or {}).get(name)
        mark = _mark(was, now)
        match child.kind:
            case Kind.LEAF | Kind.MULTI:
                for sign, value in _values(was, now, child):
                    yield f"{sign}{indent}{name} {_quoted(name, value, hide)}"
            case Kind.FLAG:
                yield f"{mark}{indent}{name}"
            case Kind.TAG:
                for tag in _names(was, now):
                    left, right = (was or {}).get(tag), (now or {}).get(tag)
                    sign = _mark(left, right)
                    yield f"{sign}{indent}{name} {tag} {{"
                    yield from _lines(left, right, child.below(tag), level + 1, hide)
                    yield f"{sign}{indent}}}"
            case Kind.CONTAINER:
                yield f"{mark}{indent}{name} {{"
                yield from _lines(was, now, child, level + 1, hide)
                yield f"{mark}{indent}}}"


def render(tree: Tree, *, hide: bool = False) -> str:
    """The brace form; ``hide`` puts stars for secrets, as operational mode does."""
    return "".join(f"{line[1:]}\n" for line in _lines(tree, tree, schema(), 0, hide))


def commands(tree: Tree) -> list[str]:
    """The ``set`` form, values quoted only where a shell would need it (as EdgeOS does, unlike VyOS)."""
    return [" ".join(["set", *map(_shell, path)]) for path in _paths(tree)]


def _shell(word: str) -> str:
    return f"'{word}'" if _NEEDS_SINGLE.search(word) else word


def _paths(here: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not here and path:
        yield path
    several = template_at(path).kind is Kind.MULTI
    for word in list(here) if several else sorted(here, key=natural):
        yield from _paths(here[word], (*path, word))


def marked(old: Tree, new: Tree, path: Path = ()) -> str:
    """``show`` of configure mode: the candidate below a valid path, marked against what is active."""
    template, left, right = template_at(path), find(old, path), find(new, path)
    if not left and not right and template.kind is not Kind.FLAG:
        return EMPTY + "\n"
    if template.kind is not Kind.CONTAINER:  # a leaf, or a tag node without its tag, is shown by its name
        name = path[-1]
        left = None if left is None else {name: left}
        right = None if right is None else {name: right}
        template = Template(children={name: template})
    return "".join(f"{line}\n" for line in _lines(left, right, template))


def compare(old: Tree, new: Tree) -> str:
    """The context diff of ``compare``; empty where there is no difference."""
    said: list[tuple[Path, str]] = []
    _compare(old, new, schema(), (), said)
    text, context = "", None
    for path, line in said:
        if path != context:
            text, context = text + " ".join(["[edit", *path]) + "]\n", path
        text += f"{line}\n"
    return text


def _compare(
    old: Tree, new: Tree, template: Template, path: tuple[str, ...], said: list[tuple[Path, str]]
) -> None:
    """Collect the changed lines, each with the deepest container that both configurations have."""
    for name in _names(old, new):
        child, was, now = template.below(name), old.get(name), new.get(name)
        both = was is not None and now is not None
        if both and child.kind is Kind.CONTAINER:
            _compare(was or {}, now or {}, child, (*path, name), said)
        elif both and child.kind is Kind.TAG:
            for tag in _names(was, now):
                left, right = (was or {}).get(tag), (now or {}).get(tag)
                if left is not None and right is not None:
                    _compare(left, right, child.below(tag), (*path, name, tag), said)
                else:
                    one = [None if side is None else {name: {tag: side}} for side in (left, right)]
                    said += [(path, line) for line in _lines(one[0], one[1], template)]
        else:
            one = [None if side is None else {name: side} for side in (was, now)]
            said += [(path, line) for line in _lines(one[0], one[1], template) if line[0] != " "]
