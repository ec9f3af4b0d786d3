"""
Line: what all ways of talking to a device have in common: where it is, how long we wait, what it said.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Final, Protocol

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import AccessSettings
from sipalg_fix.model.session import Command

MOST: Final = 32 << 20
"""Bytes in one reply; a device that sends more is not answering our question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer before redaction; the fields are those of :class:`~sipalg_fix.model.session.Reply`."""

    text: str = field(repr=False)
    status: str = "ok"
    prompt: str = ""


class Line(Protocol):
    """
    An open, authenticated conversation over one access of one host.

    After an error the line is out of step with the device and must not be used again.
    """

    def say(self, command: Command) -> Said:
        """Send one command and wait for its answer; DeviceError when none can be had."""

    def close(self) -> None:
        """Hang up. Never raises, may be called twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One access of one host, on the network. ``label`` (``site/name``) is how its keys are filed."""

    label: str
    name: str
    access: str
    port: int
    settings: AccessSettings
    deadline: Deadline

    @property
    def address(self) -> str:
        """Host name or IP address."""
        return self.settings.address

    @property
    def where(self) -> str:
        """``address:port``, for messages."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"{address}:{self.port}"

    def error(self, code: str, what: str) -> DeviceError:
        """A DeviceError that says which endpoint it is about."""
        return DeviceError(code, f"{self.where} {what}")

    def lost(self, when: str) -> DeviceError:
        """The connection went away."""
        return self.error("connection-lost", f"ended the connection {when}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What to log in with, already looked up. Never printed."""

    username: str
    password: str = field(default="", repr=False)
    enable: str = field(default="", repr=False)
    key_file: str = ""


class Deadline:
    """A moment after which nothing more is waited for."""

    def __init__(self, seconds: float, *, not_after: Deadline | None = None) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        if not_after is not None and not_after._end < self._end:
            self._seconds, self._end = not_after._seconds, not_after._end

    def sooner(self, seconds: float) -> Deadline:
        """A deadline of its own for a part of this one's time."""
        return Deadline(seconds, not_after=self)

    @property
    def remaining(self) -> float:
        """Seconds left; zero or less when it is over."""
        return self._end - time.monotonic()

    def left(self, endpoint: Endpoint) -> float:
        """Seconds left, to be given to the next wait; DeviceError ``timeout`` when there are none."""
        if (seconds := self.remaining) <= 0:
            raise self.missed(endpoint)
        return seconds

    def missed(self, endpoint: Endpoint) -> DeviceError:
        """The error for a wait that took too long."""
        return endpoint.error("timeout", f"did not answer within {self._seconds:g} seconds")


def hush(*names: str) -> None:
    """
    Keep a library's log from being printed by default (paramiko logs whole tracebacks of what we handle)
    and out of the root logger, whoever listens there. Who wants to see it adds a handler to its logger.
    """
    for name in names:
        logger = logging.getLogger(name)
        logger.propagate = False
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
