"""
The journal: every word of every run, durable when ``write`` returns, and never changed afterwards.

One row is one transaction. The row is numbered and chained to the one before it inside the transaction,
so that threads and processes may write the same run.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, insert, select

from sipalg_fix.model import journal as words
from sipalg_fix.model.canon import canonical, from_plain, to_plain
from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.model.journal import RUN_LEASE, START, End, Freeze, Row, RunLine, broken_link, row_hash
from sipalg_fix.store.database import BUSY_SECONDS, Database, open_database
from sipalg_fix.store.freezes import Freezes
from sipalg_fix.store.leases import Leases, in_force
from sipalg_fix.store.notary import Notary
from sipalg_fix.store.schema import HEADS, JOURNAL, LOCK_ALL, PRUNED, RUNS

PART: Final = 500
"""How many rows are in memory at once while a run is read through."""

COLUMNS: Final = ("run", "host", "seq", "at", "by", "step", "payload", "prev", "hash")


class Journal:
    """
    The engine's journal port, and what people and recovery read from it.

    Safe for threads. A process that is started by fork opens its own. Errors are
    :class:`JournalError`, and :class:`PlanError` ``run-unknown`` or ``host-busy``.
    """

    def __init__(
        self,
        where: str | Path,
        *,
        now: Callable[[], str],
        by: str,
        busy_seconds: float = BUSY_SECONDS,
        notary: Notary | None = None,
    ) -> None:
        """
        The journal at a path or URL, made or brought up to date where that is needed.

        ``now`` gives UTC as ISO 8601 with seconds, ``by`` is ``user@machine``. Another program's write is
        waited for as long as ``busy_seconds``. :class:`JournalError` when it cannot be opened, or when a
        newer version of this tool has written it.
        """
        self._database = open_database(where, busy_seconds)
        self._now = now
        self._by = by
        self._notary = notary
        self.freezes = Freezes(self._database, now, by)

    @property
    def database(self) -> Database:
        """The database, for what looks at the journal as a whole."""
        return self._database

    def open_run(self, verb: str, payload: Mapping[str, Any]) -> str:
        """
        Begin a run with its row ``run-started``, which holds the verb and the payload. JournalError
        ``journal-key`` for one that could not be closed, as its head cannot be signed.
        """
        if self._notary is not None:
            self._notary.prepare()
        with self._database.writing() as connection:
            connection.execute(LOCK_ALL)
            number = (connection.scalar(select(func.max(RUNS.c.number))) or 0) + 1
            run = _new_name(connection, self._now(), verb)
            connection.execute(insert(RUNS).values(number=number, run=run))
            self._append(connection, run, "", words.RUN_STARTED, {**payload, "verb": verb})
        return run

    def write(self, run: str, host: str, step: str, payload: Mapping[str, Any]) -> Row:
        """Append one row. The row that is given back is the one that would be read."""
        with self._database.writing() as connection:
            return self._append(connection, run, host, step, payload)

    def end_run(self, run: str, payload: Mapping[str, Any]) -> End:
        """Close a run, and sign the hash of its last row, in one transaction."""
        with self._database.writing() as connection:
            row = self._append(connection, run, "", words.RUN_ENDED, payload)
            if self._notary is None:
                return End(row=row)
            signed = self._notary.sign(run, row.seq, row.hash)
            connection.execute(insert(HEADS).values(to_plain(signed)))
            self._append(connection, run, "", words.SIGNED, to_plain(signed))
        self._notary.remember(signed)
        return End(row=row, signed=signed)

    def rows(self, run: str, host: str | None = None) -> tuple[Row, ...]:
        """A run's rows in order, all hosts' or one's; empty for an unknown run."""
        return tuple(row for part in self._parts(run, host) for row in part)

    def lease(self, host: str, run: str, seconds: float) -> AbstractContextManager[None]:
        """
        Hold a host's change lock until the block ends or, should this process hang, for ``seconds``.

        It is not prolonged: ask for longer than the change can take. See :mod:`sipalg_fix.store.leases`.
        """
        return Leases(self._database, self._now, self._by, self._append).hold(host, run, seconds)

    def frozen(self) -> Freeze | None:
        """What stops all changes now."""
        return self.freezes.current()

    def runs(self, limit: int = 20) -> tuple[RunLine, ...]:
        """The newest runs, newest first."""
        query = select(RUNS.c.run).where(RUNS.c.number > 0).order_by(RUNS.c.number.desc()).limit(limit)
        with self._database.reading() as connection:
            names = connection.scalars(query).all()
            return tuple(_line(connection, run) for run in names)

    def host_rows(self, host: str, limit: int = 1000) -> tuple[Row, ...]:
        """The newest rows of one host in all runs, oldest first."""
        query = (
            select(JOURNAL)
            .join(RUNS, RUNS.c.run == JOURNAL.c.run)
            .where(JOURNAL.c.host == host)
            .order_by(RUNS.c.number.desc(), JOURNAL.c.seq.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            found = connection.execute(query).mappings().all()
        return tuple(_row(mapping) for mapping in reversed(found))

    def cut_short(self) -> tuple[str, ...]:
        """Runs that have no end and that nobody works on any more, oldest first."""
        end = select(JOURNAL.c.seq).where(
            JOURNAL.c.host == "", JOURNAL.c.run == RUNS.c.run, JOURNAL.c.step == words.RUN_ENDED
        )
        query = select(RUNS.c.run).where(RUNS.c.number > 0, ~end.exists()).order_by(RUNS.c.number)
        query = query.where(RUNS.c.run.not_in(select(PRUNED.c.run)))
        with self._database.reading() as connection:
            found = connection.scalars(query).all()
            held = in_force(connection, self._now())
        return tuple(run for run in found if f"{RUN_LEASE}{run}" not in held)

    def find_run(self, text: str) -> str:
        """
        The run that is meant by ``last`` or by the beginning of its name; PlanError ``run-unknown``, and
        ``run-pruned`` for one whose rows are not here any more.
        """
        run = self.find_any(text)
        with self._database.reading() as connection:
            out = connection.execute(select(PRUNED).where(PRUNED.c.run == run)).mappings().first()
        if out is not None:
            message = (
                f"the run {run} was taken out of the journal on {out['at']}; its rows are in {out['file']}"
            )
            raise PlanError("run-pruned", message)
        return run

    def find_any(self, text: str) -> str:
        """The same, also of one that was taken out."""
        query = select(RUNS.c.run).where(RUNS.c.number > 0).order_by(RUNS.c.number.desc())
        if text != "last":
            query = query.where(RUNS.c.run.startswith(text, autoescape=True))
        with self._database.reading() as connection:
            found = connection.scalars(query.limit(1 if text == "last" else 10)).all()
        if text in found or len(found) == 1:
            return str(text if text in found else found[0])
        if found:
            raise PlanError("run-unknown", f"{text!r} may mean several runs: {', '.join(found)}")
        there = "no run yet" if text == "last" else f"no run that begins with {text!r}"
        raise PlanError("run-unknown", f"the journal {self._database.name} holds {there}")

    def line(self, run: str) -> RunLine:
        """The run in a list."""
        with self._database.reading() as connection:
            return _line(connection, run)

    def parts(self, run: str) -> Iterator[tuple[Row, ...]]:
        """All rows of a run, some hundreds at a time; one that cannot be read any more has no hash."""
        return self._parts(run, None, damaged="")

    def check(self, run: str, head: str = "") -> str:
        """
        What is wrong with the run's chain, in words; empty when it is whole. With ``head``, the hash that
        a report names as its last row's, it is also seen that nothing is missing up to there.
        """
        last, passed = None, not head
        for part in self._parts(run, None, damaged=""):
            if wrong := broken_link(part, last):
                return wrong
            last = part[-1]
            passed = passed or any(row.hash == head for row in part)
        if last is None:
            raise PlanError("run-unknown", f"the journal {self._database.name} holds no rows of {run!r}")
        return "" if passed else f"the row with the hash {head} is missing after row {last.seq}"

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _append(
        self, connection: Connection, run: str, host: str, step: str, payload: Mapping[str, Any]
    ) -> Row:
        """The next row of the run's chain, inside a transaction that holds the write lock."""
        known = connection.scalar(select(RUNS.c.number).where(RUNS.c.run == run).with_for_update())
        if known is None:
            raise PlanError("run-unknown", f"the journal {self._database.name} holds no run {run!r}")
        last = connection.execute(
            select(JOURNAL.c.seq, JOURNAL.c.hash)
            .where(JOURNAL.c.run == run)
            .order_by(JOURNAL.c.seq.desc())
            .limit(1)
        ).first()
        seq, prev = (last.seq + 1, last.hash) if last else (1, START)
        text = _writable(canonical(payload))
        row = {
            "run": run, "host": _writable(host), "seq": seq, "at": self._now(), "by": _writable(self._by),
            "step": step, "payload": json.loads(text), "prev": prev,
        }  # fmt: skip
        row["hash"] = row_hash(**row)
        connection.execute(insert(JOURNAL).values({**row, "payload": text}))
        return Row(**row)

    def _parts(self, run: str, host: str | None, damaged: str | None = None) -> Iterator[tuple[Row, ...]]:
        """A run's rows, some hundreds at a time; no transaction stays open between them."""
        query = select(JOURNAL).where(JOURNAL.c.run == run).order_by(JOURNAL.c.seq).limit(PART)
        if host is not None:
            query = query.where(JOURNAL.c.host == host)
        seq = 0
        while True:
            with self._database.reading() as connection:
                found = connection.execute(query.where(JOURNAL.c.seq > seq)).mappings().all()
            if not found:
                return
            yield tuple(_row(mapping, damaged) for mapping in found)
            seq = found[-1]["seq"]


def _writable(text: str) -> str:
    """Text that has a UTF-8 form: a lone surrogate (bytes of no known encoding) becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def _new_name(connection: Connection, now: str, verb: str) -> str:
    """``YYYYMMDD-HHMMSS-verb-xxxx``, not taken yet."""
    moment = datetime.fromisoformat(now).astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    while True:
        run = f"{moment}-{verb}-{secrets.token_hex(2)}"
        if connection.scalar(select(RUNS.c.run).where(RUNS.c.run == run)) is None:
            return run


def _row(mapping: RowMapping, damaged: str | None = None) -> Row:
    """
    A row as it was written. One whose payload is no object any more is JournalError ``journal-broken``,
    or has ``damaged`` for its hash where the reader finds it out by that.
    """
    row = {name: mapping[name] for name in COLUMNS}
    try:
        payload = json.loads(row["payload"])
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        if damaged is None:
            raise JournalError(
                "journal-broken", f"row {row['seq']} of the run {row['run']} was changed after it was written"
            )
        payload, row["hash"] = {}, damaged
    return Row(**{**row, "payload": payload})


def _line(connection: Connection, run: str) -> RunLine:
    """A run's line from its first row and its last ``run-ended``; blank where those are damaged."""
    own = select(JOURNAL).where(JOURNAL.c.host == "", JOURNAL.c.run == run)
    began = connection.execute(own.where(JOURNAL.c.seq == 1)).mappings().first()
    if began is None:
        out = connection.scalar(select(PRUNED.c.line).where(PRUNED.c.run == run))
        if out is not None:
            return from_plain(RunLine, json.loads(out))
        return RunLine(run=run, verb="", started="", ended="", by="", hosts=0, exit_code=None)
    last = own.where(JOURNAL.c.step == words.RUN_ENDED).order_by(JOURNAL.c.seq.desc()).limit(1)
    ended = connection.execute(last).mappings().first()
    start = _row(began, damaged="")
    summary = _row(ended, damaged="").payload.get("summary") if ended else None
    told = summary if isinstance(summary, dict) else {}
    named = start.payload.get("hosts")
    return RunLine(
        run=run,
        verb=str(start.payload.get("verb", "")),
        started=start.at,
        ended=str(ended["at"]) if ended else "",
        by=start.by,
        hosts=told.get("hosts", len(named) if isinstance(named, list) else 0),
        exit_code=told.get("exit_code"),
    )
