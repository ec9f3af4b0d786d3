"""The journal, its runs and leases; rows can be added, and neither changed nor taken away."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEPT = ("runs", "journal")
"""Tables that only grow."""


def upgrade() -> None:
    """Make the tables and what protects them."""
    _tables()
    match op.get_bind().dialect.name:
        case "sqlite":
            for statement in _sqlite_triggers():
                op.execute(statement)
        case _:
            for statement in _postgresql_triggers():
                op.execute(statement)


def downgrade() -> None:
    """There is no way back: a journal is never taken apart."""
    raise NotImplementedError("a journal is never taken apart")


def _tables() -> None:
    runs = op.create_table(
        "runs",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("run", sa.Text, nullable=False, unique=True),
    )
    # No run: the line that is locked by whoever begins one.
    op.bulk_insert(runs, [{"number": 0, "run": ""}])
    op.create_table(
        "journal",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("host", "at", "by", "step", "payload", "prev", "hash")
        ),
    )
    op.create_index("journal_by_host", "journal", ["host", "run", "seq"])
    op.create_table(
        "leases",
        sa.Column("host", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("run", "owner", "process", "expires")),
    )


def _sqlite_triggers() -> list[str]:
    refuse = "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    changes = [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} {refuse}"
        for table in KEPT
        for verb in ("update", "delete")
    ]
    # INSERT OR REPLACE deletes without a word to the trigger above (sqlite.org/lang_conflict.html).
    replaced = {
        "runs": "number = NEW.number OR run = NEW.run",
        "journal": "run = NEW.run AND seq = NEW.seq",
    }
    return changes + [
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}"
        for table, same in replaced.items()
    ]


def _postgresql_triggers() -> list[str]:
    function = (
        "CREATE FUNCTION sipalg_fix_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$"
    )
    return [function] + [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION sipalg_fix_append_only()"
        for table in KEPT
        for verb in ("update", "delete", "truncate")
    ]
