"""
Ports: what the engine needs from outside, as protocols. The composition root hands in real ones.

Errors that cross a port are :class:`sipalg_fix.model.errors.DeviceError` for a device and
:class:`~sipalg_fix.model.errors.JournalError` for the journal; nothing else is expected to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from sipalg_fix.model.approval import Approved, Review
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.host import Host
from sipalg_fix.model.journal import End, Freeze, Row
from sipalg_fix.model.packets import Packets
from sipalg_fix.model.session import Command, Reply

In = TypeVar("In")
Out = TypeVar("Out")


class Reader(Protocol):
    """
    A session that looks only. It sends nothing but byte-exact members of the driver's probe set
    (``probes``, ``more_probes``, ``boot_probes``, the guard's ``proof``, ``calls``, ``streams``, ``backup``):
    anything else is the error ``look-only``, and nothing is sent.
    """

    def ask(self, command: Command) -> Reply:
        """Send a look-only command."""

    def unread(self, access: str) -> str:
        """Why an access cannot be used in this session (``not configured``); empty when it can."""


class Writer(Reader, Protocol):
    """A session that may change things. Opening it is a deliberate act of the engine."""

    def tell(self, command: Command) -> Reply:
        """Send a command that changes something. A cut connection is ``connection-lost``."""


class Stranger(Protocol):
    """
    A router that somebody has logged in to who does not know what it is. All is asked in that one login,
    and its deadline is for all of it.
    """

    @property
    def greeting(self) -> str:
        """How its SSH server names itself, such as ``SSH-2.0-OpenSSH_9.2p1``."""

    def reader(self, host: Host, driver: Driver) -> Reader:
        """A look-only session in the same login, with the router as one of this driver's."""


class Connections(Protocol):
    """
    Opens sessions; one holds all accesses of a host, each opened when it is first used.

    Host keys, certificates and secrets are its business. ``fresh`` sessions share nothing with older ones.
    """

    def reader(self, host: Host, driver: Driver) -> AbstractContextManager[Reader]:
        """A look-only session."""

    def writer(self, host: Host, driver: Driver) -> AbstractContextManager[Writer]:
        """A session for a change."""

    def stranger(self, host: Host) -> AbstractContextManager[Stranger]:
        """One login to a host of the platform ``auto``."""


class Clock(Protocol):
    """Time, so that tests and rehearsals need not wait for it."""

    def now(self) -> str:
        """UTC, ISO 8601 with seconds."""

    def monotonic(self) -> float:
        """Seconds from any start."""

    def pause(self, seconds: float) -> None:
        """Wait. Not cut short when a person asks to stop: hosts in flight are finished, waits and all."""


class Journal(Protocol):
    """Append-only record. Every ``write`` is durable when it returns."""

    def open_run(self, verb: str, payload: Mapping[str, Any]) -> str:
        """Begin a run; its name, such as ``20261123-101500-audit-1f3a``."""

    def write(self, run: str, host: str, step: str, payload: Mapping[str, Any]) -> Row:
        """Append one row to the run's chain; threads may share a run."""

    def end_run(self, run: str, payload: Mapping[str, Any]) -> End:
        """Close a run with its row ``run-ended``, and sign the hash of that row where there is a key."""

    def rows(self, run: str, host: str | None = None) -> tuple[Row, ...]:
        """A run's rows in order, all hosts' or one's; empty for an unknown run."""

    def host_rows(self, host: str) -> tuple[Row, ...]:
        """The newest rows of one host in all runs, in the order in which the runs began."""

    def cut_short(self) -> tuple[str, ...]:
        """Runs that have no end and that nobody works on any more, oldest first."""

    def find_run(self, text: str) -> str:
        """A run's name from its beginning, or ``last``; :class:`PlanError` ``run-unknown``."""

    def lease(self, host: str, run: str, seconds: float) -> AbstractContextManager[None]:
        """Hold a host's change lock; :class:`PlanError` ``host-busy`` names the run that holds it."""

    def frozen(self) -> Freeze | None:
        """What stops all changes now, of whatever run; None while they may be made."""


class Executor(Protocol):
    """Runs one function for many hosts and yields outcomes as they come, in any order."""

    def run(self, work: Callable[[In], Out], items: Sequence[In], forks: int) -> Iterator[tuple[In, Out]]:
        """``work`` never raises: a host's failure is its outcome."""


class Prober(Protocol):
    """Proof by packets: what a probe point behind this host says of the path; ``unknown`` without one."""

    def packets(self, host: Host) -> Packets:
        """
        What was seen. Its plane is on: packets are altered; off: shown clean; unknown: not probed, or it
        could not be told. Takes at most twice the probe point's time: it may be busy with another host.
        """


class Approval(Protocol):
    """Whether a plan may be carried out: asked before a run, and again before each host's first write."""

    def check(self, review: Review, now: str) -> tuple[Approved, ...]:
        """The approvals that count, none where none is asked for; :class:`PlanError` says why not."""


class Stop(Protocol):
    """Whether a person asked to stop: once (finish what is in flight) or twice (now)."""

    @property
    def asked(self) -> bool:
        """Start no more hosts."""


class Tell(Protocol):
    """Progress for people; never secrets, never needed for the outcome."""

    def __call__(self, host: str, what: str, detail: str = "") -> None:
        """``what`` is a short word for the stage."""


Drivers = Mapping[str, Driver]
"""Drivers by platform name and alias."""


def silent(host: str, what: str, detail: str = "") -> None:
    """Tell nobody."""
    del host, what, detail


def first(rows: Iterable[Row], step: str) -> Row | None:
    """The first row of this kind."""
    return next((row for row in rows if row.step == step), None)
