"""
What every virtual router has, so that any server, test or rehearsal can hold any of them.

A twin is a plain object with a :class:`Chassis` and the doors it has: a terminal, an exec channel, an
API, a web server. It does no I/O and reads no clock: time is a method (:meth:`Chassis.advance`), and a
server in front of it turns bytes into calls. Twins know nothing of the drivers; they are written from
the vendor's documentation and from what real devices printed.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(slots=True, kw_only=True)
class Switches:
    """Ways to be awkward; all off by default. A server honours the first block, a twin the second."""

    slow: float = 0.0
    """Seconds a server waits before each reply."""
    half_reply: bool = False
    """After login, send the first half of the next reply and then nothing more, for ever."""
    garbage: bool = False
    """Every reply is replaced by bytes that are no text of any device."""
    refuse_login: bool = False
    """Every user name and password is refused."""
    new_host_key: bool = False
    """The SSH host key, or TLS certificate, is another one than at first."""
    hang_up: bool = False
    """The connection is closed in the middle of the first reply after login."""

    wrap: bool = False
    """The terminal wraps long lines at its width as a real screen does."""
    hash_banner: bool = False
    """Banners hold lines that end in ``#`` and ``>``, like prompts."""
    locked: bool = False
    """Another administrator holds the configuration: commits and writes are refused."""
    save_fails: bool = False
    """The configuration can be changed but not stored (full or read-only flash)."""
    refuse_writes: bool = False
    """Every change is refused as by a device that does not know the command."""
    stay_on: bool = False
    """Changes are accepted, but the SIP ALG goes on running until the next boot."""
    reboot_fails: bool = False
    """A reboot is accepted and does not happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account on a twin. ``level`` is the platform's own word: admin, operator, read."""

    password: str
    level: str = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """What one command on an SSH exec channel gave."""

    stdout: str = ""
    stderr: str = ""
    status: int = 0


@dataclass(slots=True, kw_only=True)
class Timer:
    """Something that happens when the twin's clock reaches ``due`` (seconds since the epoch)."""

    due: float
    act: Callable[[], None]
    cancelled: bool = False


START = 1_795_000_000.0
"""Where each twin's clock begins, seconds since the epoch (a day in November 2026)."""


@dataclass(slots=True, kw_only=True)
class Chassis:
    """
    The parts that do not depend on the vendor: accounts, clock, timers, boots, the count of writes.

    ``lock`` is held by a server around every call into the twin, so that twins need no locks of their own.
    """

    name: str
    users: dict[str, User]
    switches: Switches = field(default_factory=Switches)
    identification: str = "SSH-2.0-OpenSSH_9.2p1"
    """How its SSH server names itself (RFC 4253, section 4.2)."""
    now: float = START
    writes: int = 0
    """How many times anything a device would remember was changed: the look-only law counts on it."""
    boots: int = 1
    booted_at: float = START
    resets: int = 0
    """Connections that are still to be reset while the box comes up after a reboot (no clock needed)."""
    timers: list[Timer] = field(default_factory=list)
    on_down: list[Callable[[], None]] = field(default_factory=list)
    """Called when the box goes down; a server drops its connections here."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def boot_id(self) -> str:
        """A UUID that is the same within one boot, and another in the next, as Linux has it."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.name}#{self.boots}"))

    @property
    def uptime(self) -> float:
        """Seconds since the last boot."""
        return self.now - self.booted_at

    def admits(self, user: str, password: str) -> bool:
        """Is this login good?"""
        known = self.users.get(user)
        return known is not None and known.password == password and not self.switches.refuse_login

    def wrote(self) -> None:
        """Every change of anything a device would remember, passing or permanent, is told here."""
        self.writes += 1

    def after(self, seconds: float, act: Callable[[], None]) -> Timer:
        """Do ``act`` when the clock has moved on by ``seconds``."""
        timer = Timer(due=self.now + seconds, act=act)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass: timers fire in order, each at its own moment."""
        end = self.now + seconds
        while True:
            due = [t for t in self.timers if not t.cancelled and t.due <= end]
            if not due:
                break
            timer = min(due, key=lambda t: t.due)
            self.timers.remove(timer)
            self.now = max(self.now, timer.due)
            timer.act()
        self.now = end

    def power_cycle(self, *, resets: int = 2) -> None:
        """The box went down and comes up: a new boot id, sessions dropped, the next connections reset."""
        self.boots += 1
        self.booted_at = self.now
        self.resets = resets
        for drop in list(self.on_down):
            drop()


class Twin(Protocol):
    """A virtual router. It has besides one or more of the doors below."""

    chassis: Chassis

    def snapshot(self) -> dict[str, Any]:
        """Its whole state as plain JSON (configurations, runtime state, pending timers): laws compare it."""


class Terminal(Protocol):
    """One interactive session, as the device side of a pseudo terminal."""

    closed: bool

    def greet(self) -> str:
        """What is shown after login, up to and with the first prompt."""

    def feed(self, typed: str) -> str:
        """What the screen shows for these typed characters (echo included), possibly nothing yet."""


class HasTerminal(Twin, Protocol):
    """A door: SSH with a shell channel."""

    banner: str
    """Sent before authentication; empty for none."""

    def terminal(self, user: str, width: int, height: int) -> Terminal:
        """Open a session for a user who has logged in."""


class HasExec(Twin, Protocol):
    """A door: SSH with an exec channel."""

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run one command line."""


class HasApi(Twin, Protocol):
    """A door: the RouterOS API. Sentences are lists of words, without the length coding."""

    old_login: bool
    """Before 6.43: challenge and response."""

    def talk(self, user: str, sentence: list[str]) -> list[list[str]]:
        """The reply sentences for one command sentence, ending in ``!done`` or ``!fatal``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request. Header names are lower case; ``path`` holds no query."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP reply."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class HasWeb(Twin, Protocol):
    """A door: HTTPS."""

    def serve(self, request: Request) -> Response:
        """Answer one request; authentication is the twin's own business."""
