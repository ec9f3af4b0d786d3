"""
OPNsense: the dead man is begun by SSH, around a change that goes by the API.

It puts back siproxd's flag alone, in the configuration as it is by then, in the way of the API's own ``set``
(lock, model, save: opnsense/core, ApiMutableModelControllerBase.php and Config.php); then it has the files
made anew and the daemon started (opnsense/plugins, net/siproxd: ServiceController.php, actions_siproxd.conf).
Whether the flag can be read in this way is tried before anything is armed. It does not outlive a restart
(/tmp is emptied: core, src/etc/rc.subr.d/tmp); the change does, as it is stored.
"""

from __future__ import annotations

from dataclasses import replace

from sipalg_fix.drivers._dead_man import LOOK_FOR, MARK, SHOWN, begun, dead_man, ended
from sipalg_fix.drivers.opnsense.probes import ROOT, SSH, shell
from sipalg_fix.model.driver import Armed
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command, Transcript
from sipalg_fix.model.step import Remedy, Tell

NOT_CONFIGURED = "not configured"
SHELL, NO_SHELL = "root by ssh", "no root by ssh: "
"""Notes: whether commands can be given to root's shell; behind the second, why not."""
FILE = "/tmp/sipalg-fix.guard"
PROOF = shell(f"ls {FILE} 2>&1; pgrep -lf '{LOOK_FOR}'; echo {SHOWN}")
SCRIPT = (
    'require_once("/usr/local/opnsense/mvc/script/load_phalcon.php"); '
    "$config = \\OPNsense\\Core\\Config::getInstance(); $config->lock(); "
    "$siproxd = new \\OPNsense\\Siproxd\\General(); "
    'if ($argv[1] === "back" && (string)$siproxd->enabled !== "1") { '
    '$siproxd->setNodes(array("enabled" => "1")); $siproxd->serializeToConfig(false, true); '
    '$config->save(array("username" => "root", "description" => "sipalg-fix: enable siproxd again")); } '
    'echo (string)$siproxd->enabled === "1" ? "on" : "off", "\\n";'
)
"""Says whether siproxd is enabled; with ``back``, once it is. It holds no single quote, for sh's sake."""
PHP = '/usr/local/bin/php -r "$script" --'
TRIED = (
    f"script='{SCRIPT}'; [ \"$({PHP} look 2>/dev/null | tail -n 1)\" = on ] "
    "|| { echo the flag of siproxd does not read as on; exit 1; }; "
)
CONFIGCTL = "/usr/local/sbin/configctl"
BACK = f"{PHP} back; {CONFIGCTL} template reload OPNsense/Siproxd"
START = f"; {CONFIGCTL} siproxd start"
"""One that runs already says so and runs on."""


def _start(back: str, seconds: int) -> Tell:
    process = f"( trap '' HUP; sleep {seconds}; [ ! -e {FILE} ] || {{ {back}; rm -f {FILE}; }} )"
    return _tell(f": {MARK}; {TRIED}{begun(FILE, process)}", "^armed$", opens=True)


def _tell(line: str, expects: str, *, opens: bool = False) -> Tell:
    return Tell(command=Command(access=SSH, text=line, seconds=60), expects=expects, opens=opens)


def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
    """The timer first, then the change; a daemon that did not run is not started."""
    stopped = any(helper.operational.value is Value.OFF for helper in facts.helpers)
    start = _start(BACK + ("" if stopped else START), minutes * 60)
    return Armed(forward=(start, *remedy.forward), keep=(STOP,))


def shell_note(seen: Transcript) -> str:
    """In few words: what a network says of itself from time to time is no change of the router."""
    reply = seen.get(ROOT)
    if reply is None:
        why = seen.why_unread(SSH)
        return NO_SHELL + ("could not be used" if why and why != NOT_CONFIGURED else f"is {NOT_CONFIGURED}")
    return SHELL if reply.ok and reply.text.strip() == "0" else f"{NO_SHELL}is not root's"


def unavailable(facts: Facts) -> str:
    """It needs root's shell, and takes back what is in force now."""
    if SHELL not in facts.notes:
        found = (note.removeprefix(NO_SHELL) for note in facts.notes if note.startswith(NO_SHELL))
        return f"OPNsense's API has none; by SSH it could be made, and the access '{SSH}' {next(found, '')}"
    if facts.helpers and all(helper.running.value is Value.ON for helper in facts.helpers):
        return ""
    return "there is nothing in force that it could put back"


STOP = _tell(ended(FILE, f"pgrep -f '{LOOK_FOR}' | grep -qx \"$p\"", 'kill "$p"'), "^settled$")
DEAD_MAN = dead_man(file=FILE, start=_start, stop=STOP, proof=PROOF, least_minutes=3)
"""Three minutes, as without its backend OPNsense takes 20 seconds over each answer (recorded)."""
GUARD = replace(DEAD_MAN, arm=arm, unavailable=unavailable)
