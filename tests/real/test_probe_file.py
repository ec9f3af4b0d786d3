"""The probe's one file behind the real kernel ALG, and its report, which is long there, handed over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sipalg_fix.lab import paths, realrouter
from sipalg_fix.lab.paths import Chain
from sipalg_fix.lab.realrouter import ALG, PLAIN
from sipalg_fix.model.path import Outcome, from_json
from sipalg_fix.wire import bundle
from sipalg_fix.wire.responder import Listening
from tests.real.conftest import need
from tests.wire.far_end import FarEnd

pytestmark = pytest.mark.root


def test_it_finds_the_alg_and_hands_its_report_over(tmp_path: Path) -> None:
    """Exit code 2, all evidence on both ends, and the public address with it."""
    need(realrouter.availability())
    file, folder = tmp_path / "probe.pyz", tmp_path / "reports"
    with Chain(PLAIN + ALG) as chain:
        listening = Listening(addresses=(paths.FAR,))
        with FarEnd(tmp_path / "state", listening, place=chain.far.inside(), reports=folder) as far:
            bundle.write(file, paths.FAR, far.pin)
            words = [
                sys.executable,
                "-I",
                "-S",
                str(file),
                "--json",
                "--send",
                "--label",
                "Müller, ticket 4711",
            ]
            with chain.phone.inside():
                done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, "was sent" in done.stderr) == (2, True), done.stderr
    report = from_json(done.stdout)
    assert report.outcome is Outcome.ALG_REWRITES
    assert {leg.name for leg in report.legs} >= {"udp", "udp from port 5060", "tcp"}
    (kept,) = folder.iterdir()
    whole = json.loads(kept.read_text())
    assert (whole["peer"], whole["label"]) == (paths.PUBLIC, "Müller, ticket 4711")
    assert whole["report"] == json.loads(done.stdout)
