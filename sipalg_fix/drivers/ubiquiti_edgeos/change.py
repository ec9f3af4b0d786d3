"""
EdgeOS: what switches SIP ALG off, and what puts back what was seen.

``commit`` runs ``rmmod nf_nat_sip`` and ``rmmod nf_conntrack_sip`` (vyatta-conntrack, the node's own
template), and its outcome follows the second: with both modules absent it fails, with nf_conntrack_sip
in use it fails and leaves nf_nat_sip unloaded (recorded from a Vyatta CLI, 2026-11).
"""

from __future__ import annotations

from sipalg_fix.drivers.ubiquiti_edgeos.config import set_line
from sipalg_fix.drivers.ubiquiti_edgeos.lines import (
    COMMIT,
    CONFIGURE,
    EXIT,
    SAVE,
    SET,
    delete,
    load,
    tell,
    unload,
)
from sipalg_fix.drivers.ubiquiti_edgeos.probes import ABSENT, DISABLE, USED, USG
from sipalg_fix.model.facts import Facts, Helper, Value
from sipalg_fix.model.step import NOTHING, Disruption, Objection, Remedy, Step

MODULES = ("nf_nat_sip", "nf_conntrack_sip")
"""In the order in which they can be unloaded; loading the first loads both."""


def remedy(facts: Facts) -> Remedy:
    """
    Nothing where SIP ALG is off in all planes, or cannot be told.

    Modules still loaded although the configuration says off are unloaded; those that something else
    holds cannot be, and the next boot, which runs the configuration before any flow exists, does it.
    """
    (helper,) = facts.helpers
    match helper.running.value:
        case Value.ON:
            return _disable(facts, helper)
        case Value.OFF:
            return _finish(facts, helper)
        case _:
            return NOTHING


def _disable(facts: Facts, helper: Helper) -> Remedy:
    loaded = _loaded(helper)
    # With no module to unload the commit would fail, so there must be one (recorded: see above).
    before = (load(MODULES[0]),) if helper.operational.value is Value.OFF else ()
    # Deleting the node loads both modules, a failed commit unloads one: put back the ones that were.
    after = (*(unload(name) for name in MODULES if name not in loaded), *map(load, reversed(loaded)))
    if helper.operational.value is Value.UNKNOWN:
        after = ()
    save = () if helper.startup.value is Value.OFF else SAVE
    path = next(note.removeprefix(ABSENT) for note in facts.notes if note.startswith(ABSENT))
    empty = {set_line(DISABLE[:length]) for length in range(1, len(DISABLE))}
    return Remedy(
        forward=(*before, CONFIGURE, SET, COMMIT, EXIT),
        # From a session of its own, whatever became of the first.
        inverse=(CONFIGURE, delete(path), COMMIT, EXIT, *after),
        save=save,
        resave=save,
        disruption=Disruption.NEW_CALLS,
        diff=(*(f"-{line}" for line in facts.config if line in empty), f"+{set_line(DISABLE)}"),
        objections=(*_in_use(facts), *(_unsaved(facts) if save else ()), *_overwritten(facts)),
    )


def _finish(facts: Facts, helper: Helper) -> Remedy:
    loaded = _loaded(helper) if helper.operational.value is Value.ON else ()
    stuck = bool(loaded) and any(note.startswith(USED) for note in facts.notes)
    save = SAVE if helper.startup.value is Value.ON else ()
    if not loaded and not save:
        return NOTHING
    disruption = Disruption.REBOOT if stuck else Disruption.NEW_CALLS if loaded else Disruption.NONE
    return Remedy(
        forward=() if stuck else tuple(map(unload, loaded)),
        inverse=() if stuck else tuple(map(load, reversed(loaded))),
        save=save,
        reboot=stuck,
        disruption=disruption,
        objections=_unsaved(facts) if save else (),
    )


def _loaded(helper: Helper) -> tuple[str, ...]:
    return tuple(name for name in MODULES if f"module {name}" in helper.prior)


def _in_use(facts: Facts) -> tuple[Objection, ...]:
    held = [note.removeprefix(USED) for note in facts.notes if note.startswith(USED)]
    if not held:
        return ()
    message = (
        f"{', '.join(held)} is held by something else, so the commit is expected to fail; remove the "
        "firewall rules with '--helper sip' first ('sudo iptables -t raw -S' shows them)"
    )
    return (Objection(code="module-in-use", message=message),)


def _unsaved(facts: Facts) -> tuple[Objection, ...]:
    if not facts.unsaved:
        return ()
    message = (
        "the running configuration holds other changes that nobody has saved; this save would store them"
    )
    return (Objection(code="unsaved-edits", message=message),)


def _overwritten(facts: Facts) -> tuple[Objection, ...]:
    message = "a UniFi controller provisions this gateway and undoes the change; switch SIP ALG off there"
    return (Objection(code="managed-elsewhere", message=message),) if facts.model.startswith(USG) else ()


def flush(facts: Facts) -> tuple[Step, ...]:
    """
    Unloading the modules takes the helper off running flows at once (recorded: rewritten before, clean
    after), so this is only for the mappings that were made with its help, and only where it ran.
    """
    if all(helper.operational.value is Value.OFF for helper in facts.helpers):
        return ()
    nothing = ("0 flow entries have been deleted", "command not found")
    line = "sudo conntrack -D -p udp --dport 5060"
    return (tell(line, "Operation failed", "unknown option", "not allowed", tolerates=nothing),)
