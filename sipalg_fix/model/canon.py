"""
Values as JSON and back: the one way in which plans, journal payloads and reports are written.

Dataclasses become objects, enums their values, tuples and frozensets lists (sets sorted). A member of a
union of dataclasses carries its class name under ``kind``. Reading is strict: an unknown key, a missing
one that has no default, another kind, or a value of another type, is a :class:`ValueError` that names where
it stands, so that a plan that was edited by hand is refused and not half understood.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

T = TypeVar("T")
_PLAIN = frozenset({str, int, bool, type(None)})
_UNIONS = (Union, getattr(types, "UnionType", Union))
"""How types write "one of these"; the second way came with Python 3.10, and probes also run on 3.9."""


def to_plain(value: object) -> Any:
    """The value as dicts, lists, strings, numbers, booleans and None."""
    kind = type(value)
    # The commonest first: every row of a journal passes here, and most of it is text.
    if kind in _PLAIN:
        return value
    if kind in (list, tuple):
        return [to_plain(item) for item in cast(Sequence[object], value)]
    if isinstance(value, Mapping):
        return {str(key): to_plain(member) for key, member in value.items()}
    if dataclasses.is_dataclass(kind):
        tag, names = _shape(kind)
        return {**tag, **{name: to_plain(getattr(value, name)) for name in names}}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(to_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        # 60 and 60.0 are one number: what was given as the one is read back as the other.
        return int(value)
    if isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{kind.__name__} has no plain form")


@cache
def _shape(kind: type) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a dataclass writes of its kind, and the names of its fields."""
    tag = {"kind": kind.__name__} if _tagged(kind) else {}
    return tag, tuple(field.name for field in dataclasses.fields(kind))


def canonical(value: object) -> str:
    """One text for one value: sorted keys, no blanks. What hashes and fingerprints are made of."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: object) -> str:
    """``sha256:`` and the hex digest of the canonical text."""
    # Bytes of a device that are of no known encoding may stand in a text as lone surrogates.
    return "sha256:" + hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def from_plain(kind: type[T], plain: object, where: str = "") -> T:
    """The value of that type from its plain form; :class:`ValueError` says where it does not fit."""
    return cast(T, _read(kind, plain, where or kind.__name__))


def _tagged(kind: type) -> bool:
    """Members of step-like unions say their kind; they declare it by a class variable ``TAGGED``."""
    return bool(getattr(kind, "TAGGED", False))


def _read(kind: Any, plain: object, where: str) -> object:
    origin = get_origin(kind)
    if origin in _UNIONS:
        return _read_union(get_args(kind), plain, where)
    if origin in (tuple, frozenset):
        return _read_items(origin, get_args(kind), plain, where)
    if origin in (dict, Mapping) or origin is typing.get_origin(Mapping[str, str]):
        if not isinstance(plain, dict):
            raise ValueError(f"{where}: an object is expected")
        return {key: _read(get_args(kind)[1], item, f"{where}.{key}") for key, item in plain.items()}
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _read_enum(kind, plain, where)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read_dataclass(kind, plain, where)
    if kind is Any or kind is object:
        return plain
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if not isinstance(plain, kind) or (isinstance(plain, bool) and kind is not bool):
        raise ValueError(f"{where}: {kind.__name__} is expected")
    return plain


def _read_union(members: tuple[Any, ...], plain: object, where: str) -> object:
    if plain is None and type(None) in members:
        return None
    tag = plain.get("kind") if isinstance(plain, dict) else None
    for member in members:
        if tag is not None and getattr(member, "__name__", "") == tag:
            return _read(member, plain, where)
    rest = [m for m in members if m is not type(None) and not (isinstance(m, type) and _tagged(m))]
    problem = ValueError(f"{where}: none of the kinds that may stand here")
    for member in rest:
        try:
            return _read(member, plain, where)
        except ValueError as error:
            problem = error
    raise problem


def _read_items(origin: Any, args: tuple[Any, ...], plain: object, where: str) -> object:
    if not isinstance(plain, list):
        raise ValueError(f"{where}: a list is expected")
    if origin is tuple and not (len(args) == 2 and args[1] is Ellipsis):
        if len(plain) != len(args):
            raise ValueError(f"{where}: {len(args)} items are expected")
        return tuple(_read(arg, plain[n], f"{where}[{n}]") for n, arg in enumerate(args))
    items = [_read(args[0], item, f"{where}[{n}]") for n, item in enumerate(plain)]
    if origin is frozenset and len(set(items)) < len(items):
        raise ValueError(f"{where}: something stands there twice")
    return origin(items)


def _read_enum(kind: type[Enum], plain: object, where: str) -> Enum:
    try:
        return kind(plain)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise ValueError(f"{where}: one of {known} is expected") from None


def _read_dataclass(kind: type, plain: object, where: str) -> object:
    if not isinstance(plain, dict):
        raise ValueError(f"{where}: an object is expected")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    given = dict(plain)
    if _tagged(kind) and given.pop("kind", None) != kind.__name__:
        raise ValueError(f"{where}: the kind {kind.__name__} is expected")
    if extra := sorted(given.keys() - fields.keys()):
        raise ValueError(f"{where}: unknown key {extra[0]}")
    required = {
        name
        for name, field in fields.items()
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    if lacking := sorted(required - given.keys()):
        raise ValueError(f"{where}: {lacking[0]} is missing")
    return kind(**{key: _read(hints[key], item, f"{where}.{key}") for key, item in given.items()})
