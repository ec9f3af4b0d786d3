"""Rows cannot be changed by mistake, and not on purpose without its showing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.store.journal import Journal

CHANGES = {
    "change": "UPDATE journal SET host = 'other'",
    "take away": "DELETE FROM journal WHERE seq = 2",
    "replace": "INSERT OR REPLACE INTO journal SELECT run, seq, '', at, by, step, '', prev, '' FROM journal",
    "take away a run": "DELETE FROM runs",
    "rename a run": "UPDATE runs SET run = 'x'",
    "replace a run": "INSERT OR REPLACE INTO runs SELECT number, 'x' || run FROM runs",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES.keys())
def test_the_database_refuses_to_change_what_is_written(journal: Journal, path: Path, statement: str) -> None:
    """Any program's statement fails, and the journal is as it was."""
    run = written(journal)
    before = journal.rows(run)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="the journal is append-only"):
        connection.execute(statement)
    connection.close()
    assert journal.rows(run) == before
    assert journal.check(run) == ""


def test_a_changed_row_shows(journal: Journal, path: Path) -> None:
    """Whatever was changed in it."""
    run = written(journal)
    changes = {
        "host": "'other'",
        "at": "'2026-11-23T11:00:00Z'",
        "by": "'eve@noc-1'",
        "step": "'looked'",
        "payload": '\'{"command":"reboot"}\'',
        "hash": "'sha256:0'",
    }
    for column, value in changes.items():
        (before,) = unguarded(path, f'SELECT "{column}" FROM journal WHERE seq = 3')
        unguarded(path, f'UPDATE journal SET "{column}" = {value} WHERE seq = 3')
        assert journal.check(run) == "row 3 was changed after it was written", column
        unguarded(path, f'UPDATE journal SET "{column}" = ? WHERE seq = 3', before)
        assert journal.check(run) == ""


def test_a_missing_row_shows(journal: Journal, path: Path) -> None:
    """A gap says which row is missing."""
    run = written(journal)
    unguarded(path, "DELETE FROM journal WHERE seq = 3")
    assert journal.check(run) == "row 3 is missing (the next is 4)"


def test_a_gap_that_was_closed_shows(journal: Journal, path: Path) -> None:
    """Numbering the rest anew does not help: each row is chained to the one before it."""
    run = written(journal)
    unguarded(path, "DELETE FROM journal WHERE seq = 3")
    unguarded(path, "UPDATE journal SET seq = seq - 1 WHERE seq > 3")
    assert journal.check(run) == "row 3 is not chained to the one before it"


def test_exchanged_rows_show(journal: Journal, path: Path) -> None:
    """Two rows that took each other's number, with or without their places in the chain."""
    run = written(journal)
    for statement in (
        "SET seq = -3 WHERE seq = 3",
        "SET seq = 3 WHERE seq = 4",
        "SET seq = 4 WHERE seq = -3",
    ):
        unguarded(path, f"UPDATE journal {statement}")
    assert journal.check(run) == "row 3 is not chained to the one before it"
    rows = {row.seq: row for row in journal.rows(run)}
    unguarded(path, "UPDATE journal SET prev = ? WHERE seq = 3", (rows[2].hash,))
    unguarded(path, "UPDATE journal SET prev = ? WHERE seq = 4", (rows[3].hash,))
    assert journal.check(run) == "row 3 was changed after it was written"


def test_missing_last_rows_show_by_the_head_that_the_report_names(journal: Journal, path: Path) -> None:
    """A chain cannot know how long it was; the hash of its last row, kept elsewhere, can."""
    run = written(journal)
    head = journal.rows(run)[-1].hash
    assert journal.check(run, head=head) == ""
    later = journal.write(run, "", "said", {"what": "looked at"})
    assert journal.check(run, head=head) == ""
    unguarded(path, "DELETE FROM journal WHERE seq >= 4")
    assert journal.check(run) == ""
    assert journal.check(run, head=head) == f"the row with the hash {head} is missing after row 3"
    assert later.seq == 5


def test_a_row_moved_to_another_run_shows(journal: Journal, path: Path) -> None:
    """A row's hash names its run."""
    one, two = written(journal), written(journal)
    unguarded(path, "DELETE FROM journal WHERE run = ?", (two,))
    unguarded(path, "UPDATE journal SET run = ? WHERE run = ?", (two, one))
    assert journal.check(two) == "row 1 was changed after it was written"
    with pytest.raises(PlanError, match="holds no rows of"):
        journal.check(one)


def test_a_row_that_cannot_be_read_any_more_is_an_error_and_not_an_empty_row(
    journal: Journal, path: Path
) -> None:
    """Reading says so; checking says which; the list of runs still comes."""
    run = written(journal)
    for payload in ("{", "[]", "7", ""):
        unguarded(path, "UPDATE journal SET payload = ? WHERE seq = 1", (payload,))
        assert journal.check(run) == "row 1 was changed after it was written"
        with pytest.raises(JournalError, match=r"row 1 of the run .* was changed") as caught:
            journal.rows(run)
        assert caught.value.code == "journal-broken"
        assert [line.run for line in journal.runs()] == [run]


def test_a_run_goes_on_after_it_was_tampered_with(
    journal: Journal, path: Path, opened: Callable[[], Journal]
) -> None:
    """New rows do not heal the chain: what was wrong stays visible."""
    run = written(journal)
    unguarded(path, "UPDATE journal SET payload = ? WHERE seq = 2", (json.dumps({"state": "confirmed"}),))
    opened().write(run, "edge-1", "state", {"state": "rolled-back"})
    assert journal.check(run) == "row 2 was changed after it was written"


def written(journal: Journal) -> str:
    """A run of four rows."""
    run = journal.open_run("apply", {"hosts": ["edge-1"]})
    journal.write(run, "edge-1", "state", {"state": "applying"})
    journal.write(run, "edge-1", "sending", {"command": "commit"})
    journal.write(run, "edge-1", "replied", {"status": "ok"})
    return run


def unguarded(path: Path, statement: str, values: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Do this behind the journal's back, without the triggers; what was found."""
    connection = sqlite3.connect(path)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    found = connection.execute(statement, values).fetchall()
    for _, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()
    return found
