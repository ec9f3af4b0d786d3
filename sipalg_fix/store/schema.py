"""The journal's tables, as they are now. How a database gets there is in ``migrations``."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, select

HEAD: Final = "0003"
"""The newest migration: what a database must be at."""

VERSION_TABLE: Final = "sipalg_fix_version"
"""Our own name for alembic's table, so that a database may hold other programs' tables, too."""

METADATA = MetaData()

RUNS = Table(
    "runs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("run", Text, nullable=False, unique=True),
)
"""
One line a run, in the order in which they began: clocks step back, and two runs may begin in one second.
Whoever appends to a run locks its line. Line 0 is no run: who begins a run or takes a lease locks that one.
(In SQLite the whole database is locked instead.)
"""

LOCK_ALL = select(RUNS.c.number).where(RUNS.c.number == 0).with_for_update()
"""Makes others who would begin a run or take a lease wait until this transaction ends."""

JOURNAL = Table(
    "journal",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("host", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("prev", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
"""
The rows. ``payload`` is canonical JSON, as text: a database's own JSON type would give it back in another
order or with other numbers, and the hash would not fit any more.
"""

Index("journal_by_host", JOURNAL.c.host, JOURNAL.c.run, JOURNAL.c.seq)

LEASES = Table(
    "leases",
    METADATA,
    Column("host", Text, primary_key=True),
    Column("run", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("expires", Text, nullable=False),
)
"""Who holds a host's change lock. ``process`` tells whether that process is still alive; may be empty."""

FREEZES = Table(
    "freezes",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
"""Who stopped all changes, or let them go on (``what`` is freeze or lift); the last line counts."""

HEADS = Table(
    "heads",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("head", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("signature", Text, nullable=False),
)
"""The signed heads of closed runs. They stay when a run is taken out."""

PRUNED = Table(
    "pruned",
    METADATA,
    Column("run", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("by_run", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("line", Text, nullable=False),
)
"""
What is kept of a run whose rows were taken out: when and by which run, the export's name and the digest of
its bytes, and the run's line in lists (canonical JSON).
"""
