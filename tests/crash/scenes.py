"""Scenes that are closed, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.crash.forker import Forker
from tests.crash.scene import Scene

Make = Callable[..., AbstractContextManager[Scene]]
"""Of a platform; by name, how long its router is waited for."""


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """The command, loaded once."""
    made = Forker()
    yield made
    made.close()


@pytest.fixture
def scene(tmp_path: Path, forker: Forker) -> Make:
    """Makes scenes, each of a platform."""

    @contextmanager
    def make(platform: str, patience: int = 0) -> Iterator[Scene]:
        folder = tmp_path / f"scene{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        with ExitStack() as opened:
            yield Scene(folder=folder, platform=platform, forker=forker, opened=opened, patience=patience)

    return make
