"""
EdgeOS: commit-confirm, which restarts the router into the saved configuration unless it is confirmed.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import cut, text, unread, whole
from sipalg_fix.drivers.ubiquiti_edgeos.lines import (
    COMMIT_REFUSALS,
    CONFIGURE,
    EXIT,
    IN_CONFIGURE,
    NO_CHANGE,
    tell,
)
from sipalg_fix.drivers.ubiquiti_edgeos.probes import CONFIRM_JOB, QUEUE, REVISIONS
from sipalg_fix.drivers.ubiquiti_edgeos.saved import job_pending
from sipalg_fix.model.driver import Armed, Guard
from sipalg_fix.model.facts import Facts, Plane, Value, on, unknown
from sipalg_fix.model.session import Answer, Transcript
from sipalg_fix.model.step import Disruption, Remedy, Step, Tell

KEEP: tuple[Step, ...] = (CONFIGURE, tell("confirm", "rror", tolerates=("No confirm pending",)), EXIT)


def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
    """
    ``commit-confirm N`` in the place of ``commit``. A commit that fails under it leaves the timer running,
    and only ``confirm`` ends it, after a rollback too (recorded from a Vyatta CLI, 2026-11).
    """
    del facts
    proceed = (Answer(question=r"Proceed\? *(?:\[confirm\])?\s*$", text="y", enter=False),)
    commit = tell(
        f"commit-confirm {minutes}",
        *(*COMMIT_REFUSALS, "is not configured", "Another confirm is pending"),
        tolerates=(NO_CHANGE,),
        prompt=IN_CONFIGURE,
        answers=proceed,
    )
    forward = tuple(
        commit if isinstance(s, Tell) and s.command.text == "commit" else s for s in remedy.forward
    )
    return Armed(forward=forward, keep=KEEP)


def unavailable(facts: Facts) -> str:
    """It needs a commit to take the place of, revisions, and an empty queue to be proven gone by."""
    if any(helper.running.value is not Value.ON for helper in facts.helpers):
        return "there is nothing to commit"
    if REVISIONS not in facts.notes:
        return "commit-confirm needs 'system config-management commit-revisions', which is not configured"
    queued = [finding.message for finding in facts.findings if finding.code in ("job-queued", "guard-left")]
    return queued[0] if queued else ""


def pending(seen: Transcript) -> Plane:
    """
    May it still fire? The job outlives a restart, which the file that names it does not (Vyatta capture):
    it is gone when neither is there.
    """
    if why := unread(seen, QUEUE):
        return unknown(why)
    queue = text(seen, QUEUE)
    if jobs := re.findall(r"^\d+\s.*$", queue, re.MULTILINE):
        return on(*jobs)
    named = job_pending(seen)
    if named.value is Value.OFF and not whole(queue, ("^end of queue$",)):
        return cut(QUEUE)
    return named


GUARD = Guard(
    name="commit-confirm",
    fires=Disruption.REBOOT,
    arm=arm,
    unavailable=unavailable,
    proof=(QUEUE, CONFIRM_JOB),
    pending=pending,
    # at(1) cuts to whole minutes: N is between N-1 and N (Vyatta capture). One minute may be none.
    least_minutes=2,
)
