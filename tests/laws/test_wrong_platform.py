"""Every driver, pointed at every other platform's router, says so by name, and writes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.drivers import discover
from sipalg_fix.engine.audit import audit
from sipalg_fix.engine.planning import plan
from sipalg_fix.engine.run import Told
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.errors import HOST_CODES
from sipalg_fix.model.host import Host
from sipalg_fix.model.playbook import DEFAULT_HOW, Playbook, Target
from sipalg_fix.model.report import HostResult
from sipalg_fix.model.session import Access, SshCli, SshExec
from tests.laws.conftest import Device, Make

PLATFORMS = sorted(discover())
PAIRS = [(driver, router) for driver in PLATFORMS for router in PLATFORMS if driver != router]
SAID = {"not-understood", "wrong-platform"}
NAMED = frozenset(HOST_CODES) - {"internal", "look-only"}
"""Where not even the protocol is spoken: any other error of a host."""


def carrier(access: Access) -> str:
    """What carries an access; a shell and a command line are both behind SSH."""
    return "SSH" if isinstance(access, SshCli | SshExec) else type(access).__name__


def mistaken(router: Device, platform: str) -> tuple[Host, bool]:
    """
    The same router as somebody wrote it down who takes it for that platform, and whether it speaks the
    protocol of that platform's main access at all.
    """
    driver = discover()[platform]
    wanted = driver.accesses[driver.first_access]
    own = {name: router.driver.accesses[name] for name in router.host.accesses}
    carried = [name for name, access in own.items() if carrier(access) == carrier(wanted)]
    name = carried[0] if carried else next(iter(own))
    fits = type(own[name]) is type(wanted)
    # Where nobody will ever answer, it need not be waited for as long as for a slow router.
    settings = replace(router.host.accesses[name], plain=False, seconds=30.0 if fits else 4.0)
    return replace(router.host, platform=platform, accesses={driver.first_access: settings}), fits


def looked(router: Device, host: Host) -> HostResult:
    """An audit of the host as it is written down."""
    ports = replace(router.ports(), drivers=discover())
    (line,) = audit(ports, [Target(host=host)], Intent(), Told()).hosts
    return line


@pytest.mark.parametrize(("driver", "platform"), PAIRS)
def test_the_wrong_driver_is_told_by_name(device: Make, driver: str, platform: str) -> None:
    """An audit ends in a named error, a plan is empty, and the router is as it was."""
    router = device(platform)
    host, fits = mistaken(router, driver)
    before, writes = router.kept, router.writes
    line = looked(router, host)
    assert line.error is not None, f"taken for {driver}: {line.assessment}"
    assert line.error.code in (SAID if fits else NAMED), line.error.message
    assert line.assessment is None
    assert (router.kept, router.writes) == (before, writes)


def test_a_plan_with_the_wrong_driver_holds_no_host(device: Make) -> None:
    """What was not read is not changed."""
    router = device("openwrt")
    host, _ = mistaken(router, "linux")
    ports = replace(router.ports(), drivers=discover())
    target = Target(host=host, how=DEFAULT_HOW)
    made, _ = plan(ports, [target], Playbook(name="law"), Told(), inventory_digest="", boot_seconds=30.0)
    assert (made.hosts, [failure.code for failure in made.failures]) == ((), ["wrong-platform"])
