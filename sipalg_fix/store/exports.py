"""
Exports: a closed run as a text that can be checked without the journal.

JSON lines: first ``{"schema": …, "run": …}``, then the rows as they stand in the journal, last
``{"heads": […]}``, the signed heads.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sipalg_fix.model.canon import canonical, from_plain
from sipalg_fix.model.errors import JournalError
from sipalg_fix.model.journal import Row, SignedHead
from sipalg_fix.store.checking import judge

SCHEMA: Final = "sipalg-fix/journal/1"


def export_text(run: str, rows: Iterable[Row], heads: Iterable[SignedHead]) -> str:
    """The whole run."""
    first = {"schema": SCHEMA, "run": run}
    return "".join(f"{canonical(line)}\n" for line in (first, *rows, {"heads": list(heads)}))


def read_export(text: str) -> tuple[str, tuple[Row, ...], tuple[SignedHead, ...]]:
    """
    Run, rows and heads, found to be whole. JournalError says what is wrong; whose the heads' keys are is
    not asked.
    """
    from sipalg_fix.store.notary import genuine

    try:
        first, *lines, last = [json.loads(line) for line in text.splitlines()]
        if first.get("schema") != SCHEMA:
            raise ValueError(f"its form is {first.get('schema')!r}")
        rows = tuple(from_plain(Row, line) for line in lines)
        heads = tuple(from_plain(SignedHead, head) for head in last["heads"])
        run = str(first["run"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalError("rows-truncated", f"this is no whole export of a run: {error}") from None
    if not heads or any(not genuine(head) or head.run != run for head in heads):
        raise JournalError("head-changed", "its signed head is missing, or was changed")
    if any(row.run != run for row in rows):
        raise JournalError("row-changed", "it holds rows of another run")
    judge([rows], heads)
    return run, rows, heads


def write_export(file: Path, text: str) -> str:
    """
    Write it for its owner's eyes, whole or not at all, and durably; the digest of its bytes. JournalError
    when it cannot be written, or when another text is there already: no export is written over.
    """
    data = text.encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    beside = file.with_name(file.name + ".new")
    try:
        if file.exists():
            if file.read_bytes() == data:
                return digest
            raise JournalError("journal-unwritable", f"{file} is there already and holds something else")
        descriptor = os.open(beside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.rename(file)
        folder = os.open(file.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        raise JournalError("journal-unwritable", f"{file} cannot be written: {error.strerror}") from None
    return digest
