"""The journal in a real PostgreSQL: what holds of it in a file holds there, and its triggers refuse."""

from __future__ import annotations

import inspect
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from sipalg_fix.store.journal import Journal
from tests.real.conftest import need
from tests.store import test_journal_freezes, test_journal_leases, test_journal_rows
from tests.store.conftest import BY, Clock

pytestmark = pytest.mark.long

NAMES = itertools.count()
NOBODY = () if os.geteuid() else ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""PostgreSQL does not run as root: it is not, in a user namespace of its own, and its files are root's."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A server on a socket in this folder, as long as the tests of this module run."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    need("" if programs and shutil.which("unshare") else "PostgreSQL (apt-get install postgresql)")
    folder = tmp_path_factory.mktemp("pg")
    run = (*NOBODY, str(programs[-1] / "initdb"), "-D", str(folder / "data"), "-U", "sipalg", "-A", "trust")
    subprocess.run(run, check=True, capture_output=True, timeout=120)
    serve = (*NOBODY, str(programs[-1] / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-h", "")
    with (folder / "log").open("w") as log, subprocess.Popen(serve, stdout=log, stderr=log) as running:
        try:
            ready = (str(programs[-1] / "pg_isready"), "-h", str(folder), "-t", "1")
            deadline = time.monotonic() + 60.0
            while subprocess.run(ready, check=False, capture_output=True).returncode:
                assert running.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
            yield folder
        finally:
            running.terminate()


@pytest.fixture
def url(server: Path) -> str:
    """A database of this test's own."""
    at = f"postgresql+psycopg2://sipalg@/{{}}?host={server}"
    name = f"journal{next(NAMES)}"
    engine = create_engine(at.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return at.format(name)


@pytest.fixture
def opened(url: str, clock: Clock) -> Iterator[Callable[..., Journal]]:
    """In place of the one on a file."""
    journals: list[Journal] = []

    def opens(by: str = BY) -> Journal:
        journals.append(Journal(url, now=clock, by=by))
        return journals[-1]

    yield opens
    for journal in journals:
        journal.close()


def without_a_file(module: ModuleType) -> dict[str, Callable[..., None]]:
    """Tests that know the journal by its fixture alone."""
    tests = {name: value for name, value in vars(module).items() if name.startswith("test_")}
    return {
        name: test
        for name, test in tests.items()
        if {"journal", "opened"} & inspect.signature(test).parameters.keys()
        and "path" not in inspect.signature(test).parameters
    }


for each in (test_journal_rows, test_journal_leases, test_journal_freezes):
    globals().update(without_a_file(each))


@pytest.mark.parametrize("table", ["runs", "journal", "heads", "pruned", "freezes"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_database_refuses(opened: Callable[..., Journal], url: str, table: str, statement: str) -> None:
    """Any program's statement on any table that only grows."""
    journal = opened()
    run = journal.open_run("audit", {})
    journal.freezes.begin("outage")
    before = journal.rows(run)
    column = "number" if table == "freezes" else "run"
    engine = create_engine(url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="the journal is append-only"):
        connection.execute(text(statement.format(table, column, column)))
    engine.dispose()
    assert journal.rows(run) == before
