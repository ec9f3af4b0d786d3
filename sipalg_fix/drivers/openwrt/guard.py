"""
OpenWrt: the dead man withdraws what was only staged, and reloads the firewall.

BusyBox there has no setsid and no nohup by default; a subshell that ignores the hang-up needs neither. A
restart ends it, and takes the staged change with it.
"""

from __future__ import annotations

from sipalg_fix.drivers._dead_man import LOOK_FOR, MARK, SHOWN, begun, dead_man, ended
from sipalg_fix.drivers.linux.guard import COMMAND_LINES, IS_IT
from sipalg_fix.drivers.openwrt.lines import tell
from sipalg_fix.drivers.openwrt.probes import ask
from sipalg_fix.model.step import Tell

FILE = "/tmp/sipalg-fix.guard"
PROOF = ask(f"ls {FILE} 2>&1; {COMMAND_LINES} | grep '{LOOK_FOR}'; echo {SHOWN}")


def _start(back: str, seconds: int) -> Tell:
    process = f"( trap '' HUP; sleep {seconds}; {back}; rm -f {FILE} )"
    return tell(f": {MARK}; {begun(FILE, process)}", "^armed$")


GUARD = dead_man(
    file=FILE,
    start=_start,
    stop=tell(ended(FILE, IS_IT, 'kill "$p"'), "^settled$"),
    proof=PROOF,
)
