"""
RouterOS: a dead man of our own. An entry of ``/system scheduler`` enables the helper again, and then takes
itself away.

An entry without a start begins when it is added, and runs one interval later (manual, "Scheduler"). It is
stored like everything else: it outlives sessions and restarts.
"""

from __future__ import annotations

import re
from functools import partial

from sipalg_fix.drivers.mikrotik_routeros.read import counted
from sipalg_fix.drivers.mikrotik_routeros.wording import GUARD_NAME, Wording
from sipalg_fix.model.driver import Armed, Guard
from sipalg_fix.model.facts import Facts, Plane, Value
from sipalg_fix.model.session import Transcript
from sipalg_fix.model.step import Disruption, Remedy


def guard(by: Wording) -> Guard:
    """The guard by this access."""
    return Guard(
        name="revert timer",
        fires=Disruption.NEW_CALLS,
        arm=partial(arm, by),
        unavailable=unavailable,
        proof=(by.guards,),
        pending=partial(pending, by),
        own_lines=(re.compile(rf"scheduler .*{GUARD_NAME}"),),
        least_minutes=2,
    )


def arm(by: Wording, facts: Facts, remedy: Remedy, minutes: int) -> Armed:
    """The entry first; only where the router then shows it waiting, the change."""
    del facts
    return Armed(forward=(*by.arm(minutes), *remedy.forward), keep=(by.disarm,))


def unavailable(facts: Facts) -> str:
    """It enables what is enabled now."""
    if all(helper.running.value is Value.ON for helper in facts.helpers):
        return ""
    return "there is nothing in force that it could put back"


def pending(by: Wording, seen: Transcript) -> Plane:
    """Gone when the router counts no such entry."""
    return counted(by, seen, by.guards, f"entries of the scheduler named {GUARD_NAME}")
