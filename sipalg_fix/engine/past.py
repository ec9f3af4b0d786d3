"""Past: what the journal holds of a run, as the values it was written from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sipalg_fix.model import journal as words
from sipalg_fix.model.canon import from_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import JournalError
from sipalg_fix.model.journal import Row
from sipalg_fix.model.plan import Terms

T = TypeVar("T")


def value_of(kind: type[T], row: Row, key: str = "") -> T:
    """A row's payload, or what it holds under a key. JournalError when another version wrote it."""
    try:
        return from_plain(kind, row.payload[key] if key else dict(row.payload))
    except (KeyError, ValueError) as error:
        message = f"row {row.seq} of the run {row.run} cannot be read by this version of the tool ({error})"
        raise JournalError("journal-version", message) from None


def terms_of(planned: Row | None) -> Terms:
    """What bound a change, by the row that it was taken up with; the defaults where that does not say."""
    return value_of(Terms, planned, "terms") if planned and "terms" in planned.payload else Terms()


def last_state(rows: Iterable[Row]) -> ChangeState | None:
    """The last state that a host's change was recorded in; None when there is none."""
    states = [row for row in rows if row.step == words.STATE]
    return value_of(ChangeState, states[-1], "state") if states else None


def last_seen(rows: Iterable[Row]) -> str:
    """The settings in which a run last saw a host; empty when it never saw it again after sending."""
    seen = ""
    for row in rows:
        if row.step == words.SENDING:
            seen = ""
        elif row.step == words.LOOKED:
            seen = str(row.payload["settings"])
    return seen
