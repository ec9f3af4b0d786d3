"""
Calls in progress: waited for before a change that may cut them; a router that stays busy is left alone.

Asked before a host is begun and before its lock is taken, so that nobody else waits for its callers.
"""

from __future__ import annotations

from sipalg_fix.engine.audit import driver_of
from sipalg_fix.engine.look import ask_all, opened
from sipalg_fix.engine.run import Ports, say, wait
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, PlanError
from sipalg_fix.model.host import Host
from sipalg_fix.model.plan import CALLS_UNKNOWN, HostPlan, Plan
from sipalg_fix.model.session import Transcript
from sipalg_fix.model.step import Disruption

ASK_AGAIN_SECONDS = 20.0
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
    if seconds is None or driver.live_calls is None or not may_cut(host_plan):
        return ""
    until = ports.clock.monotonic() + seconds
    while True:
        number, why = _live(ports, host, driver)
        if number is None:
            if host_plan.disruption in CUTS and CALLS_UNKNOWN not in plan.accepted:
                raise PlanError(CALLS_UNKNOWN, f"{why}; the change would cut them, so nothing was sent")
            return why
        left = until - ports.clock.monotonic()
        if not number:
            return ""
        if left <= 0 or ports.stop.asked:
            waited = f" after {seconds / 60:g} minutes" if seconds else ""
            message = f"{_calls(number)} in progress{waited}; nothing was sent"
            raise PlanError("calls-in-progress", message)
        say(ports, host.name, "waiting", f"{_calls(number)} in progress")
        wait(ports, min(ASK_AGAIN_SECONDS, left))


def _calls(number: int) -> str:
    return "1 call is" if number == 1 else f"{number} calls are"


def _live(ports: Ports, host: Host, driver: Driver) -> tuple[int | None, str]:
    """How many calls are up; None, and why, where that cannot be told."""
    try:
        with opened(ports.connections.reader(host, driver)) as reader:
            seen = ask_all(reader, driver, driver.calls, Transcript())
    except DeviceError as error:
        return None, f"whether calls are in progress could not be read: {error.code}: {error.message}"
    number = driver.live_calls(seen) if driver.live_calls else None
    return number, "" if number is not None else "the router did not say whether calls are in progress"
