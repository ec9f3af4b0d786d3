"""
Plan: remedies in order, for review and for exactly one meaning.

A plan file holds all that ``apply`` needs: host records with secret references, the facts each remedy
was made from, the steps, what undoes them, the objections, and a fingerprint over all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from sipalg_fix.model.approval import ApprovalRule, Author, Review
from sipalg_fix.model.assessment import Assessment, Intent
from sipalg_fix.model.calls import DEFAULT_CALLS, Calls
from sipalg_fix.model.canon import digest, from_plain, to_plain
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import Host
from sipalg_fix.model.rollout import Batch, Rollout
from sipalg_fix.model.step import Disruption, Objection, Remedy, Step
from sipalg_fix.model.window import Window, is_open

SCHEMA = "sipalg-fix/plan/1"
WHOLE = "the plan as a whole"
"""Who raises an objection that no host does."""
CALLS_UNKNOWN = "calls-unknown"
"""The objection to cutting calls of which nobody knows whether there are any."""
WINDOW_CLOSED = "window-closed"
"""
The objection to carrying a plan out now. It stands whenever the windows are closed, not for good: so it is
in no plan, and a plan that accepts it may be carried out at any time.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPlan:
    """The guard a change is enclosed in, in steps. ``minutes`` until it fires unconfirmed."""

    name: str
    fires: Disruption
    minutes: int
    forward: tuple[Step, ...]
    keep: tuple[Step, ...]
    held_session: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """What would be done to one host, and why. A host with an empty remedy is left alone."""

    host: Host
    facts: Facts
    assessment: Assessment
    remedy: Remedy
    guard: GuardPlan | None = None
    guard_wanted: str = "auto"
    flush: tuple[Step, ...] = ()
    reboot: tuple[Step, ...] = ()
    """The restart, when the playbook asks for one or the remedy needs it."""
    objections: tuple[Objection, ...] = ()
    disruption: Disruption = Disruption.NONE

    @property
    def changes(self) -> bool:
        """Would anything be sent to this host?"""
        remedy = self.remedy
        return bool(remedy.forward or remedy.save or self.flush or self.reboot) and not remedy.impossible


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A host that could not be read, and so is not in the plan."""

    host: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a plan says that still binds a host's change under way; it is in the journal with it."""

    calls: Calls = DEFAULT_CALLS
    windows: tuple[Window, ...] = ()
    accepted: tuple[str, ...] = ()

    def shut(self, now: str) -> bool:
        """Are the change windows closed at this moment, and did nobody accept that?"""
        return WINDOW_CLOSED not in self.accepted and not is_open(self.windows, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A change review's subject. ``made`` is UTC, ISO 8601; ``playbook`` is its normalised text."""

    tool: str
    run: str
    made: str
    by: str
    inventory: str
    """The file, and its digest."""
    inventory_digest: str
    playbook: str
    intent: Intent
    settings: tuple[tuple[str, str], ...] = ()
    """What the playbook says of how: forks, reboot, guard …, as (name, JSON text)."""
    hosts: tuple[HostPlan, ...] = ()
    failures: tuple[Failure, ...] = ()
    accepted: tuple[str, ...] = ()
    approval: ApprovalRule | None = None
    """Who must approve it; inside the fingerprint, as is the author."""
    author: Author | None = None
    rollout: Rollout | None = None
    batches: tuple[Batch, ...] = ()
    """The hosts that are changed, by name, in the order in which they are begun. Empty: all together."""
    windows: tuple[Window, ...] = ()
    """When it may be carried out; at any time where there are none."""
    calls: Calls = DEFAULT_CALLS
    objections: tuple[Objection, ...] = ()
    """Reasons against the plan as a whole."""
    schema: str = SCHEMA

    @property
    def fingerprint(self) -> str:
        """Over everything in the plan, the accepted objections included."""
        return digest(self)

    @property
    def review(self) -> Review:
        """What an approval is about. Costs as much as the fingerprint: a plan of many hosts takes a while."""
        return Review(fingerprint=self.fingerprint, rule=self.approval, author=self.author)

    @property
    def changing(self) -> tuple[HostPlan, ...]:
        """The hosts to which something would be sent."""
        return tuple(host for host in self.hosts if host.changes)

    def open_objections(self) -> dict[str, tuple[str, ...]]:
        """Objection codes nobody has accepted, with the hosts that raise them: none for the plan's own."""
        raised: dict[str, list[str]] = {o.code: [] for o in self.objections if o.code not in self.accepted}
        for host_plan in self.changing:
            for objection in host_plan.objections:
                if objection.code not in self.accepted:
                    raised.setdefault(objection.code, []).append(host_plan.host.name)
        return {code: tuple(hosts) for code, hosts in raised.items()}

    @property
    def terms(self) -> Terms:
        """What still binds its hosts once they are begun."""
        return Terms(calls=self.calls, windows=self.windows, accepted=self.accepted)

    def may_write(self, now: str) -> bool:
        """Is a change window open at this moment (UTC, ISO 8601), or was it accepted that none is?"""
        return self.any_time or is_open(self.windows, now)

    @property
    def any_time(self) -> bool:
        """Was it accepted that it is carried out outside its windows?"""
        return WINDOW_CLOSED in self.accepted

    def accepting(self, codes: Iterable[str]) -> Plan:
        """The same plan with these objections accepted: another fingerprint."""
        return replace(self, accepted=tuple(sorted({*self.accepted, *codes})))

    def setting(self, name: str, default: Any) -> Any:
        """What the playbook said of how, as plain JSON value."""
        found = dict(self.settings).get(name)
        return default if found is None else json.loads(found)


def write_plan(plan: Plan) -> str:
    """The plan file's text: JSON with the fingerprint beside the plan."""
    return json.dumps({"fingerprint": plan.fingerprint, "plan": to_plain(plan)}, indent=2) + "\n"


def read_plan(text: str) -> Plan:
    """A plan from its file. :class:`PlanError` when it is of another make or was touched since."""
    try:
        document = json.loads(text)
        schema = document["plan"]["schema"]
    except (ValueError, KeyError, TypeError):
        raise PlanError(
            "plan-tampered", "this is not a plan file; make one with 'sipalg-fix plan -o'"
        ) from None
    if schema != SCHEMA:
        raise PlanError(
            "plan-version", f"the plan is of the form {schema!r}, this tool reads {SCHEMA!r}; plan again"
        )
    try:
        plan = from_plain(Plan, document["plan"], "plan")
    except ValueError as error:
        raise PlanError(
            "plan-tampered", f"the plan file was changed after it was written ({error})"
        ) from None
    if plan.fingerprint != document.get("fingerprint"):
        raise PlanError(
            "plan-tampered",
            "the plan file was changed after it was written: its fingerprint does not fit; plan again",
        )
    return plan
