"""How the journal's database is opened: brought to this tool's form, and its errors told in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from sipalg_fix.model.errors import JournalError
from sipalg_fix.store import sqlite
from sipalg_fix.store.schema import HEAD, VERSION_TABLE

BACKENDS: Final = ("sqlite", "postgresql")

BUSY_SECONDS: Final = 30.0
"""How long a write waits for another program's. Writes take milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database. ``name`` is what people call it: the path, or the URL without its password."""

    engine: Engine
    name: str
    busy_seconds: float = BUSY_SECONDS
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Threads of this process take turns here: SQLite lets waiting writers in by luck, not in order."""

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start; durable when the block ends."""
        options = {sqlite.WRITES: True}
        with (
            self.turn,
            self._in_words(),
            self.engine.connect() as connection,
            connection.execution_options(**options).begin(),
        ):
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the journal, and keeps nobody from writing."""
        with self._in_words(), self.engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            if self.engine.dialect.name == "sqlite":
                code, words = sqlite.trouble(error.orig, self.busy_seconds)
            else:
                said = str(error.orig).partition("\n")[0]
                code, words = "journal-unwritable", f"cannot be used: {said}"
            raise JournalError(code, f"the journal {self.name} {words}") from None


def open_database(where: str | Path, busy_seconds: float = BUSY_SECONDS) -> Database:
    """
    The database at a path or URL, made and brought up to date where that is needed.

    :class:`JournalError`: ``journal-unwritable``, ``journal-locked``, ``journal-broken``, and
    ``journal-version`` for one that a newer version of this tool has written.
    """
    url, name = _address(where)
    database = Database(engine=_engine(url, name, busy_seconds), name=name, busy_seconds=busy_seconds)
    try:
        if _version(database) != HEAD:
            _upgrade(database)
    except JournalError:
        database.close()
        raise
    return database


def _address(where: str | Path) -> tuple[URL, str]:
    """The URL to connect to, and what people call it."""
    # A path is taken as it is written: URLs escape some letters, in some versions of SQLAlchemy.
    path = str(where).removeprefix("sqlite:///")
    if "://" not in path:
        return URL.create("sqlite", database=path), path
    try:
        url = make_url(str(where))
    except ArgumentError:
        # The text is not repeated: it may hold a password in a place where none is expected.
        raise JournalError("journal-unwritable", "the journal's URL cannot be read") from None
    return url, url.render_as_string(hide_password=True)


def _engine(url: URL, name: str, busy_seconds: float) -> Engine:
    if url.get_backend_name() not in BACKENDS:
        message = f"the journal {name} must be a file, sqlite:///… or postgresql://…"
        raise JournalError("journal-unwritable", message)
    if url.get_backend_name() == "sqlite":
        return sqlite.engine_for(url, name, busy_seconds)
    try:
        return create_engine(url, max_overflow=-1, hide_parameters=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        message = f"the journal {name} needs a driver that is not installed ({error})"
        raise JournalError("journal-unwritable", message) from None


def _version(database: Database) -> str:
    """The migration the database is at; empty for a new one."""
    with database.reading() as connection:
        names = inspect(connection).get_table_names()
        if VERSION_TABLE in names:
            found = connection.execute(select(text("version_num")).select_from(text(VERSION_TABLE))).scalar()
            return str(found or "")
        if names and connection.dialect.name == "sqlite":
            raise JournalError("journal-broken", f"the journal {database.name} {sqlite.NOT_OURS}")
        return ""


def _upgrade(database: Database) -> None:
    """Bring it up to date, in one transaction: of several programs that come at once, one does it."""
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    # Asked again by alembic under the write lock; here it is only seen whether we know it at all.
    version = _version(database)
    if version and version not in known:
        raise JournalError(
            "journal-version",
            f"the journal {database.name} was written by a newer version of this tool "
            f"(its form is {version}, this one knows {HEAD}); update the tool, or name another journal",
        )
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
