"""
Gate: what may stand in the way of a host's first write though its plan is good, asked when it is due.

A host that is turned away here was sent nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sipalg_fix.engine.life import Life
from sipalg_fix.engine.run import Ports
from sipalg_fix.model import journal as words
from sipalg_fix.model.approval import Review
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.plan import WINDOW_CLOSED, HostPlan, Plan
from sipalg_fix.model.step import Disruption
from sipalg_fix.model.window import stays_open, told


def seconds_needed(host_plan: HostPlan, boot_seconds: float) -> float:
    """
    How long a change may be under way at the longest, as far as that is known: until its guard has fired,
    and for each restart.
    """
    guard = host_plan.guard
    restarts = bool(host_plan.reboot) + (guard is not None and guard.fires is Disruption.REBOOT)
    return 60.0 * (guard.minutes if guard else 1) + boot_seconds * restarts


def frozen(ports: Ports) -> PlanError | None:
    """What stops every change, of this run as of any other."""
    freeze = ports.journal.frozen()
    if freeze is None:
        return None
    message = f"all changes are frozen since {freeze.at} by {freeze.by}: {freeze.reason}"
    return PlanError("frozen", message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate of one run. ``review`` is of its plan: it takes long to make, and is one for all hosts."""

    ports: Ports
    plan: Plan
    review: Review

    def shut_for_all(self) -> PlanError | None:
        """Why no host is begun now; None while some may be."""
        now = self.ports.clock.now()
        if stop := frozen(self.ports):
            return stop
        if not self.plan.may_write(now):
            return PlanError(WINDOW_CLOSED, f"the change window is {told(self.plan.windows, now)}")
        return None

    def shut(self, host_plan: HostPlan) -> PlanError | None:
        """Why this host is not begun now; None when it may be."""
        return self.shut_for_all() or self._too_late(host_plan)

    def _too_late(self, host_plan: HostPlan) -> PlanError | None:
        """A change that might still be under way when the window closes is not begun."""
        plan, now = self.plan, self.ports.clock.now()
        seconds = seconds_needed(host_plan, float(plan.setting("boot_seconds", 300.0)))
        if plan.any_time or stays_open(plan.windows, now, seconds):
            return None
        message = f"its change may take {seconds / 60:g} minutes, and the window is {told(plan.windows, now)}"
        return PlanError("window-too-short", message)

    def lets(self, life: Life) -> bool:
        """May the host be written to? If not, its life is at its end: refused."""
        try:
            if why := self.shut(life.plan):
                raise why
            approvals = self.ports.approval.check(self.review, self.ports.clock.now())
        except PlanError as error:
            life.fail(error)
            life.to(ChangeState.REFUSED)
            return False
        if approvals:
            said = {
                "what": "approved",
                "fingerprint": self.review.fingerprint,
                "approvals": to_plain(approvals),
            }
            self.ports.journal.write(life.run, life.host.name, words.SAID, said)
        return True
