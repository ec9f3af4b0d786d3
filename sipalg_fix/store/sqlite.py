"""All that is SQLite's own: the file and its rights, the pragmas, the lock, its errors in words."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from sipalg_fix.model.errors import JournalError

WRITES: Final = "sipalg_fix_writes"
"""The execution option of a connection whose transaction will write."""

LOCKED = "is held by another program and did not become free in {seconds:.0f} seconds; wait for it, or end it"
FULL = "cannot be written: its disk is full. Nothing is sent to a router that cannot be recorded first"
READ_ONLY = "cannot be written: the file, its folder or its disk is read-only for this user"
CANNOT_OPEN = "cannot be opened: see that its folder is there and may be written by this user"
NOT_OURS = "is not a journal; name another file"
DAMAGED = "is damaged; keep the file, and put back a copy or begin a new one beside it"
DISK = "could not be read or written: the disk reports an error"

_WORDS: Final = (
    ("SQLITE_BUSY", "journal-locked", LOCKED),
    ("SQLITE_LOCKED", "journal-locked", LOCKED),
    ("SQLITE_PROTOCOL", "journal-locked", LOCKED),
    ("SQLITE_FULL", "journal-unwritable", FULL),
    ("SQLITE_READONLY", "journal-unwritable", READ_ONLY),
    ("SQLITE_PERM", "journal-unwritable", READ_ONLY),
    ("SQLITE_CANTOPEN", "journal-unwritable", CANNOT_OPEN),
    ("SQLITE_NOTADB", "journal-broken", NOT_OURS),
    ("SQLITE_CORRUPT", "journal-broken", DAMAGED),
    ("SQLITE_IOERR", "journal-unwritable", DISK),
)
"""(beginning of SQLite's name for it, our code, what is so). Names: sqlite.org/rescode.html."""


def engine_for(url: URL, name: str, busy_seconds: float) -> Engine:
    """
    An engine on the file of this URL, which is made if it is not there: for its owner's eyes only, as is
    its folder where that is made, too. :class:`JournalError` when the file cannot be.
    """
    database = url.database or ""
    if database in ("", ":memory:") or database.startswith("file:"):
        raise JournalError("journal-unwritable", f"the journal must be a file on disk, {name} is none")
    _prepare(Path(database), name)
    engine = create_engine(
        url,
        # Transactions are begun below: the driver's own way would begin them without the write lock.
        connect_args={"timeout": busy_seconds, "isolation_level": None},
        poolclass=QueuePool,
        max_overflow=-1,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def trouble(error: BaseException | None, busy_seconds: float) -> tuple[str, str]:
    """Our code and what is so, for an error of SQLite's; the words follow on the journal's name."""
    said = getattr(error, "sqlite_errorname", "")
    for beginning, code, words in _WORDS:
        if said.startswith(beginning):
            return code, words.format(seconds=busy_seconds)
    return "journal-broken", f"cannot be used: {error}"


def _prepare(path: Path, name: str) -> None:
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_file():
            return
        # SQLite gives its -wal and -shm files the rights of this one.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        message = f"the journal {name} cannot be made: {error.strerror or error}"
        raise JournalError("journal-unwritable", message) from None


def _set_up(connection: Any, record: object) -> None:
    """WAL lets others read while one writes; FULL makes each commit reach the disk before it returns."""
    del record
    assert isinstance(connection, sqlite3.Connection)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
