"""Looks are tried again, by fresh sessions and within the time that a host is given; what changes is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.patience import AFTER_A_CHANGE, first_look, tried
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import Host
from sipalg_fix.model.report import Report

from .toy_ports import ToyClock
from .variants import world
from .world import World


def report_of(verb: str, made: World, turned_away: tuple[str, int]) -> Report:
    """What the verb tells of a router that turns so many sessions away, with this error."""
    plan = made.plan() if verb == "apply" else None
    made.toy.turned_away = turned_away
    if plan is not None:
        return made.apply(plan)
    return made.audit() if verb == "audit" else made.dry_run()[1]


@pytest.mark.parametrize("code", ["unreachable", "timeout", "connection-lost"])
@pytest.mark.parametrize("verb", ["audit", "plan", "apply"])
def test_trouble_of_the_line_that_passes_is_no_news(verb: str, code: str) -> None:
    """A host that two sessions could not be had with is told by the third."""
    (result,) = report_of(verb, world(), (code, 2)).hosts
    assert (result.error, result.assessment is not None) == (None, True)
    assert result.change is (ChangeState.CONFIRMED if verb == "apply" else None)


def test_a_login_that_is_refused_is_not_tried_again() -> None:
    """Nor is anything else that is an answer: accounts get locked."""
    made = world()
    made.toy.turned_away = ("access-denied", 1)
    (result,) = made.audit().hosts
    assert result.error is not None
    assert result.error.code == "access-denied"


@pytest.mark.parametrize(
    ("takes", "given"),
    [
        ((0.0, 0.0, 0.0), [30.0, 29.5, 28.5]),
        ((20.0, 20.0, 0.0), [30.0, 9.5]),
        ((29.6, 0.0, 0.0), [30.0]),
        ((40.0, 0.0, 0.0), [30.0]),
    ],
)
def test_looks_are_tried_within_the_hosts_own_time(takes: tuple[float, ...], given: list[float]) -> None:
    """Each is given what is left of it; none is begun after it."""
    made = world()
    host = made.targets[0].host
    host = replace(host, accesses={name: replace(way, seconds=30.0) for name, way in host.accesses.items()})
    had: list[float] = []

    def look(host: Host) -> None:
        had.append(host.accesses["cli"].seconds)
        made.clock.pause(takes[len(had) - 1])
        raise DeviceError("connection-lost", "gone")

    with pytest.raises(DeviceError, match="gone"):
        first_look(made.ports, host, look)
    assert had == given


@pytest.mark.parametrize(("code", "seconds"), [*sorted(AFTER_A_CHANGE.items()), ("access-denied", 0.0)])
def test_a_changed_host_is_tried_as_long_as_it_is_worth(code: str, seconds: float) -> None:
    """Longest where nothing answers, shorter where it says what cannot be read, never where it says no."""
    clock = ToyClock()

    def look() -> None:
        raise DeviceError(code, "not now")

    def end() -> DeviceError | None:
        try:
            return tried(clock, look, AFTER_A_CHANGE)
        except DeviceError as error:
            return error

    error = end()
    assert error is not None
    assert error.code == code
    assert seconds - 5.0 <= clock.monotonic() <= seconds
