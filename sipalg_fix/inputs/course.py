"""
Course: how a playbook says that a plan is carried out — rollout, change windows, calls in progress.

The shapes of those keys, and the model's values built from them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from sipalg_fix.inputs import codes, fields
from sipalg_fix.inputs.words import did_you_mean, listed, shown
from sipalg_fix.model.calls import Calls
from sipalg_fix.model.rollout import Rollout, Share
from sipalg_fix.model.window import DAYS, Window

STRICT: Final = ConfigDict(strict=True, extra="forbid", frozen=True)
SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
LONGEST_WAIT: Final = 86400
DURATION: Final = "^[1-9][0-9]{0,4}[smh]$"
SHARE: Final = "^([1-9][0-9]{0,4}|([1-9][0-9]?|100)%)$"
BUDGET: Final = "^(0|[1-9][0-9]{0,4}|(0|[1-9][0-9]?|100)%)$"
CLOCK: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
CALLS: Final = "^(skip|ignore|wait [1-9][0-9]{0,4}[smh])$"


def _share(value: object) -> object:
    return _count(value, SHARE, "a number of hosts from 1 on, or a share from 1% to 100%")


def _budget(value: object) -> object:
    return _count(value, BUDGET, "a number of hosts from 0 on, or a share from 0% to 100%")


def _count(value: object, pattern: str, wanted: str) -> object:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(pattern, text):
        raise fields.refusal(codes.BAD_SHARE, f"must be {wanted}, not {_seen(value)}")
    return text


def _duration(value: str) -> str:
    if not re.fullmatch(DURATION, value) or seconds_of(value) > LONGEST_WAIT:
        message = f"must be a time such as 90s, 10m or 2h, at most 24h, not {shown(value)}"
        raise fields.refusal(codes.BAD_DURATION, message)
    return value


def _calls(value: str) -> str:
    word, _, time = value.partition(" ")
    if word in ("skip", "ignore") and not time:
        return value
    if word != "wait" or not time:
        message = f"must be 'wait' and a time such as 'wait 15m', or 'skip', or 'ignore', not {shown(value)}"
        raise fields.refusal(codes.BAD_CHOICE, message)
    return f"wait {_duration(time)}"


def _clock(value: str) -> str:
    if not re.fullmatch(CLOCK, value):
        raise fields.refusal(codes.BAD_WINDOW, f'must be a time of day such as "22:30", not {shown(value)}')
    return value


def _days(value: object) -> object:
    words = value if isinstance(value, list) else []
    wrong = [word for word in words if word not in DAYS]
    if not words or wrong:
        text = wrong[0] if wrong and isinstance(wrong[0], str) else ""
        hint = f"; {shown(text)} is none{did_you_mean(text, DAYS)}" if text else ""
        message = f"must be a list of one or more of {listed(DAYS)}{hint}"
        raise fields.refusal(codes.BAD_WINDOW, message)
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        message = f"must be a time zone such as Europe/Berlin or UTC; {shown(value)} is none"
        raise fields.refusal(codes.BAD_ZONE, message) from None
    return value


def _seen(value: object) -> str:
    return "a list or mapping" if isinstance(value, list | dict) else shown(str(value))


def _text(check: Callable[[str], str]) -> Callable[[object], object]:
    """What is no text is left to the type's own words."""
    return lambda value: check(value) if isinstance(value, str) else value


Size = Annotated[
    Annotated[str, Field(pattern=SHARE)] | Annotated[int, Field(ge=1, le=99999)], BeforeValidator(_share)
]
Budget = Annotated[
    Annotated[str, Field(pattern=BUDGET)] | Annotated[int, Field(ge=0, le=99999)], BeforeValidator(_budget)
]
Duration = Annotated[str, Field(pattern=DURATION), BeforeValidator(_text(_duration))]
CallsText = Annotated[str, Field(pattern=CALLS), BeforeValidator(_text(_calls))]
Clock = Annotated[str, Field(pattern=CLOCK), BeforeValidator(_text(_clock))]
Days = Annotated[
    list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]],
    Field(min_length=1),
    BeforeValidator(_days),
]
Zone = Annotated[str, BeforeValidator(_text(_zone))]


class Pace(BaseModel):
    """How many at once, how long to wait, when to stop."""

    model_config = STRICT

    serial: list[Size] = Field(
        default=[],
        description="Sizes of the batches, of all hosts that are changed; the last goes on for the rest.",
    )
    soak: Duration | None = Field(default=None, description="How long to wait between batches.")
    max_fail: Budget = Field(
        default="0", description="How many may fail, in a batch and in all, before the run stops."
    )


class WindowBlock(BaseModel):
    """When routers may be written to."""

    model_config = STRICT

    days: Days = Field(default=list(DAYS), description="The days on which it begins.")
    begins: Clock = Field(alias="from", description='Local time, such as "22:30".')
    ends: Clock = Field(alias="to", description="Local time; not later than 'from': on the next day.")
    zone: Zone = Field(description="An IANA time zone, such as Europe/Berlin.")


def rollout_of(block: Pace, canary: str) -> Rollout:
    """The model's value."""
    return Rollout(
        canary=canary,
        serial=tuple(_share_of(str(size)) for size in block.serial),
        soak_seconds=float(seconds_of(block.soak)) if block.soak else 0.0,
        max_fail=_share_of(str(block.max_fail)),
    )


def window_of(block: WindowBlock) -> Window:
    """The model's value."""
    return Window(
        days=tuple(day for day in DAYS if day in block.days),
        begins=_minutes(block.begins),
        ends=_minutes(block.ends),
        zone=block.zone,
    )


def calls_of(text: str) -> Calls:
    """The model's value."""
    match text:
        case "ignore":
            return Calls(wait_seconds=None)
        case "skip":
            return Calls(wait_seconds=0.0)
        case _:
            return Calls(wait_seconds=float(seconds_of(text.removeprefix("wait "))))


def seconds_of(text: str) -> int:
    """``90s``, ``10m``, ``2h``."""
    return int(text[:-1]) * SECONDS[text[-1]]


def _share_of(text: str) -> Share:
    return Share(number=int(text.removesuffix("%")), percent=text.endswith("%"))


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
