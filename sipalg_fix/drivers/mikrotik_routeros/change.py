"""RouterOS: the switch, and the connections that are dropped after it."""

from __future__ import annotations

from sipalg_fix.drivers._family import port_numbers
from sipalg_fix.drivers.mikrotik_routeros.wording import Wording
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.step import NOTHING, Disruption, Remedy, Step


def remedy(by: Wording, facts: Facts) -> Remedy:
    """Disable the helper; one that is disabled already may still hold connections to be dropped."""
    (sip,) = facts.helpers
    if sip.running.value is Value.OFF and sip.operational.value is Value.ON:
        return Remedy(flush=flush(by, facts), disruption=Disruption.NEW_CALLS)
    if sip.running.value is not Value.ON:
        return NOTHING
    return Remedy(
        forward=(by.switch("yes"),),
        inverse=(by.switch("no"),),
        disruption=Disruption.NEW_CALLS,
        diff=("-service-port sip disabled=false", "+service-port sip disabled=true"),
    )


def flush(by: Wording, facts: Facts) -> tuple[Step, ...]:
    """Drop the connections to the helper's ports: those it has, it keeps for as long as they are used."""
    set_ports = next((s.removeprefix("ports=") for s in facts.helpers[0].prior if s.startswith("ports=")), "")
    return (by.flush(port_numbers(f"5060,{set_ports}")),)
