"""
Refusals: what pydantic found wrong, as problems with file, line, code and plain words.

pydantic's own texts and addresses are never passed on, and neither is any value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, RootModel, ValidationError

from sipalg_fix.inputs.strict_yaml import Node, line_of
from sipalg_fix.inputs.words import did_you_mean, listed, shown
from sipalg_fix.model.errors import Problem

Path = tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model's values stand: the file as messages call it, the tree, and its first line."""

    file: str
    node: Node
    line: int
    title: str = "this"
    """What people call the whole of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """
    The codes of what pydantic itself refuses, in one sort of file.

    ``other_key`` gives (code, message) for unknown keys that deserve words of their own, else None.
    """

    shape: str
    unknown_key: str
    missing: str
    other_key: Callable[[str], tuple[str, str] | None]


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    place: Place,
    numbers: Numbers,
    *,
    skip: frozenset[Path] = frozenset(),
) -> tuple[Problem, ...]:
    """All that is wrong, but for these places, of which all is said."""
    found = []
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        path = detail["loc"]
        if path in skip:
            continue
        code, message = _words(detail["type"], detail.get("ctx", {}), path, model, numbers)
        message = message if path else f"{place.title}: {message}"
        line = max(line_of(place.node, path), place.line) if path else place.line
        found.append(Problem(file=place.file, line=line, code=code, message=message))
    return tuple(found)


def unsaid(notes: list[Problem], problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Both, but of a line of which the notes speak only what they say: the rest follows from it."""
    lines = {(note.file, note.line) for note in notes}
    return (*notes, *dict.fromkeys(p for p in problems if (p.file, p.line) not in lines))


def refused_paths(error: ValidationError) -> tuple[Path, ...]:
    """Where the refused values stand."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return tuple(detail["loc"] for detail in details)


def _words(
    kind: str, context: dict[str, Any], path: Path, model: type[BaseModel], numbers: Numbers
) -> tuple[str, str]:
    """The code and message of one refusal."""
    where = _written(path)
    if re.fullmatch(r"E\d{3}", kind):
        return kind, f"{where}: {context['text']}" if where else str(context["text"])
    if kind == "extra_forbidden":
        key = str(path[-1])
        if words := numbers.other_key(key):
            return words
        known = _keys(model, path[:-1])
        meant = did_you_mean(key, known) or f"; known here: {listed(sorted(known))}"
        return numbers.unknown_key, f"the key {shown(where)} is unknown{meant}"
    if kind == "missing":
        return (
            numbers.missing,
            f"the key {path[-1]!r} is missing{' in ' + _written(path[:-1]) if path[:-1] else ''}",
        )
    wanted = {
        "string_type": "must be a single text",
        "list_type": "must be a list, such as [a, b]",
        "dict_type": "must be a mapping: 'key: value' on each line",
        "model_type": "must be a mapping: 'key: value' on each line",
    }.get(kind, "is not what can stand here")
    return numbers.shape, f"{where}: {wanted}" if where else wanted


def _written(path: Path) -> str:
    """``overrides[0].reboot``; keys stand as in :func:`shown`, without the quotes."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{shown(step)[1:-1]}" for step in path)
    return "".join(steps).removeprefix(".")


def _keys(model: type[BaseModel], path: Path) -> frozenset[str]:
    """The keys that a model has at this place below it."""
    kind: Any = model
    for step in path:
        members = [member for member in (kind, *get_args(kind)) if member is not type(None)]
        models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
        if models and isinstance(step, str) and step in models[0].model_fields:
            kind = models[0].model_fields[step].annotation
        else:  # an item of a list or a dict: its type stands last
            kind = _item(kind)
    members = [kind, *get_args(kind)]
    return frozenset(
        field.alias or key
        for member in members
        if isinstance(member, type) and issubclass(member, BaseModel) and not issubclass(member, RootModel)
        for key, field in member.model_fields.items()
    )


def _item(kind: Any) -> Any:
    """``X`` of ``list[X]``, ``dict[str, X]``, and of either ``| None``."""
    for member in (kind, *get_args(kind)):
        if getattr(member, "__origin__", None) in (list, dict):
            return get_args(member)[-1]
    return kind
