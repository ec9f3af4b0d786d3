"""
Take back: bring a host to what was seen before a change, and settle the guard by its own word.

Only a look says that a host is as before; a command that was refused, or lost, proves nothing of it. A
guard is settled once the host is as before. While it is not, an armed guard is the last that can help, and
is left to fire.
"""

from __future__ import annotations

from sipalg_fix.engine.boot import GOING_DOWN
from sipalg_fix.engine.life import LOOK_AGAIN_SECONDS, Life
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, NotUnderstood, Refused
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.step import Disruption

TRIES = 2
"""How often the inverse is sent: again only when contact went and a look then shows that it did not act."""


def lost(life: Life, error: DeviceError) -> None:
    """
    Contact went while the change was being sent. Read the device before anything else: it may have taken
    all of it (APPLIED), some of it (taken back), or answer no more (REVERTING with a guard, else STRANDED).
    """
    life.fail(error)
    facts = life.look_or_none()
    if facts is None:
        contact_lost(life)
    elif _all_of_it(life, facts):
        life.forgive(
            f"contact was lost while sending ({error.code}); a new session shows the change in force"
        )
        life.to(ChangeState.APPLIED)
    else:
        life.to(ChangeState.REFUSED_MIDWAY)
        take_back(life)


def _all_of_it(life: Life, facts: Facts) -> bool:
    """
    Did the device take the whole change? Not when the driver would send more from what is seen now; and a
    guard that lives in the session that was lost takes it back.
    """
    held = life.plan.guard is not None and life.plan.guard.held_session
    return not held and life.running_off(facts) and not life.driver.remedy(facts).forward


def contact_lost(life: Life) -> None:
    """Nothing answers. With a guard armed the device takes the change back, and is waited for."""
    life.let_go()
    life.to(ChangeState.REVERTING if life.armed else ChangeState.STRANDED)
    if life.at(ChangeState.REVERTING) and _answers(life):
        _put_back(life)


def take_back(life: Life) -> None:
    """Send the inverse from a fresh session, settle the guard, and believe only a look."""
    if not _put_back(life) and life.at(ChangeState.REVERTING) and _answers(life):
        _put_back(life)


def _answers(life: Life) -> bool:
    """
    Wait until the device answers again, by itself or because its guard has fired. Should it not within
    the guard's time, nobody can tell what it is: STRANDED. A run that is being stopped does not wait.
    """
    guard, clock = life.plan.guard, life.ports.clock
    if guard is None:
        return False
    restarts = life.boot_seconds if guard.fires is Disruption.REBOOT else 0.0
    until = clock.monotonic() + 60.0 * guard.minutes + restarts + LOOK_AGAIN_SECONDS
    while clock.monotonic() < until:
        if life.ports.stop.asked:
            return False
        clock.pause(5.0)
        try:
            if life.look_again(seconds=0.0) is not None:
                return True
        except DeviceError as error:
            if error.code not in GOING_DOWN:
                return False
    life.to(ChangeState.STRANDED)
    return False


def _put_back(life: Life) -> bool:
    """Roll back once, to the state in which that ends. False when contact was lost meanwhile."""
    life.to(ChangeState.ROLLING_BACK)
    try:
        end = _restored(life)
    except DeviceError as error:
        life.fail(error)
        end = None
    lost_as = ChangeState.REVERTING if life.armed else ChangeState.STRANDED
    if end in (None, ChangeState.REVERTING):
        life.let_go()
    life.to(end or lost_as)
    return end is not None


def _restored(life: Life) -> ChangeState | None:
    """How the rollback ended; None when the device does not answer. DeviceError when it cannot be read."""
    facts = _look(life)
    for _ in range(TRIES):
        if facts is None or _as_before(life, facts):
            break
        again = _sent_back(life, facts)
        facts = _look(life)
        if not again:
            break
    if facts is None:
        return None
    if _as_before(life, facts):
        return _settled(life)
    return _left_to_the_guard(life)


def _left_to_the_guard(life: Life) -> ChangeState | None:
    """Not as before, and no more that we can send."""
    pending = life.guard_pending()
    if pending is Value.ON:
        life.find("guard-armed", "not taken back by us; the guard is left to do it")
        return ChangeState.REVERTING
    if life.plan.guard is not None and pending is not None:
        # It may have fired since the last look.
        facts = _look(life)
        if facts is not None and _as_before(life, facts):
            return _settled(life)
        pending = pending if facts is not None else None
    if pending is None:
        return None
    life.fail(Refused("what undoes the change was sent, yet the settings do not read as before", reply=""))
    return ChangeState.ROLLBACK_FAILED


def _look(life: Life) -> Facts | None:
    """
    A look that shows all that was known before; else one more, then NotUnderstood: a plane that cannot be
    read is neither as before nor otherwise, and nothing is sent because of it.
    """
    facts = life.look_again()
    if facts is not None and not _readable(life, facts):
        facts = life.look_again()
    if facts is not None and not _readable(life, facts):
        raise NotUnderstood("whether the settings are as before could not be read")
    return facts


def _readable(life: Life, facts: Facts) -> bool:
    known = {helper.name: helper for helper in life.plan.facts.helpers}
    return not any(
        now.value is Value.UNKNOWN and before.value is not Value.UNKNOWN
        for helper in facts.helpers
        if helper.name in known
        for now, before in (
            (helper.running, known[helper.name].running),
            (helper.startup, known[helper.name].startup),
        )
    )


def _as_before(life: Life, facts: Facts) -> bool:
    return facts.settings == life.plan.facts.settings


def _sent_back(life: Life, facts: Facts) -> bool:
    """Send what undoes the change. True when contact went, so that it may not have arrived."""
    remedy = life.plan.remedy
    resave = remedy.resave if Phase.SAVE in life.hand.phases else ()
    inverse = () if resave and _runs_as_before(life, facts) else remedy.inverse
    try:
        if inverse:
            with life.writer() as writer:
                life.hand.carry_out(inverse, writer, Phase.INVERSE)
        if resave:
            with life.writer() as writer:
                life.hand.carry_out(resave, writer, Phase.RESAVE)
    except Refused as error:
        life.fail(error)
        life.find("rollback-refused", str(error))
    except DeviceError as error:
        life.fail(error)
        return True
    return False


def _runs_as_before(life: Life, facts: Facts) -> bool:
    """Is what is in force as before, whatever is saved?"""
    now, before = (
        [(helper.name, helper.running.value, helper.prior) for helper in seen.helpers]
        for seen in (facts, life.plan.facts)
    )
    return now == before


def _settled(life: Life) -> ChangeState | None:
    """As before; now the guard, which would restart or change the device once more."""
    guard, pending = life.plan.guard, life.guard_pending()
    if guard is not None and pending in (Value.ON, Value.UNKNOWN):
        try:
            with life.keeper() as writer:
                life.hand.carry_out(guard.keep, writer, Phase.KEEP)
        except DeviceError as error:
            life.fail(error)
        life.let_go()
        pending = life.guard_pending()
        facts = _look(life)
        if facts is None or pending is None:
            return None
        if not _as_before(life, facts):
            return ChangeState.ROLLBACK_FAILED
    match pending:
        case None:
            return None
        case Value.OFF:
            return ChangeState.ROLLED_BACK
        case _:
            life.find("guard-left", "taken back, but the guard is not shown to be gone")
            return ChangeState.GUARD_LEFT
