"""Calls in progress: how long a change that may cut them waits for them to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """
    The playbook's word. A router with calls is tried again for ``wait_seconds``, then left alone; none of
    it where calls are ignored (None).
    """

    wait_seconds: float | None

    @property
    def text(self) -> str:
        """As a playbook says it."""
        match self.wait_seconds:
            case None:
                return "ignore"
            case 0:
                return "skip"
            case seconds:
                return f"wait {seconds / 60:g}m"


DEFAULT_CALLS: Final = Calls(wait_seconds=900.0)
