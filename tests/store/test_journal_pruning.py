"""Old runs leave the journal by one way only, and what is left of them can be trusted."""

from __future__ import annotations

import sqlite3
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.store.checking import Checked, Checker
from sipalg_fix.store.exports import read_export, write_export
from sipalg_fix.store.journal import Journal
from sipalg_fix.store.notary import Notary
from sipalg_fix.store.pruning import Pruner
from tests.store.conftest import BY, Clock
from tests.store.test_journal_heads import closed
from tests.store.test_journal_tampering import unguarded

DAY = 86400.0


@pytest.fixture
def pruner(path: Path, clock: Clock) -> Pruner:
    """On a journal that signs."""
    notary = Notary(path.parent)
    journal = Journal(path, now=clock, by=BY, notary=notary)
    return Pruner(checker=Checker(journal=journal, keys={notary.public}))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where exports go."""
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def test_an_export_is_the_run_and_can_be_checked_alone(pruner: Pruner, archive: Path) -> None:
    """Rows and head as they are in the journal, in a file for its owner's eyes."""
    run = closed(pruner.journal)
    file = archive / "run.jsonl"
    write_export(file, pruner.export(run))
    assert read_export(file.read_text()) == (run, pruner.journal.rows(run), pruner.checker.heads(run))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in archive.iterdir()] == ["run.jsonl"]


def test_each_line_of_an_export_counts(pruner: Pruner) -> None:
    """Without any one of its lines, cut at any of them, or with any one changed, it is no whole export."""
    lines = pruner.export(closed(pruner.journal)).splitlines(keepends=True)
    broken = [lines[:n] + lines[n + 1 :] for n in range(len(lines))]
    broken += [lines[:n] for n in range(len(lines))]
    broken += [[*lines[:n], lines[n].replace("e", "f", 1), *lines[n + 1 :]] for n in range(len(lines))]
    codes = set()
    for text in map("".join, broken):
        with pytest.raises(JournalError) as caught:
            read_export(text)
        codes.add(caught.value.code)
    assert codes <= {"row-changed", "row-missing", "rows-truncated", "head-changed"}


def test_what_is_not_whole_is_not_exported(pruner: Pruner, path: Path) -> None:
    """Neither a run without an end, nor one that was changed."""
    cut = pruner.journal.open_run("apply", {})
    with pytest.raises(PlanError) as refused:
        pruner.export(cut)
    assert refused.value.code == "run-open"
    run = closed(pruner.journal)
    unguarded(path, "UPDATE journal SET payload = '{}' WHERE seq = 3")
    with pytest.raises(JournalError) as caught:
        pruner.export(run)
    assert caught.value.code == "row-changed"


def test_an_export_is_never_written_over(pruner: Pruner, archive: Path) -> None:
    """The same again is the same; another one is refused and the first stays."""
    file = archive / "run.jsonl"
    one, two = (pruner.export(closed(pruner.journal)) for _ in range(2))
    assert write_export(file, one) == write_export(file, one)
    with pytest.raises(JournalError, match="holds something else"):
        write_export(file, two)
    assert file.read_text() == one


def test_old_runs_go_and_their_heads_stay(pruner: Pruner, archive: Path, clock: Clock) -> None:
    """Rows in files; line, head and record in the journal; the pruning is a signed run of its own."""
    journal = pruner.journal
    old = [closed(journal), closed(journal)]
    cut = journal.open_run("apply", {})
    before = {run: (journal.rows(run), pruner.checker.heads(run), journal.line(run)) for run in old}
    clock.ahead += 401 * DAY
    new = closed(journal)
    due = pruner.older_than(timedelta(days=400), clock())
    assert due == tuple(old)
    assert [one.result for one in pruner.prune(due, archive)] == ["pruned", "pruned"]
    for run, (rows, heads, line) in before.items():
        assert journal.rows(run) == ()
        assert read_export((archive / f"{run}.jsonl").read_text()) == (run, rows, heads)
        assert pruner.checker.heads(run) == heads
        assert journal.line(run) == line
        with pytest.raises(PlanError, match="taken out") as caught:
            journal.find_run(run)
        assert caught.value.code == "run-pruned"
        assert journal.find_any(run) == run
    found = {one.run: one.result for one in pruner.checker.all()}
    own = journal.find_run("last")
    assert found == {**dict.fromkeys(old, "pruned"), cut: "open", new: "whole", own: "whole"}
    assert [line.run for line in journal.runs()] == [own, new, cut, *reversed(old)]
    assert [row.payload["run"] for row in journal.rows(own) if row.step == "said"] == old
    assert pruner.older_than(timedelta(days=400), clock()) == ()
    assert journal.cut_short() == (cut,)


