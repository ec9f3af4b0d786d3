"""Every driver says how an account with just the rights needed is made."""

from __future__ import annotations

import json
import re

import pytest

from sipalg_fix.cli.main import run
from sipalg_fix.drivers import discover
from sipalg_fix.model.driver import BLANKS, Driver

DRIVERS = pytest.mark.parametrize("driver", discover().values(), ids=lambda driver: driver.platform)


@DRIVERS
@pytest.mark.parametrize("purpose", ["audit", "change"])
def test_every_driver_says_how_its_account_is_made(driver: Driver, purpose: str) -> None:
    """A platform without such an account says in words why, and whose account is used."""
    assert driver.support.account is not None
    assert set(driver.support.account) == {"audit", "change"}
    lines = driver.support.account[purpose]
    assert lines
    assert all(line == line.strip() and "\n" not in line and "…" not in line for line in lines)
    assert {blank for line in lines for blank in re.findall(r"<[^>]*>", line)} <= set(BLANKS)


@DRIVERS
@pytest.mark.parametrize("purpose", ["audit", "change"])
def test_the_verb_tells_words_from_commands(
    driver: Driver, purpose: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is typed stands alone; all else begins with a mark that a router takes for nothing."""
    assert driver.support.account is not None
    said = driver.support.account[purpose]
    assert run(["account", driver.platform, "--for", purpose, "--output", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["schema"], made["platform"], made["for"]) == (
        "sipalg-fix/account/1",
        driver.platform,
        purpose,
    )
    commands = [step["text"] for step in made["steps"] if step["kind"] == "command"]
    assert commands == [line for line in said if not line.startswith("# ")]
    assert run(["account", driver.platform, "--for", purpose]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if not line.startswith("# ")] == commands
    for blank in made["fill_in"]:
        assert any(line.startswith(f"# {blank}: ") for line in shown)


def test_an_account_is_asked_for_by_any_name_of_the_platform(capsys: pytest.CaptureFixture[str]) -> None:
    """What other tools call a platform is understood; what is none is bad usage, with those there are."""
    assert run(["account", "edgeos"]) == 0
    assert "level admin" in capsys.readouterr().out
    assert run(["account", "vyos"]) == 64
    assert "ubiquiti_edgeos" in capsys.readouterr().err
