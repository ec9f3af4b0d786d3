"""
How RouterOS writes truth, durations and dates, and how it reads what people write.

Source: the MikroTik manual, page "Scripting", data types; dates changed their form in 7.10.
"""

from __future__ import annotations

import datetime
import re

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}

PARTS = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")

CLOCK = re.compile(r"(?:(\d+)d ?)?(\d{1,2}):(\d\d)(?::(\d\d))?")


def truth(text: str) -> str:
    """``true`` or ``false`` for what a user may write; ValueError for anything else."""
    if text in ("yes", "true"):
        return "true"
    if text in ("no", "false"):
        return "false"
    raise ValueError(text)


def span(seconds: float) -> str:
    """A duration, ``6w5d11h55m45s``; the units that are nought are left out."""
    rest, text = int(seconds), ""
    for unit, size in UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def seconds(text: str) -> int:
    """The seconds in ``1h30m``, ``00:05:00``, ``1d 02:00:00`` or ``90``; ValueError for anything else."""
    if text.isdecimal():
        return int(text)
    if clock := CLOCK.fullmatch(text):
        days, hours, minutes, rest = (int(part or 0) for part in clock.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + rest
    parts = PARTS.fullmatch(text)
    if parts is None or not text:
        raise ValueError(text)
    return sum(int(n or 0) * size for n, size in zip(parts.groups(), UNITS.values(), strict=True))


def ports(text: str) -> str:
    """A list of ports as RouterOS keeps it: at most eight numbers, commas between them."""
    numbers = [int(part) for part in text.split(",")] if text else []
    if len(numbers) > 8 or not all(0 < number < 65_536 for number in numbers):
        raise ValueError(text)
    return ",".join(str(number) for number in numbers)


def day(epoch: float, *, iso: bool) -> str:
    """A date as of 7.10, ``2026-11-18``, or as before, ``nov/18/2026``. The twin's clock is UTC."""
    moment = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    return moment.strftime("%Y-%m-%d") if iso else moment.strftime("%b/%d/%Y").lower()


def hour(epoch: float) -> str:
    """The time of day, ``09:26:40``."""
    return datetime.datetime.fromtimestamp(epoch, datetime.UTC).strftime("%H:%M:%S")


def moment(date: str, time: str) -> float:
    """Seconds since the epoch of a date in either form and a time of day; ValueError if they are neither."""
    form = "%Y-%m-%d" if date[:4].isdecimal() else "%b/%d/%Y"
    whole = datetime.datetime.strptime(f"{date.title()} {time}", f"{form} %H:%M:%S")
    return whole.replace(tzinfo=datetime.UTC).timestamp()
