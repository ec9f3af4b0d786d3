"""A journal in a file of its own, with a clock that ticks a second each time it is asked."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sipalg_fix.store.journal import Journal

BY = "anna@noc-1"


class Clock:
    """UTC from a given moment on, a second further at each look, and as far ahead as it is told."""

    def __init__(self, text: str = "2026-11-23T10:15:00+00:00") -> None:
        self.start = datetime.fromisoformat(text)
        self.ahead = 0.0
        self.ticks = itertools.count()
        self.lock = threading.Lock()

    def __call__(self) -> str:
        with self.lock:
            moment = self.start + timedelta(seconds=next(self.ticks) + self.ahead)
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def clock() -> Clock:
    """The clock of the journals of one test."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal of one test is."""
    return tmp_path / "state" / "journal.db"


Open = Callable[..., Journal]


@pytest.fixture
def opened(path: Path, clock: Clock) -> Iterator[Open]:
    """Opens the journal of this test, each time as another program would; closes them all."""
    journals: list[Journal] = []

    def opens(by: str = BY) -> Journal:
        journals.append(Journal(path, now=clock, by=by))
        return journals[-1]

    yield opens
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened: Open) -> Journal:
    """The journal of this test, open."""
    return opened()
