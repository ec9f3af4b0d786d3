"""
Signed heads of closed runs, and what is kept of runs that were taken out.

Rows can be taken away of such runs only: first the record that stays, then the rows, in one transaction.
The database itself sees to it; its guards are never off.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEPT = ("heads", "pruned")
"""Tables that only grow."""
APPEND_ONLY = "the journal is append-only"
NOT_CLOSED = "only a run with a signed head can be taken out"
TAKEN_OUT = "this run was taken out"


def upgrade() -> None:
    """Make the tables, and replace what refuses to delete."""
    op.create_table(
        "heads",
        sa.Column("run", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("head", "key", "signature")),
    )
    op.create_table(
        "pruned",
        sa.Column("run", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("at", "by_run", "file", "digest", "line")),
    )
    match op.get_bind().dialect.name:
        case "sqlite":
            statements = _sqlite_triggers()
        case _:
            statements = _postgresql_triggers()
    for statement in statements:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a journal is never taken apart."""
    raise NotImplementedError("a journal is never taken apart")


def _sqlite_triggers() -> list[str]:
    def trigger(name: str, what: str, when: str, why: str) -> str:
        return f"CREATE TRIGGER {name} BEFORE {what} {when} BEGIN SELECT RAISE(ABORT, '{why}'); END"

    same = {"heads": "run = NEW.run AND seq = NEW.seq", "pruned": "run = NEW.run"}
    made = ["DROP TRIGGER journal_no_delete"]
    for table in KEPT:
        made += [
            trigger(f"{table}_no_{v}", f"{v.upper()} ON {table}", "", APPEND_ONLY)
            for v in ("update", "delete")
        ]
        # INSERT OR REPLACE deletes without a word to the trigger above (sqlite.org/lang_conflict.html).
        when = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same[table]})"
        made.append(trigger(f"{table}_no_replace", f"INSERT ON {table}", when, APPEND_ONLY))
    out, closed = "SELECT 1 FROM pruned WHERE run = {}.run", "SELECT 1 FROM heads WHERE run = NEW.run"
    return [
        *made,
        trigger(
            "journal_no_delete", "DELETE ON journal", f"WHEN NOT EXISTS ({out.format('OLD')})", APPEND_ONLY
        ),
        trigger("journal_no_more", "INSERT ON journal", f"WHEN EXISTS ({out.format('NEW')})", TAKEN_OUT),
        trigger("pruned_closed", "INSERT ON pruned", f"WHEN NOT EXISTS ({closed})", NOT_CLOSED),
    ]


def _postgresql_triggers() -> list[str]:
    def function(name: str, refuse_if: str, why: str, row: str) -> str:
        return (
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {refuse_if} THEN RAISE EXCEPTION '{why}'; END IF; RETURN {row}; END $$"
        )

    def trigger(name: str, what: str, calls: str, each: str = "ROW") -> str:
        return f"CREATE TRIGGER {name} BEFORE {what} FOR EACH {each} EXECUTE FUNCTION {calls}()"

    out = "EXISTS (SELECT 1 FROM pruned WHERE run = {}.run)"
    closed = "EXISTS (SELECT 1 FROM heads WHERE run = NEW.run)"
    return [
        "DROP TRIGGER journal_no_delete ON journal",
        function("sipalg_fix_keep", f"NOT {out.format('OLD')}", APPEND_ONLY, "OLD"),
        function("sipalg_fix_no_more", out.format("NEW"), TAKEN_OUT, "NEW"),
        function("sipalg_fix_closed", f"NOT {closed}", NOT_CLOSED, "NEW"),
        trigger("journal_no_delete", "DELETE ON journal", "sipalg_fix_keep"),
        trigger("journal_no_more", "INSERT ON journal", "sipalg_fix_no_more"),
        trigger("pruned_closed", "INSERT ON pruned", "sipalg_fix_closed"),
        *(
            trigger(f"{table}_no_{verb}", f"{verb.upper()} ON {table}", "sipalg_fix_append_only", "STATEMENT")
            for table in KEPT
            for verb in ("update", "delete", "truncate")
        ),
    ]
