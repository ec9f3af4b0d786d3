"""
Driver: all that is known of one platform, as a value of data and pure functions.

No base class and no state. Functions take facts or a transcript and give values; only transports talk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from sipalg_fix.model.facts import Facts, Plane
from sipalg_fix.model.session import Access, Command, SshCli, SshExec, Transcript
from sipalg_fix.model.step import NOTHING, Disruption, Remedy, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """
    A remedy's forward steps enclosed by a guard. ``forward`` replaces the remedy's; ``keep`` settles the
    guard whatever the outcome: after success it keeps the change, after a rollback it stops the timer.
    """

    forward: tuple[Step, ...]
    keep: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """
    How a device brings itself back when nobody confirms a change.

    ``arm`` encloses (facts, remedy, minutes); ``unavailable`` says why it cannot be armed as the device
    is now, or is empty. ``proof`` are the look-only commands that show whether it is still armed, and
    ``pending`` reads them: on (may still fire), off (proven gone), unknown. ``own_lines`` match lines of
    the configuration that are the guard's own. ``held_session``: it lives in the session that armed it,
    which must stay open while a second one verifies.
    """

    name: str
    fires: Disruption
    arm: Callable[[Facts, Remedy, int], Armed]
    unavailable: Callable[[Facts], str]
    proof: tuple[Command, ...]
    pending: Callable[[Transcript], Plane]
    own_lines: tuple[re.Pattern[str], ...] = ()
    held_session: bool = False
    least_minutes: int = 2


BLANKS: Final[Mapping[str, str]] = {
    "<password>": "a long random password, for this account only",
    "<public key>": "the public half of a key pair made for this, such as: ssh-ed25519 AAAA...",
    "<address>": "the address of the computer that runs sipalg-fix, as the router sees it",
}
"""What a person fills in, in the commands that make an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hallmarks:
    """
    By what a router shows over SSH that it is of this platform. Nothing is weighed: it shows it, or not.

    ``shown`` gives the lines that show it; none for a router of another platform, and none where a reply is
    refused, or so cut that it could be another's. What is asked must be harmless on any router that greets
    so, whatever it is; what greets in another way is not asked.
    """

    access: str
    """The access of the driver that SSH is."""
    by: SshCli | SshExec
    """How it is asked; the access itself may need a platform that is known."""
    greeting: re.Pattern[str]
    """Found in how the SSH server names itself (RFC 4253, section 4.2)."""
    questions: tuple[Command, ...]
    shown: Callable[[Transcript], tuple[str, ...]]
    lacks: str = ""
    """Why such a router cannot be looked at over SSH alone, and what to write; empty where it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """What is known of a platform and how well, for people: the platforms table and its docs page."""

    versions: tuple[str, ...]
    """Which versions the evidence covers, in words."""
    unverified: tuple[str, ...] = ()
    """What no recorded evidence shows yet; the parser fails closed there."""
    account: Mapping[str, tuple[str, ...]] | None = None
    """
    What makes a router account with just the rights needed, for ``audit`` and ``change``: commands in the
    order in which a person types them, and, in lines that begin with ``# ``, words for that person. What
    is to be filled in stands as one of :data:`BLANKS`.
    """


def no_more_probes(seen: Transcript) -> tuple[Command, ...]:
    """For drivers whose probes do not depend on replies."""
    del seen
    return ()


def no_flush(facts: Facts) -> tuple[Step, ...]:
    """For platforms that show no SIP state of their own."""
    del facts
    return ()


def another_boot(before: str, after: str, seconds: float) -> bool:
    """For platforms with a boot id: another id is another boot, and no id proves nothing."""
    del seconds
    return bool(before) and bool(after) and before != after


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """
    One platform. ``platform`` is the module's name.

    ``probes`` and ``more_probes`` are read-only, and all that a look-only session will ever send.
    ``parse`` gives Facts or raises NotUnderstood; it must not read a cut or refused reply as off.
    """

    platform: str
    title: str
    aliases: tuple[str, ...]
    accesses: Mapping[str, Access]
    """
    By name; the first is the main one. One access is enough, a plane of another is ``not-read``. Those that
    are in ``instead``, too, are never used beside the main one.
    """
    probes: tuple[Command, ...]
    parse: Callable[[Transcript], Facts]
    remedy: Callable[[Facts], Remedy]
    flush: Callable[[Facts], tuple[Step, ...]] = no_flush
    more_probes: Callable[[Transcript], tuple[Command, ...]] = no_more_probes
    reboot: tuple[Step, ...] = ()
    boot_probes: tuple[Command, ...] = ()
    """A subset of ``probes`` from which ``boot_mark`` reads."""
    boot_mark: Callable[[Transcript], str] = lambda seen: ""
    rebooted: Callable[[str, str, float], bool] = another_boot
    """(mark before, mark after, seconds since the restart was told) -> is this another boot?"""
    guard: Guard | None = None
    backup: tuple[Command, ...] = ()
    """Commands whose replies together are the configuration to keep off the box."""
    calls: tuple[Command, ...] = ()
    """Look-only commands that show live calls, as far as what reads SIP on the router follows them."""
    live_calls: Callable[[Transcript], int | None] | None = None
    """How many of those are up; None when it cannot be told."""
    streams: tuple[Command, ...] = ()
    """Look-only commands that show what passes the router, whoever follows it."""
    live_streams: Callable[[Transcript], int | None] | None = None
    """How many streams pass it that may be calls: a restart ends those, too. None when it cannot be told."""
    secrets: tuple[re.Pattern[str], ...] = ()
    support: Support = Support(versions=())
    hallmarks: Hallmarks | None = None
    """None: a router of this platform never shows by itself that it is one."""
    instead: Mapping[str, Driver] = field(default_factory=dict)
    """
    By name of an access: the driver of a router that is talked to by that one in place of the main access.
    The same platform and facts; its probes, steps and guard are of that access.
    """

    def asked_for_calls(self, *, restarts: bool) -> tuple[Command, ...]:
        """What shows the calls that most steps end, or also those that a restart does."""
        return (*self.calls, *(self.streams if restarts else ()))

    def shows_calls(self, *, restarts: bool) -> bool:
        """Can those be seen?"""
        return (self.live_streams if restarts else self.live_calls) is not None

    def over(self, configured: Collection[str]) -> Driver:
        """The driver of a router for which these accesses are configured."""
        if self.first_access in configured:
            return self
        return next((driver for access, driver in self.instead.items() if access in configured), self)

    @property
    def first_access(self) -> str:
        """The access that transcripts leave unnamed."""
        return next(iter(self.accesses))


def nothing_to_do(facts: Facts) -> Remedy:
    """The remedy of a platform that has nothing to change."""
    del facts
    return NOTHING
