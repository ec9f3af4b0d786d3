"""
Freezes: one word that stops all changes of all runs that share a journal, until it is lifted.

The table only grows; its last line counts. So it is known for good who stopped what, and when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, RowMapping, func, insert, select

from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.journal import Freeze
from sipalg_fix.store.database import Database
from sipalg_fix.store.schema import FREEZES, LOCK_ALL

FREEZE: Final = "freeze"
LIFT: Final = "lift"


class Freezes:
    """The freezes of one journal."""

    def __init__(self, database: Database, now: Callable[[], str], by: str) -> None:
        self._database = database
        self._now = now
        self._by = by

    def current(self) -> Freeze | None:
        """What is in force; None while changes may be made."""
        with self._database.reading() as connection:
            last = _last(connection)
        if last is None or last["what"] != FREEZE:
            return None
        return Freeze(at=last["at"], by=last["by"], reason=last["reason"])

    def begin(self, reason: str) -> Freeze:
        """Stop all changes. One more reason may be given while they are stopped already: it counts then."""
        return self._add(FREEZE, reason)

    def end(self, reason: str) -> Freeze:
        """Let changes go on; PlanError ``not-frozen`` where nothing stops them."""
        return self._add(LIFT, reason)

    def _add(self, what: str, reason: str) -> Freeze:
        with self._database.writing() as connection:
            connection.execute(LOCK_ALL)
            last = _last(connection)
            if what == LIFT and (last is None or last["what"] != FREEZE):
                raise PlanError("not-frozen", "nothing is frozen, so that there is nothing to lift")
            number = (connection.scalar(select(func.max(FREEZES.c.number))) or 0) + 1
            made = Freeze(at=self._now(), by=self._by, reason=reason)
            line = {"number": number, "what": what, "at": made.at, "by": made.by, "reason": reason}
            connection.execute(insert(FREEZES).values(line))
        return made


def _last(connection: Connection) -> RowMapping | None:
    query = select(FREEZES).order_by(FREEZES.c.number.desc()).limit(1)
    return connection.execute(query).mappings().first()
