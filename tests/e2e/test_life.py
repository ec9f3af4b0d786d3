"""Each platform's whole story over its real protocol, by the installed command."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import DISABLE, PLATFORMS, Workshop, virtual

HOST = "router"


@pytest.mark.parametrize("workshop", [{HOST: virtual(p)} for p in PLATFORMS], ids=PLATFORMS, indirect=True)
def test_enabled_to_confirmed_and_back(workshop: Workshop) -> None:
    """Enabled, planned, applied, verified, restarted, verified, rolled back: exactly as first seen."""
    files = ("-i", workshop.inventory)
    first = workshop.kept(HOST)
    writes = workshop.lab.writes(HOST)

    assert workshop.host(HOST, 2, "audit", *files)["state"] == "enabled"
    plan = workshop.folder / "plan.json"
    workshop.ends(2, "plan", *files, "-p", DISABLE, "-o", plan)
    assert (workshop.kept(HOST), workshop.lab.writes(HOST)) == (first, writes), "looking changed the router"

    applied = workshop.host(HOST, 0, "apply", plan, "--yes")
    assert (applied["change"], applied["verdict"]) == ("confirmed", "compliant")
    run = workshop.last_run("apply")
    assert workshop.host(HOST, 0, "verify", run)["verdict"] == "compliant"

    settled, writes = workshop.kept(HOST), workshop.lab.writes(HOST)
    again = workshop.json(0, "plan", *files, "-p", DISABLE)
    assert all(not host["remedy"]["forward"] for host in again.get("plan", again)["hosts"])
    assert workshop.host(HOST, 0, "apply", plan, "--yes")["done"] == [], "a second apply sent something"
    assert (workshop.kept(HOST), workshop.lab.writes(HOST)) == (settled, writes)

    workshop.ends(0, "reboot", *files, "--limit", HOST, "--yes")
    assert workshop.host(HOST, 0, "verify", run)["verdict"] == "compliant"

    assert workshop.host(HOST, 0, "rollback", run, "--yes")["change"] == "rolled-back"
    assert workshop.kept(HOST) == first
    assert workshop.host(HOST, 2, "audit", *files)["state"] == "enabled"


@pytest.mark.parametrize("workshop", [{HOST: virtual(p)} for p in PLATFORMS], ids=PLATFORMS, indirect=True)
def test_another_admins_edit_between_plan_and_apply(workshop: Workshop) -> None:
    """A router that is already off when apply comes is left alone and told as such."""
    files = ("-i", workshop.inventory)
    plan, other = workshop.folder / "plan.json", workshop.folder / "other.json"
    workshop.ends(2, "plan", *files, "-p", DISABLE, "-o", plan)
    workshop.ends(2, "plan", *files, "-p", DISABLE, "-o", other)
    workshop.ends(0, "apply", other, "--yes")
    line = workshop.host(HOST, 0, "apply", plan, "--yes")
    assert line["done"] == []
    assert "already" in line["note"]
