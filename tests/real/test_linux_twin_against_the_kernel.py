"""The virtual Linux router says and does what the real nft, iptables and conntrack do, word for word."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipalg_fix.lab import realrouter
from sipalg_fix.lab.netns import Namespace
from sipalg_fix.lab.twins.linux import LinuxTwin, from_options
from tests.real.conftest import need

pytestmark = pytest.mark.root

SESSIONS = sorted(Path(__file__).with_name("sessions").glob("*.txt"))
"""One command a line."""


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    need(realrouter.availability())
    versions = subprocess.run(["nft", "-v"], capture_output=True, text=True, check=True).stdout
    need("" if "v1.0.6" in versions else f"the twin is written from nft 1.0.6, and this is {versions}")
    with Namespace("twin's original") as made:
        yield made


def twin() -> LinuxTwin:
    """As empty as a new namespace."""
    made = from_options("gw-01", {"phones": 0, "builtin": True, "release": "6.18.44"})
    made.kernel.rules = type(made.kernel.rules)()
    return made


def alike(text: str) -> str:
    """Without what differs by nature: times, and the marks under a wrong place."""
    return re.sub(r"(?m)^(# (?:Generated|Completed).*) on .*$", r"\1", text)


def ends(text: str) -> list[str]:
    """Standard error's first lines: the marks that follow them depend on nft's parser."""
    return [line for line in text.splitlines() if not re.fullmatch(r"[ \t^]*", line)]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda path: path.stem)
def test_a_session_reads_the_same_on_the_twin_as_on_the_kernel(
    session: Path, namespace: Namespace, tmp_path: Path
) -> None:
    """Output, errors and status of every command, in order, each on what those before it left."""
    router = twin()
    different = []
    for command in session.read_text().splitlines():
        with namespace.inside():
            real = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
            )
        mine = router.exec("root", command, "")
        theirs = (alike(real.stdout), ends(real.stderr), real.returncode)
        ours = (alike(mine.stdout), ends(mine.stderr), mine.status)
        if ours != theirs:
            different.append((command, ours, theirs))
    assert different == []
