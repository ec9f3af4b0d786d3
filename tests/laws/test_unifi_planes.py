"""UniFi: what is stored at the controller and what a gateway has are two things, and only one is claimed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.look import look
from sipalg_fix.engine.reboot import reboot
from sipalg_fix.engine.run import Told
from sipalg_fix.model.assessment import Intent, Verdict, assess
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import State, Value
from sipalg_fix.model.playbook import Target
from sipalg_fix.model.report import HostResult
from tests.laws.conftest import Device, Make

PLATFORM = "ubiquiti_unifi"


def without_ssh(router: Device) -> Device:
    """The same host, known by its controller alone."""
    return replace(router, host=replace(router.host, accesses={"api": router.host.accesses["api"]}))


def planes(line: HostResult) -> tuple[Value, Value]:
    """Running and operational."""
    assert line.assessment is not None
    return line.assessment.planes.running.value, line.assessment.planes.operational.value


@pytest.mark.parametrize("kind", ["classic", "unifi_os"])
def test_a_change_waits_for_the_gateway(device: Make, kind: str) -> None:
    """Forty seconds on the gateway's clock: confirmed is what the gateway shows, not what was stored."""
    router = device(PLATFORM, kind=kind, provisioning=40.0)
    line = router.apply(router.plan())
    assert (line.change, planes(line)) == (ChangeState.CONFIRMED, (Value.OFF, Value.OFF))


@pytest.mark.parametrize("never", ["a slow gateway", "a gateway that stays on"])
def test_stored_is_not_provisioned(device: Make, never: str) -> None:
    """A gateway that has not taken the setting in time: not shown, noncompliant, and said why."""
    router = (
        device(PLATFORM, provisioning=1000.0) if never == "a slow gateway" else device(PLATFORM, "stay_on")
    )
    line = router.apply(router.plan())
    assert (line.change, planes(line)) == (ChangeState.NOT_SHOWN, (Value.OFF, Value.ON))
    assert line.assessment is not None
    assert (line.assessment.state, line.assessment.verdict) == (State.PARTIAL, Verdict.NONCOMPLIANT)
    assert {"still-running", "not-provisioned"} <= {finding.code for finding in line.assessment.findings}


def test_a_gateway_that_lags_is_provisioned_again(device: Make) -> None:
    """The setting is right: nothing is written, the gateway is told to take it, and is looked at."""
    router = device(PLATFORM, sip=False, loaded=True, provisioning=20.0)
    made = router.plan()
    assert made.hosts[0].remedy.forward == ()
    line = router.apply(made)
    assert (line.change, planes(line)) == (ChangeState.CONFIRMED, (Value.OFF, Value.OFF))
    assert "force-provision" in line.done[0]


def test_without_ssh_the_gateway_is_not_claimed(device: Make) -> None:
    """Unknown by default; compliant only where the intent leaves the operational plane out by name."""
    router = without_ssh(device(PLATFORM))
    line = router.apply(router.plan())
    assert (line.change, planes(line)) == (ChangeState.NOT_SHOWN, (Value.OFF, Value.UNKNOWN))
    seen = router.audit().assessment
    assert seen is not None
    assert (seen.state, seen.verdict) == (State.DISABLED, Verdict.UNKNOWN)
    assert [finding.code for finding in seen.findings] == ["not-read"]
    facts = look(router.connections, router.host, router.driver)
    assert assess(facts, Intent(planes=frozenset({"running"}))).verdict is Verdict.COMPLIANT


@pytest.mark.parametrize("kind", ["classic", "unifi_os"])
def test_a_restart_is_believed_by_the_controller_s_own_words(device: Make, kind: str) -> None:
    """Without SSH by the start the controller has heard of; one that does not happen is not believed."""
    router = without_ssh(device(PLATFORM, kind=kind))
    targets = [Target(host=router.host)]
    done = reboot(router.ports(), targets, Intent(), Told(), seconds=30.0).hosts[0]
    assert (done.error, router.box.twin.chassis.boots) == (None, 2)
    router.box.twin.chassis.switches.reboot_fails = True
    failed = reboot(router.ports(), targets, Intent(), Told(), seconds=1.0).hosts[0]
    assert failed.error is not None
    assert (failed.error.code, router.box.twin.chassis.boots) == ("not-rebooted", 2)
