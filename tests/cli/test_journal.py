"""The verbs over the journal: what they say, and what they end with."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from sipalg_fix.cli.main import run
from sipalg_fix.wiring import Places, open_journal
from tests.store.test_journal_heads import closed
from tests.store.test_journal_tampering import unguarded


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A state folder with one closed run."""
    monkeypatch.setenv("SIPALG_FIX_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("SIPALG_FIX_JOURNAL", raising=False)
    return Places(state=tmp_path / "state", journal=f"sqlite:///{tmp_path / 'state' / 'journal.db'}")


def a_run(places: Places) -> str:
    """One more closed run."""
    journal = open_journal(places)
    name = closed(journal)
    journal.close()
    return name


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, str]]]:
    """What a verb ends with, and its rows."""
    code = run([*words, "--output", "json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_whole_journal(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty one, too: nothing is missing from it."""
    assert run(["journal", "verify"]) == 0
    assert "0 runs: none" in capsys.readouterr().out
    name = a_run(places)
    assert told(capsys, "journal", "verify") == (0, [{"run": name, "result": "whole", "detail": ""}])
    assert run(["journal", "verify", name[:12]]) == 0
    assert "1 runs: 1 whole" in capsys.readouterr().out


def test_a_tampered_one(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """Ends with 2, and names what is wrong; one that is only open ends with 3."""
    name, other = a_run(places), a_run(places)
    journal = open_journal(places)
    cut = journal.open_run("apply", {"hosts": []})
    journal.close()
    code, rows = told(capsys, "journal", "verify")
    assert code == 3
    assert [(row["run"], row["result"]) for row in rows] == [(name, "whole"), (other, "whole"), (cut, "open")]
    unguarded(places.state / "journal.db", "DELETE FROM journal WHERE seq = 3 AND run = ?", (other,))
    code, rows = told(capsys, "journal", "verify", other)
    assert (code, rows[0]["result"], rows[0]["detail"]) == (
        2,
        "row-missing",
        "row 3 is missing (the next is 4)",
    )
    assert run(["journal", "verify"]) == 2
    assert name not in capsys.readouterr().out
    assert run(["journal", "export", other, "-o", str(places.state / "x")]) == 1
    assert "row-missing" in capsys.readouterr().err


def test_against_a_report(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """The report that was kept names a head that is not there any more."""
    name = a_run(places)
    assert run(["report", name, "--output", "json"]) == 0
    report = places.state / "report.json"
    report.write_text(capsys.readouterr().out)
    document = json.loads(report.read_text())
    assert document["signed"]["head"] == document["head"]
    assert run(["journal", "verify", "--report", str(report)]) == 0
    document["head"] = "sha256:" + "0" * 64
    report.write_text(json.dumps(document))
    assert run(["journal", "verify", "--report", str(report)]) == 2
    report.write_text("{}")
    capsys.readouterr()
    assert run(["journal", "verify", "--report", str(report)]) == 64
    assert "no JSON report" in capsys.readouterr().err


def test_an_export_is_checked_without_the_journal(
    places: Places, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another machine, by the key that was written down."""
    a_run(places)
    file = tmp_path / "run.jsonl"
    assert run(["journal", "export", "last", "-o", str(file)]) == 0
    assert run(["journal", "key"]) == 0
    key = capsys.readouterr().out.strip().splitlines()[-1]
    assert key.startswith("ed25519:")
    monkeypatch.setenv("SIPALG_FIX_STATE", str(tmp_path / "elsewhere"))
    words = ["journal", "verify", "--export", str(file)]
    assert run(words) == 3
    assert "unknown-key" in capsys.readouterr().out
    assert run([*words, "--key", key]) == 0
    file.write_text(file.read_text().replace("edge-1", "edge-2", 1))
    assert run([*words, "--key", key]) == 2
    assert "row-changed" in capsys.readouterr().out
    assert not (tmp_path / "elsewhere").exists()


def test_pruning_asks_and_says(places: Places, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nothing is that old; a folder must be there; and what is that old goes."""
    name = a_run(places)
    archive = tmp_path / "archive"
    words = ["journal", "prune", "--older-than", "400d", "--export", str(archive)]
    assert run(words) == 64
    archive.mkdir()
    assert run([*words[:3], "often", *words[4:]]) == 64
    assert run(words) == 0
    assert "no run is that old" in capsys.readouterr().out

    from sipalg_fix.store.journal import Journal

    old = Journal(places.journal, now=lambda: "2020-01-01T00:00:00+00:00", by="x", notary=_notary(places))
    gone = closed(old)
    old.close()
    assert run(words) == 64
    assert "--yes" in capsys.readouterr().err
    code, rows = told(capsys, *words, "--yes")
    assert (code, [(row["run"], row["result"]) for row in rows]) == (0, [(gone, "pruned")])
    assert run(["journal", "verify"]) == 0
    capsys.readouterr()
    assert run(["report", gone]) == 64
    assert "run-pruned" in capsys.readouterr().err
    assert run(["runs"]) == 0
    listed = capsys.readouterr().out
    assert gone in listed
    assert name in listed
    assert run(["journal", "verify", "--export", str(archive / f"{gone}.jsonl")]) == 0


def test_no_run_begins_with_a_key_that_cannot_be_used(
    places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said in a sentence, with what to look at."""
    a_run(places)
    (places.state / "journal.key").write_text("not a key")
    assert run(["journal", "key"]) == 1
    assert "journal-key" in capsys.readouterr().err
    with sqlite3.connect(places.state / "journal.db") as connection:
        assert connection.execute("SELECT count(*) FROM heads").fetchone() == (1,)


def _notary(places: Places) -> object:
    from sipalg_fix.wiring import notary

    return notary(places)
