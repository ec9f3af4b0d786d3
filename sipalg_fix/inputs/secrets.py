"""
Secrets: from a reference to the secret itself, at the moment in which a session is opened.

Errors name the reference and never what was found there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sipalg_fix.inputs.fields import is_reference
from sipalg_fix.inputs.references import unescape
from sipalg_fix.inputs.strict_yaml import Node, Scalar, Table, decode, parse, read_file
from sipalg_fix.model.errors import DeviceError, InputError
from sipalg_fix.model.host import SecretRef

NO_SECRET: Final = "no-secret"
LONGEST: Final = 65_536
"""Bytes of the first line of a secret file."""


def resolve(
    ref: SecretRef,
    *,
    ask: Callable[[str], str],
    env: Mapping[str, str],
    warn: Callable[[str], None] = lambda text: None,
) -> str:
    """
    The secret that a reference points to.

    ``ask`` is handed the words to ask with; the caller keeps the answer. ``warn`` hears
    of a secret file that everybody may read. :class:`DeviceError` ``no-secret`` when there is none.
    """
    match ref.scheme:
        case "env":
            return _from_env(ref, env)
        case "file":
            return _from_file(ref, warn)
        case "ask":
            return _asked(ref, ask)
        case "inventory":
            return _from_inventory(ref)
        case _:
            # The text is not quoted: a password may have been taken for a reference.
            raise DeviceError(
                NO_SECRET, "a secret reference of an unknown kind; there are env:, file: and ask"
            )


def _no(ref: SecretRef, why: str) -> DeviceError:
    return DeviceError(NO_SECRET, f"{ref.text}: {why}")


def _from_env(ref: SecretRef, env: Mapping[str, str]) -> str:
    if value := env.get(ref.place):
        return value
    raise _no(
        ref,
        "the environment variable is empty" if ref.place in env else "the environment variable is not set",
    )


def _from_file(ref: SecretRef, warn: Callable[[str], None]) -> str:
    try:
        with Path(ref.place).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.readline(LONGEST + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise _no(ref, f"the file cannot be read: {why}") from None
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        warn(f"{ref.text}: everybody on this machine may read it; 'chmod 600' it")
    if len(data) > LONGEST:
        raise _no(ref, "the first line of the file is no password: it is too long")
    try:
        line: str | None = data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        line = None
    if (
        line is None
    ):  # raised out here, so that the error does not carry the other one, which holds the secret
        raise _no(ref, "the first line of the file is not UTF-8")
    if not line:
        raise _no(ref, "the first line of the file is empty")
    return line


def _asked(ref: SecretRef, ask: Callable[[str], str]) -> str:
    try:
        answer = ask(ref.place or "password")
    except (EOFError, OSError):
        raise _no(ref, "there is nobody to ask (no terminal): use env:NAME or file:PATH") from None
    if not answer:
        raise _no(ref, "nothing was entered")
    return answer


def _from_inventory(ref: SecretRef) -> str:
    """A literal one. The first key says which sort of element it is in, and is not in the file."""
    file, _, place = ref.place.rpartition("#")
    try:
        node: Node | None = parse(decode(read_file(Path(file), file), file), file)
    except InputError as error:
        # What is wrong with the file may quote it; only where it is wrong is told.
        raise _no(ref, f"the inventory cannot be read any more ({error.problems[0].code})") from None
    for key in place.split(".")[1:]:
        entry = node.entries.get(unescape(key)) if isinstance(node, Table) else None
        node = entry.node if entry is not None else None
    if not isinstance(node, Scalar) or node.empty:
        raise _no(ref, "it is not in the inventory any more: plan again")
    if is_reference(node.text):
        raise _no(ref, "the inventory now refers to another place: plan again")
    return node.text.removeprefix("plain:")
