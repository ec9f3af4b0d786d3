"""
Resume: one host's change, from where the journal left it when its run was cut short.

The device is read first, whatever the journal says last. A command that the journal announced may have been
heard or not: what shows is what counts, and nothing is sent again that shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sipalg_fix.engine.apply import confirm, flush, not_off, restart_last, shown
from sipalg_fix.engine.audit import driver_of
from sipalg_fix.engine.boot import BOOT_SECONDS
from sipalg_fix.engine.life import Life
from sipalg_fix.engine.look import boot_mark
from sipalg_fix.engine.past import last_state, terms_of, value_of
from sipalg_fix.engine.patience import AFTER_A_CHANGE, GOING_DOWN, through_a_boot
from sipalg_fix.engine.run import Ports, say
from sipalg_fix.engine.settle import guard_gone, keep, save, saved
from sipalg_fix.engine.steps import Hand
from sipalg_fix.engine.take_back import lost, take_back, wait_for_guard
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.change import NEXT, ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, PlanError
from sipalg_fix.model.facts import Value
from sipalg_fix.model.journal import Row
from sipalg_fix.model.plan import HostPlan, Terms
from sipalg_fix.model.report import HostError

S = ChangeState
GOES_DOWN_WITHIN = 60.0
"""Seconds in which a router that was told to restart is gone; one that answers after that did not hear it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the journal says of a change: its rows, those of its host alone."""

    rows: Sequence[Row]

    @property
    def plan(self) -> HostPlan:
        """What was to be done."""
        return value_of(HostPlan, self._planned, "plan")

    @property
    def intent(self) -> Intent:
        """What for."""
        return value_of(Intent, self._planned, "intent")

    @property
    def terms(self) -> Terms:
        """What bound it."""
        return terms_of(self._planned)

    @property
    def back(self) -> str:
        """The run that was being taken back; empty for a run that changed something."""
        return str(self._planned.payload.get("back", ""))

    @property
    def state(self) -> ChangeState:
        """The last that was recorded."""
        return last_state(self.rows) or S.PLANNED

    @property
    def sent(self) -> tuple[Row, ...]:
        """The commands that may have been heard."""
        return tuple(row for row in self.rows if row.step == words.SENDING)

    @property
    def phases(self) -> frozenset[Phase]:
        """What commands may have been sent for."""
        return frozenset(value_of(Phase, row, "phase") for row in self.sent)

    @property
    def error(self) -> HostError | None:
        """What had gone wrong by then."""
        moves = [row for row in self.rows if row.step == words.STATE]
        code, _, message = str(moves[-1].payload.get("why", "") if moves else "").partition(": ")
        return HostError(code=code, message=message) if code else None

    def been(self, state: ChangeState) -> bool:
        """Was it in this state, and left it?"""
        moves = [row.payload["state"] for row in self.rows if row.step == words.STATE]
        return state.value in moves[:-1]

    @property
    def _planned(self) -> Row:
        return next(row for row in self.rows if row.step == words.PLANNED)


def resumed(ports: Ports, run: str, past: Past) -> Life:
    """The change as it was left: it goes on in the run that it began in."""
    plan, sent = past.plan, past.sent
    phases = set(past.phases)
    if past.back:
        earlier = Past(rows=ports.journal.rows(past.back, plan.host.name))
        phases |= earlier.phases
    return Life(
        ports=ports,
        run=run,
        plan=plan,
        driver=driver_of(ports, plan.host),
        intent=past.intent,
        hand=Hand(
            journal=ports.journal,
            run=run,
            host=plan.host.name,
            done=[str(row.payload["command"]) for row in sent],
            phases=phases,
        ),
        terms=past.terms,
        boot_seconds=BOOT_SECONDS,
        state=past.state,
        error=past.error,
        owed=bool(past.back) or Phase.FORWARD in phases,
        armed=plan.guard is not None,
    )


def go_on(life: Life, past: Past, by: str) -> None:
    """Settle it; ``by`` is the run that does."""
    said = {"what": "recovering", "by_run": by}
    life.ports.journal.write(life.run, life.host.name, words.SAID, said)
    if not past.sent and life.state in (S.PLANNED, S.APPLYING):
        life.fail(
            PlanError("run-cut-short", "the run was cut short before anything was sent; plan and apply again")
        )
        life.to(S.REFUSED)
        return
    if not NEXT[life.state]:
        _told(life)
        return
    _by_state(life)
    if life.at(S.MET):
        _to_the_end(life, past)
    if not (life.at(S.CONFIRMED) or past.back):
        life.fail(PlanError("run-cut-short", "the run was cut short while it changed this host"))
    if life.at(S.CONFIRMED) and not life.note:
        life.note = "the run was cut short; this change was gone on with to its end"


def _told(life: Life) -> None:
    """It had come to its end, and only the telling is missing."""
    life.note = f"it had ended {life.state.value} when the run was cut short; nothing was sent since"
    try:
        life.look(probed=life.at(S.CONFIRMED))
    except DeviceError as error:
        life.note += f"; it could not be looked at again ({error.code})"


def _by_state(life: Life) -> None:
    """Read the device, and move on to MET or to an end."""
    match life.state:
        case S.APPLYING:
            lost(
                life, DeviceError("connection-lost", "the run was cut short while the change was being sent")
            )
            if life.at(S.APPLIED):
                shown(life)
        case S.APPLIED:
            shown(life)
        case S.REFUSED_MIDWAY | S.ROLLING_BACK:
            take_back(life)
        case S.REVERTING:
            wait_for_guard(life)
        case _:
            _still_in_force(life)


def _still_in_force(life: Life) -> None:
    """It had been shown to be in force; is it still?"""
    comes_back = life.at(S.REBOOTING)
    patience = through_a_boot(life.boot_seconds) if comes_back else AFTER_A_CHANGE
    try:
        # The guard first: should it fire after that, the look shows it.
        pending = life.guard_pending() if life.at(S.MET) else Value.OFF
        facts = life.look_again(patience) if pending is not None else None
    except DeviceError as error:
        life.fail(error)
        life.to(S.NOT_SHOWN)
        return
    if facts is None:
        life.to(S.STRANDED)
    elif not life.running_off(facts):
        life.fail(not_off(facts, "the change was in force when the run was cut short"))
        if life.at(S.MET):
            take_back(life)
        else:
            life.to(S.NOT_SHOWN)
    elif not life.at(S.MET):
        life.armed = False
        life.to(S.MET)


def _to_the_end(life: Life, past: Past) -> None:
    """What follows on MET, without what was done and shows."""
    stored = Phase.SAVE in past.phases and life.facts is not None and saved(life.facts) is Value.OFF
    ahead = (
        (keep, life.armed),
        (save, not stored),
        (guard_gone, True),
        (flush, not past.been(S.FLUSHING)),
        (lambda life: _restart(life, past), not past.been(S.REBOOTING)),
        (confirm, True),
    )
    for part, due in ahead:
        if due:
            part(life)
        if not life.at(S.MET):
            return


def _restart(life: Life, past: Past) -> None:
    """The restart that the plan ends with, unless it happened: calls are not cut twice for it."""
    told = next((row for row in past.sent if value_of(Phase, row, "phase") is Phase.REBOOT), None)
    if told is None or not _has_restarted(life, past, told):
        restart_last(life)


def _has_restarted(life: Life, past: Past, told: Row) -> bool:
    """Is it in another boot than when it was told? One that was just told is given the time to go down."""
    seen = [row for row in past.rows if row.step == words.LOOKED and row.seq < told.seq][-1]
    before = str(seen.payload["boot_mark"])
    while True:
        try:
            after = boot_mark(life.ports.connections, life.host, life.driver)
        except DeviceError as error:
            if error.code not in GOING_DOWN or _since(life, told) > life.boot_seconds:
                raise
            after = ""
        if after and life.driver.rebooted(before, after, _since(life, seen)):
            return True
        if after and _since(life, told) > GOES_DOWN_WITHIN:
            return False
        say(life.ports, life.host.name, "recovering", "was told to restart; waiting for what it does")
        life.ports.clock.pause(5.0)


def _since(life: Life, row: Row) -> float:
    """Seconds since a row was written."""
    now, then = datetime.fromisoformat(life.ports.clock.now()), datetime.fromisoformat(row.at)
    return (now - then).total_seconds()
