"""That a router restarted is believed only when its marks show it."""

from __future__ import annotations

import pytest

from sipalg_fix.drivers import discover
from sipalg_fix.drivers.mikrotik_routeros.api import API
from sipalg_fix.drivers.opnsense.probes import BOOT, TIME
from sipalg_fix.model.session import Command, Reply, Transcript


def seen(command: Command, text: str, status: str = "ok") -> Transcript:
    """A look of one answer."""
    return Transcript(replies=(Reply(command=command, text=text, status=status),))


@pytest.mark.parametrize(
    ("uptime", "mark"),
    [
        ("6w5d11h55m45s", "uptime 4103745"),
        ("1d", "uptime 86400"),
        ("0s", "uptime 0"),
        ("1h2s", "uptime 3602"),
        ("", ""),
        ("soon", ""),
    ],
)
def test_routeros_uptime(uptime: str, mark: str) -> None:
    """RouterOS has no boot id; its uptime leaves out units that are nought."""
    text = f'{{"uptime": "{uptime}", "version": "7.12.2 (stable)"}}'
    assert discover()["mikrotik_routeros"].boot_mark(seen(API.resource, text)) == mark


@pytest.mark.parametrize(
    ("uptime", "mark"),
    [
        ("12 days, 03:04:05", "uptime 1047845"),
        ("1 day, 00:00:01", "uptime 86401"),
        ("3 Tage, 10:00:00", "uptime 295200"),
        ("00:10:12", "uptime 612"),
        ("10 minutes", ""),
    ],
)
def test_opnsense_uptime(uptime: str, mark: str) -> None:
    """In the form of SystemController.php, in the language of the API's user."""
    assert discover()["opnsense"].boot_mark(seen(TIME, f'{{"uptime":"{uptime}"}}', "http 200")) == mark


def test_opnsense_by_ssh_alone() -> None:
    """The moment of boot counts only where the API is not configured: the two cannot be compared."""
    said = "{ sec = 1794365060, usec = 412345 } Sun Nov  1 02:44:20 2026"
    driver = discover()["opnsense"]
    assert driver.boot_mark(seen(BOOT, said, "exit 0")) == "booted 1794365060"
    both = seen(BOOT, said, "exit 0").plus(Reply(command=TIME, text="", status="http 500"))
    assert driver.boot_mark(both) == ""
    assert driver.rebooted("booted 1794365060", "booted 1794369999", 60)
    assert not driver.rebooted("booted 1794365060", "booted 1794365061", 60)
    assert not driver.rebooted("booted 1794365060", "uptime 3", 60)


@pytest.mark.parametrize(
    ("uptime", "mark"),
    [
        ("edge-01 uptime is 2 weeks, 3 days, 4 hours, 5 minutes", "uptime 1483500"),
        ("edge-01 uptime is 1 year, 1 minute", "uptime 31536060"),
        ("edge-01 uptime is 0 minutes", "uptime 0"),
        ("Uptime for this control processor is 5 minutes", ""),
        ("edge-01 uptime is unknown", ""),
    ],
)
def test_ios_uptime(uptime: str, mark: str) -> None:
    """As ``show version`` has it, exact to the minute; the restart's date moves with the clock."""
    driver = discover()["cisco_ios"]
    (probe,) = driver.boot_probes
    text = f"Cisco IOS Software\n\n{uptime}\nSystem restarted at 08:11:02 UTC Mon Nov 2 2026\n"
    assert driver.boot_mark(seen(probe, text)) == mark


@pytest.mark.parametrize("platform", ["cisco_ios", "mikrotik_routeros", "opnsense"])
@pytest.mark.parametrize(
    ("before", "after", "another"),
    [
        ("uptime 4103745", "uptime 12", True),
        ("uptime 4103745", "uptime 4103800", False),
        ("uptime 20", "uptime 70", False),  # up for less time than the restart took: not shown, not claimed
        ("uptime 139", "uptime 139", False),
        ("", "uptime 12", False),
        ("uptime 12", "", False),
        ("", "", False),
    ],
)
def test_uptime_that_went_back_is_another_boot(platform: str, before: str, after: str, another: bool) -> None:
    """A failed restart answers with a small uptime as well; only a smaller one than before is proof."""
    assert discover()[platform].rebooted(before, after, 60.0) is another


@pytest.mark.parametrize("platform", ["ubiquiti_edgeos", "linux", "openwrt"])
def test_boot_ids(platform: str) -> None:
    """Another id is another boot; no id proves nothing; half an id is none."""
    driver = discover()[platform]
    (probe,) = driver.boot_probes
    one, two = "3e507e31-3e86-4d97-bf04-7f78c7a87bc7", "4f543fec-9f17-493e-8a49-f161acf23856"
    assert driver.boot_mark(seen(probe, one)) == one
    assert driver.boot_mark(seen(probe, one[:-1])) == ""
    assert driver.boot_mark(seen(probe, one, "exit 1")) == ""
    assert driver.rebooted(one, two, 30)
    assert not driver.rebooted(one, one, 30)
    assert not driver.rebooted(one, "", 30)
