"""Backups: the configurations that were kept before changes, as the journal has them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from sipalg_fix.model import journal as words
from sipalg_fix.store.journal import Journal
from sipalg_fix.store.schema import JOURNAL, RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    One reply of a backup. ``text`` is redacted; ``sealed`` is the original, encrypted, and empty where no
    recipient was configured when the run was made.
    """

    command: str
    status: str
    text: str
    sealed: str

    @property
    def ok(self) -> bool:
        """Did the device answer with its configuration, as far as the protocol says?"""
        return self.status in ("ok", "exit 0") or self.status.startswith("http 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What was kept of one host in one run."""

    run: str
    host: str
    at: str
    parts: tuple[Part, ...]

    @property
    def original(self) -> str:
        """``sealed``, ``partly sealed``, or ``not kept``."""
        kept = [bool(part.sealed) for part in self.parts]
        return "sealed" if all(kept) else "partly sealed" if any(kept) else "not kept"


def backups(journal: Journal, *, host: str = "", run: str = "") -> tuple[Backup, ...]:
    """All backups, oldest first; those of a host or a run where one is named."""
    query = (
        select(RUNS.c.run, JOURNAL.c.seq)
        .join(JOURNAL, JOURNAL.c.run == RUNS.c.run)
        .where(JOURNAL.c.step == words.BACKUP)
        .order_by(RUNS.c.number, JOURNAL.c.seq)
    )
    query = query.where(JOURNAL.c.host == host) if host else query
    query = query.where(JOURNAL.c.run == run) if run else query
    with journal.database.reading() as connection:
        runs = dict.fromkeys(name for name, _ in connection.execute(query))
    return tuple(backup for name in runs for backup in _of_run(journal, name, host))


def _of_run(journal: Journal, run: str, host: str) -> tuple[Backup, ...]:
    found: dict[str, tuple[str, list[Part]]] = {}
    for row in journal.rows(run, host or None):
        if row.step == words.BACKUP:
            said = {name: str(row.payload.get(name, "")) for name in ("command", "status", "text", "sealed")}
            found.setdefault(row.host, (row.at, []))[1].append(Part(**said))
    return tuple(Backup(run=run, host=name, at=at, parts=tuple(parts)) for name, (at, parts) in found.items())
