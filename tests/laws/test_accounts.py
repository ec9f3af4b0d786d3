"""An account made as the driver says is enough for what it is for, and no more where a platform can tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from sipalg_fix.model.assessment import Verdict
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.playbook import DEFAULT_HOW, How, RebootRule
from tests.laws.conftest import PLATFORMS, Device, Make


def _found(pattern: str, lines: tuple[str, ...]) -> str:
    return next(match[1] for line in lines if (match := re.search(pattern, line)))


def _routeros(router: Device, lines: tuple[str, ...]) -> str:
    """A group of its own, and the account in it."""
    group, policy = _found(r"group add name=(\S+)", lines), _found(r"policy=(\S+)", lines)
    twin = router.box.twin
    menus = twin.box.menus  # type: ignore[attr-defined]  # the RouterOS twin's own
    menus["/user/group"].rows.append({".id": "*F0", "name": group, "policy": policy, "skin": "default"})
    return _found(r"user add .*group=(\S+)", lines)


LEVELS: dict[str, Callable[[Device, tuple[str, ...]], str]] = {
    "cisco_ios": lambda _, lines: _found(r"^username \S+ privilege (\d+)", lines),
    "ubiquiti_edgeos": lambda _, lines: _found(r"level (\w+)$", lines),
    "mikrotik_routeros": _routeros,
    "opnsense": lambda _, lines: ",".join(
        line.removeprefix("# ") for line in lines if line.startswith("# page-")
    ),
    "ubiquiti_unifi": lambda _, lines: {"View Only": "read", "Site Admin": "admin"}[
        _found(r"^# role (\w+ \w+)", lines)
    ],
}
"""What the lines of an account come to in the words of the twin, where it tells accounts apart."""
NO_MORE = [each for each in PLATFORMS if each.partition("/")[0] in ("mikrotik_routeros", "ubiquiti_unifi")]
"""Where an account for audits cannot change anything."""


def _with_account(device: Make, platform: str, purpose: str) -> Device:
    router = device(platform)
    said, platform = router.driver.support.account, router.host.platform
    assert said is not None
    lines = said[purpose]
    if platform not in LEVELS:
        assert any(re.search(r"\b(?:root|admin)\b", line) for line in lines), "whose account is it?"
        return router
    users = router.box.twin.chassis.users
    users["admin"] = replace(users["admin"], level=LEVELS[platform](router, lines))
    return router


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_account_for_audits_is_enough_to_audit(device: Make, platform: str) -> None:
    """Every plane that is read by another account is read by this one."""
    full, made = device(platform).audit(), _with_account(device, platform, "audit").audit()
    assert (full.error, made.error) == (None, None)
    assert full.assessment is not None
    assert made.assessment is not None
    assert made.assessment.state is full.assessment.state
    assert {finding.code for finding in made.all_findings} == {finding.code for finding in full.all_findings}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_account_for_changes_is_enough_to_change(device: Make, platform: str) -> None:
    """From the backup to the restart."""
    router = _with_account(device, platform, "change")
    line = router.apply(router.plan(How(reboot=RebootRule.ALWAYS).over(DEFAULT_HOW)))
    assert (line.change, line.error) == (ChangeState.CONFIRMED, None)
    assert line.assessment is not None
    assert line.assessment.verdict is Verdict.COMPLIANT
    if router.host.platform in LEVELS:
        assert "not-backed-up" not in {finding.code for finding in line.all_findings}


@pytest.mark.parametrize("platform", NO_MORE)
def test_the_account_for_audits_changes_nothing(device: Make, platform: str) -> None:
    """A change that is tried with it ends refused by the router."""
    router = _with_account(device, platform, "audit")
    before, writes = router.kept, router.writes
    line = router.apply(router.plan())
    assert line.error is not None
    assert line.change is not ChangeState.CONFIRMED
    assert (router.kept, router.writes) == (before, writes)
