"""Two persons and one change: plan, approve, apply on a virtual router, by the installed command."""

from __future__ import annotations

import json

import pytest

from tests.approvals.persons import Office
from tests.e2e.conftest import Workshop, virtual


@pytest.mark.parametrize("workshop", [{"linux-01": virtual("linux")}], indirect=True)
def test_a_change_that_another_person_approves(workshop: Workshop) -> None:
    """Refused without; carried out with; and who approved it, and why, is in the report."""
    office = Office(workshop.folder)
    anna, bob = office.enlist("anna@noc", "anna"), office.enlist("bob@noc", "bob")
    book = workshop.folder / "book.yaml"
    book.write_text("version: 1\nhow: {guard: off}\napproval: {allowed_signers: allowed_signers}\n")
    plan = workshop.folder / "plan.json"
    words = ("plan", "-i", workshop.inventory, "-p", book, "-o", plan)

    refused = workshop.ends(7, *words)
    assert "author-missing" in refused.stderr
    ticket = workshop.ends(2, *words, "--key", anna, "--ticket").stdout
    assert json.loads(plan.read_text())["fingerprint"] in ticket

    before = workshop.kept("linux-01")
    assert "approval-missing" in workshop.ends(7, "apply", plan, "--yes").stderr
    assert "own-approval" in workshop.ends(7, "approve", plan, "--reason", "x", "--key", anna).stderr
    assert workshop.kept("linux-01") == before

    workshop.ends(0, "approve", plan, "--reason", "one-way audio", "--ticket", "CHG-7", "--key", bob)
    line = workshop.host("linux-01", 0, "apply", plan, "--yes")
    assert line["change"] == "confirmed"
    assert "bob@noc: one-way audio (CHG-7)" in workshop.ends(0, "report", "last").stdout
