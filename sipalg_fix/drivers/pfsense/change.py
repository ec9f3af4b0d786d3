"""
pfSense: the proxy is disabled in its settings, stopped, and pf no longer sends SIP to it.

The package's own code stops the daemon and leaves the redirect (siproxd.inc, sync_package_siproxd, returns
before filter_configure), so that SIP would go nowhere: the rules are loaded anew here, and waited for. What
is not shown to be gone afterwards is a refusal, and the change is taken back.
"""

from __future__ import annotations

from sipalg_fix.drivers._carp import objections
from sipalg_fix.drivers.pfsense import probes
from sipalg_fix.drivers.pfsense.read import STILL
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import NOTHING, Disruption, Find, Remedy, Step, Tell

BY_HAND = "end it by 'killall siproxd', then reload the rules in Status > Filter Reload"
PATH = "installedpackages/siproxdsettings/config/0/sipenable"
LOAD = (
    'require_once("config.inc"); require_once("filter.inc"); require_once("/usr/local/pkg/siproxd.inc"); '
    '$i = "installedpackages"; $d = "siproxdsettings"; '
)
FLAG = '$config[$i][$d]["config"][0]["sipenable"]'
"""Where it stands; short, as a shell that is reached by REST takes lines of 1024 characters."""
ACT = "sync_package_siproxd(); filter_configure_sync(); "


def tell(line: str, expects: str = "", code: str = "command-refused") -> Tell:
    """A command with an exit status that says whether it was obeyed."""
    return Tell(command=Command(access=probes.ACCESS, text=line, seconds=180), expects=expects, code=code)


def _php(script: str) -> str:
    return f"php -r '{LOAD}{script}' 2>&1"


def _stored(value: str, said: str) -> str:
    """
    Set the flag where it is another, and act on it; before 2.7 there is only the array. Refused unless it is
    stored, and then nothing is acted on.
    """
    other = f'({FLAG} ?? "") !== "{value}"'
    return (
        f"if ({other}) {{ "
        f'if (function_exists("config_set_path")) {{ config_set_path("{PATH}", "{value}"); }} '
        f'else {{ {FLAG} = "{value}"; }} $w = write_config("sipalg-fix: {said}"); '
        f'if ($w === -1 || $w === false || {other}) {{ echo "not stored\\n"; exit(1); }} }} '
        f'{ACT}echo "stored\\n";'
    )


def _gone(facts: Facts) -> str:
    """A shell line that ends well when neither the daemon nor its redirect is there."""
    port = next((line.partition("=")[2] for line in facts.config if line.startswith("port=")), "")
    ports = "|".join(dict.fromkeys(["sip", "5060", *([port] if port.isdigit() else [])]))
    return (
        "if pgrep -x siproxd >/dev/null; then echo siproxd still runs; exit 1; fi; "
        f"if pfctl -sn 2>/dev/null | grep -E '^rdr .*port = ({ports}) .*-> 127[.]0[.]0[.]1'; "
        "then echo SIP is still redirected; exit 1; fi; echo done"
    )


REBOOT: tuple[Step, ...] = (
    Tell(command=Command(access=probes.ACCESS, text="/sbin/shutdown -r now"), cuts=True),
)


def remedy(facts: Facts) -> Remedy:
    """Disable the proxy, or end what runs of one that is disabled."""
    if facts.not_applicable or not facts.helpers:
        return NOTHING
    (proxy,) = facts.helpers
    if proxy.running.value is Value.ON:
        return Remedy(
            forward=(tell(f"{_php(_stored('', 'disable siproxd'))} && {{ {_gone(facts)}; }}", "^done$"),),
            inverse=(tell(_php(_stored("on", "enable siproxd again")), "^stored$"),),
            disruption=Disruption.CALLS,
            diff=("-sipenable=on", "+sipenable="),
            objections=objections(facts),
        )
    if proxy.running.value is Value.OFF and any(note.startswith(STILL) for note in proxy.prior):
        if "package=False" in facts.config:
            return Remedy(impossible=f"the package is gone and left this behind; {BY_HAND}")
        return Remedy(
            flush=(tell(f"{_php(ACT)} && {{ {_gone(facts)}; }}", "^done$"),), disruption=Disruption.CALLS
        )
    return NOTHING


def flush(facts: Facts) -> tuple[Step, ...]:
    """
    Drop the states of the phones that were sent to the proxy, by the phones' addresses. Never all states:
    this session has one of them.
    """
    del facts
    pick = r"^\S+ udp 127\.0\.0\.1:\d+ \([^)\s]+\) <- (?P<phone>[\d.]+):\d+ "
    return (Find(read=probes.STATES, pick=pick, then=tell("pfctl -k <phone> 2>&1"), least=0, most=10_000),)
