"""
Cisco IOS: ``configure terminal revert timer N``, which puts the configuration back unless it is confirmed.

It keeps a copy of the running configuration where ``archive`` has a ``path``, and takes back only what
differs from it, without a restart (Cisco IOS, Configuration Rollback Confirmed Change; published session).
"""

from __future__ import annotations

from sipalg_fix.drivers.cisco_ios.lines import CONFIGURE, IN_CONFIG, LOCKED, tell
from sipalg_fix.drivers.cisco_ios.probes import ARCHIVE, NO_TIMER, TIMER
from sipalg_fix.drivers.cisco_ios.saved import timer
from sipalg_fix.model.driver import Armed, Guard
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.step import Disruption, Remedy, Step

KEEP: tuple[Step, ...] = (tell("configure confirm", tolerates=(NO_TIMER,)),)


def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
    """The timer begins as configuration mode is entered, and runs on after it is left."""
    del facts
    guarded = tell(
        f"configure terminal revert timer {minutes}",
        LOCKED,
        "Turn config archive on.*",
        expects="Rollback Confirmed Change",
        prompt=IN_CONFIG,
    )
    return Armed(forward=tuple(guarded if step == CONFIGURE else step for step in remedy.forward), keep=KEEP)


def unavailable(facts: Facts) -> str:
    """It needs a place for its copy, and no other timer that is running."""
    if ARCHIVE not in facts.notes:
        return "'configure terminal revert timer' needs 'archive' with a 'path', and a release that has it"
    pending = [finding.message for finding in facts.findings if finding.code == "guard-left"]
    return pending[0] if pending else ""


GUARD = Guard(
    name="revert timer",
    fires=Disruption.NEW_CALLS,
    arm=arm,
    unavailable=unavailable,
    proof=(TIMER,),
    pending=timer,
    # One minute before it fires it only announces itself: with 1 there is no time to look.
    least_minutes=3,
)
