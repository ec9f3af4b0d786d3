"""The house's walls: who may import whom, how long a file may be, and what start-up may cost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "sipalg_fix"
DEVICE_LIBRARIES = ("netmiko", "paramiko", "httpx", "routeros_api", "sqlalchemy", "jinja2", "pydantic.main")


def test_imports_go_down_only() -> None:
    """Every package has a place in the layers, and imports nothing above or beside it."""
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(lint)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_no_file_swallows_the_project(file: Path) -> None:
    """No module is over 400 lines, no driver module over 150."""
    lines = len(file.read_text().splitlines())
    assert lines <= (150 if file.is_relative_to(PACKAGE / "drivers") else 400)


def test_help_imports_no_device_library() -> None:
    """``--help`` is fast because nothing is imported before it is used."""
    script = (
        "import sys; from sipalg_fix.cli.main import run; run(['--help']);"
        f"print(*[m for m in {DEVICE_LIBRARIES!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""
    assert "Find SIP ALG" in done.stdout
