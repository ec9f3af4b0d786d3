"""Any value of a model type, for properties that hold for all of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin

from hypothesis import strategies as st

T = TypeVar("T")

TEXTS = st.text(max_size=8)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def values(kind: type[T]) -> st.SearchStrategy[T]:
    """Any value of this type, each of its fields filled with any value of the field's."""
    return typing.cast(st.SearchStrategy[T], _any(kind))


def _any(kind: Any) -> st.SearchStrategy[Any]:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of([_any(arg) for arg in args])
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(_any(args[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(_any, args))
    if origin is frozenset:
        return st.frozensets(_any(args[0]), max_size=3)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return st.dictionaries(_any(args[0]), _any(args[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if dataclasses.is_dataclass(kind):
        return st.deferred(lambda: _filled(kind))
    simple = {str: TEXTS, bool: st.booleans(), int: st.integers(), float: NUMBERS, type(None): st.none()}
    return simple[kind]


def _filled(kind: Any) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    fields = {field.name: _any(hints[field.name]) for field in dataclasses.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda given: kind(**given))
