"""Audit: read each host and say state, verdict and evidence. Looks only."""

from __future__ import annotations

from collections.abc import Sequence

from sipalg_fix.engine.look import judge_host, look
from sipalg_fix.engine.meet import met
from sipalg_fix.engine.patience import first_look
from sipalg_fix.engine.run import Ports, Told, looked, over, say
from sipalg_fix.model.assessment import Assessment, Intent
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import Facts, Finding
from sipalg_fix.model.host import AUTO, Host
from sipalg_fix.model.playbook import Target
from sipalg_fix.model.report import HostResult, Report


def audit(
    ports: Ports, targets: Sequence[Target], intent: Intent, told: Told, *, verb: str = "audit"
) -> Report:
    """One look at each host."""
    by_name = {target.host.name: target for target in targets}

    def work(run: str, host: Host) -> HostResult:
        target = by_name[host.name]
        host, facts, assessment = assessed(ports, run, target, intent)
        return result_of(host, facts, assessment)

    return over(ports, verb, [target.host for target in targets], work, told)


def assessed(ports: Ports, run: str, target: Target, intent: Intent) -> tuple[Host, Facts, Assessment]:
    """Look at one host, judge it, and record both. The host comes back of the platform that it is of."""
    host = target.host
    say(ports, host.name, "reading")
    if host.platform == AUTO:
        host, facts = first_look(ports, host, lambda _: _meet(ports, target.host))
    else:
        driver = driver_of(ports, host)
        facts = first_look(ports, host, lambda host: look(ports.connections, host, driver))
    assessment = judge_host(facts, host, intent, ports.prober, target.exempt, ports.today)
    looked(ports, run, host, look_payload(facts, assessment))
    return host, facts, assessment


def _meet(ports: Ports, host: Host) -> tuple[Host, Facts]:
    """A host whose platform nobody has said, of the platform that it is of; and what it shows."""
    with met(ports.connections, host, ports.drivers) as found:
        return found.host, found.look()


def look_payload(facts: Facts, assessment: Assessment) -> dict[str, object]:
    """What the journal keeps of a look."""
    return {
        "version": facts.version,
        "boot_mark": facts.boot_mark,
        "essence": facts.essence,
        "settings": facts.settings,
        "assessment": to_plain(assessment),
    }


def result_of(
    host: Host, facts: Facts, assessment: Assessment, findings: tuple[Finding, ...] = ()
) -> HostResult:
    """The host's line in a report."""
    return HostResult(
        host=host.name,
        site=host.site,
        platform=host.platform,
        version=facts.version,
        assessment=assessment,
        findings=findings,
    )


def met_host(ports: Ports, host: Host) -> Host:
    """The host of the platform that it is of; where its inventory leaves that open, in a login for this."""
    if host.platform != AUTO:
        return host
    with met(ports.connections, host, ports.drivers) as found:
        return found.host


def driver_of(ports: Ports, host: Host) -> Driver:
    """The driver for a host as it is configured. Inputs only let known platforms through, a plan may not."""
    driver = ports.drivers.get(host.platform)
    if driver is None:
        message = (
            f"this version of the tool knows no platform {host.platform!r}; 'sipalg-fix platforms' lists them"
        )
        raise DeviceError("wrong-platform", message)
    return driver.over(host.accesses)
