"""
Checking: is a run in the journal as it was written, to its end?

Its chain shows a changed or missing row; its signed head shows missing last ones, wherever a copy of the
head is: in the database, in the file beside the key, in a report. What was never signed is never called
whole, and a signature is worth what is known of its key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from sipalg_fix.model import journal as words
from sipalg_fix.model.errors import JournalError
from sipalg_fix.model.journal import Row, SignedHead, broken_link
from sipalg_fix.store.journal import Journal
from sipalg_fix.store.notary import genuine
from sipalg_fix.store.schema import HEADS, PRUNED, RUNS

WHOLE: Final = "whole"
PRUNED_RUN: Final = "pruned"
OPEN: Final = "open"
UNSIGNED: Final = "unsigned"
UNKNOWN_KEY: Final = "unknown-key"
INCONCLUSIVE: Final = frozenset({OPEN, UNSIGNED, UNKNOWN_KEY})
"""Nothing wrong was found, and yet nothing shows that it is all there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """
    What is so of a run: ``whole``, ``pruned``, one of :data:`INCONCLUSIVE`, or the code of what is wrong
    (see :data:`sipalg_fix.model.errors.JOURNAL_CODES`). ``detail`` says it in a sentence.
    """

    run: str
    result: str
    detail: str = ""

    @property
    def broken(self) -> bool:
        """Was something changed or taken away?"""
        return self.result not in (WHOLE, PRUNED_RUN, *INCONCLUSIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """``keys`` are those that are known to be ours; ``remembered`` heads are kept outside of the database."""

    journal: Journal
    keys: Collection[str]
    remembered: tuple[SignedHead, ...] = ()

    def all(self) -> Iterator[Checked]:
        """Every run there is, and every one that is known to have been there."""
        with self.journal.database.reading() as connection:
            query = select(RUNS.c.number, RUNS.c.run).where(RUNS.c.number > 0).order_by(RUNS.c.number)
            known = {number: run for number, run in connection.execute(query).all()}
        for number in range(1, max(known, default=0) + 1):
            if number in known:
                yield self.run(known[number])
            else:
                yield Checked(
                    run=f"number {number}", result="run-missing", detail="it is not in the list of runs"
                )
        there = set(known.values())
        for run in dict.fromkeys(head.run for head in self.remembered if head.run not in there):
            yield Checked(
                run=run, result="run-missing", detail="its head was signed here, and the run is not there"
            )

    def run(self, run: str, reported: str = "") -> Checked:
        """One run. ``reported``: the head that a report of it names."""
        try:
            heads = self.heads(run)
            result, detail = self._result(run, heads, reported)
        except JournalError as error:
            result, detail = error.code, str(error)
        return Checked(run=run, result=result, detail=detail)

    def heads(self, run: str) -> tuple[SignedHead, ...]:
        """The run's signed heads; JournalError ``head-changed`` when they are not as they were."""
        with self.journal.database.reading() as connection:
            found = connection.execute(select(HEADS).where(HEADS.c.run == run)).mappings().all()
        here = [SignedHead(**mapping) for mapping in found]
        elsewhere = [head for head in self.remembered if head.run == run]
        for head in (*here, *elsewhere):
            if not genuine(head):
                raise JournalError("head-changed", f"the signed head of row {head.seq} was changed")
        if lost := [head for head in elsewhere if head not in here]:
            message = (
                f"the head of row {lost[0].seq} was signed here, and the journal has another one or none"
            )
            raise JournalError("head-changed", message)
        return tuple(here)

    def _result(self, run: str, heads: tuple[SignedHead, ...], reported: str) -> tuple[str, str]:
        with self.journal.database.reading() as connection:
            out = connection.execute(select(PRUNED).where(PRUNED.c.run == run)).mappings().first()
        if out is not None:
            if reported and reported not in {head.head for head in heads}:
                raise JournalError("head-changed", "the report names another head than the one that was kept")
            return self._trusted(heads, PRUNED_RUN, f"since {out['at']}; its rows are in {out['file']}")
        ended = judge(self.journal.parts(run), heads, reported)
        if not heads:
            why = "it was closed without a signature" if ended else "it has no end: under way, or cut short"
            return (UNSIGNED if ended else OPEN), f"{why}; missing last rows would not show"
        return self._trusted(heads, WHOLE, "")

    def _trusted(self, heads: tuple[SignedHead, ...], result: str, detail: str) -> tuple[str, str]:
        for head in heads:
            if head.key not in self.keys:
                return UNKNOWN_KEY, f"signed with {head.key}: if that is one of yours, name it with --key"
        return result, detail


def judge(parts: Iterable[tuple[Row, ...]], heads: tuple[SignedHead, ...], reported: str = "") -> bool:
    """
    Whether a run's rows have an end; JournalError for the first thing that is wrong with them. ``parts``
    are the rows in order, some at a time.
    """
    last: Row | None = None
    hashes = {head.seq: head.head for head in heads}
    ended = signed = seen = False
    for part in parts:
        if wrong := broken_link(part, last):
            raise JournalError("row-missing" if " is missing" in wrong else "row-changed", wrong)
        for row in part:
            if hashes.get(row.seq, row.hash) != row.hash:
                raise JournalError("row-changed", f"row {row.seq} is not the one that was signed")
            ended = ended or row.step == words.RUN_ENDED
            signed = signed or row.step == words.SIGNED
            seen = seen or row.hash == reported
            last = row
    there = last.seq if last else 0
    # The row with the signature is written together with the row that is signed.
    due = max(hashes, default=-1) + 1
    if there < due or (reported and not seen):
        missing = f"row {there + 1} and what followed it are missing" if there else "all its rows are missing"
        raise JournalError("rows-truncated", missing)
    if signed and not heads:
        raise JournalError("head-changed", "its signed head is not in the list of heads any more")
    return ended
