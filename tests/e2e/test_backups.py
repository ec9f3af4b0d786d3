"""What a router had before its change: redacted for people, and whole for one key alone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pyrage
import pytest

from tests.e2e.conftest import Workshop, virtual

pytestmark = pytest.mark.long  # dozens of commands, most of them waiting

CANARY = "$5$lab$not-a-hash-of-"
"""The virtual EdgeRouter's configuration holds password hashes that begin so."""
HOST = "ubiquiti_edgeos-01"


@pytest.mark.parametrize("workshop", [{HOST: virtual("ubiquiti_edgeos")}], indirect=True)
def test_the_originals_secrets_are_nowhere_but_inside_the_seal(workshop: Workshop) -> None:
    """Not in the journal, the plan, a report or any output; and whole for who has the secret key."""
    pair, other = (pyrage.x25519.Identity.generate() for _ in range(2))
    identity, wrong = workshop.folder / "backup.key", workshop.folder / "wrong.key"
    identity.write_text(f"# public key: {pair.to_public()}\n{pair}\n")
    wrong.write_text(f"{other}\n")
    book, plan = workshop.folder / "book.yaml", workshop.folder / "plan.json"
    book.write_text(f"version: 1\nhow: {{guard: off}}\nbackup: {{recipients: [{pair.to_public()}]}}\n")
    outputs = [
        workshop.ends(2, "plan", "-i", workshop.inventory, "-p", book, "-o", plan),
        workshop.ends(0, "apply", plan, "--yes"),
        workshop.ends(0, "report", "last", "--output", "html", "-o", workshop.folder / "report.html"),
        workshop.ends(0, "host", HOST, "--output", "json"),
        workshop.ends(0, "journal", "export", "last", "-o", workshop.folder / "run.jsonl"),
        workshop.ends(0, "backup", "show", "last", HOST),
        workshop.ends(64, "backup", "open", "last", HOST, "--identity", wrong),
        workshop.ends(64, "backup", "open", "last", HOST, "--identity", book),
    ]
    (line,) = json.loads(workshop.ends(0, "backup", "list", "--output", "json").stdout)
    assert (line["host"], line["original"], line["refused"]) == (HOST, "sealed", 0)
    assert "<redacted>" in outputs[5].stdout
    assert "backup-locked" in outputs[6].stderr

    original = workshop.folder / "config.boot"
    workshop.ends(0, "backup", "open", "last", HOST, "--identity", identity, "-o", original)
    assert CANARY in original.read_text()
    assert stat.S_IMODE(original.stat().st_mode) == 0o600
    assert "host-name" in original.read_text()

    told = [text for done in outputs for text in (done.stdout, done.stderr)]
    kept = [*(workshop.folder / "state").rglob("*"), *workshop.folder.glob("*.html")]
    written = {
        file: file.read_bytes() for file in (*kept, plan, workshop.folder / "run.jsonl") if file.is_file()
    }
    assert len(written) >= 5
    assert [file for file, data in written.items() if CANARY.encode() in data] == []
    assert [text for text in told if CANARY in text or str(pair) in text or str(other) in text] == []


@pytest.mark.parametrize("workshop", [{HOST: virtual("ubiquiti_edgeos")}], indirect=True)
def test_no_key_no_original(workshop: Workshop, tmp_path: Path) -> None:
    """Said plainly; a recipient from the environment serves as well, and a wrong one stops everything."""
    pair = pyrage.x25519.Identity.generate()
    identity, plan = tmp_path / "backup.key", workshop.folder / "plan.json"
    identity.write_text(f"{pair}\n")
    workshop.ends(2, "plan", "-i", workshop.inventory, "-o", plan)
    refused = workshop.run("apply", plan, "--yes", SIPALG_FIX_BACKUP_RECIPIENT="age1canary")
    assert (refused.returncode, "bad-recipient" in refused.stderr) == (64, True)
    workshop.ends(0, "apply", plan, "--yes")
    said = workshop.ends(64, "backup", "open", "last", HOST, "--identity", identity)
    assert "no original was kept" in said.stderr
    assert "<redacted>" in workshop.ends(0, "backup", "show", "last", HOST).stdout
    workshop.ends(0, "rollback", "last", "--yes")
    workshop.ends(2, "plan", "-i", workshop.inventory, "-o", plan)
    recipient = f"{pair.to_public()}, {pyrage.x25519.Identity.generate().to_public()}"
    assert workshop.run("apply", plan, "--yes", SIPALG_FIX_BACKUP_RECIPIENT=recipient).returncode == 0
    assert CANARY in workshop.ends(0, "backup", "open", "last", HOST, "--identity", identity).stdout
