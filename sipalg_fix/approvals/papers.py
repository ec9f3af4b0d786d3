"""
The file beside a plan that holds its signatures, ``plan.json.approval``: one JSON object a line.

``{"kind": "approval" or "author", "document": "…", "signature": "-----BEGIN SSH SIGNATURE-----…"}``. The
document is canonical JSON, kept as the text that was signed. Lines are only added, so two approvers who
had copies of their own put both together with ``cat``.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sipalg_fix.model.canon import canonical, from_plain
from sipalg_fix.model.errors import PlanError

SUFFIX: Final = ".approval"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One signed document. ``kind`` is ``approval`` or ``author``."""

    kind: str
    document: str
    signature: str

    def read(self, kind: type[T]) -> T:
        """What was signed, as a value; PlanError ``approval-tampered`` when it is none of that kind."""
        try:
            return from_plain(kind, json.loads(self.document))
        except ValueError as error:
            raise PlanError("approval-tampered", f"a paper beside the plan cannot be read: {error}") from None


def beside(plan: Path) -> Path:
    """Where the papers of a plan file are."""
    return plan.with_name(plan.name + SUFFIX)


def papers_in(file: Path) -> tuple[Paper, ...]:
    """The papers in a file, none where there is no file; PlanError ``approval-tampered`` for other words."""
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError("approval-tampered", f"{file} cannot be read: {error}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(from_plain(Paper, json.loads(line)))
        except ValueError:
            raise PlanError("approval-tampered", f"{file}:{number}: this is no approval") from None
    return tuple(found)


def add(file: Path, paper: Paper) -> None:
    """One more line, whole or not at all."""
    line = canonical(paper) + "\n"
    descriptor = os.open(file, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
