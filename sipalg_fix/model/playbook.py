"""
Playbook: what shall be true, where, and how carefully it is brought about. Read from ``playbooks/``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from sipalg_fix.model.approval import ApprovalRule
from sipalg_fix.model.assessment import Exemption, Intent
from sipalg_fix.model.calls import DEFAULT_CALLS, Calls
from sipalg_fix.model.host import Host, ProbePoint
from sipalg_fix.model.rollout import Rollout
from sipalg_fix.model.window import Window


class RebootRule(Enum):
    """When a change ends with a restart."""

    NEVER = "never"
    IF_NEEDED = "if_needed"
    """Only when the remedy says that it does not act without one."""
    ALWAYS = "always"


class GuardRule(Enum):
    """Whether a change is enclosed in the device's own timed revert."""

    AUTO = "auto"
    """Where the device can take it back without a reboot."""
    REQUIRE = "require"
    """Any guard the device has; a host without one is objected to."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How one host is changed; overrides may say otherwise for some hosts. Unset (None) is inherited."""

    reboot: RebootRule | None = None
    guard: GuardRule | None = None
    guard_minutes: int | None = None
    flush: bool | None = None

    def over(self, under: How) -> How:
        """These words where they say something, the others' where they do not."""
        return How(
            reboot=self.reboot or under.reboot,
            guard=self.guard or under.guard,
            guard_minutes=self.guard_minutes or under.guard_minutes,
            flush=under.flush if self.flush is None else self.flush,
        )


DEFAULT_HOW = How(reboot=RebootRule.IF_NEEDED, guard=GuardRule.AUTO, guard_minutes=5, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Other words for the hosts that a selection pattern names."""

    select: str
    how: How


@dataclass(frozen=True, slots=True, kw_only=True)
class Excused:
    """Exempt hosts, by selection pattern."""

    select: str
    exemption: Exemption


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """The hosts, by selection pattern, that a probe point stands behind."""

    select: str
    point: ProbePoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """One playbook. ``select`` narrows the inventory; ``text`` is its file as it was read."""

    name: str
    intent: Intent = field(default_factory=Intent)
    select: str = ""
    how: How = DEFAULT_HOW
    overrides: tuple[Override, ...] = ()
    exemptions: tuple[Excused, ...] = ()
    probes: tuple[Behind, ...] = ()
    """Of several for one host, the first is meant."""
    forks: int = 10
    approval: ApprovalRule | None = None
    """Who must approve a plan that is made with it."""
    recipients: tuple[str, ...] = ()
    """The age recipients to whom the originals of backups are sealed."""
    rollout: Rollout | None = None
    windows: tuple[Window, ...] = ()
    calls: Calls = DEFAULT_CALLS
    logins_per_second: int = 0
    """How many logins with one set of credentials begin in a second; 0 for any number."""
    source: str = ""
    text: str = field(default="", repr=False)

    def how_for(self, matching: frozenset[str]) -> How:
        """How a host is changed, given the override patterns that match it; later ones win."""
        how = self.how
        for override in self.overrides:
            if override.select in matching:
                how = override.how.over(how)
        return how


AUDIT_ONLY = Playbook(name="audit")
"""What an audit without a playbook asks: is the SIP ALG shown to be off?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One selected host, with what the playbook says of it in particular."""

    host: Host
    how: How = DEFAULT_HOW
    exempt: Exemption | None = None
    canary: bool = False
    """Is it among those that go first?"""
