"""The command line's manners: exit codes, clear sentences, no tracebacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipalg_fix.cli.main import run
from tests.test_docs import VERBS


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the user's is touched."""
    monkeypatch.setenv("SIPALG_FIX_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_option_is_bad_usage(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every verb ends with 64, and says which option it does not know."""
    assert run([*verb.split(), "--no-such-option"]) == 64
    told = capsys.readouterr()
    assert "--no-such-option" in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no-such-verb"], "no-such-verb"),
        (["audit", "-i", "/nonexistent"], "/nonexistent"),
        (["audit", "-i", "inventory", "--output", "xml"], "xml"),
        (["audit", "-i", "inventory", "--forks", "0"], "--forks"),
        (["apply", "/nonexistent/plan.json"], "/nonexistent/plan.json"),
        (["rollback", "no-such-run"], "no-such-run"),
        (["report", "no-such-run"], "no-such-run"),
        (["host", "no-such-host"], "no-such-host"),
        (["reboot", "-i", "inventory"], "limit"),
        (["audit", "-i", "inventory", "--limit", "no-such-host"], "no-such-host"),
    ],
)
def test_bad_words_are_told_in_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Usage errors end with 64, name what was wrong, and show no traceback."""
    assert run(words) == 64
    told = capsys.readouterr()
    assert said in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"plan": {}}', '{"plan": {"schema": "sipalg-fix/plan/1"}}', "\x00"]
)
def test_what_is_no_plan_is_refused(
    content: str, own_state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is not a plan is refused before anything else happens."""
    file = own_state / "plan.json"
    file.write_text(content)
    assert run(["apply", str(file), "--yes"]) == 64
    assert "plan" in capsys.readouterr().err


def test_help_of_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    """Each verb explains itself, with what it does in its first line."""
    for verb in VERBS:
        assert run([*verb.split(), "--help"]) == 0
        assert "Usage: sipalg-fix" in capsys.readouterr().out
