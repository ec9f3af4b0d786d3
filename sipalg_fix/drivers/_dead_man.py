"""
Dead man: a process on the router, detached from every session, that puts back what was there unless it is
told that all is well. For platforms whose shell can start one; what starts and ends it there is theirs.

A file holds the number of the process, where a boot empties the folder. The process's own command line says
``MARK``, by which it is found; what looks for it must not find itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sipalg_fix.drivers._family import cut, unread
from sipalg_fix.model.driver import Armed, Guard
from sipalg_fix.model.facts import Facts, Plane, Value, off, on, unknown
from sipalg_fix.model.session import Command, Transcript
from sipalg_fix.model.step import Disruption, Remedy, Tell

MARK, LOOK_FOR = "sipalg-fix reverts unless told", "sipalg-fix reverts[ ]unless told"
SHOWN = "end of proof"
"""The last line of the proof: without it the answer was cut."""


def dead_man(
    *,
    file: str,
    start: Callable[[str, int], Tell],
    stop: Tell,
    proof: Command,
    least_minutes: int = 1,
) -> Guard:
    """
    The guard. ``start`` makes the command that begins it, from what it is to run and after how many seconds,
    and ``stop`` ends it; ``proof`` lists the file, then the command lines with ``MARK``, then ``SHOWN``.
    """

    def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
        """The timer first, then the change."""
        del facts
        back = "; ".join(f"( {step.command.text} )" for step in remedy.inverse if isinstance(step, Tell))
        return Armed(forward=(start(back, minutes * 60), *remedy.forward), keep=(stop,))

    def pending(seen: Transcript) -> Plane:
        """Gone when neither the process nor its file is there."""
        if why := unread(seen, proof):
            return unknown(why)
        reply = seen.get(proof)
        said = reply.text if reply else ""
        if found := re.findall(rf"^.*{MARK}.*$", said, re.MULTILINE):
            return on(*(line[:200] for line in found))
        if not re.search(rf"^{SHOWN}$", said, re.MULTILINE):
            return cut(proof)
        if "No such file" not in said:
            return unknown(f"{file} is there, and no process that it belongs to")
        return off(f"{file}: not there", "no process of the guard")

    return Guard(
        name="revert timer",
        fires=Disruption.NEW_CALLS,
        arm=arm,
        unavailable=_unavailable,
        proof=(proof,),
        pending=pending,
        least_minutes=least_minutes,
    )


def begun(file: str, process: str) -> str:
    """Start a process in the background, unless there is one already, and see that it runs: ``armed``."""
    return (
        f"[ ! -e {file} ] || {{ echo another guard is armed; exit 1; }}; "
        f"{process} </dev/null >/dev/null 2>&1 & "
        f'echo $! > {file} && kill -0 "$(cat {file})" && echo armed'
    )


def ended(file: str, is_it: str, kill: str) -> str:
    """End the process ``$p`` that the file names, if ``is_it`` says it is the guard: ``settled``."""
    return f'p=$(cat {file} 2>/dev/null); [ -n "$p" ] && {is_it} && {kill}; rm -f {file}; echo settled'


def _unavailable(facts: Facts) -> str:
    """It takes back what is in force now."""
    if facts.helpers and all(helper.running.value is Value.ON for helper in facts.helpers):
        return ""
    return "there is nothing in force that it could put back"
