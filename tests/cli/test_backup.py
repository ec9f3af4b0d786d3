"""The verbs over backups, on what a journal holds."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pyrage
import pytest

from sipalg_fix.cli.main import run
from sipalg_fix.sealing.age import sealer
from sipalg_fix.wiring import Places, open_journal

PAIR = pyrage.x25519.Identity.generate()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs: one sealed, of one reply and of two; one without a key, and with a refusal."""
    monkeypatch.setenv("SIPALG_FIX_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("SIPALG_FIX_JOURNAL", raising=False)
    journal = open_journal(Places(state=tmp_path / "state", journal=str(tmp_path / "state" / "journal.db")))
    seal = sealer([str(PAIR.to_public())])
    assert seal is not None

    def backup(
        name: str, host: str, command: str, text: str, *, sealed: bool = True, status: str = "ok"
    ) -> None:
        shown = text.replace("hunter2", "<redacted>")
        said = {"command": command, "status": status, "text": shown, "sealed": seal(text) if sealed else ""}
        journal.write(name, host, "backup", said)

    first = journal.open_run("apply", {})
    backup(first, "edge-1", "show config", "password hunter2\n")
    backup(first, "gw-1", "nft list", "table ip\n")
    backup(first, "gw-1", "cat rules", "hunter2\r\n")
    second = journal.open_run("apply", {})
    backup(second, "edge-1", "show config", "password hunter2\n", sealed=False)
    backup(second, "edge-1", "show more", "denied", sealed=False, status="exit 1")
    journal.close()
    (tmp_path / "key").write_text(f"{PAIR}\n")
    (tmp_path / "runs").write_text(f"{first}\n{second}\n")
    return tmp_path


def runs(kept: Path) -> list[str]:
    """The two runs."""
    return (kept / "runs").read_text().split()


def test_the_list_says_what_is_there(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a host and run, oldest first; of one host where it is named; none for a stranger."""
    first, second = runs(kept)
    assert run(["backup", "list", "--output", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    told = [(row["host"], row["run"], row["replies"], row["refused"], row["original"]) for row in rows]
    assert told == [
        ("edge-1", first, 1, 0, "sealed"),
        ("gw-1", first, 2, 0, "sealed"),
        ("edge-1", second, 2, 1, "not kept"),
    ]
    assert run(["backup", "list", "gw-1", "--output", "json"]) == 0
    assert [row["host"] for row in json.loads(capsys.readouterr().out)] == ["gw-1"]
    assert run(["backup", "list", "nobody", "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_showing_is_for_people(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One reply as it is; several below their commands, with how they were answered."""
    first, second = runs(kept)
    assert run(["backup", "show", first, "edge-1"]) == 0
    assert capsys.readouterr().out == "password <redacted>\n"
    assert run(["backup", "show", second, "edge-1"]) == 0
    said = capsys.readouterr().out
    assert said == ">>> show config\npassword <redacted>\n\n>>> show more\n<<< exit 1\ndenied\n"


def test_opening_gives_the_original_to_the_letter(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, or in a new file that only its owner reads; none is written over."""
    first, _ = runs(kept)
    words = ["backup", "open", first, "gw-1", "--identity", str(kept / "key")]
    assert run(words) == 0
    assert capsys.readouterr().out == ">>> nft list\ntable ip\n\n>>> cat rules\nhunter2\r\n"
    out = kept / "original"
    one = ["backup", "open", first, "edge-1", "--identity", str(kept / "key"), "-o", str(out)]
    assert run(one) == 0
    assert out.read_bytes() == b"password hunter2\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert run([*words[:3], "gw-1", *words[4:], "-o", str(out)]) == 64
    assert out.read_bytes() == b"password hunter2\n"


@pytest.mark.parametrize(
    ("which", "host", "key", "code"),
    [
        (0, "edge-1", "wrong", "backup-locked"),
        (1, "edge-1", "key", "backup-unsealed"),
        (1, "gw-1", "key", "backup-missing"),
    ],
)
def test_what_cannot_be_opened(
    kept: Path, which: int, host: str, key: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its own word, and nothing on standard output."""
    (kept / "wrong").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert run(["backup", "open", runs(kept)[which], host, "--identity", str(kept / key)]) == 64
    told = capsys.readouterr()
    assert code in told.err
    assert told.out == ""
    assert "hunter2" not in told.err
