"""
Logins: what a run remembers of them, so that no account is locked out and no login server is flooded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from sipalg_fix.model.errors import DeviceError

ATTEMPTS: Final = 2
"""How often a login is tried that is refused: once, and once more. Many devices lock an account at three."""


@dataclass(slots=True)
class Logins:
    """
    The logins of one run; safe for threads. ``per_second`` is how many may begin in a second with one set of
    credentials, 0 for any number.
    """

    per_second: float = 0.0
    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    refused: dict[Hashable, int] = field(default_factory=dict)
    turns: dict[Hashable, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, door: Hashable, credentials: Hashable) -> None:
        """
        Wait for a login's turn. ``door`` is the host's access and the user. DeviceError ``access-denied``,
        without waiting, where it was refused as often as is tried.
        """
        with self.lock:
            if self.refused.get(door, 0) >= ATTEMPTS:
                message = f"not tried again: this login was refused {ATTEMPTS} times, and accounts get locked"
                raise DeviceError("access-denied", message)
            if not self.per_second:
                return
            now = self.now()
            turn = max(now, self.turns.get(credentials, now))
            self.turns[credentials] = turn + 1.0 / self.per_second
        if turn > now:
            self.pause(turn - now)

    def ended(self, door: Hashable, error: DeviceError | None) -> None:
        """What became of it. One that was let in has all its attempts again; other errors say nothing."""
        with self.lock:
            if error is None:
                self.refused.pop(door, None)
            elif error.code == "access-denied":
                self.refused[door] = self.refused.get(door, 0) + 1
