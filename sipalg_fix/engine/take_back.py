"""
Take back: bring a host to what was seen before a change, and settle the guard by its own word.

Only a look says that a host is as before; a command that was refused, or lost, proves nothing of it. A
guard is settled once the host is as before. While it is not, an armed guard is the last that can help, and
is left to fire.
"""

from __future__ import annotations

from collections.abc import Callable

from sipalg_fix.engine.life import Life
from sipalg_fix.engine.patience import GOING_DOWN
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, NotUnderstood, Refused
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.step import Disruption

TRIES = 3
"""
How often what undoes a change, or settles a guard, is sent at the most: again only when it was refused, or
contact went, and a look then does not show that it acted. All of it may be sent after half of it.
"""
WAIT_SECONDS = 2.0
"""Before it is sent again: what refused it once may pass, such as somebody else's lock."""
LATE_SECONDS = 60.0
"""How much later than it should a guard may come."""


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
    if life.at(ChangeState.REVERTING) and _comes(life, _answers):
        _put_back(life)


def take_back(life: Life) -> None:
    """
    Send the inverse from a fresh session, settle the guard, and believe only a look. Also goes on with what
    was cut short in ROLLING_BACK.
    """
    awaited = _fired if _put_back(life) else _answers
    if life.at(ChangeState.REVERTING) and _comes(life, awaited):
        _put_back(life)


def wait_for_guard(life: Life) -> None:
    """Go on with a change that was cut short in REVERTING: once it answers again, it is seen to."""
    if _comes(life, _answers):
        take_back(life)


def _comes(life: Life, awaited: Callable[[Life], bool | None]) -> bool:
    """
    Wait for what the guard will bring. Should it not come within the guard's time, nobody can tell what
    the host is: STRANDED. A run that is being stopped does not wait, nor does one that is turned away.
    """
    guard, clock = life.plan.guard, life.ports.clock
    if guard is None:
        return False
    restarts = life.boot_seconds if guard.fires is Disruption.REBOOT else 0.0
    until = clock.monotonic() + 60.0 * guard.minutes + restarts + LATE_SECONDS
    while clock.monotonic() < until:
        if life.ports.stop.asked:
            return False
        clock.pause(5.0)
        has_come = awaited(life)
        if has_come is not False:
            return bool(has_come)
    life.to(ChangeState.STRANDED)
    return False


def _answers(life: Life) -> bool | None:
    """Does the device answer again, by itself or because its guard has fired? None: it turns us away."""
    try:
        return life.look_again({}) is not None
    except DeviceError as error:
        return False if error.code in GOING_DOWN else None


def _fired(life: Life) -> bool | None:
    """Has the guard of a device that refused to be put back by us fired?"""
    return life.guard_pending() is Value.OFF


def _put_back(life: Life) -> bool:
    """Roll back once, to the state in which that ends. False when contact was lost meanwhile."""
    if not life.at(ChangeState.ROLLING_BACK):
        life.to(ChangeState.ROLLING_BACK)
    try:
        end = _restored(life)
    except DeviceError as error:
        life.fail(error)
        end = None
    lost_as = ChangeState.REVERTING if life.armed else ChangeState.STRANDED
    if end is ChangeState.ROLLED_BACK:
        # The inverse is refused where there was nothing to undo: that is no news.
        life.findings = [finding for finding in life.findings if finding.code != "rollback-refused"]
    if end in (None, ChangeState.REVERTING):
        life.let_go()
    life.to(end or lost_as)
    if life.at(ChangeState.ROLLED_BACK) and life.host.probe is not None:
        life.ask_packets()
    return end is not None


def _restored(life: Life) -> ChangeState | None:
    """How the rollback ended; None when the device does not answer. DeviceError when it cannot be read."""
    facts = _look(life, needed=not _owed(life))
    for tries_left in reversed(range(TRIES)):
        if facts is None or (_as_before(life, facts) and not _owed(life)):
            break
        again = _sent_back(life, facts) and tries_left > 0
        if again:
            life.ports.clock.pause(WAIT_SECONDS)
        # What was taken by its own word may have done nothing; only the look tells.
        facts = _look(life, needed=not again)
    if facts is None:
        return None
    if _as_before(life, facts) and not _owed(life):
        return _settled(life)
    return _left_to_the_guard(life)


