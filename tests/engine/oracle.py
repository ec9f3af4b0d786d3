"""
The oracle: does the state in which a change ended agree with what the device really is?

It knows the device from the inside, where the engine does not look. It lets a day pass where a state makes
a promise for later, and knows what the next boot would bring.
"""

from __future__ import annotations

from dataclasses import dataclass

from sipalg_fix.model.assessment import Verdict
from sipalg_fix.model.change import ENDS, ChangeState
from sipalg_fix.model.report import HostResult, host_code

from .toy import HELPERS, SECRET, Toy
from .world import World

S = ChangeState
UNGUARANTEED = frozenset({"no-effect", "guard-fires"})
"""Troubles after which a guard that the device said was armed is not."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a device is, from the inside."""

    running: dict[str, str]
    startup: dict[str, str]
    operational: frozenset[str]

    def planned(self) -> Snapshot:
        """The same with the SIP helpers off in all planes."""
        off = dict.fromkeys(HELPERS, "off")
        return Snapshot(self.running | off, self.startup | off, frozenset())


def snapshot(device: Toy) -> Snapshot:
    """The device now."""
    return Snapshot(dict(device.running), dict(device.startup), frozenset(device.operational))


def lie(result: HostResult, world: World, before: Snapshot, good: ChangeState = S.CONFIRMED) -> str:
    """
    What the result claims and the device is not; empty when it agrees. ``before``: what a rollback brings
    back; ``good``: the end that is asked for. Time passes in the world.
    """
    device = world.devices[result.host]
    checks = (
        _of_the_record(result, world, good),
        _of_the_device(result, device, before),
        _of_later(result, world, device, before),
    )
    return "; ".join(filter(None, checks))


def _of_the_record(result: HostResult, world: World, good: ChangeState) -> str:
    """Journal, order and report, whatever the state."""
    wrong = [world.whole()]
    if result.change not in ENDS:
        wrong.append(f"it ended between two states: {result.change}")
    if SECRET in repr(result) or SECRET in repr(world.journal.kept):
        wrong.append("a foreign exception's text is in the report or the journal")
    if (host_code(result) == 0) != (result.change is good):
        wrong.append(f"exit code {host_code(result)} for {result.change}")
    said = {result.error.code if result.error else "", *(finding.code for finding in result.findings)}
    if "internal" in said and not any(t.what == "crash" for t in world.devices[result.host].troubles):
        wrong.append(f"a fault of ours: {result.error}, {result.findings}")
    if result.change is not good and result.error is None and not result.findings:
        wrong.append("it does not say why")
    return "; ".join(filter(None, wrong))


def _of_the_device(result: HostResult, device: Toy, before: Snapshot) -> str:
    """What the state says of now."""
    now, planned, armed = snapshot(device), before.planned(), device.guard is not None
    in_force = now.running == planned.running
    verdict = result.assessment.verdict if result.assessment else None
    match result.change:
        case S.CONFIRMED:
            true = now == planned and not armed and verdict is Verdict.COMPLIANT and result.error is None
        case S.REFUSED:
            true = now == before and not armed and not result.done
        case S.ROLLED_BACK:
            true = now == before and not armed
        case S.UNSAVED:
            true = in_force and now.startup != planned.startup and not armed
        case S.GUARD_LEFT:
            true = in_force or now == before
        case S.ROLLBACK_FAILED:
            true = now != before
        case S.STRANDED | S.REVERTING:
            true = result.assessment is None
        case _:
            true = verdict is not Verdict.COMPLIANT or result.error is not None
    return "" if true else f"{result.change} ({result.error}), yet it is {now}, armed: {armed}"


def _of_later(result: HostResult, world: World, device: Toy, before: Snapshot) -> str:
    """What the state promises for when nobody does anything any more."""
    now = snapshot(device)
    world.a_day_passes()
    later = snapshot(device)
    if result.change in (S.CONFIRMED, S.REFUSED, S.ROLLED_BACK, S.UNSAVED) and later != now:
        return f"{result.change}, yet later it becomes {later}"
    loaded, saved = device.startup | device.at_boot, before.running == before.startup
    if result.change in (S.CONFIRMED, S.REFUSED, S.ROLLED_BACK) and saved and loaded != now.running:
        return f"{result.change}, yet its next boot loads {loaded}"
    sure = not any(trouble.what in UNGUARANTEED for trouble in device.troubles)
    if result.change is S.REVERTING and later != before and sure and not device.stubborn:
        return f"it was to revert, yet later it is {later}"
    return ""
