"""
Linux: the dead man needs a POSIX shell and setsid, and is gone with the next boot, as the change would be.
"""

from __future__ import annotations

from shlex import quote

from sipalg_fix.drivers._dead_man import LOOK_FOR, MARK, SHOWN, begun, dead_man, ended
from sipalg_fix.drivers.linux.change import tell
from sipalg_fix.drivers.linux.probes import ask
from sipalg_fix.model.step import Tell

FILE = "/run/sipalg-fix.guard"
COMMAND_LINES = "for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $p; echo; done 2>/dev/null"
PROOF = ask(f"ls {FILE} 2>&1; {COMMAND_LINES} | grep '{LOOK_FOR}'; echo {SHOWN}")
IS_IT = f'tr "\\0" " " < "/proc/$p/cmdline" 2>/dev/null | grep -q \'{LOOK_FOR}\''


def _start(back: str, seconds: int) -> Tell:
    script = f": {MARK}; sleep {seconds}; {back}; rm -f {FILE}"
    return tell(begun(FILE, f"setsid sh -c {quote(script)}"), "^armed$")


GUARD = dead_man(
    file=FILE,
    start=_start,
    stop=tell(ended(FILE, IS_IT, 'kill -- "-$p"'), "^settled$"),
    proof=PROOF,
)