def _owed(life: Life) -> bool:
    """Must the inverse be sent, whatever a look shows?"""
    return life.owed and not life.hand.untouched and bool(life.plan.remedy.inverse)


def _left_to_the_guard(life: Life) -> ChangeState | None:
    """Not shown to be as before, or never told what undoes the change; and no more that we can send."""
    pending = life.guard_pending()
    if pending is Value.ON:
        life.find("guard-armed", "not taken back by us; the guard is left to do it")
        return ChangeState.REVERTING
    if pending is None:
        return None
    # Where there is a guard, it may have fired since the last look.
    facts = _look(life)
    if facts is None:
        return None
    if not _as_before(life, facts):
        message = "what undoes the change was sent, yet the settings do not read as before"
        life.fail(Refused(message, reply=""))
        return ChangeState.ROLLBACK_FAILED
    if life.plan.guard is not None or not _owed(life):
        return _settled(life)
    message = "nothing shows of the change, yet what undoes it was not taken: the change may act later"
    life.find("rollback-refused", message)
    return ChangeState.STRANDED


def _look(life: Life, *, needed: bool = True) -> Facts | None:
    """
    A look by which it can be told whether the host is as before; else one more, then NotUnderstood: nothing
    is sent because of what could not be read. Where it is not ``needed``, what is to be sent is known without
    it: half of a rollback may read as no setting that there ever was.
    """
    for last in (False, True):
        facts = life.look_again()
        if facts is None or not needed or _as_before(life, facts) is not None:
            return facts
        if last:
            break
    raise NotUnderstood("whether the settings are as before could not be read")


def _as_before(life: Life, facts: Facts) -> bool | None:
    """Are the settings as before? None when all that differs is that something could not be read."""
    if facts.settings == life.plan.facts.settings:
        return True
    known = {helper.name: helper for helper in life.plan.facts.helpers}
    pairs = [(helper, known[helper.name]) for helper in facts.helpers if helper.name in known]
    settings = [(now.running, then.running) for now, then in pairs]
    settings += [(now.startup, then.startup) for now, then in pairs]
    shown = [(now.value, then.value) for now, then in settings if now.value is not Value.UNKNOWN]
    if any(now is not then for now, then in shown):
        return False
    live = [(now.operational, then.operational) for now, then in pairs]
    unread = [now for now, then in (*settings, *live) if now.value is Value.UNKNOWN is not then.value]
    return None if unread else False


def _sent_back(life: Life, facts: Facts) -> bool:
    """Send what undoes the change. True when not all of it was taken, or nobody knows whether it was."""
    remedy = life.plan.remedy
    resave = remedy.resave if Phase.SAVE in life.hand.phases else ()
    saves_only = bool(resave) and _runs_as_before(life, facts) and not _owed(life)
    due = bool(remedy.inverse) and not saves_only
    sent = len(life.hand.done)
    try:
        if due:
            with life.writer() as writer:
                life.hand.carry_out(remedy.inverse, writer, Phase.INVERSE)
        life.owed = due = False
        if resave:
            with life.writer() as writer:
                life.hand.carry_out(resave, writer, Phase.RESAVE)
    except Refused as error:
        life.fail(error)
        life.find("rollback-refused", str(error))
        # Half of it may show as all of it: a setting that is back, and a service that was not told of it.
        life.owed = life.owed or (due and len(life.hand.done) > sent + 1)
    except DeviceError as error:
        life.fail(error)
        life.owed = life.owed or due
    else:
        return False
    return True


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
    for again in range(TRIES):
        if guard is None or pending not in (Value.ON, Value.UNKNOWN) or (again and guard.held_session):
            break
        if again:
            life.ports.clock.pause(WAIT_SECONDS)
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
