"""What somebody changed behind our back, by the installed command: each is refused, with its own error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from sipalg_fix.approvals.papers import beside
from sipalg_fix.model.plan import Plan, read_plan
from tests.approvals.persons import Office
from tests.e2e.conftest import Workshop, virtual
from tests.store.test_journal_tampering import unguarded

pytestmark = pytest.mark.long  # dozens of commands, most of them waiting

HOST = "linux-01"
ROWS = {
    "changed": ("UPDATE journal SET payload = '{}' WHERE seq = 3 AND run = ?", "row-changed"),
    "deleted": ("DELETE FROM journal WHERE seq = 3 AND run = ?", "row-missing"),
    "truncated": (
        "DELETE FROM journal WHERE run = ? AND seq >= (SELECT max(seq) - 1 FROM journal WHERE run = ?)",
        "rows-truncated",
    ),
}


def planned(workshop: Workshop, office: Office) -> tuple[Path, Plan]:
    """A plan that anna made, and that bob may approve."""
    anna, _ = office.enlist("anna@noc", "anna"), office.enlist("bob@noc", "bob")
    book, file = workshop.folder / "book.yaml", workshop.folder / "plan.json"
    book.write_text("version: 1\nhow: {guard: off}\napproval: {allowed_signers: allowed_signers}\n")
    workshop.ends(2, "plan", "-i", workshop.inventory, "-p", book, "-o", file, "--key", anna)
    return file, read_plan(file.read_text())


@pytest.mark.parametrize("workshop", [{HOST: virtual("linux")}], indirect=True)
def test_plans_and_approvals(workshop: Workshop) -> None:
    """A tampered plan, an approval that ended, an author's own, a changed one: the router hears of none."""
    office = Office(workshop.folder)
    file, plan = planned(workshop, office)
    text, papers = file.read_text(), beside(file)
    unsigned, before = papers.read_text(), workshop.kept(HOST)

    def refused(code: str, ends: int = 7) -> None:
        said = workshop.ends(ends, "apply", file, "--yes").stderr
        assert f"[{code}]" in said
        assert (workshop.kept(HOST), workshop.lab.writes(HOST)) == (before, 0)

    office.approve(plan, "bob", expires="2999-01-01T00:00:00Z")
    approved = papers.read_text()
    forward = json.loads(text)["plan"]["hosts"][0]["remedy"]["forward"][0]["then"]["command"]["text"]
    assert forward in text
    file.write_text(text.replace(json.dumps(forward), json.dumps("nft flush ruleset"), 1))
    refused("plan-tampered", 64)
    file.write_text(text)

    papers.write_text(approved.replace("one-way audio", "anything at all"))
    refused("approval-tampered")
    papers.write_text(unsigned)
    office.approve(plan, "anna")
    refused("own-approval")
    papers.write_text(unsigned)
    office.approve(plan, "bob", expires="2026-01-01T00:00:00Z")
    refused("approval-expired")

    papers.write_text(approved)
    assert workshop.host(HOST, 0, "apply", file, "--yes")["change"] == "confirmed"


@pytest.mark.parametrize("workshop", [{HOST: virtual("linux")}], indirect=True)
def test_the_journal(workshop: Workshop, tmp_path: Path) -> None:
    """A row that was changed, deleted or cut off at the end is found, and no export of it is made."""
    workshop.ends(2, "audit", "-i", workshop.inventory)
    run, state = workshop.last_run("audit"), workshop.folder / "state"
    shutil.copytree(state, tmp_path / "whole")
    assert (
        json.loads(workshop.ends(0, "journal", "verify", "--output", "json").stdout)[0]["result"] == "whole"
    )
    for what, (statement, code) in ROWS.items():
        shutil.rmtree(state)
        shutil.copytree(tmp_path / "whole", state)
        unguarded(state / "journal.db", statement, (run,) * statement.count("?"))
        (row,) = json.loads(workshop.ends(2, "journal", "verify", "--output", "json").stdout)
        assert (row["run"], row["result"]) == (run, code), what
        exported = workshop.ends(1, "journal", "export", run, "-o", tmp_path / "run.jsonl")
        assert f"[{code}]" in exported.stderr
        assert not (tmp_path / "run.jsonl").exists()
