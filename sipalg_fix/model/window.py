"""
Change windows: when routers may be written to. Pure: the moment is an argument.

A window is open whenever a clock on the wall in its time zone shows a time in it. So daylight saving needs
no rule of its own: an hour that is skipped never comes, and one that comes twice is meant twice. A window
that crosses midnight belongs to the day on which it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE: Final = timedelta(minutes=1)
FAR: Final = timedelta(days=15)
"""
How far is looked ahead. A week holds all that is said of days and hours; a second one, for a window that
lies in the hour that is skipped.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """
    One change window. ``days`` are of ``DAYS``; ``begins`` and ``ends`` are minutes since midnight, the end
    not included; one that ends no later than it begins ends on the next day. ``zone`` is an IANA name.
    """

    days: tuple[str, ...]
    begins: int
    ends: int
    zone: str

    @property
    def text(self) -> str:
        """As people say it: ``mon, tue 22:30-05:00 Europe/Berlin``."""
        days = "daily" if set(self.days) == set(DAYS) else ", ".join(self.days)
        return f"{days} {_clock(self.begins)}-{_clock(self.ends)} {self.zone}"

    def is_open(self, now: datetime) -> bool:
        """Now? ``now`` is a moment with a time zone."""
        local = now.astimezone(ZoneInfo(self.zone))
        minute = local.hour * 60 + local.minute
        today, yesterday = DAYS[local.weekday()], DAYS[local.weekday() - 1]
        if self.begins < self.ends:
            return today in self.days and self.begins <= minute < self.ends
        return (today in self.days and minute >= self.begins) or (
            yesterday in self.days and minute < self.ends
        )


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def is_open(windows: Sequence[Window], now: str) -> bool:
    """May be written now? Without windows always. ``now`` is ISO 8601 with its zone."""
    moment = datetime.fromisoformat(now)
    return not windows or any(window.is_open(moment) for window in windows)


def seconds_left(windows: Sequence[Window], now: str) -> float | None:
    """
    How long may still be written: 0 where it may not, None where no end is in sight. Windows that touch or
    overlap are one.
    """
    if not windows:
        return None
    return _seconds_until(windows, now, False)


def stays_open(windows: Sequence[Window], now: str, seconds: float) -> bool:
    """Is it open now, and for so long? Looks no further than that."""
    left = _seconds_until(windows, now, False, timedelta(seconds=seconds)) if windows else None
    return left is None or left >= seconds > 0


def opens_in(windows: Sequence[Window], now: str) -> float | None:
    """In how many seconds it may be written: 0 where it may now, None where that is not in sight."""
    return _seconds_until(windows, now, True) if windows else 0.0


def _seconds_until(windows: Sequence[Window], now: str, wanted: bool, far: timedelta = FAR) -> float | None:
    """
    Until some window is open, or none. Every minute is asked: all that begins or ends, the change of clocks
    included, does so at a whole minute, and no arithmetic on local times can go wrong.
    """
    begin = datetime.fromisoformat(now)
    moment, whole = begin, begin.replace(second=0, microsecond=0)
    while moment - begin <= far:
        if any(window.is_open(moment) for window in windows) is wanted:
            return (moment - begin).total_seconds()
        whole += MINUTE
        moment = whole
    return None


def told(windows: Sequence[Window], now: str) -> str:
    """Whether it is open, until or from when, in words."""
    if is_open(windows, now):
        left = seconds_left(windows, now)
        return "open without an end" if left is None else f"open until {_at(now, left)}"
    wait = opens_in(windows, now)
    return "closed, and does not open" if wait is None else f"closed until {_at(now, wait)}"


def _at(now: str, seconds: float) -> str:
    """That moment, in the zone in which ``now`` is written."""
    return (datetime.fromisoformat(now) + timedelta(seconds=seconds)).isoformat(timespec="minutes")
