"""
pfSense: the dead man puts siproxd's flag back and loads the rules, unless its file is gone. It does not
outlive a restart; the change does, as it is stored.
"""

from __future__ import annotations

from sipalg_fix.drivers._dead_man import LOOK_FOR, MARK, SHOWN, begun, dead_man, ended
from sipalg_fix.drivers.pfsense.change import tell
from sipalg_fix.drivers.pfsense.probes import ask
from sipalg_fix.model.step import Tell

FILE = "/tmp/sipalg-fix.guard"
PROOF = ask(f"ls {FILE} 2>&1; pgrep -lf '{LOOK_FOR}'; echo {SHOWN}")


def _start(back: str, seconds: int) -> Tell:
    process = f"( trap '' HUP; sleep {seconds}; [ ! -e {FILE} ] || {{ {back}; rm -f {FILE}; }} )"
    return tell(f": {MARK}; {begun(FILE, process)}", "^armed$")


GUARD = dead_man(
    file=FILE,
    start=_start,
    stop=tell(ended(FILE, f"pgrep -f '{LOOK_FOR}' | grep -qx \"$p\"", 'kill "$p"'), "^settled$"),
    proof=PROOF,
    least_minutes=2,
)
