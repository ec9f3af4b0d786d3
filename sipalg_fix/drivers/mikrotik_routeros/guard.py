"""
RouterOS: a dead man of our own. An entry of ``/system scheduler`` enables the helper again, and then takes
itself away.

An entry without a start begins when it is added, and runs one interval later (manual, "Scheduler"). It is
stored like everything else: it outlives sessions and restarts.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import json_rows, text, unread
from sipalg_fix.drivers.mikrotik_routeros.change import ID
from sipalg_fix.drivers.mikrotik_routeros.read import ACCESS, DENIED
from sipalg_fix.model.driver import Armed, Guard
from sipalg_fix.model.facts import Facts, Plane, Value, off, on, unknown
from sipalg_fix.model.session import Command, Transcript
from sipalg_fix.model.step import Disruption, Find, Remedy, Tell

NAME, MENU = "sipalg-fix-guard", "/system/scheduler"
ENTRY = Command(access=ACCESS, text=f"{MENU}/print ?name={NAME}")
# A count is one row even when it is nought; an entry that is not there would prove nothing.
PROOF = Command(access=ACCESS, text=f"{MENU}/print =count-only= ?name={NAME}")
BACK = (
    f"/ip firewall service-port set sip disabled=no; :log warning {NAME}-fired; "
    f"/system scheduler remove {NAME}"
)
"""What the router does when nobody confirms. Should its first command fail, it stays, and tries again."""
NOT_RUN = rf'(?=.*"run-count":\s*"0"){ID[1:]}'
REFUSALS = (DENIED, "failure:")


def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
    """The entry first; only where the router then shows it waiting, the change."""
    del facts
    add = f'{MENU}/add =name={NAME} =interval={minutes}m =policy=read,write =on-event="{BACK}"'
    armed = Command(access=ACCESS, text=f"{MENU}/set =.id=<id> =comment=armed")
    gone = Command(access=ACCESS, text=f"{MENU}/remove =.id=<id>")
    return Armed(
        forward=(
            Tell(command=Command(access=ACCESS, text=add), refusals=REFUSALS),
            Find(read=ENTRY, pick=f"^{NOT_RUN}", then=Tell(command=armed, refusals=REFUSALS)),
            *remedy.forward,
        ),
        keep=(Find(read=ENTRY, pick=ID, then=Tell(command=gone, refusals=REFUSALS)),),
    )


def unavailable(facts: Facts) -> str:
    """It enables what is enabled now."""
    if all(helper.running.value is Value.ON for helper in facts.helpers):
        return ""
    return "there is nothing in force that it could put back"


def pending(seen: Transcript) -> Plane:
    """Gone when the router counts no such entry."""
    if why := unread(seen, PROOF):
        return unknown(why)
    rows = json_rows(text(seen, PROOF)) or ()
    counted = str(rows[0].get("ret", "")) if len(rows) == 1 else ""
    if not re.fullmatch(r"\d+", counted):
        return unknown(f"the answer to '{PROOF.text}' holds no count")
    words = f"{counted} entries of the scheduler named {NAME}"
    return on(words) if int(counted) else off(words)


GUARD = Guard(
    name="revert timer",
    fires=Disruption.NEW_CALLS,
    arm=arm,
    unavailable=unavailable,
    proof=(PROOF,),
    pending=pending,
    own_lines=(re.compile(rf"scheduler .*{NAME}"),),
    least_minutes=2,
)
