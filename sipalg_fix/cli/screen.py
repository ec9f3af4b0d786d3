"""Screen: what people see. Standard output carries results alone, standard error everything else."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from dataclasses import dataclass, field

QUIET_STAGES = frozenset({"reading", "done"})
"""Stages that are told only as a count, so that an audit of a thousand hosts stays one line."""


@dataclass(slots=True)
class Screen:
    """Progress on standard error: a moving line on a terminal, plain lines elsewhere."""

    total: int = 0
    ended: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    """One that lets its holder in again: Ctrl-C may come while its thread is saying something."""

    @property
    def lively(self) -> bool:
        """Is standard error a terminal that can redraw a line?"""
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def progress(self, host: str, what: str, detail: str = "") -> None:
        """Told by the engine; see its port."""
        with self.lock:
            if what in ("done", "failed"):
                self.ended += 1
            if what not in QUIET_STAGES:
                self._line(f"{host}: {what}{' - ' + detail if detail else ''}")
            if self.lively and self.total:
                print(f"\r\x1b[K{self.ended} of {self.total} hosts", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave the moving line."""
        if self.lively and self.total:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """A sentence for people."""
        with self.lock:
            self._line(text)

    def _line(self, text: str) -> None:
        start = "\r\x1b[K" if self.lively and self.total else ""
        print(start + text, file=sys.stderr, flush=True)


def put(text: str) -> None:
    """A result, on standard output."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def colored() -> bool:
    """May results have colours? Only on a terminal, and never against https://no-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (
        sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    )


def width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns
