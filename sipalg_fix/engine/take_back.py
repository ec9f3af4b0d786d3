"""Take back: bring a host to what was seen before a change, and settle the guard by its own word."""

from __future__ import annotations

from sipalg_fix.engine.life import Life
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, Refused
from sipalg_fix.model.facts import Facts, Value


def lost(life: Life, error: DeviceError) -> None:
    """
    Contact went while the change was being sent. Read the device before anything else: it may have taken
    all of it (APPLIED), some of it (taken back), or answer no more (REVERTING with a guard, else STRANDED).
    """
    life.fail(error)
    try:
        facts = life.look_again()
    except DeviceError:
        facts = None
    if facts is None:
        life.to(ChangeState.REVERTING if life.plan.guard else ChangeState.STRANDED)
    elif life.running_off(facts):
        life.note = f"contact was lost while sending ({error.code}); a new session shows the change in force"
        life.error = None
        life.to(ChangeState.APPLIED)
    else:
        life.to(ChangeState.REFUSED_MIDWAY)
        take_back(life)


def take_back(life: Life) -> None:
    """Send the inverse from a fresh session, settle the guard, and believe only a look."""
    life.to(ChangeState.ROLLING_BACK)
    try:
        facts = _restored(life)
        pending = life.guard_pending()
    except Refused as error:
        life.fail(error)
        life.find("rollback-refused", str(error))
        life.to(ChangeState.ROLLBACK_FAILED)
        return
    except DeviceError as error:
        life.fail(error)
        life.to(ChangeState.REVERTING if life.plan.guard else ChangeState.STRANDED)
        return
    if facts is None:
        life.to(ChangeState.REVERTING if life.plan.guard else ChangeState.STRANDED)
    elif facts.settings != life.plan.facts.settings:
        life.to(ChangeState.ROLLBACK_FAILED)
    elif pending is not Value.OFF:
        life.find("guard-left", "taken back, but the guard is not shown to be gone")
        life.to(ChangeState.GUARD_LEFT)
    else:
        life.to(ChangeState.ROLLED_BACK)


def _restored(life: Life) -> Facts | None:
    """The facts after the inverse; None when the device does not answer."""
    facts = life.look_again()
    if facts is None:
        return None
    remedy, guard = life.plan.remedy, life.plan.guard
    if facts.settings != life.plan.facts.settings:
        with life.writer() as writer:
            life.hand.carry_out(remedy.inverse, writer, Phase.INVERSE)
    if Phase.SAVE in life.hand.phases:
        with life.writer() as writer:
            life.hand.carry_out(remedy.resave, writer, Phase.RESAVE)
    if guard is not None:
        with life.writer() as writer:
            life.hand.carry_out(guard.keep, writer, Phase.KEEP)
    return life.look_again()
