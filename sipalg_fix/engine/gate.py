"""
Gate: what may stand in the way of a host's first write though its plan is good, asked when it is due.

A host that is turned away here was sent nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sipalg_fix.engine.life import Life
from sipalg_fix.engine.run import Ports
from sipalg_fix.model import journal as words
from sipalg_fix.model.approval import Review
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.plan import WINDOW_CLOSED, HostPlan, Plan, Terms
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


def shut(ports: Ports, terms: Terms) -> PlanError | None:
    """Why nothing is begun now under these terms; None while something may be."""
    now = ports.clock.now()
    if stop := frozen(ports):
        return stop
    if terms.shut(now):
        return PlanError(WINDOW_CLOSED, f"the change window is {told(terms.windows, now)}")
    return None


def too_late(ports: Ports, terms: Terms, what: str, seconds: float) -> PlanError | None:
    """What might still be under way when the window closes is not begun."""
    now = ports.clock.now()
    if WINDOW_CLOSED in terms.accepted or stays_open(terms.windows, now, seconds):
        return None
    message = f"its {what} may take {seconds / 60:g} minutes, and the window is {told(terms.windows, now)}"
    return PlanError("window-too-short", message)


@contextmanager
def at_any_time(life: Life) -> Iterator[None]:
    """Putting right is not bound by windows; that something was sent outside of them is said."""
    now, sent = life.ports.clock.now(), len(life.hand.done)
    try:
        yield
    finally:
        if len(life.hand.done) > sent and life.terms.shut(now):
            life.find(
                WINDOW_CLOSED, f"put right although the change window was {told(life.terms.windows, now)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gate of one run. ``review`` is of its plan: it takes long to make, and is one for all hosts."""

    ports: Ports
    plan: Plan
    review: Review

    def shut_for_all(self) -> PlanError | None:
        """Why no host is begun now; None while some may be."""
        return shut(self.ports, self.plan.terms)

    def shut(self, host_plan: HostPlan) -> PlanError | None:
        """Why this host is not begun now; None when it may be."""
        return self.shut_for_all() or self._too_late(host_plan)

    def _too_late(self, host_plan: HostPlan) -> PlanError | None:
        """A change that might still be under way when the window closes is not begun."""
        seconds = seconds_needed(host_plan, float(self.plan.setting("boot_seconds", 300.0)))
        return too_late(self.ports, self.plan.terms, "change", seconds)

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
