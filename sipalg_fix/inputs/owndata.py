"""
Own data: the operator's words about hosts, made flat, and kept clear of secrets.

They are shown in reports, so what is named like a secret and is no reference is left out, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from sipalg_fix.inputs.elements import Part
from sipalg_fix.inputs.fields import is_reference

_SECRET_KEY: Final = re.compile(
    r"password|passwd|passphrase|secret|(token|(api|private|pre-?shared)[ _-]?key|community)$", re.IGNORECASE
)


def merged_data(parts: Iterable[Part]) -> dict[str, str]:
    """
    The data of a host, nearest part first, as texts: ``a: {b: c}`` is ``a.b``, a list is joined by commas.

    A key of the nearest part hides the whole of the same key of the others, as in Nornir.
    """
    merged: dict[str, Any] = {}
    for part in parts:
        for key, value in (part.element.data or {}).items():
            merged.setdefault(key, value)
    return {".".join(path): text for path, text in _flat(merged, ()) if not _is_secret(path, text)}


def secret_keys(part: Part) -> Iterator[tuple[str, ...]]:
    """The keys of an element's data that look like secrets and are left out."""
    for path, text in _flat(part.element.data or {}, ()):
        if _is_secret(path, text):
            yield path


def _is_secret(path: tuple[str, ...], text: str) -> bool:
    return bool(text) and not is_reference(text) and any(_SECRET_KEY.search(key) for key in path)


def _flat(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    match value:
        case dict():
            for key, item in value.items():
                yield from _flat(item, (*path, key))
        case list() if any(isinstance(item, dict | list) for item in value):
            for number, item in enumerate(value):
                yield from _flat(item, (*path, str(number)))
        case list():
            yield path, ", ".join("" if item is None else item for item in value)
        case _:
            yield path, "" if value is None else str(value)
