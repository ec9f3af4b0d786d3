"""
Cisco IOS: what switches the SIP ALG off, and what puts back what was seen.

Lines act as they are typed; what was translated before keeps what the ALG did to it (Cisco IOS NAT
documentation: a change does not affect existing entries), so its entries are cleared afterwards.
"""

from __future__ import annotations

from sipalg_fix.drivers.cisco_ios.lines import (
    CONFIGURE,
    END,
    FLUSH,
    SAVE,
    sip,
    sip_line,
)
from sipalg_fix.drivers.cisco_ios.planes import NAMES
from sipalg_fix.drivers.cisco_ios.probes import NO_TCP, TRANSPORTS, UNKNOWN_LINE
from sipalg_fix.model.facts import Facts, Helper, Value
from sipalg_fix.model.step import NOTHING, Disruption, Objection, Remedy, Step


def remedy(facts: Facts) -> Remedy:
    """Nothing where the ALG is off in all planes or cannot be told; a firewall is for a person to change."""
    if any(helper.running.value is Value.UNKNOWN for helper in facts.helpers):
        return NOTHING
    firewalls = [helper for helper in facts.helpers if helper.name not in NAMES.values()]
    if firewalls:
        return Remedy(impossible=_by_hand(firewalls))
    wanted = tuple(
        transport
        for transport in TRANSPORTS
        for helper in facts.helpers
        if helper.name == NAMES[transport] and helper.running.value is Value.ON
    )
    return _disable(facts, wanted) if wanted else _finish(facts)


def _by_hand(firewalls: list[Helper]) -> str:
    lines = "; ".join(line for helper in firewalls for line in helper.prior)
    return (
        f"a firewall of this router inspects SIP, and removing that may block SIP altogether: {lines}. "
        "Have a person permit SIP without inspecting it, then plan again"
    )


def _disable(facts: Facts, transports: tuple[str, ...]) -> Remedy:
    # A train that is thought to have no line for TCP is asked all the same: its refusal is the proof.
    trial = ("tcp",) if NO_TCP in facts.notes else ()
    lines = (*transports, *trial)
    forward = tuple(
        sip(name, wanted=False, tolerates=(UNKNOWN_LINE.pattern,) if name in trial else ()) for name in lines
    )
    # Where the line for TCP is not known there is nothing to put back.
    inverse = tuple(
        sip(name, wanted=True, tolerates=(UNKNOWN_LINE.pattern,) if name == "tcp" else ()) for name in lines
    )
    save = () if all(helper.startup.value is Value.OFF for helper in facts.helpers) else SAVE
    return Remedy(
        forward=(CONFIGURE, *forward, END),
        # From a session of its own, whatever became of the first.
        inverse=(CONFIGURE, *inverse, END),
        save=save,
        resave=save,
        disruption=Disruption.NEW_CALLS,
        diff=tuple(f"+{sip_line(name, wanted=False)}" for name in lines),
        objections=_unsaved(facts) if save else (),
    )


def _finish(facts: Facts) -> Remedy:
    save = SAVE if any(helper.startup.value is Value.ON for helper in facts.helpers) else ()
    held = any(helper.operational.value is Value.ON for helper in facts.helpers)
    if not save and not held:
        return NOTHING
    return Remedy(
        save=save,
        flush=FLUSH if held else (),
        disruption=Disruption.NEW_CALLS if held else Disruption.NONE,
        objections=_unsaved(facts) if save else (),
    )


def _unsaved(facts: Facts) -> tuple[Objection, ...]:
    if facts.unsaved is False:
        return ()
    is_so = "holds other changes that nobody has saved" if facts.unsaved else "may hold other unsaved changes"
    message = f"the running configuration {is_so}; this save would store them"
    return (Objection(code="unsaved-edits", message=message),)


def flush(facts: Facts) -> tuple[Step, ...]:
    """Clear the translations of SIP, one by one, where NAT made any."""
    return FLUSH if any(helper.name in NAMES.values() for helper in facts.helpers) else ()
