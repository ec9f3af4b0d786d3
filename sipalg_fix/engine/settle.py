"""
Settle: make a change that is in force stay. The guard is told that all is well, the change saved, and a look
shows whether both acted. Either is told twice at the most, the second time only where contact went and the
device shows that it did not hear the first.
"""

from __future__ import annotations

from collections.abc import Mapping

from sipalg_fix.engine.life import Life
from sipalg_fix.engine.patience import AFTER_A_CHANGE
from sipalg_fix.engine.take_back import take_back
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, Refused
from sipalg_fix.model.facts import Facts, Value, together


def keep(life: Life) -> None:
    """Tell the guard that all is well. Whether it believed us is asked of the device later."""
    guard = life.plan.guard
    if guard is None or not life.hand.done:
        return
    for last in (False, True):
        try:
            with life.keeper() as writer:
                life.hand.carry_out(guard.keep, writer, Phase.KEEP)
        except DeviceError as error:
            life.fail(error)
            life.let_go()
            once = last or isinstance(error, Refused) or guard.held_session
            if once or life.guard_pending() is not Value.ON:
                _not_kept(life, error)
                return
        else:
            life.armed = False
            life.let_go()
            if last:
                life.forgive("contact was lost while keeping the change; it was told again, and taken")
            return


def _not_kept(life: Life, error: DeviceError) -> None:
    """The word may have arrived all the same, or come too late: what is so is the device's to say."""
    guard = life.plan.guard
    life.armed = False
    facts = life.look_or_none()
    pending = life.guard_pending() if facts is not None else None
    if guard is None or facts is None or pending is None:
        life.to(ChangeState.STRANDED)
    elif not life.running_off(facts) or (guard.held_session and pending is not Value.OFF):
        take_back(life)
    elif pending is Value.OFF:
        life.forgive(f"keeping the change failed ({error.code}), yet {guard.name} is shown to be gone")
    else:
        life.find("guard-left", f"{guard.name} may still fire within {guard.minutes} minutes: {error}")
        life.to(ChangeState.GUARD_LEFT)


def save(life: Life) -> None:
    """Have the next boot load what is in force."""
    if not life.plan.remedy.save:
        return
    life.to(ChangeState.SAVING)
    for last in (False, True):
        try:
            with life.writer() as writer:
                life.hand.carry_out(life.plan.remedy.save, writer, Phase.SAVE)
        except DeviceError as error:
            life.fail(error)
            facts = look_or_end(life)
            if facts is None:
                return
            once = last or isinstance(error, Refused) or not life.running_off(facts)
            if once or saved(facts) is not Value.ON:
                _not_saved(life, error, facts)
                return
        else:
            if last:
                life.forgive("contact was lost while saving; it was told again, and taken")
            life.to(ChangeState.MET)
            return


def _not_saved(life: Life, error: DeviceError, facts: Facts) -> None:
    """End in the state that a look supports: the save may have acted, or the change be gone meanwhile."""
    if not life.running_off(facts):
        life.to(ChangeState.NOT_SHOWN)
    elif saved(facts) is Value.OFF:
        life.forgive(f"saving failed ({error.code}), yet the saved configuration shows the change")
        life.to(ChangeState.MET)
    elif saved(facts) is Value.ON or isinstance(error, Refused):
        _unsaved(life, str(error))
    else:
        life.find("not-read", f"whether the change is saved could not be told: {error}")
        guard_gone(life)
        if life.at(ChangeState.SAVING):
            life.to(ChangeState.NOT_SHOWN)


def _unsaved(life: Life, why: str) -> None:
    """In force and not stored; should the guard be there still, that is the worse of the two."""
    life.find("not-saved", f"in force now, but the next boot loses it: {why}")
    guard_gone(life)
    if life.state in (ChangeState.SAVING, ChangeState.MET):
        life.to(ChangeState.UNSAVED)


def look_or_end(
    life: Life, patience: Mapping[str, float] = AFTER_A_CHANGE, *, probed: bool = False
) -> Facts | None:
    """A look after a change that was kept; without one the life ends: it answers no more, or in vain."""
    try:
        facts = life.look_again(patience=patience, probed=probed)
    except DeviceError as error:
        life.fail(error)
        life.to(ChangeState.NOT_SHOWN)
        return None
    if facts is None:
        life.to(ChangeState.STRANDED)
    return facts


def saved(facts: Facts) -> Value:
    """What the next boot loads, for all helpers together."""
    return together(tuple(helper.startup for helper in facts.helpers)).value


def guard_gone(life: Life) -> None:
    """Whether it believed us, by looking at the device."""
    guard = life.plan.guard
    if guard is None or not life.hand.done:
        return
    pending = life.guard_pending()
    if pending is Value.OFF:
        return
    how = "is still armed" if pending is Value.ON else "could not be shown to be gone"
    life.find("guard-left", f"{guard.name} {how}; it may still take the change back")
    life.to(ChangeState.GUARD_LEFT if pending is not None else ChangeState.STRANDED)


def save_without_effect(life: Life) -> None:
    """End a change whose save was taken by its own word, and does not show: unsaved, or worse."""
    message = "the save was accepted, but the saved configuration still switches the SIP ALG on"
    life.fail(DeviceError("save-failed", message))
    _unsaved(life, message)
