"""Reboot: restart hosts, recognise each new boot by its mark, and audit again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sipalg_fix.engine.audit import assessed, driver_of, met_host, result_of
from sipalg_fix.engine.boot import restart
from sipalg_fix.engine.calls import CALLS_IN_PROGRESS, awaited_now
from sipalg_fix.engine.gate import shut, too_late
from sipalg_fix.engine.life import LEASE_SECONDS
from sipalg_fix.engine.pairs import OneByOne
from sipalg_fix.engine.run import Ports, Told, failed, host_lock, over, say
from sipalg_fix.engine.steps import Hand
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, PlanError, Refused
from sipalg_fix.model.facts import Finding
from sipalg_fix.model.host import Host
from sipalg_fix.model.pair import standby_first
from sipalg_fix.model.plan import CALLS_UNKNOWN, Terms
from sipalg_fix.model.playbook import Target
from sipalg_fix.model.report import HostResult, Report

BOUND = Terms()
"""By nothing but the calls in progress, which are waited for."""


def reboot(
    ports: Ports,
    targets: Sequence[Target],
    intent: Intent,
    told: Told,
    *,
    seconds: float,
    terms: Terms = BOUND,
) -> Report:
    """
    Restart each host and say what it is after its new boot. One that does not come back is STRANDED; one
    that refuses, or goes on in its old boot, is as it was. PlanError ``frozen`` before anything happens while
    all changes are, and ``window-closed`` outside of the windows.
    """
    if stop := shut(ports, terms):
        raise stop
    by_name = {target.host.name: target for target in targets}

    def work(run: str, host: Host) -> HostResult:
        host = met_host(ports, host)
        driver = driver_of(ports, host)
        if not driver.reboot:
            raise DeviceError("command-refused", f"{driver.title} is not restarted by this tool")
        if stop := shut(ports, terms) or too_late(ports, terms, "restart", seconds):
            raise stop
        hand = Hand(journal=ports.journal, run=run, host=host.name, done=[], phases=set())
        waits = terms.calls.wait_seconds or 0.0
        with host_lock(ports.journal, host, run, LEASE_SECONDS + seconds + waits):
            unsure = _unsure(ports, host, driver, terms)
            say(ports, host.name, "rebooting")
            try:
                restart(ports, host, driver, hand, driver.reboot, seconds)
            except DeviceError as error:
                if not isinstance(error, Refused) and error.code != "not-rebooted":
                    raise
                return replace(failed(host, error.code, str(error)), done=tuple(hand.done))
            target = replace(by_name[host.name], host=host)
            _, facts, assessment = assessed(ports, run, target, intent)
        return replace(result_of(host, facts, assessment, unsure), done=tuple(hand.done))

    hosts = standby_first([target.host for target in targets])
    return over(ports, "reboot", hosts, work, told, OneByOne(ports=ports, hosts=hosts))


def _unsure(ports: Ports, host: Host, driver: Driver, terms: Terms) -> tuple[Finding, ...]:
    """Wait for calls; PlanError when there still are some. That it could not be told is a finding."""
    number, why = awaited_now(ports, host, driver, terms, restarts=True)
    if number:
        raise PlanError(CALLS_IN_PROGRESS, f"{why}; it was not restarted")
    if stop := shut(ports, terms):
        raise stop
    return () if number is not None else (Finding(code=CALLS_UNKNOWN, message=why),)
