"""Reboot: restart hosts, recognise each new boot by its mark, and audit again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sipalg_fix.engine.audit import assessed, driver_of, met_host, result_of
from sipalg_fix.engine.boot import restart
from sipalg_fix.engine.gate import frozen
from sipalg_fix.engine.life import LEASE_SECONDS
from sipalg_fix.engine.pairs import OneByOne
from sipalg_fix.engine.run import Ports, Told, failed, host_lock, over, say
from sipalg_fix.engine.steps import Hand
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.errors import DeviceError, Refused
from sipalg_fix.model.host import Host
from sipalg_fix.model.pair import standby_first
from sipalg_fix.model.playbook import Target
from sipalg_fix.model.report import HostResult, Report


def reboot(ports: Ports, targets: Sequence[Target], intent: Intent, told: Told, *, seconds: float) -> Report:
    """
    Restart each host and say what it is after its new boot. One that does not come back is STRANDED; one
    that refuses, or goes on in its old boot, is as it was. PlanError ``frozen`` before anything happens while
    all changes are.
    """
    if stop := frozen(ports):
        raise stop
    by_name = {target.host.name: target for target in targets}

    def work(run: str, host: Host) -> HostResult:
        host = met_host(ports, host)
        driver = driver_of(ports, host)
        if not driver.reboot:
            raise DeviceError("command-refused", f"{driver.title} is not restarted by this tool")
        if stop := frozen(ports):
            raise stop
        hand = Hand(journal=ports.journal, run=run, host=host.name, done=[], phases=set())
        with host_lock(ports.journal, host, run, LEASE_SECONDS + seconds):
            say(ports, host.name, "rebooting")
            try:
                restart(ports, host, driver, hand, driver.reboot, seconds)
            except DeviceError as error:
                if not isinstance(error, Refused) and error.code != "not-rebooted":
                    raise
                return replace(failed(host, error.code, str(error)), done=tuple(hand.done))
            target = replace(by_name[host.name], host=host)
            _, facts, assessment = assessed(ports, run, target, intent)
        return replace(result_of(host, facts, assessment), done=tuple(hand.done))

    hosts = standby_first([target.host for target in targets])
    return over(ports, "reboot", hosts, work, told, OneByOne(ports=ports, hosts=hosts))
