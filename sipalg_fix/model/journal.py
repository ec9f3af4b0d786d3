"""
Journal: the words in which a run is recorded, before each thing it does. Append-only, one chain a run.

Each row's hash covers the row and the hash before it, so a changed, missing or reordered row shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sipalg_fix.model.canon import digest

START: Final = "sha256:" + "0" * 64
"""What the first row of a run is chained to."""

RUN_STARTED: Final = "run-started"
RUN_ENDED: Final = "run-ended"
LOOKED: Final = "looked"
"""A host's facts and assessment."""
RESULT: Final = "result"
"""A host's line in the run's report."""
PLANNED: Final = "planned"
"""A host's whole plan, before anything is sent: what recovery and rollback start from."""
STATE: Final = "state"
"""A change moved to a state."""
SENDING: Final = "sending"
"""A command is about to be sent: durable before its first byte."""
REPLIED: Final = "replied"
"""What came back, redacted."""
BACKUP: Final = "backup"
SIGNED: Final = "signed"
"""The signature of the run's head, right after its end."""
SAID: Final = "said"
"""Anything a person did meanwhile: accepted an objection, interrupted."""

PAIR_LEASE: Final = "pair:"
"""What the lease on a pair begins with, before its name."""
RUN_LEASE: Final = "run:"
"""What the lease on a whole run begins with, before its name; those on hosts have their site there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry. ``seq`` counts from 1 within the run; ``at`` is UTC, ISO 8601; ``host`` may be empty."""

    run: str
    host: str
    seq: int
    at: str
    by: str
    step: str
    payload: Mapping[str, Any]
    prev: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """
    The hash of a run's last row, signed when the run was closed. ``key`` is ``ed25519:`` and the public key,
    it and ``signature`` are in base64.
    """

    run: str
    seq: int
    head: str
    key: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run was closed: its row ``run-ended``, and the signature of it where the journal has a key."""

    row: Row
    signed: SignedHead | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """One word that stops all changes of all runs. ``at`` is UTC, ISO 8601."""

    at: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """
    One run in a list of runs. ``ended`` is empty and ``exit_code`` None for a run that is under way, or
    was cut short. ``hosts`` is how many it is about.
    """

    run: str
    verb: str
    started: str
    ended: str
    by: str
    hosts: int
    exit_code: int | None


def row_hash(  # noqa: PLR0913 - a row is hashed field by field
    *, run: str, host: str, seq: int, at: str, by: str, step: str, payload: object, prev: str
) -> str:
    """The hash of a row with these contents, chained to ``prev``."""
    return digest([run, host, seq, at, by, step, payload, prev])


def broken_link(rows: tuple[Row, ...], after: Row | None = None) -> str:
    """
    What is wrong with a run's chain, in words; empty when it is whole so far. A long run is checked in
    parts: ``after`` is the row before these, already found to be whole.
    """
    prev, first = (after.hash, after.seq + 1) if after else (START, 1)
    for number, row in enumerate(rows, start=first):
        if row.seq != number:
            return f"row {number} is missing (the next is {row.seq})"
        if row.prev != prev:
            return f"row {number} is not chained to the one before it"
        expected = row_hash(
            run=row.run, host=row.host, seq=row.seq, at=row.at, by=row.by, step=row.step,
            payload=row.payload, prev=row.prev,
        )  # fmt: skip
        if row.hash != expected:
            return f"row {number} was changed after it was written"
        prev = row.hash
    return ""
