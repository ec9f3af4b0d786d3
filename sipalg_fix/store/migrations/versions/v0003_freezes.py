"""
Freezes: who stopped all changes, when and why, and who let them go on. Only grows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

APPEND_ONLY = "the journal is append-only"
VERBS = ("update", "delete")


def upgrade() -> None:
    """Make the table, and what refuses to change it."""
    op.create_table(
        "freezes",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("what", "at", "by", "reason")),
    )
    match op.get_bind().dialect.name:
        case "sqlite":
            for verb in VERBS:
                op.execute(_sqlite(f"freezes_no_{verb}", f"{verb.upper()} ON freezes"))
            # INSERT OR REPLACE deletes without a word to the trigger above (sqlite.org/lang_conflict.html).
            taken = "WHEN EXISTS (SELECT 1 FROM freezes WHERE number = NEW.number)"
            op.execute(_sqlite("freezes_no_replace", f"INSERT ON freezes {taken}"))
        case _:
            for verb in (*VERBS, "truncate"):
                op.execute(
                    f"CREATE TRIGGER freezes_no_{verb} BEFORE {verb.upper()} ON freezes FOR EACH STATEMENT "
                    "EXECUTE FUNCTION sipalg_fix_append_only()"
                )


def downgrade() -> None:
    """There is no way back: a journal is never taken apart."""
    raise NotImplementedError("a journal is never taken apart")


def _sqlite(name: str, what: str) -> str:
    return f"CREATE TRIGGER {name} BEFORE {what} BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
