"""
Calls in progress: waited for before a change that may cut them; a router that stays busy is left alone.

Asked before a host is begun and before its lock is taken, so that nobody else waits for its callers; and
again right before each step that may cut them, as new ones may have begun.

Most steps end only the calls that what reads SIP on the router follows. A restart ends all, also those that
went past it, as all do once it is off: before one, any stream that may be a call counts.
"""

from __future__ import annotations

from sipalg_fix.engine.audit import driver_of
from sipalg_fix.engine.life import Life
from sipalg_fix.engine.look import ask_all, opened
from sipalg_fix.engine.patience import first_look
from sipalg_fix.engine.run import Ports, say, wait
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, PlanError
from sipalg_fix.model.host import Host
from sipalg_fix.model.plan import CALLS_UNKNOWN, WINDOW_CLOSED, HostPlan, Plan, Terms
from sipalg_fix.model.session import Transcript
from sipalg_fix.model.step import Disruption
from sipalg_fix.model.window import seconds_left

ASK_AGAIN_SECONDS = 20.0
CALLS_IN_PROGRESS = "calls-in-progress"
CUTS = frozenset({Disruption.CALLS, Disruption.REBOOT})


def may_cut(host_plan: HostPlan) -> bool:
    """Might calls end by it? Dropping SIP entries may end those whose media the router follows, too."""
    return bool(host_plan.flush or host_plan.reboot) or host_plan.disruption in CUTS


def quiet(ports: Ports, host_plan: HostPlan, plan: Plan) -> str:
    """
    Wait until the host has no calls, as long as the plan says. What could not be told, in words, or nothing.
    PlanError ``calls-in-progress`` when there still are some; ``calls-unknown`` when it cannot be told, the
    change is sure to cut them, and nobody accepted that by name.
    """
    seconds, driver, host = plan.calls.wait_seconds, driver_of(ports, host_plan.host), host_plan.host
    restarts = bool(host_plan.reboot) or host_plan.disruption is Disruption.REBOOT
    asked = driver.asked_for_calls(restarts=restarts)
    if seconds is None or not asked or not may_cut(host_plan):
        return ""
    number, why = awaited(ports, host, driver, seconds, restarts=restarts)
    if number is None:
        if host_plan.disruption in CUTS and CALLS_UNKNOWN not in plan.accepted:
            raise PlanError(CALLS_UNKNOWN, f"{why}; the change would cut them, so nothing was sent")
        return why
    if number:
        raise PlanError(CALLS_IN_PROGRESS, f"{why}; nothing was sent")
    return ""


def in_the_way(life: Life, *, sure: bool, restarts: bool = False) -> PlanError | None:
    """
    What stands against a step that may cut calls, asked right before it. They are waited for again, but not
    beyond the change window. ``sure``: it ends all of them, so that what could not be told stands against it,
    too, unless that was accepted; else it is a finding.
    """
    if not life.driver.asked_for_calls(restarts=restarts):
        return None
    number, why = awaited_now(life.ports, life.host, life.driver, life.terms, restarts=restarts)
    if number is None:
        if sure and CALLS_UNKNOWN not in life.terms.accepted:
            return PlanError(CALLS_UNKNOWN, why)
        life.find(CALLS_UNKNOWN, why)
    return PlanError(CALLS_IN_PROGRESS, why) if number else None


def cuts_nobody(life: Life) -> bool:
    """May a change be sent that itself cuts calls? If not, its life is at its end: refused."""
    remedy, why = life.plan.remedy, None
    if remedy.forward and remedy.disruption in CUTS:
        why = in_the_way(life, sure=True, restarts=remedy.disruption is Disruption.REBOOT)
    if why:
        life.fail(PlanError(why.code, f"{why}; nothing was sent"))
        life.to(ChangeState.REFUSED)
    return why is None


def awaited(
    ports: Ports, host: Host, driver: Driver, seconds: float, *, restarts: bool
) -> tuple[int | None, str]:
    """
    Wait so long for the host's calls to end. How many there are still, in words, too; None, and why, when it
    could not be told.
    """
    begun = ports.clock.monotonic()
    while True:
        number, words = _live(ports, host, driver, restarts=restarts)
        if not number:
            return number, words
        left = begun + seconds - ports.clock.monotonic()
        if left <= 0 or ports.stop.asked:
            waited = f" after {seconds / 60:g} minutes" if seconds else ""
            return number, f"{words} in progress{waited}"
        say(ports, host.name, "waiting", f"{words} in progress")
        wait(ports, min(ASK_AGAIN_SECONDS, left))


def awaited_now(
    ports: Ports, host: Host, driver: Driver, terms: Terms, *, restarts: bool
) -> tuple[int | None, str]:
    """The same by these terms, and not beyond the window; no calls where they are to be ignored."""
    seconds = terms.calls.wait_seconds
    if seconds is None:
        return 0, ""
    if not driver.asked_for_calls(restarts=restarts):
        return None, f"whether calls are in progress cannot be seen on a {driver.title}"
    left = None if WINDOW_CLOSED in terms.accepted else seconds_left(terms.windows, ports.clock.now())
    return awaited(ports, host, driver, seconds if left is None else min(seconds, left), restarts=restarts)


def _asked(ports: Ports, host: Host, driver: Driver, *, restarts: bool) -> Transcript:
    with opened(ports.connections.reader(host, driver)) as reader:
        return ask_all(reader, driver, driver.asked_for_calls(restarts=restarts), Transcript())


def _live(ports: Ports, host: Host, driver: Driver, *, restarts: bool) -> tuple[int | None, str]:
    """How many calls are up, in words, too; None, and why, where that cannot be told."""
    try:
        seen = first_look(ports, host, lambda host: _asked(ports, host, driver, restarts=restarts))
    except DeviceError as error:
        return None, f"whether calls are in progress could not be read: {error.code}: {error.message}"
    number = driver.live_calls(seen) if driver.live_calls else 0
    if number:
        return number, "1 call is" if number == 1 else f"{number} calls are"
    unsaid = "the router did not say whether calls are in progress"
    if not restarts:
        return number, "" if number is not None else unsaid
    if driver.live_streams is None:
        return None, f"calls that what reads SIP does not follow cannot be seen on a {driver.title}"
    streams = driver.live_streams(seen)
    if streams:
        words = (
            "1 stream that may be a call is" if streams == 1 else f"{streams} streams that may be calls are"
        )
        return streams, words
    return (0, "") if number == streams == 0 else (None, unsaid)
