"""Change windows: midnight, and the nights on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipalg_fix.model.window import DAYS, Window, is_open, opens_in, seconds_left, stays_open, told

BERLIN = "Europe/Berlin"


def window(begins: str, ends: str, *days: str, zone: str = BERLIN) -> Window:
    """From and to, as a playbook says them."""
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (begins, ends)]
    return Window(days=days or DAYS, begins=minutes[0], ends=minutes[1], zone=zone)


def berlin(text: str, *, fold: int = 0) -> str:
    """The moment at which a clock in Berlin shows this, in UTC."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN), fold=fold)
    return local.astimezone(UTC).isoformat(timespec="seconds")


NIGHT = window("22:30", "05:00", "mon")


@pytest.mark.parametrize(
    ("moment", "is_now"),
    [
        ("2026-11-23T22:29:59", False),
        ("2026-11-23T22:30:00", True),
        ("2026-11-23T23:59:59", True),
        ("2026-11-24T00:00:00", True),
        ("2026-11-24T04:59:59", True),
        ("2026-11-24T05:00:00", False),
        ("2026-11-24T22:30:00", False),
        ("2026-11-23T03:00:00", False),
    ],
)
def test_a_window_across_midnight_belongs_to_the_day_it_begins_on(moment: str, is_now: bool) -> None:
    """Monday's ends on Tuesday; Monday's small hours are Sunday's."""
    assert is_open([NIGHT], berlin(moment)) is is_now


@pytest.mark.parametrize(
    ("zone", "utc"),
    [("UTC", "22:30"), (BERLIN, "21:30"), ("Asia/Kolkata", "17:00"), ("America/New_York", "03:30")],
)
def test_the_time_is_that_of_the_zone(zone: str, utc: str) -> None:
    """Wherever the tool runs; New York's Monday evening is Tuesday in UTC."""
    day = "2026-11-24" if zone == "America/New_York" else "2026-11-23"
    there = window("22:30", "23:30", "mon", zone=zone)
    assert is_open([there], f"{day}T{utc}:00+00:00")
    assert seconds_left([there], f"{day}T{utc}:00+00:00") == 3600


@pytest.mark.parametrize(
    ("begins", "ends", "minutes"),
    [
        ("22:00", "05:00", 6 * 60),
        ("01:30", "02:30", 30),
        ("02:30", "05:00", 120),
        ("02:00", "03:00", 0),
        ("02:15", "02:45", 0),
        ("03:00", "04:00", 60),
    ],
)
def test_the_hour_that_is_skipped_never_comes(begins: str, ends: str, minutes: int) -> None:
    """On 2026-03-29 clocks in Berlin go from 02:00 to 03:00: what lies in between takes no time."""
    assert open_minutes(window(begins, ends, "sat", "sun"), berlin("2026-03-28T20:00:00"), 12) == minutes


@pytest.mark.parametrize(
    ("begins", "ends", "minutes"),
    [
        ("22:00", "05:00", 8 * 60),
        ("01:30", "02:30", 30 + 30 + 30),
        ("02:30", "05:00", 30 + 30 + 120),
        ("02:00", "03:00", 120),
        ("02:15", "02:45", 60),
        ("03:00", "04:00", 60),
    ],
)
def test_the_hour_that_comes_twice_is_meant_twice(begins: str, ends: str, minutes: int) -> None:
    """On 2026-10-25 clocks in Berlin go from 03:00 back to 02:00."""
    assert open_minutes(window(begins, ends, "sat", "sun"), berlin("2026-10-24T20:00:00"), 12) == minutes


def open_minutes(one: Window, begin: str, hours: int) -> int:
    """How many minutes of these hours it is open; a day's window alone, not the next day's."""
    first = datetime.fromisoformat(begin).timestamp()
    moments = (datetime.fromtimestamp(first + 60 * n, UTC).isoformat() for n in range(60 * hours))
    return sum(is_open([one], moment) for moment in moments)


def test_a_window_that_meets_the_change_of_clocks_ends_when_the_clock_on_the_wall_says_so() -> None:
    """22:30 to 05:00 lasts an hour less in spring, an hour more in autumn."""
    nightly = [window("22:30", "05:00")]
    assert seconds_left(nightly, berlin("2026-03-28T22:30:00")) == 5.5 * 3600
    assert seconds_left(nightly, berlin("2026-10-24T22:30:00")) == 7.5 * 3600
    assert seconds_left(nightly, berlin("2026-11-23T22:30:00")) == 6.5 * 3600


def test_a_window_in_the_skipped_hour_opens_a_week_later() -> None:
    """Nothing opens on that Sunday."""
    sunday = [window("02:00", "03:00", "sun")]
    wait = opens_in(sunday, berlin("2026-03-28T12:00:00"))
    assert wait == 7 * 86400 + 13 * 3600


def test_windows_that_touch_are_one() -> None:
    """And those that overlap."""
    both = [window("20:00", "22:00"), window("22:00", "23:00"), window("22:30", "23:30")]
    assert seconds_left(both, berlin("2026-11-23T21:00:00")) == 2.5 * 3600


def test_without_windows_it_is_always_open() -> None:
    """And with one that never ends."""
    now = berlin("2026-11-23T21:00:00")
    assert (is_open([], now), seconds_left([], now), opens_in([], now)) == (True, None, 0.0)
    assert seconds_left([window("00:00", "00:00")], now) is None
    assert stays_open([], now, 1e9)


@settings(deadline=None, max_examples=30)
@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.integers(0, 1439), st.integers(0, 1439))
def test_what_is_left_is_what_is_open(moment: datetime, begins: int, ends: int) -> None:
    """Just before the end it is open, and at the end it is not; and ``stays_open`` says the same."""
    one = [Window(days=DAYS, begins=begins, ends=ends, zone=BERLIN)]
    now = moment.replace(tzinfo=UTC, microsecond=0).isoformat()
    left = seconds_left(one, now)
    if left is None:
        assert begins == ends
        return
    end = datetime.fromisoformat(now).timestamp() + left
    assert not is_open(one, datetime.fromtimestamp(end, UTC).isoformat())
    if left:
        assert is_open(one, datetime.fromtimestamp(end - 1, UTC).isoformat())
        assert stays_open(one, now, left)
    assert not stays_open(one, now, left + 1)


def test_people_are_told_until_when() -> None:
    """In the zone in which the moment was said."""
    assert NIGHT.text == "mon 22:30-05:00 Europe/Berlin"
    assert window("22:30", "05:00").text == "daily 22:30-05:00 Europe/Berlin"
    assert told([NIGHT], "2026-11-23T22:00:00+00:00") == "open until 2026-11-24T04:00+00:00"
    assert told([NIGHT], "2026-11-23T12:00:00+00:00") == "closed until 2026-11-23T21:30+00:00"
