"""
Patience: how often a look is tried. Each try has a session of its own, and waits longer than the one before.

Only looks are asked for here. A command that changes something is sent again by whoever sent it, and only
once a look has shown that it did not act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from sipalg_fix.engine.ports import Clock
from sipalg_fix.engine.run import Ports, say
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import Host

T = TypeVar("T")

LOST = frozenset({"unreachable", "timeout", "connection-lost"})
"""Nothing answers: it may when it is asked again."""
GOING_DOWN = LOST | {"not-understood"}
"""What a box says while it goes down and comes up: it may take TCP and reset it, or print half a line."""
LOOKS = 3
"""How often a host is looked at to which nothing was sent yet."""
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 5.0

AFTER_A_CHANGE: Mapping[str, float] = MappingProxyType({**dict.fromkeys(LOST, 60.0), "not-understood": 10.0})
"""Error code -> seconds for which a host that was changed is tried: longer when it does not answer at all."""


def through_a_boot(seconds: float) -> Mapping[str, float]:
    """The same for a host that is to come up within ``seconds``, and may say anything meanwhile."""
    return dict.fromkeys(GOING_DOWN, seconds)


JUST_STARTED = through_a_boot(60.0)
"""For a router in a new boot: it may print half of what it will."""


OF_A_GUARD = through_a_boot(60.0)
"""
For whether a guard may still fire: its access may be another than the main one, and where that is silent the
answer is one in which nothing is said.
"""


def first_look(ports: Ports, host: Host, look: Callable[[Host], T]) -> T:
    """
    A look at a host to which nothing was sent yet: ``LOOKS`` times at most while contact fails, and not
    longer than the host is given for one session. ``look`` gets the host with the time that is left of that.
    """
    clock, wait = ports.clock, FIRST_WAIT_SECONDS
    end = clock.monotonic() + max((access.seconds for access in host.accesses.values()), default=0.0)
    for tries_left in reversed(range(LOOKS)):
        try:
            return look(host)
        except DeviceError as error:
            left = end - clock.monotonic() - wait
            if error.code not in LOST or not tries_left or left <= 0:
                raise
            say(ports, host.name, "reading", f"once more: {error.code}")
        clock.pause(wait)
        host = _within(host, left)
        wait *= 2
    raise AssertionError("the last try ends it")


def _within(host: Host, seconds: float) -> Host:
    accesses = {
        name: replace(access, seconds=min(access.seconds, seconds)) for name, access in host.accesses.items()
    }
    return replace(host, accesses=accesses)


def tried(clock: Clock, look: Callable[[], T], patience: Mapping[str, float]) -> T | DeviceError:
    """
    What a look gives, tried for as long as ``patience`` says of what it meets; the last error of a host that
    stays lost. DeviceError for all else that is not a matter of patience, or no more.
    """
    begun, wait = clock.monotonic(), FIRST_WAIT_SECONDS
    while True:
        try:
            return look()
        except DeviceError as error:
            late = clock.monotonic() + wait > begun + patience.get(error.code, 0.0)
            if late and error.code in LOST:
                return error
            if late:
                raise
        clock.pause(wait)
        wait = min(wait * 2, LONGEST_WAIT_SECONDS)
