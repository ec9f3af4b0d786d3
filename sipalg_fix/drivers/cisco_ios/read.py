"""Cisco IOS: from its answers to facts."""

from __future__ import annotations

from sipalg_fix.drivers._family import text, unread
from sipalg_fix.drivers.cisco_ios.boot import boot_mark
from sipalg_fix.drivers.cisco_ios.config import Line, config_lines, written
from sipalg_fix.drivers.cisco_ios.firewalls import inspecting
from sipalg_fix.drivers.cisco_ios.identity import check_privileged, identity
from sipalg_fix.drivers.cisco_ios.planes import has_tcp, held, nat_helpers, other_ports, translates
from sipalg_fix.drivers.cisco_ios.probes import ARCHIVE, NO_TCP, RUNNING, TIMER, TRANSPORTS, is_xe
from sipalg_fix.drivers.cisco_ios.saved import archived, startup_lines, timer, unsaved
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import NO_PLANE, Facts, Finding, Helper, Value
from sipalg_fix.model.session import Transcript

NOTHING_TO_ALTER = "no interface is 'ip nat inside' or 'ip nat outside', and no firewall inspects SIP"


def parse(seen: Transcript) -> Facts:
    """What the router says of itself; NotUnderstood when it is no IOS, or shows too little."""
    version, model = identity(seen)
    check_privileged(seen)
    try:
        running = config_lines(text(seen, RUNNING))
    except ValueError as why:
        raise NotUnderstood(f"the answer to '{RUNNING.text}' is not whole: {why}") from None
    startup, xe = startup_lines(seen, running), is_xe(seen)
    tcp = has_tcp(version, xe, running)
    found: tuple[Helper, ...] = ()
    if translates(running):
        operational = held(seen) if xe else NO_PLANE
        found = nat_helpers(running, startup, operational, TRANSPORTS if tcp else TRANSPORTS[:1])
    found = (*found, *inspecting(running, startup))
    return Facts(
        platform="cisco_ios",
        version=version,
        model=model,
        helpers=found,
        not_applicable="" if found else NOTHING_TO_ALTER,
        boot_mark=boot_mark(seen),
        config=tuple(written(line) for line in running),
        unsaved=unsaved(seen, running, startup),
        findings=_findings(seen, running, tcp),
        notes=_notes(seen, running, tcp),
    )


def _findings(seen: Transcript, running: tuple[Line, ...], tcp: bool) -> tuple[Finding, ...]:
    found = []
    if not translates(running):
        return ()
    for line in other_ports(running):
        message = f"somebody had the SIP ALG act on another port too, and this tool leaves it: {line}"
        found.append(Finding(code="other-port", message=message))
    if not tcp:
        message = "IOS before 15.0 has no SIP ALG for TCP, as far as its manuals say; no look can show it"
        found.append(Finding(code="no-tcp-line", message=message))
    pending = timer(seen)
    if pending.value is Value.ON:
        message = f"a revert timer runs ({pending.evidence[0]}): unconfirmed, the configuration goes back"
        found.append(Finding(code="guard-left", message=message))
    return tuple(found)


def _notes(seen: Transcript, running: tuple[Line, ...], tcp: bool) -> tuple[str, ...]:
    # Only a router that answers about the timer has one, and can show that it is gone.
    usable = archived(running) and not unread(seen, TIMER) and timer(seen).value is not Value.UNKNOWN
    return (*((ARCHIVE,) if usable else ()), *(() if tcp else (NO_TCP,)))
