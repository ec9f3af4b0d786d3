"""A platform with several main accesses is one platform: by any of them its facts and their cure are one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sipalg_fix.engine.look import look
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.wiring import drivers
from tests.laws.conftest import Device, Make

ROUTEROS = "mikrotik_routeros"
OLD, NEW = ("api", "ssh"), ("api", "ssh", "rest")


def by(router: Device, access: str) -> Device:
    """The same router, known by this access alone."""
    accesses = {access: router.host.accesses[access]}
    driver = drivers()[router.host.platform].over(accesses)
    return replace(router, host=replace(router.host, accesses=accesses), driver=driver)


def facts(router: Device) -> Facts:
    """What it says of itself."""
    return look(router.connections, router.host, router.driver)


@pytest.mark.parametrize(
    ("accesses", "options"),
    [
        (NEW, {}),
        (NEW, {"connections": 0, "direct_media": False, "timeout": "30m"}),
        (NEW, {"sip": False}),
        (NEW, {"sip": False, "connections": 0, "ports": "5060,5061,5070"}),
        (NEW, {"invalid": True}),
        (NEW, {"sip": False, "invalid": True}),
        (NEW, {"managed": "tr069", "version": "7.15 (stable)", "board": "RB5009UG+S+"}),
        (NEW, {"managed": "tr069-off"}),
        (OLD, {"version": "6.48.6 (long-term)"}),
        (OLD, {"version": "6.42.12 (long-term)", "sip": False}),
    ],
)
def test_the_same_facts_by_any_access(
    device: Make, accesses: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Planes and their evidence, settings, version, findings, boot mark: all of it."""
    router = device(ROUTEROS, accesses=accesses, **options)
    first, *others = [facts(by(router, access)) for access in accesses]
    assert others == [first] * len(others)


@pytest.mark.parametrize("told", NEW)
def test_what_one_access_changes_all_of_them_show(device: Make, told: str) -> None:
    """The same settings afterwards, flows gone and no guard left, however it was done."""
    router = device(ROUTEROS, accesses=NEW)
    changed = by(router, told)
    assert changed.apply(changed.plan()).change is ChangeState.CONFIRMED
    seen = [facts(by(router, access)) for access in NEW]
    assert seen == [seen[0]] * 3
    (helper,) = seen[0].helpers
    assert (helper.running.value, helper.operational.value) == (Value.OFF, Value.OFF)
    assert router.kept["timers"] == []


@pytest.mark.parametrize(("access", "port"), [("api", 8729), ("ssh", 22), ("rest", 443)])
def test_each_access_is_spoken_in_its_own_words(access: str, port: int) -> None:
    """No command of a driver is of an access that is not used."""
    driver = drivers()[ROUTEROS].over({access})
    proof = driver.guard.proof if driver.guard else ()
    assert {command.access for command in (*driver.probes, *driver.backup, *proof)} == {access}
    assert driver.accesses[access].port == port


def test_the_main_access_is_used_where_it_is_configured() -> None:
    """Also beside others; and a platform of one main access has but one driver."""
    platform = drivers()[ROUTEROS]
    assert platform.over({"ssh", "api"}) is platform
    assert platform.over({"rest", "ssh"}).first_access == "ssh"
    opnsense = drivers()["opnsense"]
    assert opnsense.over({"ssh"}) is opnsense
