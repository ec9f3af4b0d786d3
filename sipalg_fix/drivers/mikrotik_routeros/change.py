"""RouterOS: the switch, and the connections that are dropped after it."""

from __future__ import annotations

from sipalg_fix.drivers._family import port_numbers
from sipalg_fix.drivers.mikrotik_routeros.read import ACCESS, DENIED, HELPER, PORTS
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import NOTHING, Disruption, Find, Remedy, Step, Tell

FLOWS = Command(access=ACCESS, text="/ip/firewall/connection/print =.proplist=.id,dst-address", seconds=120)
ID = r'^.*"\.id":\s*"(?P<id>\*[0-9A-Fa-f]+)"'
REBOOT: tuple[Step, ...] = (
    Tell(command=Command(access=ACCESS, text="/system/reboot"), refusals=(DENIED,), cuts=True),
)


def remedy(facts: Facts) -> Remedy:
    """Disable the helper; one that is disabled already may still hold connections to be dropped."""
    (sip,) = facts.helpers
    if sip.running.value is Value.OFF and sip.operational.value is Value.ON:
        return Remedy(flush=flush(facts), disruption=Disruption.NEW_CALLS)
    if sip.running.value is not Value.ON:
        return NOTHING
    return Remedy(
        forward=(_switch("yes"),),
        inverse=(_switch("no"),),
        disruption=Disruption.NEW_CALLS,
        diff=("-service-port sip disabled=false", "+service-port sip disabled=true"),
    )


def _switch(disabled: str) -> Find:
    """Ids are looked up when they are needed; row numbers are of one session only (manual)."""
    then = Command(access=ACCESS, text=f"{PORTS}/set =.id=<id> =disabled={disabled}")
    return Find(read=HELPER, pick=ID, then=Tell(command=then, refusals=(DENIED, "failure:")))


def flush(facts: Facts) -> tuple[Step, ...]:
    """Drop the connections to the helper's ports: those it has, it keeps for as long as they are used."""
    set_ports = next((s.removeprefix("ports=") for s in facts.helpers[0].prior if s.startswith("ports=")), "")
    ports = "|".join(map(str, port_numbers(f"5060,{set_ports}")))
    then = Command(access=ACCESS, text="/ip/firewall/connection/remove =.id=<id>")
    gone = Tell(command=then, refusals=(DENIED,), tolerates=("no such item",))
    pick = rf'^(?=.*"dst-address":\s*"[^"\n]*:(?:{ports})"){ID[1:]}'
    return (Find(read=FLOWS, pick=pick, then=gone, least=0, most=100_000),)
