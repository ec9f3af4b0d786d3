"""Tell again: a run's report from its journal rows alone, also of one that was cut short."""

from __future__ import annotations

from collections.abc import Iterable

from sipalg_fix.engine.past import last_state, value_of
from sipalg_fix.engine.ports import Journal, first
from sipalg_fix.model import journal as words
from sipalg_fix.model.change import NEXT, ChangeState
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.journal import Row, SignedHead
from sipalg_fix.model.report import HostError, HostResult, Report


def tell_again(journal: Journal, run: str) -> Report:
    """The report as it was; hosts a killed run had begun with are told as last known."""
    rows = journal.rows(run)
    began, ended = first(rows, words.RUN_STARTED), first(rows, words.RUN_ENDED)
    if began is None:
        raise PlanError("run-unknown", f"there is no run {run}; 'sipalg-fix runs' lists them")
    results = {row.host: value_of(HostResult, row) for row in rows if row.step == words.RESULT and row.host}
    names = [str(name) for name in began.payload.get("hosts", ())]
    begun = [name for name in names if name in results or any(row.host == name for row in rows)]
    return Report(
        tool=str(began.payload.get("tool", "")),
        run=run,
        verb=str(began.payload.get("verb", "")),
        started=began.at,
        ended=ended.at if ended else "",
        by=began.by,
        inventory=str(began.payload.get("inventory", "")),
        playbook=str(began.payload.get("playbook", "")),
        fingerprint=str(began.payload.get("fingerprint", "")),
        hosts=tuple(results.get(name) or _cut_short(name, rows) for name in begun),
        stopped=_stopped(ended),
        interrupted=bool(ended and ended.payload.get("interrupted")),
        head=(ended or rows[-1]).hash,
        signed=_signed(rows),
        extra=tuple((str(name), str(value)) for name, value in began.payload.get("extra", ())),
    )


def _stopped(ended: Row | None) -> str:
    """Why a run did not go to its end; empty when it did."""
    if ended is None:
        return "this run has no end: it is under way, or was cut short"
    if by := ended.payload.get("recovered"):
        return f"this run was cut short; what it had begun was settled by the run {by}"
    return str(ended.payload.get("stopped", ""))


def _signed(rows: Iterable[Row]) -> SignedHead | None:
    """The signature of the run's head, where it was closed with one."""
    row = first(rows, words.SIGNED)
    return value_of(SignedHead, row) if row else None


def _cut_short(name: str, rows: Iterable[Row]) -> HostResult:
    """A host whose outcome was never written: nothing is claimed but its last recorded state."""
    own = [row for row in rows if row.host == name]
    last = last_state(own)
    sent = [row for row in own if row.step == words.SENDING]
    planned = first(own, words.PLANNED)
    shown = planned.payload["plan"]["host"] if planned else {}
    message = f"the run was cut short here, last known as {last.value if last else 'begun'}"
    ended = last if last is not None and not NEXT[last] else None
    return HostResult(
        host=name,
        site=str(shown.get("site", "")),
        platform=str(shown.get("platform", "")),
        error=HostError(code="connection-lost", message=message),
        change=ended or (ChangeState.STRANDED if sent else None),
        done=tuple(str(row.payload["command"]) for row in sent),
    )
