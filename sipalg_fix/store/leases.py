"""
Leases: one change at a time on one host, across processes and machines that share a journal.

A lease is kept by whoever took it until its block ends. It is not prolonged: it is asked for longer than
the change can take, and who still holds it after that is taken to hang. Another run gets the host then,
or at once when the process that held it has ended on this machine; its journal says from whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.model.journal import SAID, Row
from sipalg_fix.store.database import Database
from sipalg_fix.store.owner import is_gone, this_process
from sipalg_fix.store.schema import LEASES, LOCK_ALL


class Append(Protocol):
    """Adds a row to a run, inside a transaction."""

    def __call__(
        self, connection: Connection, run: str, host: str, step: str, payload: Mapping[str, Any], /
    ) -> Row:
        """The row that was added."""


class Leases:
    """The leases of one journal, for one process."""

    def __init__(self, database: Database, now: Callable[[], str], by: str, append: Append) -> None:
        self._database = database
        self._now = now
        self._by = by
        self._append = append

    @contextmanager
    def hold(self, host: str, run: str, seconds: float) -> Iterator[None]:
        """Hold the host's lease; :class:`PlanError` ``host-busy`` says who holds it, and until when."""
        expires = self._take(host, run, seconds)
        try:
            yield
        finally:
            # A journal that cannot be written stops the run by its next row. The lease ends by itself.
            with suppress(JournalError):
                self._give_back(host, run, expires)

    def _take(self, host: str, run: str, seconds: float) -> str:
        owner = this_process(self._by)
        with self._database.writing() as connection:
            now = _moment(self._now())
            expires = (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
            mine = {"run": run, "owner": owner.name, "process": owner.process, "expires": expires}
            connection.execute(LOCK_ALL)
            query = select(LEASES).where(LEASES.c.host == host)
            held = connection.execute(query).mappings().first()
            if held is None:
                connection.execute(insert(LEASES).values(host=host, **mine))
                return expires
            why = _over(held, now)
            if not why:
                raise PlanError("host-busy", _busy(host, held))
            connection.execute(update(LEASES).where(LEASES.c.host == host).values(**mine))
            said = {
                "what": "lease-taken-over",
                "why": why,
                "from_run": held["run"],
                "from_owner": held["owner"],
                "expires": held["expires"],
            }
            self._append(connection, run, host, SAID, said)
        return expires

    def _give_back(self, host: str, run: str, expires: str) -> None:
        """Only our own: when it ran out, another run may hold the host by now, and is told in ours."""
        mine = (LEASES.c.host == host, LEASES.c.run == run, LEASES.c.expires == expires)
        with self._database.writing() as connection:
            if connection.execute(delete(LEASES).where(*mine)).rowcount:
                return
            self._append(connection, run, host, SAID, {"what": "lease-lost", "expires": expires})


def in_force(connection: Connection, now: str) -> frozenset[str]:
    """What is held now, by somebody who is not shown to be gone."""
    held = connection.execute(select(LEASES)).mappings().all()
    return frozenset(str(lease["host"]) for lease in held if not _over(lease, _moment(now)))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _over(held: RowMapping, now: datetime) -> str:
    """Why a lease does not count any more; empty when it does."""
    if is_gone(held["process"]):
        return "its process has ended"
    return "it ran out" if _moment(held["expires"]) <= now else ""


def _busy(host: str, held: RowMapping) -> str:
    return (
        f"{host} is being changed by the run {held['run']} ({held['owner']}) until {held['expires']} at the "
        "latest; wait for it to end"
    )
