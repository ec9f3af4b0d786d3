"""A freeze is known to all who share a journal, at once and for good."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.journal import Freeze
from sipalg_fix.store.journal import Journal

Open = Callable[..., Journal]


def test_one_program_freezes_and_another_lifts(opened: Open) -> None:
    """Whoever shares the journal is told who did it, when and why."""
    one, two = opened(), opened("bert@noc-1")
    assert one.frozen() is None
    made = one.freezes.begin("outage in Berlin")
    assert made == Freeze(at="2026-11-23T10:15:00Z", by="anna@noc-1", reason="outage in Berlin")
    assert two.frozen() == made
    assert opened().frozen() == made
    two.freezes.end("over")
    assert (one.frozen(), two.frozen()) == (None, None)


def test_a_second_reason_counts_and_one_lift_ends_it(journal: Journal) -> None:
    """It is no counter: who lifts it lifts it."""
    journal.freezes.begin("outage")
    journal.freezes.begin("outage, and it is spreading")
    now = journal.frozen()
    assert now is not None
    assert now.reason == "outage, and it is spreading"
    journal.freezes.end("")
    assert journal.frozen() is None
    with pytest.raises(PlanError, match="nothing is frozen") as caught:
        journal.freezes.end("")
    assert caught.value.code == "not-frozen"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE freezes SET what = 'lift'",
        "DELETE FROM freezes",
        "INSERT OR REPLACE INTO freezes VALUES (1, 'lift', '', '', '')",
    ],
)
def test_the_database_itself_keeps_what_was_said(journal: Journal, path: Path, statement: str) -> None:
    """Neither changed nor taken away by anybody who may write it."""
    journal.freezes.begin("outage")
    database = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute(statement)
    database.close()
    assert journal.frozen() is not None
