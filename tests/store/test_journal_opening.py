"""Opening a journal: made safely, brought up to date, and said plainly when it cannot be used."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from sipalg_fix.model.errors import JournalError
from sipalg_fix.store import schema
from sipalg_fix.store.database import open_database
from sipalg_fix.store.journal import Journal

NOW = "2026-11-23T10:15:00Z"


def error_of(act: Callable[[], object]) -> JournalError:
    """The error this ends in. It stands for itself: no other error's traceback hangs on it."""
    with pytest.raises(JournalError) as caught:
        act()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    assert "sqlite3" not in str(caught.value)
    return caught.value


def opening(where: str | Path) -> Callable[[], object]:
    """To open this journal."""
    return lambda: Journal(where, now=lambda: NOW, by="anna@noc-1")


def test_only_its_owner_may_read_a_journal(path: Path, journal: Journal) -> None:
    """The file, what SQLite puts beside it, and the folder that was made for it."""
    journal.open_run("audit", {})
    assert path.parent.stat().st_mode & 0o777 == 0o700
    files = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert files == {"journal.db": 0o600, "journal.db-wal": 0o600, "journal.db-shm": 0o600}


def test_a_folder_that_was_there_keeps_its_rights(tmp_path: Path) -> None:
    """It may be somebody's on purpose; the file is for its owner alone all the same."""
    tmp_path.chmod(0o755)
    open_database(tmp_path / "j.db").close()
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "j.db").stat().st_mode & 0o777 == 0o600


def test_the_migrations_end_at_the_tables_that_are_used(path: Path, journal: Journal) -> None:
    """No difference between what the code expects and what a journal has; nor in the version's name."""
    with journal._database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, schema.METADATA) == []
        assert context.get_current_revision() == schema.HEAD


def test_a_path_and_its_url_are_the_same_journal(tmp_path: Path) -> None:
    """Either may be said; blanks and per cent signs mean themselves."""
    path = tmp_path / "a folder 100%25" / "j.db"
    one = Journal(path, now=lambda: NOW, by="anna@noc-1")
    run = one.open_run("audit", {})
    two = Journal(f"sqlite:///{path}", now=lambda: NOW, by="anna@noc-1")
    assert two.find_run("last") == run
    one.close()
    two.close()


def test_a_journal_of_a_newer_version_is_left_alone(path: Path, journal: Journal) -> None:
    """What it means is not known here; the message says which form it has, and what to do."""
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '0417'")
    connection.commit()
    connection.close()
    error = error_of(opening(path))
    assert error.code == "journal-version"
    assert f"its form is 0417, this one knows {schema.HEAD}); update the tool" in str(error)


def test_another_programs_database_is_not_written_into(tmp_path: Path) -> None:
    """A wrong path is said; nothing is added to the file."""
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE phones (number TEXT)")
    connection.commit()
    assert error_of(opening(path)).code == "journal-broken"
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("phones",)]
    connection.close()


def test_a_file_that_is_no_database_is_said_and_kept(tmp_path: Path) -> None:
    """Nothing is repaired, and nothing overwritten."""
    path = tmp_path / "notes.txt"
    path.write_text("numbers to call\n" * 100)
    error = error_of(opening(path))
    assert (error.code, str(error)) == (
        "journal-broken",
        f"the journal {path} is not a journal; name another file",
    )
    assert path.read_text() == "numbers to call\n" * 100


def test_a_damaged_journal_is_said(path: Path, journal: Journal) -> None:
    """Pages that were overwritten are found when they are read, and never believed."""
    run = journal.open_run("audit", {})
    for number in range(50):
        journal.write(run, "edge-1", "looked", {"number": number, "filler": "x" * 500})
    journal.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * (size - 8192))

    def read() -> object:
        return Journal(path, now=lambda: NOW, by="anna@noc-1").check(run)

    error = error_of(read)
    assert error.code == "journal-broken"
    assert "is damaged; keep the file" in str(error)


def test_a_place_where_no_file_can_be_is_said(tmp_path: Path) -> None:
    """A folder in the file's place, a file in the folder's place, and no file at all."""
    (tmp_path / "file").write_text("")
    assert "cannot be made: Is a directory" in str(error_of(opening(tmp_path)))
    assert "cannot be made: File exists" in str(error_of(opening(tmp_path / "file" / "j.db")))
    for nowhere in ("sqlite://", "sqlite:///:memory:"):
        assert "must be a file on disk" in str(error_of(opening(nowhere)))


def test_a_url_that_cannot_be_used_is_said_without_its_password() -> None:
    """Of another kind of database, without its driver, or no URL at all."""
    wrong = (
        "mysql://anna:hunter2@db/journal",
        "postgresql+nodriver://anna:hunter2@db/j",
        "post gres://hunter2",
    )
    for url in wrong:
        error = error_of(opening(url))
        assert error.code == "journal-unwritable"
        assert "hunter2" not in str(error)


def test_a_journal_that_another_program_holds_is_waited_for_only_so_long(
    path: Path, journal: Journal
) -> None:
    """Then it is said, and nothing was written; afterwards all goes on."""
    run = journal.open_run("audit", {})
    impatient = Journal(path, now=lambda: NOW, by="anna@noc-1", busy_seconds=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    error = error_of(lambda: impatient.write(run, "", "said", {}))
    assert error.code == "journal-locked"
    assert f"the journal {path} is held by another program" in str(error)
    assert [row.step for row in impatient.rows(run)] == ["run-started"], "readers do not wait for writers"
    other.execute("ROLLBACK")
    other.close()
    assert impatient.write(run, "", "said", {}).seq == 2
    impatient.close()


@pytest.mark.parametrize(
    ("pragma", "words"),
    [("max_page_count = 1", "its disk is full"), ("query_only = ON", "read-only for this user")],
)
def test_a_journal_that_cannot_be_written_is_said(path: Path, pragma: str, words: str) -> None:
    """A full disk and a read-only one: no row, and a sentence instead of a traceback."""
    journal = Journal(path, now=lambda: NOW, by="anna@noc-1")
    run = journal.open_run("audit", {})
    # One connection is in the pool, and each write uses it.
    with journal._database.writing() as connection:
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    error = error_of(lambda: journal.write(run, "", "said", {"filler": "x" * 100_000}))
    assert error.code == "journal-unwritable"
    assert words in str(error)
    assert len(journal.rows(run)) == 1
    assert journal.check(run) == ""
    journal.close()


def test_the_package_alone_loads_no_database_library() -> None:
    """Whoever asks for help does not wait for it."""
    code = "import sys, sipalg_fix.store; sys.exit(not {'sqlalchemy', 'alembic'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_journal_that_is_up_to_date_opens_without_the_migration_library(
    path: Path, journal: Journal
) -> None:
    """It costs more time than all the rest of opening."""
    code = (
        "import sys; from sipalg_fix.store.journal import Journal;"
        "Journal(sys.argv[1], now=str, by='x@y').runs(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0
