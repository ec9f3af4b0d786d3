"""The verb that stops all changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sipalg_fix.cli.main import run


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state folder of its own."""
    monkeypatch.setenv("SIPALG_FIX_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("SIPALG_FIX_JOURNAL", raising=False)


def test_freeze_say_and_lift(capsys: pytest.CaptureFixture[str]) -> None:
    """Each time it says what is so now."""
    assert run(["freeze"]) == 0
    assert "not frozen" in capsys.readouterr().out
    assert run(["freeze", "--reason", "outage, INC-1"]) == 0
    assert "frozen since" in capsys.readouterr().out
    assert run(["freeze", "--output", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["frozen"], told["freeze"]["reason"]) == (True, "outage, INC-1")
    assert run(["freeze", "--lift"]) == 0
    assert json.loads(json_of(capsys))["frozen"] is False
    assert run(["freeze", "--lift"]) == 64
    assert "not-frozen" in capsys.readouterr().err


def json_of(capsys: pytest.CaptureFixture[str]) -> str:
    """What it says now."""
    capsys.readouterr()
    run(["freeze", "--output", "json"])
    return capsys.readouterr().out


def test_a_reason_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """It is shown on screens of others."""
    assert run(["freeze", "--reason", "a\x1b[2Jb"]) == 64
    assert run(["freeze", "--reason", "  "]) == 64
    assert "one printable line" in capsys.readouterr().err
