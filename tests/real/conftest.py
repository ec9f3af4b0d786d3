"""What the real router and the virtual machine need, and what to do where it is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipalg_fix.lab import realrouter
from sipalg_fix.lab.realrouter import RealRouter


def need(missing: str) -> None:
    """Skip, saying what is missing; in continuous integration a missing thing is a failure."""
    if not missing:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have this: {missing}", pytrace=False)
    pytest.skip(missing)


@pytest.fixture
def router(tmp_path: Path) -> Iterator[RealRouter]:
    """A real router whose SIP ALG is on."""
    need(realrouter.availability())
    with RealRouter(tmp_path) as running:
        yield running
