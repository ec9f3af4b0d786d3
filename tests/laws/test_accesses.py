"""A platform with several main accesses is one platform: by any of them its facts and their cure are one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sipalg_fix.engine.look import look
from sipalg_fix.lab.twins.pfsense import from_options
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import HttpsShell, Reply, Transcript
from sipalg_fix.model.step import commands
from sipalg_fix.wiring import drivers
from tests.laws.conftest import Device, Make

ROUTEROS, PFSENSE = "mikrotik_routeros", "pfsense"
OLD, NEW = ("api", "ssh"), ("api", "ssh", "rest")
BOTH = ("ssh", "rest")


def by(router: Device, access: str) -> Device:
    """The same router, known by this access alone."""
    accesses = {access: router.host.accesses[access]}
    driver = drivers()[router.host.platform].over(accesses)
    return replace(router, host=replace(router.host, accesses=accesses), driver=driver)


def facts(router: Device) -> Facts:
    """What it says of itself."""
    return look(router.connections, router.host, router.driver)


@pytest.mark.parametrize(
    ("platform", "accesses", "options"),
    [
        (ROUTEROS, NEW, {}),
        (ROUTEROS, NEW, {"connections": 0, "direct_media": False, "timeout": "30m"}),
        (ROUTEROS, NEW, {"sip": False}),
        (ROUTEROS, NEW, {"sip": False, "connections": 0, "ports": "5060,5061,5070"}),
        (ROUTEROS, NEW, {"invalid": True}),
        (ROUTEROS, NEW, {"sip": False, "invalid": True}),
        (ROUTEROS, NEW, {"managed": "tr069", "version": "7.15 (stable)", "board": "RB5009UG+S+"}),
        (ROUTEROS, NEW, {"managed": "tr069-off"}),
        (ROUTEROS, OLD, {"version": "6.48.6 (long-term)"}),
        (ROUTEROS, OLD, {"version": "6.42.12 (long-term)", "sip": False}),
        (PFSENSE, BOTH, {}),
        (PFSENSE, BOTH, {"running": False}),
        (PFSENSE, BOTH, {"enabled": False, "port": "5070"}),
        (PFSENSE, BOTH, {"package": False, "static_ports": 2, "disablescrub": True}),
        (PFSENSE, BOTH, {"pair": "192.168.1.2", "carp": ["BACKUP"], "version": "2.6.0-RELEASE"}),
    ],
)
def test_the_same_facts_by_any_access(
    device: Make, platform: str, accesses: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Planes and their evidence, settings, version, findings, boot mark: all of it."""
    router = device(platform, accesses=accesses, **options)
    first, *others = [facts(by(router, access)) for access in accesses]
    assert others == [first] * len(others)


@pytest.mark.parametrize(
    ("platform", "accesses", "told"),
    [*((ROUTEROS, NEW, access) for access in NEW), *((PFSENSE, BOTH, access) for access in BOTH)],
)
def test_what_one_access_changes_all_of_them_show(
    device: Make, platform: str, accesses: tuple[str, ...], told: str
) -> None:
    """The same settings afterwards, flows gone and no guard left, however it was done."""
    router = device(platform, accesses=accesses)
    changed = by(router, told)
    assert changed.apply(changed.plan()).change is ChangeState.CONFIRMED
    seen = [facts(by(router, access)) for access in accesses]
    assert seen == [seen[0]] * len(accesses)
    (helper,) = seen[0].helpers
    assert (helper.running.value, helper.operational.value) == (Value.OFF, Value.OFF)
    assert router.kept.get("timers", router.kept.get("jobs")) == []


@pytest.mark.parametrize(
    ("platform", "access", "port"),
    [
        (ROUTEROS, "api", 8729),
        (ROUTEROS, "ssh", 22),
        (ROUTEROS, "rest", 443),
        (PFSENSE, "ssh", 22),
        (PFSENSE, "rest", 443),
    ],
)
def test_each_access_is_spoken_in_its_own_words(platform: str, access: str, port: int) -> None:
    """No command of a driver is of an access that is not used."""
    driver = drivers()[platform].over({access})
    proof = driver.guard.proof if driver.guard else ()
    assert {command.access for command in (*driver.probes, *driver.backup, *proof)} == {access}
    assert driver.accesses[access].port == port


def test_a_shell_by_rest_takes_every_line_of_its_driver() -> None:
    """The longest change, enclosed by the longest guard, on the proxy with the longest port."""
    driver = drivers()[PFSENSE].over({"rest"})
    access, guard = driver.accesses["rest"], driver.guard
    assert isinstance(access, HttpsShell)
    assert guard is not None
    twin = from_options("fw", {"port": "65535"})
    asked = []
    for command in driver.probes:
        done = twin.exec("admin", command.text, "")
        asked.append(Reply(command=command, text=done.stdout, status=f"exit {done.status}"))
    known = driver.parse(Transcript(replies=tuple(asked)))
    remedy = driver.remedy(known)
    armed = guard.arm(known, remedy, 9999)
    told = (*armed.forward, *armed.keep, *remedy.inverse, *driver.flush(known), *driver.reboot)
    lines = [*commands(told), *(each.text for each in (*driver.probes, *guard.proof, *driver.backup))]
    assert remedy.forward
    assert max(len(line.encode()) for line in lines) <= access.longest


def test_the_main_access_is_used_where_it_is_configured() -> None:
    """Also beside others; and a platform of one main access has but one driver."""
    platform = drivers()[ROUTEROS]
    assert platform.over({"ssh", "api"}) is platform
    assert platform.over({"rest", "ssh"}).first_access == "ssh"
    opnsense = drivers()["opnsense"]
    assert opnsense.over({"ssh"}) is opnsense
