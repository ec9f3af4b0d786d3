"""
Facts: what a device says of itself, parsed, and the state that follows from it.

Planes are RFC 8342's: **running** (in force now by configuration), **startup** (what the next boot
loads) and **operational** (what really runs: modules, daemons, live flows). They are recorded apart and
never averaged. A plane that could not be read is ``unknown`` with its reason, never ``off``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from sipalg_fix.model.canon import digest


class Value(Enum):
    """What one plane says of the SIP ALG."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"
    NONE = "none"
    """The platform has no such plane (RouterOS keeps no separate startup configuration)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """One plane's value, the lines that prove it, and for ``unknown`` the reason."""

    value: Value
    evidence: tuple[str, ...] = ()
    reason: str = ""


def on(*evidence: str) -> Plane:
    """The SIP ALG is on here, as these lines show."""
    return Plane(value=Value.ON, evidence=evidence)


def off(*evidence: str) -> Plane:
    """The SIP ALG is off here, as these lines show."""
    return Plane(value=Value.OFF, evidence=evidence)


def unknown(reason: str, *evidence: str) -> Plane:
    """It could not be told, for this reason."""
    return Plane(value=Value.UNKNOWN, reason=reason, evidence=evidence)


NO_PLANE = Plane(value=Value.NONE)


class State(Enum):
    """What a router does to SIP, by its own words."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    PARTIAL = "partial"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """Something a person should know of a host. ``code`` is stable; the message has the evidence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """
    One thing on the device that alters SIP: a kernel helper, a transport's ALG, a proxy.

    ``prior`` holds the literal settings as the device printed them, so that they can be put back.
    """

    name: str
    running: Plane
    startup: Plane
    operational: Plane
    prior: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """The truth table's row for this helper alone."""
        match self.running.value:
            case Value.ON:
                return State.ENABLED
            case Value.UNKNOWN | Value.NONE:
                return State.UNKNOWN
            case Value.OFF:
                live = self.operational.value is Value.ON and self.startup.value is not Value.ON
                return State.PARTIAL if live else State.DISABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    All that a look at one device gave.

    ``boot_mark`` tells one boot from the next (a boot id where the platform has one). ``config`` is the
    running configuration, line by line and redacted, for diffs. ``unsaved`` says whether running and
    startup differ in anything else than the SIP ALG: None when that could not be told.
    """

    platform: str
    version: str
    helpers: tuple[Helper, ...] = ()
    not_applicable: str = ""
    """Why there is no SIP ALG to speak of (no such feature, no NAT to act in); empty where there is."""
    boot_mark: str = ""
    model: str = ""
    config: tuple[str, ...] = field(default=(), repr=False)
    unsaved: bool | None = None
    standby: bool | None = None
    """Does it say that it stands by for another router? None: it does not say."""
    follows: str = ""
    """What shows that it takes its configuration from another router; empty: nothing shows that."""
    overwritten: bool | None = None
    """Are its helpers' settings among what it takes from there? None: that could not be told."""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """The driver's own marks for its remedy (which tool answered, where a file stands)."""

    @property
    def state(self) -> State:
        """All helpers together: the truth table."""
        if self.not_applicable:
            return State.NOT_APPLICABLE
        states = {helper.state for helper in self.helpers}
        if not states:
            return State.UNKNOWN
        if len(states) == 1:
            return next(iter(states))
        if State.ENABLED in states or State.PARTIAL in states:
            return State.PARTIAL
        return State.UNKNOWN

    @property
    def essence(self) -> str:
        """
        A digest of what a plan is made from: version, states and literal settings. Evidence lines, boot
        and the rest of the configuration are not in it; they change without touching SIP. Nor is what
        runs while the configuration says on: flows come and go, and the remedy is the same.
        """
        return digest(
            [
                self.platform,
                self.version,
                bool(self.not_applicable),
                [_essential(helper) for helper in self.helpers],
                self.notes,
            ]
        )

    @property
    def settings(self) -> str:
        """A digest of what a rollback must bring back: what is set and saved, in the device's words."""
        return digest(
            [[h.name, h.running.value.value, h.startup.value.value, list(h.prior)] for h in self.helpers]
        )


def _essential(helper: Helper) -> list[object]:
    live = helper.operational.value.value if helper.running.value is Value.OFF else ""
    return [helper.name, helper.running.value.value, helper.startup.value.value, live, list(helper.prior)]


def together(planes: tuple[Plane, ...]) -> Plane:
    """One plane of a host from its helpers' planes: on if any is, unknown before off."""
    for value in (Value.ON, Value.UNKNOWN, Value.OFF):
        some = tuple(plane for plane in planes if plane.value is value)
        if some:
            evidence = tuple(line for plane in some for line in plane.evidence)
            reasons = "; ".join(dict.fromkeys(plane.reason for plane in some if plane.reason))
            return Plane(value=value, evidence=evidence, reason=reasons)
    return NO_PLANE
