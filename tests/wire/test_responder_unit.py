"""The responder's systemd unit is well formed, and hardened as far as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "docs/howto/sipalg-fix-responder.service"


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze; it only reads files and needs no running systemd."""
    program = shutil.which("systemd-analyze")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI must have systemd-analyze: apt-get install systemd", pytrace=False)
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_the_unit_is_understood() -> None:
    """No unknown key, no wrong value."""
    done = analyze("verify", str(UNIT))
    assert (done.returncode, UNIT.name in done.stderr) == (0, False), done.stderr


def test_the_unit_is_hardened() -> None:
    """Exposure is at most what the documentation says."""
    done = analyze("security", "--offline=true", "--no-pager", "--threshold=12", str(UNIT))
    assert done.returncode == 0, done.stdout
    found = re.search(r"exposure level .*: ([\d.]+)", done.stdout)
    assert found is not None
    assert float(found[1]) <= 1.2
