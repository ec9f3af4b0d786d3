"""
Pruning: the rows of an old run go to a file, and its head stays.

The database refuses to take rows away unless a record of it is there already, in a table that only grows;
so a run that is gone can be told from one that was made to disappear. See docs/decisions/0004.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, insert, select

from sipalg_fix.model import journal as words
from sipalg_fix.model.canon import canonical
from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.store.checking import WHOLE, Checked, Checker
from sipalg_fix.store.exports import export_text, read_export, write_export
from sipalg_fix.store.journal import Journal
from sipalg_fix.store.schema import HEADS, JOURNAL, PRUNED, RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruner:
    """Exports runs, and takes out those that were exported."""

    checker: Checker

    @property
    def journal(self) -> Journal:
        """The journal that is exported from."""
        return self.checker.journal

    def export(self, run: str) -> str:
        """A closed run's text. PlanError ``run-open``; JournalError when it is not as it was written."""
        found = self.checker.run(run)
        if found.broken:
            raise JournalError(found.result, f"the run {run} is not exported: {found.detail}")
        if found.result != WHOLE:
            raise PlanError("run-open", f"the run {run} is not exported: {found.result}, {found.detail}")
        heads = self.checker.heads(run)
        return export_text(run, self.journal.rows(run), heads)

    def older_than(self, age: timedelta, now: str) -> tuple[str, ...]:
        """Runs that were closed longer ago, oldest first; those already taken out are not among them."""
        limit = datetime.fromisoformat(now) - age
        ended = (
            select(RUNS.c.run, func.max(JOURNAL.c.at))
            .join(JOURNAL, JOURNAL.c.run == RUNS.c.run)
            .join(HEADS, HEADS.c.run == RUNS.c.run)
            .where(JOURNAL.c.host == "", JOURNAL.c.step == words.RUN_ENDED)
            .group_by(RUNS.c.run, RUNS.c.number)
            .order_by(RUNS.c.number)
        )
        with self.journal.database.reading() as connection:
            found = connection.execute(ended).all()
        return tuple(run for run, at in found if datetime.fromisoformat(at) < limit)

    def prune(self, runs: tuple[str, ...], folder: Path) -> Iterator[Checked]:
        """
        Export and take out these runs, in a run of its own that says so. One that is not whole stays, and
        is told.
        """
        own = self.journal.open_run("prune", {"hosts": [], "runs": list(runs), "folder": str(folder)})
        out = 0
        for run in runs:
            found = self.checker.run(run)
            if found.result == WHOLE:
                found = self._take_out(run, own, folder)
                out += 1
            yield found
        summary = {"hosts": 0, "exit_code": 0 if out == len(runs) else 2}
        self.journal.end_run(own, {"verb": "prune", "summary": summary, "pruned": out})

    def _take_out(self, run: str, own: str, folder: Path) -> Checked:
        file = folder / f"{run}.jsonl"
        digest = write_export(file, self.export(run))
        # What is taken out is what can be read back.
        read_export(file.read_text())
        line = self.journal.line(run)
        row = self.journal.write(
            own, "", words.SAID, {"what": "pruned", "run": run, "file": file.name, "digest": digest}
        )
        with self.journal.database.writing() as connection:
            record = {"run": run, "at": row.at, "by_run": own, "file": file.name, "digest": digest}
            connection.execute(insert(PRUNED).values(**record, line=canonical(line)))
            connection.execute(delete(JOURNAL).where(JOURNAL.c.run == run))
        return self.checker.run(run)