def test_a_run_that_was_changed_stays_and_is_told(
    pruner: Pruner, archive: Path, path: Path, clock: Clock
) -> None:
    """The others go."""
    bad, good = closed(pruner.journal), closed(pruner.journal)
    unguarded(path, "UPDATE journal SET host = 'x' WHERE run = ? AND seq = 2", (bad,))
    clock.ahead += 2 * DAY
    found = list(pruner.prune(pruner.older_than(timedelta(days=1), clock()), archive))
    assert [(one.run, one.result) for one in found] == [(bad, "row-changed"), (good, "pruned")]
    assert len(pruner.journal.rows(bad)) == 6
    assert [file.name for file in archive.iterdir()] == [f"{good}.jsonl"]


def test_an_archive_that_cannot_be_written_takes_nothing_out(pruner: Pruner, tmp_path: Path) -> None:
    """First the file, then the rows."""
    run = closed(pruner.journal)
    with pytest.raises(JournalError) as caught:
        list(pruner.prune((run,), tmp_path / "no" / "such"))
    assert caught.value.code == "journal-unwritable"
    assert pruner.checker.run(run) == Checked(run=run, result="whole")


def test_the_guards_are_on_all_the_time(pruner: Pruner, archive: Path, path: Path) -> None:
    """
    Any program's statement: rows go only of a run that a record names, a record is only taken of a run that
    was closed with a signed head, nothing is added to a run that left, and records stay.
    """
    gone, here = closed(pruner.journal), closed(pruner.journal)
    cut = pruner.journal.open_run("apply", {})
    list(pruner.prune((gone,), archive))
    connection = sqlite3.connect(path)
    record = "INSERT INTO pruned VALUES (?, '', '', '', '', '')"
    for statement, values, why in (
        ("DELETE FROM journal WHERE run = ?", (here,), "append-only"),
        ("DELETE FROM journal", (), "append-only"),
        (record, (cut,), "only a run with a signed head"),
        ("INSERT INTO journal VALUES (?, 1, '', '', '', '', '', '', '')", (gone,), "taken out"),
        ("UPDATE pruned SET digest = ''", (), "append-only"),
        ("DELETE FROM pruned", (), "append-only"),
        (record.replace("INSERT", "INSERT OR REPLACE"), (gone,), "append-only"),
        ("DELETE FROM heads", (), "append-only"),
    ):
        with pytest.raises(sqlite3.IntegrityError, match=why):
            connection.execute(statement, values)
    connection.close()
    assert pruner.checker.run(here).result == "whole"


def test_a_journal_of_the_older_form_is_brought_up_to_date(
    pruner: Pruner, path: Path, clock: Clock, tmp_path: Path
) -> None:
    """Its runs are there, as unsigned ones, and its rows as protected as before."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    from sipalg_fix.store import migrations
    from sipalg_fix.store.schema import VERSION_TABLE

    older = tmp_path / "older.db"
    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    engine = create_engine(f"sqlite:///{older}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    assert VERSION_TABLE == "sipalg_fix_version"
    run = closed(pruner.journal)
    rows = [row for row in pruner.journal.rows(run) if row.step != "signed"]
    with sqlite3.connect(older) as old, sqlite3.connect(path) as new:
        old.execute("INSERT INTO runs VALUES (1, ?)", (run,))
        for row in new.execute("SELECT * FROM journal ORDER BY seq LIMIT ?", (len(rows),)).fetchall():
            old.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    journal = Journal(older, now=clock, by=BY)
    checker = Checker(journal=journal, keys=())
    assert list(journal.rows(run)) == rows
    assert [one.result for one in checker.all()] == ["unsigned"]
    with sqlite3.connect(older) as old, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        old.execute("DELETE FROM journal")
    journal.close()
