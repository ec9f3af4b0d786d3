"""
References: how a secret in the inventory becomes the place where it is, so that no host holds it.

``inventory:FILE#hosts.NAME.password`` is the place of a literal one: the file, then the sort of element,
its name and the keys below it. ``%``, ``.`` and ``#`` inside a key are written ``%25``, ``%2E``, ``%23``.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterator

from pydantic import SecretStr

from sipalg_fix.inputs.elements import Part
from sipalg_fix.inputs.fields import is_reference
from sipalg_fix.model.host import SecretRef


def secrets_of(part: Part) -> Iterator[tuple[tuple[str, ...], SecretStr]]:
    """Each secret of an element, with the keys that lead to it."""
    if part.element.password is not None:
        yield ("password",), part.element.password
    for name, options in (part.element.connection_options or {}).items():
        if options is None:
            continue
        if options.password is not None:
            yield ("connection_options", name, "password"), options.password
        if options.extras is not None and options.extras.secret is not None:
            yield ("connection_options", name, "extras", "secret"), options.extras.secret


def reference(part: Part, path: tuple[str, ...], secret: SecretStr) -> SecretRef:
    """Where this secret is; a bare ``ask`` asks by the name of what it stands in, once for each."""
    text = secret.get_secret_value()
    if text == "ask":
        access = f", {path[1]}" if len(path) > 1 else ""
        return SecretRef(text=f"ask:{path[-1]} of {part.title}{access}")
    if text.startswith("file:"):
        return SecretRef(text="file:" + absolute(part, text.removeprefix("file:")))
    if is_reference(text):
        return SecretRef(text=text)
    keys = (part.kind, *((part.name,) if part.name else ()), *path)
    return SecretRef(text=f"inventory:{part.source.path}#{'.'.join(escape(key) for key in keys)}")


def absolute(part: Part, path: str) -> str:
    """A path of the operator's, from the folder of the file in which it stands."""
    folder = os.path.dirname(part.source.path)
    return os.path.abspath(os.path.join(folder, os.path.expanduser(path)))


def escape(key: str) -> str:
    """A key, so that dots can stand between keys."""
    return key.replace("%", "%25").replace(".", "%2E").replace("#", "%23")


def unescape(key: str) -> str:
    """The key again."""
    return key.replace("%23", "#").replace("%2E", ".").replace("%25", "%")
