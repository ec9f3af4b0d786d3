"""Listening, as a person does it: exit codes, forms, and no number on any screen."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from sipalg_fix.cli.main import run
from tests.wire.passive.packets import PHONE, PUBLIC, ethernet, pcap, register, udp

ALTERED = register(via=f"{PUBLIC}:5060", contact=f"{PUBLIC}:5060")


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A router's both sides, with an ALG between them."""
    file = tmp_path / "router.pcap"
    file.write_bytes(pcap([ethernet(udp(register(), PHONE)), ethernet(udp(ALTERED))]))
    return file


@pytest.mark.parametrize("words", [["passive"], ["probe"]])
def test_a_capture_is_told(words: list[str], capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its own verb and by probe, and without numbers."""
    assert run([*words, "--pcap", str(capture)]) == 2
    told = capsys.readouterr().out
    assert "alg-rewrites" in told
    assert "192.168.88.10:5060 against 203.0.113.1:5060" in told
    assert "Linux nf_nat_sip" in told
    assert "4930123456" not in told


def test_forms_and_numbers(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and CSV, and numbers when they are asked for."""
    assert run(["passive", "--pcap", str(capture), "--output", "json", "--show-numbers"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["callers"][0]["users"] == ["4930123456"]
    assert document["counts"]["alg-rewrites"] == 2
    assert run(["passive", "--pcap", str(capture), "--output", "csv"]) == 2
    assert capsys.readouterr().out.startswith("address,shown,")
    assert run(["probe", "--pcap", str(capture), "--output", "json"]) == 2
    assert json.loads(capsys.readouterr().out)["schema"] == "sipalg-fix/passive/1"


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 unaltered, 3 silence, 64 no capture or none named."""
    file = tmp_path / "a.pcap"
    file.write_bytes(pcap([ethernet(udp(register()))]))
    assert run(["passive", "--pcap", str(file)]) == 0
    file.write_bytes(pcap([]))
    assert run(["passive", "--pcap", str(file)]) == 3
    assert "nothing can be told" in capsys.readouterr().out
    file.write_bytes(b"no capture")
    assert run(["passive", "--pcap", str(file)]) == 64
    assert "[capture-format]" in capsys.readouterr().err
    assert run(["passive"]) == 64
    assert run(["probe"]) == 64
    assert "--responder" in capsys.readouterr().err


def test_standard_input(
    capture: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A capture that is never a file."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(capture.read_bytes())))
    assert run(["passive", "--pcap", "-"]) == 2
    assert "alg-rewrites" in capsys.readouterr().out
