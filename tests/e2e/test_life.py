"""Each platform's whole story over its real protocol, by the installed command: all of them as one fleet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import DISABLE, PLATFORMS, Workshop, virtual

FLEET = {platform.replace("/", "-by-"): virtual(platform) for platform in PLATFORMS}
"""A router of each platform, and access, by the name it has in the inventory."""


@pytest.mark.parametrize("workshop", [FLEET], ids=["fleet"], indirect=True)
def test_enabled_to_confirmed_and_back(workshop: Workshop) -> None:
    """Enabled, planned, applied, verified, restarted, verified, rolled back: exactly as first seen."""
    files = ("-i", workshop.inventory)
    first, writes = kept(workshop), written(workshop)

    assert of_each(workshop, "state", 2, "audit", *files) == all_are("enabled")
    plan = planned(workshop, "plan.json")
    assert (kept(workshop), written(workshop)) == (first, writes), "looking changed a router"

    applied = workshop.json(0, "apply", plan, "--yes")["hosts"]
    assert {line["host"]: line["change"] for line in applied} == all_are("confirmed")
    assert {line["host"]: line["verdict"] for line in applied} == all_are("compliant")
    run = workshop.last_run("apply")
    assert of_each(workshop, "verdict", 0, "verify", run) == all_are("compliant")

    settled, writes = kept(workshop), written(workshop)
    again = workshop.json(0, "plan", *files, "-p", DISABLE)
    assert all(not host["remedy"]["forward"] for host in again.get("plan", again)["hosts"])
    assert of_each(workshop, "done", 0, "apply", plan, "--yes") == all_are([]), (
        "a second apply sent something"
    )
    assert (kept(workshop), written(workshop)) == (settled, writes)

    workshop.ends(0, "reboot", *files, "--limit", "all", "--yes")
    assert of_each(workshop, "verdict", 0, "verify", run) == all_are("compliant")

    assert of_each(workshop, "change", 0, "rollback", run, "--yes") == all_are("rolled-back")
    assert kept(workshop) == first
    assert of_each(workshop, "state", 2, "audit", *files) == all_are("enabled")


@pytest.mark.parametrize("workshop", [FLEET], ids=["fleet"], indirect=True)
def test_another_admins_edit_between_plan_and_apply(workshop: Workshop) -> None:
    """A router that is already off when apply comes is left alone and told as such."""
    plan, other = planned(workshop, "plan.json"), planned(workshop, "other.json")
    workshop.ends(0, "apply", other, "--yes")
    lines = workshop.json(0, "apply", plan, "--yes")["hosts"]
    assert {line["host"]: line["done"] for line in lines} == all_are([])
    assert {line["host"]: "already" in line["note"] for line in lines} == all_are(True)


def planned(workshop: Workshop, name: str) -> Path:
    """A plan for the whole fleet."""
    file = workshop.folder / name
    words = ("-i", workshop.inventory, "-p", DISABLE, "-o", file, "--accept", "all-hosts")
    workshop.ends(2, "plan", *words)
    return file


def all_are(value: Any) -> dict[str, Any]:
    """The same of every router."""
    return dict.fromkeys(FLEET, value)


def of_each(workshop: Workshop, key: str, code: int, *words: str | Path) -> dict[str, Any]:
    """What a listing says under a key, by router."""
    return {line["host"]: line[key] for line in workshop.json(code, *words)["hosts"]}


def kept(workshop: Workshop) -> dict[str, Any]:
    """What each router keeps."""
    return {host: workshop.kept(host) for host in FLEET}


def written(workshop: Workshop) -> dict[str, int]:
    """How often each router was written to."""
    return {host: workshop.lab.writes(host) for host in FLEET}
