"""Laws that hold for every driver on every virtual router, over the real protocols."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.reboot import reboot
from sipalg_fix.engine.run import Told
from sipalg_fix.model.assessment import Intent, Verdict
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import State, Value
from sipalg_fix.model.playbook import DEFAULT_HOW, How, RebootRule, Target
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import Tell
from tests.laws.conftest import PLATFORMS, Device, Make

pytestmark = pytest.mark.parametrize("platform", PLATFORMS)


def test_looking_changes_nothing(device: Make, platform: str) -> None:
    """Audit and plan leave the router's whole state and its count of writes as they were."""
    router = device(platform)
    before, writes = router.kept, router.writes
    assert router.audit().error is None
    assert router.plan().changing
    assert (router.kept, router.writes) == (before, writes)


def test_a_mislabelled_probe_is_caught(device: Make, platform: str) -> None:
    """The law above can fail: a command of the change, declared as looking, shows in the count of writes."""
    changed = device(platform)
    made = changed.plan()
    guard = made.hosts[0].guard
    told = [step.command for step in (*guard.forward, *guard.keep) if isinstance(step, Tell)] if guard else []
    accesses = {command.text: command.access for command in told}
    sent = changed.apply(made).done
    router = device(platform)
    first = router.driver.first_access
    lying = replace(
        router.driver,
        probes=(
            *router.driver.probes,
            *(Command(access=accesses.get(text, first), text=text) for text in sent),
        ),
    )
    writes = router.writes
    router.audit(lying)
    assert router.writes > writes


def test_cure_settles_and_is_idempotent(device: Make, platform: str) -> None:
    """After an apply the intent is shown, a second plan is empty, and nothing more is written."""
    router = device(platform)
    made = router.plan()
    line = router.apply(made)
    assert (line.change, line.error) == (ChangeState.CONFIRMED, None)
    assert line.assessment is not None
    assert line.assessment.verdict is Verdict.COMPLIANT
    settled, writes = router.kept, router.writes
    assert router.plan().changing == ()
    assert router.apply(made).done == ()
    assert (router.kept, router.writes) == (settled, writes)


def test_only_the_planned_lines_moved(device: Make, platform: str) -> None:
    """What changed in the configuration is what the plan said would, and no more."""
    router = device(platform)
    line = router.apply(router.plan())
    assert [finding for finding in line.findings if finding.code == "other-lines-changed"] == []


def test_saved_survives_a_boot_and_unsaved_does_not(device: Make, platform: str) -> None:
    """With a flash that cannot be written the change is told as unsaved, and the next boot undoes it."""
    router = device(platform)
    if all(helper.startup.value is Value.NONE for helper in router.plan().hosts[0].facts.helpers):
        kept = router.apply(router.plan())
        assert kept.change is ChangeState.CONFIRMED
        router.box.twin.chassis.power_cycle(resets=0)
        return
    router.box.twin.chassis.switches.save_fails = True
    line = router.apply(router.plan())
    assert line.change is ChangeState.UNSAVED
    assert "not-saved" in {finding.code for finding in line.all_findings}
    router.box.twin.chassis.switches.save_fails = False
    _boot(router)
    seen = router.audit().assessment
    assert seen is not None
    assert seen.state is State.ENABLED


def test_a_restart_is_believed_by_its_mark(device: Make, platform: str) -> None:
    """``reboot: always`` ends confirmed after a real boot, and not when the boot does not come."""
    router = device(platform)
    boots = router.box.twin.chassis.boots
    how = How(reboot=RebootRule.ALWAYS).over(DEFAULT_HOW)
    assert router.apply(router.plan(how)).change is ChangeState.CONFIRMED
    assert router.box.twin.chassis.boots == boots + 1


def test_a_restart_that_did_not_happen_is_told(device: Make, platform: str) -> None:
    """A router that accepts a restart and goes on running is not taken for one that came back."""
    router = device(platform, "reboot_fails")
    how = How(reboot=RebootRule.ALWAYS).over(DEFAULT_HOW)
    line = router.apply(router.plan(how, boot_seconds=4.0))
    assert line.change is ChangeState.NOT_SHOWN
    assert line.error is not None
    assert line.error.code == "not-rebooted"


def _boot(router: Device) -> None:
    report = reboot(router.ports(), [Target(host=router.host)], Intent(), Told(), seconds=30.0)
    assert report.hosts[0].error is None
