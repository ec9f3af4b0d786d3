"""Which drivers there are, and by which names they are found."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

from sipalg_fix import drivers
from sipalg_fix.drivers import by_name, discover, named
from sipalg_fix.model.driver import Driver

DEVICE_LIBRARIES = ("netmiko", "paramiko", "httpx", "routeros_api", "sqlalchemy", "yaml")


def test_every_module_in_the_folder_is_a_driver() -> None:
    """Nobody has to add a new platform to a list."""
    names = {module.name for module in pkgutil.iter_modules(drivers.__path__)}
    assert set(discover()) == {name for name in names if not name.startswith("_")}
    assert all(driver.platform == name for name, driver in discover().items())


@pytest.mark.parametrize(
    ("said", "platform"),
    [
        ("ubiquiti_edgerouter", "ubiquiti_edgeos"),
        ("edgeos", "ubiquiti_edgeos"),
        ("EdgeOS", "ubiquiti_edgeos"),
        ("community.network.edgeos", "ubiquiti_edgeos"),
        ("mikrotik_routeros", "mikrotik_routeros"),
        ("routeros", "mikrotik_routeros"),
        ("ros", "mikrotik_routeros"),
        ("community.routeros.routeros", "mikrotik_routeros"),
        ("opnsense", "opnsense"),
        ("linux", "linux"),
        ("lede", "openwrt"),
        ("pfsensible.core", "pfsense"),
        ("cisco_xe", "cisco_ios"),
        ("cisco.ios.ios", "cisco_ios"),
        ("ios", "cisco_ios"),
    ],
)
def test_names_of_other_tools_are_understood(said: str, platform: str) -> None:
    """An inventory written for netmiko, Ansible, Oxidized or NAPALM need not be rewritten."""
    assert by_name(said).platform == platform


@pytest.mark.parametrize("said", ["vyos", "ubiquiti_edge", "cisco", ""])
def test_a_name_that_is_not_ours_is_refused_with_those_that_are(said: str) -> None:
    """VyOS reads the same line the other way round: it must never be taken for EdgeOS."""
    with pytest.raises(KeyError, match="ubiquiti_edgeos"):
        by_name(said)


def test_no_alias_means_two_platforms() -> None:
    """Every name leads to one driver, and no alias hides another platform."""
    aliases = [alias.lower() for driver in discover().values() for alias in driver.aliases]
    assert len(set(aliases)) == len(aliases)
    assert not set(aliases) & set(discover())
    assert len(named()) == len(aliases) + len(discover())


def test_drivers_load_no_device_library() -> None:
    """What is known of a platform needs nothing that talks to one."""
    script = (
        "import sys; from sipalg_fix.drivers import named; named();"
        f"print(*[m for m in {DEVICE_LIBRARIES!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("driver", discover().values(), ids=lambda driver: driver.platform)
def test_what_marks_a_boot_is_among_the_probes(driver: Driver) -> None:
    """A look-only session sends probes only; a restart that cannot be shown is no restart."""
    assert set(driver.boot_probes) <= set(driver.probes)
    assert driver.boot_probes
    assert driver.reboot
