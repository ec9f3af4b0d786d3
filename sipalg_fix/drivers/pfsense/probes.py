"""
pfSense: what it is asked, as root: over an exec channel, or by the REST package, in the same lines.

``ssh host 'command'`` is given to ``/bin/sh -c`` by /etc/rc.initial, so its menu, in which the wrong number
is a factory reset, is never seen. The configuration is read by pfSense's own PHP: only what is named here.
"""

from __future__ import annotations

from sipalg_fix.drivers._carp import question
from sipalg_fix.drivers._pf_states import LINES as STREAM_LINES
from sipalg_fix.drivers._siproxd import LINES
from sipalg_fix.model.session import Command

ACCESS = "ssh"


def ask(line: str, seconds: float = 60) -> Command:
    """A command that only looks."""
    return Command(access=ACCESS, text=line, seconds=seconds)


SETTINGS = '$config["installedpackages"]["siproxdsettings"]["config"][0]'
SCRIPT = (
    'require_once("config.inc"); '
    f"$s = {SETTINGS} ?? null; "
    '$n = $config["nat"]["outbound"] ?? array(); '
    '$h = $config["hasync"] ?? array(); '
    '$y = $config["system"] ?? array(); '
    "$static = 0; $carp = 0; "
    'foreach ($n["rule"] ?? array() as $r) { if (isset($r["staticnatport"])) { $static += 1; } } '
    'foreach ($config["virtualip"]["vip"] ?? array() as $v) { '
    'if (($v["mode"] ?? "") === "carp") { $carp += 1; } } '
    "echo json_encode(array("
    '"configured" => $s !== null, '
    '"sipenable" => $s["sipenable"] ?? null, '
    '"port" => $s["port"] ?? null, '
    '"if_inbound" => $s["if_inbound"] ?? null, '
    '"package" => file_exists("/usr/local/pkg/siproxd.inc"), '
    '"outbound" => $n["mode"] ?? null, '
    '"static" => $static, "carp" => $carp, '
    '"sync" => $h["synchronizetoip"] ?? null, '
    '"pfsync" => $h["pfsyncenabled"] ?? null, '
    '"optimization" => $y["optimization"] ?? null, '
    '"disablescrub" => isset($y["disablescrub"]))), "\\n";'
)
IDENTITY = ask(
    "uname -s; cat /etc/platform /etc/product_name 2>/dev/null; "
    'echo "version $(cat /etc/version)"; id -u; echo end of identity'
)
CONFIG = ask(f"php -r '{SCRIPT}' 2>&1")
PACKAGE = ask('pkg info -e pfSense-pkg-siproxd; echo "status $?"')
DAEMON = ask('pgrep -x siproxd; echo "status $?"')
RULES = ask("pfctl -sn 2>&1 && echo end of rules")
TIMEOUTS = ask("pfctl -st 2>&1 && echo end of timeouts")
BOOT = ask("sysctl -n kern.boottime")
ROLES = ask(question("/cf/conf"))
PROBES = (IDENTITY, CONFIG, PACKAGE, DAEMON, RULES, TIMEOUTS, BOOT, ROLES)
CALLS = ask(LINES)
STREAMS = ask(STREAM_LINES)
STATES = ask("pfctl -ss 2>&1 && echo end of states")
BACKUP = ask("cat /cf/conf/config.xml")
