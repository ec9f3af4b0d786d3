"""
Regression: SIP that got through before a change and is blocked after it, as packets show. It is taken back.

SIP that is still altered is none: it is a finding, and what is off stays off.
"""

from __future__ import annotations

from sipalg_fix.engine.life import Life
from sipalg_fix.model.assessment import SIP_BLOCKED, Assessment
from sipalg_fix.model.change import Phase
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import Value

SHARE = 4
"""Under an armed guard packets are asked for where a probe point's deadline fits into its time so often."""


def has_time(life: Life) -> bool:
    """May packets be asked for now? A guard that fires meanwhile would take back what is well."""
    point, guard = life.host.probe, life.plan.guard
    if point is None:
        return False
    return guard is None or not life.armed or SHARE * point.seconds <= 60.0 * guard.minutes


def sip_lost(life: Life) -> bool:
    """
    Did what was sent cost SIP its way? Asked a second time before it is believed: calls are at stake both
    ways. The life has failed by it then.
    """
    if Phase.FORWARD not in life.hand.phases or not _is_blocked(life.assessment) or not _got_through(life):
        return False
    if not life.ports.prober.packets(life.host).blocked:
        return False
    reason = life.assessment.planes.packets.reason if life.assessment else ""
    message = f"SIP got through before the change and is blocked after it: {reason}"
    life.fail(DeviceError("packets-regressed", message))
    return True


def _is_blocked(seen: Assessment | None) -> bool:
    return seen is not None and any(finding.code == SIP_BLOCKED for finding in seen.findings)


def _got_through(life: Life) -> bool:
    """Before the change: by the look that it began with, or else by the plan's."""
    for seen in (life.before, life.plan.assessment):
        if _is_blocked(seen):
            return False
        if seen is not None and seen.planes.packets.value in (Value.ON, Value.OFF):
            return True
    return False
