"""
pfSense: a dead man of our own. A subshell detached from every session sleeps, and then puts siproxd's flag
back and loads the rules, unless its file is gone. It does not outlive a restart; the change does, as it is
stored.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import cut, unread
from sipalg_fix.drivers.pfsense.change import tell
from sipalg_fix.drivers.pfsense.probes import ask
from sipalg_fix.model.driver import Armed, Guard
from sipalg_fix.model.facts import Facts, Plane, Value, off, on, unknown
from sipalg_fix.model.session import Transcript
from sipalg_fix.model.step import Disruption, Remedy, Tell

FILE = "/tmp/sipalg-fix.guard"
"""Holds the number of the process; /tmp is emptied by a boot."""
MARK, LOOK_FOR = "sipalg-fix reverts unless told", "sipalg-fix reverts[ ]unless told"
"""In the process's own command line; what looks for it must not find itself."""
PROOF = ask(f"ls {FILE} 2>&1; pgrep -lf '{LOOK_FOR}'; echo end of proof")


def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
    """The timer first, then the change."""
    del facts
    steps = "; ".join(f"( {step.command.text} )" for step in remedy.inverse if isinstance(step, Tell))
    start = (
        f": {MARK}; [ ! -e {FILE} ] || {{ echo another guard is armed; exit 1; }}; "
        f"( trap '' HUP; sleep {minutes * 60}; [ ! -e {FILE} ] || {{ {steps}; rm -f {FILE}; }} ) "
        f"</dev/null >/dev/null 2>&1 & "
        f'echo $! > {FILE} && kill -0 "$(cat {FILE})" && echo armed'
    )
    stop = (
        f'p=$(cat {FILE} 2>/dev/null); [ -n "$p" ] && pgrep -f \'{LOOK_FOR}\' | grep -qx "$p" && kill "$p"; '
        f"rm -f {FILE}; echo settled"
    )
    return Armed(forward=(tell(start, "^armed$"), *remedy.forward), keep=(tell(stop, "^settled$"),))


def unavailable(facts: Facts) -> str:
    """It takes back what is in force now."""
    if facts.helpers and all(helper.running.value is Value.ON for helper in facts.helpers):
        return ""
    return "there is nothing in force that it could put back"


def pending(seen: Transcript) -> Plane:
    """Gone when neither the process nor its file is there."""
    if why := unread(seen, PROOF):
        return unknown(why)
    reply = seen.get(PROOF)
    said = reply.text if reply else ""
    if found := re.findall(rf"^.*{MARK}.*$", said, re.MULTILINE):
        return on(*(line[:200] for line in found))
    if not re.search(r"^end of proof$", said, re.MULTILINE):
        return cut(PROOF)
    if "No such file" not in said:
        return unknown(f"{FILE} is there, and no process that it belongs to")
    return off(f"{FILE}: not there", "no process of the guard")


GUARD = Guard(
    name="revert timer",
    fires=Disruption.NEW_CALLS,
    arm=arm,
    unavailable=unavailable,
    proof=(PROOF,),
    pending=pending,
    least_minutes=2,
)
