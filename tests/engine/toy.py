"""
A toy router: a small program with running, startup and operational state, a boot counter and guards.

It has two SIP helpers, ``sip-udp`` and ``sip-tcp``, which are lines of its configuration among others. Time
is a clock's that is handed in, and moves by being told to. Trouble is injected at the n-th command that it
hears: see :class:`Trouble`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sipalg_fix.model.errors import DeviceError, NotUnderstood, Refused
from sipalg_fix.model.session import Command, Reply

HELPERS = ("sip-udp", "sip-tcp")
FACTORY = {"hostname": "toy", "sip-udp": "on", "sip-tcp": "on", "ntp": "on"}
BOOT_TAKES = 20.0
SECRET = "hunter2"
"""Stands in the text of foreign exceptions; must be nowhere else."""

FOREVER = 10**9
ACTS_FIRST = frozenset({"lose-after", "silence-after", "garbage", "misread", "crash"})
"""Troubles in which the device has done what it was told all the same."""


class Time(Protocol):
    """The part of a clock that a device needs."""

    def monotonic(self) -> float:
        """Seconds."""

    def pause(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """
    What goes wrong, and when: at the n-th command that is heard (``at``, counted from 1, looks included),
    or at the ``nth`` one that is just ``upon``.

    ``what`` is ``refuse``, ``lose-before`` and ``lose-after`` (acting), ``silence-before`` and
    ``silence-after``, ``garbage`` (acts, and answers nonsense), ``no-effect`` (says it acted), ``misread``
    (the transport cannot make sense of it), ``locked`` (the transport itself says no), ``crash`` (a fault
    of ours), ``guard-fires``, ``edit`` and ``edit-sip`` (another admin's hand), or an error code, which is
    then what the next ``sessions`` sessions end with before they begin.
    """

    what: str
    at: int = 0
    upon: str = ""
    nth: int = 1
    sessions: int = 3


@dataclass(slots=True)
class ArmedGuard:
    """A guard that will fire: at ``due``, or when the session ``held`` ends."""

    due: float
    running: dict[str, str]
    startup: dict[str, str]
    operational: set[str]
    reboots: bool
    held: Session | None


@dataclass(slots=True, kw_only=True)
class Toy:
    """
    The device. ``cold``: a helper that is switched off runs on until ``unload``, ``flush`` or a boot.
    ``strict``: setting what is set already is refused. ``stubborn`` are commands whose effect never comes.
    """

    clock: Time
    cold: bool = False
    strict: bool = False
    autosave: bool = False
    """What is set is saved at once; there is no startup configuration to speak of."""
    late: bool = False
    """What is set acts at the next boot, and nothing shows of it until then."""
    rude: bool = False
    """Every session ends with an error when it is closed."""
    stubborn: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    """Commands that are always refused."""
    troubles: tuple[Trouble, ...] = ()
    running: dict[str, str] = field(default_factory=lambda: dict(FACTORY))
    startup: dict[str, str] = field(default_factory=lambda: dict(FACTORY))
    operational: set[str] = field(default_factory=lambda: set(HELPERS))
    at_boot: dict[str, str] = field(default_factory=dict)
    """What the next boot will set."""
    boot: int = 1
    up_at: float = 0.0
    guard: ArmedGuard | None = None
    heard: int = 0
    """Commands of any kind."""
    times: Counter[str] = field(default_factory=Counter)
    """How often each command was heard."""
    told: list[str] = field(default_factory=list)
    """Commands that came as changes."""
    writes: int = 0
    """Times something was changed by a command."""
    turned_away: tuple[str, int] = ("", 0)
    """(code, how many sessions more) for those who knock."""
    calls: Callable[[float], int | str] = lambda now: 0
    """How many calls are up at a time."""
    streams: Callable[[float], int | str] = lambda now: 0
    """How many streams pass at a time that nothing follows."""
    complaints: list[str] = field(default_factory=list)
    before_telling: Callable[[str], str] = lambda text: ""
    """Asked before a change is heard: what is wrong with that, or nothing."""

    def tick(self) -> None:
        """What time alone does: a guard whose time has come fires."""
        if self.guard is not None and self.guard.held is None and self.clock.monotonic() >= self.guard.due:
            self.fire()

    def fire(self) -> None:
        """The guard takes the change back."""
        guard, self.guard = self.guard, None
        assert guard is not None
        self.running, self.startup = dict(guard.running), dict(guard.startup)
        self.at_boot.clear()
        if guard.reboots:
            self.restart(at=min(guard.due, self.clock.monotonic()))
        else:
            self.operational = set(guard.operational)

    def restart(self, at: float) -> None:
        """Everything but the saved configuration is lost; down for a while."""
        self.boot += 1
        self.startup.update(self.at_boot)
        self.at_boot.clear()
        self.running = dict(self.startup)
        self.operational = self._wanted()
        self.up_at = at + BOOT_TAKES

    def admit(self) -> Session:
        """Somebody logs in."""
        self.tick()
        code, left = self.turned_away
        if left:
            self.turned_away = (code, left - 1)
            self.clock.pause(1.0)
            raise DeviceError(code, f"the toy said {code}")
        if self.clock.monotonic() < self.up_at:
            self.clock.pause(1.0)
            raise DeviceError("unreachable", "nothing answers")
        return Session(device=self, boot=self.boot)

    def _wanted(self) -> set[str]:
        return {name for name in HELPERS if self.running.get(name) == "on"}

    def look(self, text: str) -> str:
        """The answer to a command that only looks."""
        match text:
            case "show version":
                return "Toy OS 1.0\nend"
            case "show running" | "show backup":
                return _listed(self.running)
            case "show startup":
                return _listed(self.startup)
            case "show modules":
                return "".join(f"module {name}\n" for name in HELPERS if name in self.operational) + "end"
            case "show boot":
                return f"boot id {self.boot}\nend"
            case "show calls":
                return f"calls: {self.calls(self.clock.monotonic())}\nend"
            case "show streams":
                return f"streams: {self.streams(self.clock.monotonic())}\nend"
            case "show guard":
                return f"guard: {'armed' if self.guard else 'none'}\nend"
            case "show rules":
                rules = (f"rule {n} {name} {self.running[name]}\n" for n, name in enumerate(HELPERS, 7))
                return "".join(rules) + "end"
            case "get sip":
                return json.dumps({name: self.running[name] for name in HELPERS} | {"comment": "a <object>"})
            case _:
                return "% unknown command"

    def act(self, text: str, session: Session) -> str:
        """The answer to a command that changes something, and the change."""
        self.writes += 1
        words = text.split(" ", 2)
        match words:
            case ["set", name, value] if name in self.running:
                if self.strict and self.running[name] == value:
                    self.writes -= 1
                    return "% nothing to change"
                self._set(name, value)
            case ["rule", number, value] if number in ("7", "8"):
                self._set(HELPERS[int(number) - 7], value)
            case ["put", "sip", body]:
                for name in HELPERS:
                    self._set(name, json.loads(body)[name])
            case ["save"]:
                self.startup = dict(self.running)
            case ["unload"] | ["flush"]:
                self.operational = self._wanted()
            case ["load"]:
                self.operational = set(HELPERS)
            case ["reboot"]:
                self.restart(at=self.clock.monotonic())
            case ["guard", "keep"]:
                if self.guard is not None and self.guard.held not in (None, session):
                    self.writes -= 1
                    return "% not yours"
                self.guard = None
            case ["guard", how, minutes]:
                self._arm(how, float(minutes), session)
            case _:
                self.writes -= 1
                return "% unknown command"
        return "done"

    def _set(self, name: str, value: str) -> None:
        if self.late:
            self.at_boot[name] = value
            return
        self.running[name] = value
        if self.autosave:
            self.startup[name] = value
        if not self.cold or value == "on":
            self.operational = self._wanted() | (self.operational if self.cold else set())

    def _arm(self, how: str, minutes: float, session: Session) -> None:
        self.guard = ArmedGuard(
            due=self.clock.monotonic() + 60.0 * minutes,
            running=dict(self.running),
            startup=dict(self.startup),
            operational=set(self.operational),
            reboots=how == "restart",
            held=session if how == "hold" else None,
        )

    def meets(self, trouble: Trouble, text: str) -> bool:
        """Does it go wrong now?"""
        return trouble.at == self.heard or (trouble.upon == text and trouble.nth == self.times[text])

    def edit(self, name: str, value: str) -> None:
        """Another admin changes something."""
        self._set(name, value)


def _listed(lines: dict[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in lines.items()) + "end"


@dataclass(slots=True, kw_only=True)
class Session:
    """One login. It ends when the device restarts, when contact is lost, and when it is closed."""

    device: Toy
    boot: int
    dead: bool = False

    def hear(self, command: Command, *, change: bool) -> Reply:
        """One command and its answer, with what goes wrong at it."""
        device = self.device
        device.tick()
        device.heard += 1
        device.times[command.text] += 1
        device.clock.pause(0.1)
        if self.dead or self.boot != device.boot:
            self.hang_up()
            raise DeviceError("connection-lost", "the session is gone")
        if change and (wrong := device.before_telling(command.text)):
            device.complaints.append(wrong)
        if change:
            device.told.append(command.text)
        for trouble in device.troubles:
            if device.meets(trouble, command.text) and (reply := self._troubled(trouble, command, change)):
                return reply
        return self._answered(command, change)

    def _answered(self, command: Command, change: bool) -> Reply:
        device, text = self.device, command.text
        if any(re.fullmatch(pattern, text) for pattern in device.refuses):
            return Reply(command=command, text="% not allowed", status="refused")
        if not change:
            answer = device.look(text)
        elif any(re.fullmatch(pattern, text) for pattern in device.stubborn):
            answer = "done"
        else:
            answer = device.act(text, self)
            if text == "reboot" and answer == "done":
                self._lost("connection-lost")
        return Reply(command=command, text=answer, status="refused" if answer.startswith("%") else "ok")

    def _troubled(self, trouble: Trouble, command: Command, change: bool) -> Reply | None:
        """The answer that trouble makes; None where the command is then answered as ever."""
        if trouble.what in ACTS_FIRST:
            self._answered(command, change)
        match trouble.what:
            case "refuse":
                return Reply(command=command, text="% no", status="refused")
            case "no-effect":
                return Reply(command=command, text="done") if change else None
            case "garbage":
                return Reply(command=command, text="\x00#~ ~#")
            case "lose-before" | "lose-after":
                self._lost("connection-lost")
            case "silence-before" | "silence-after":
                self.device.clock.pause(command.seconds)
                self._lost("timeout")
            case "misread":
                raise NotUnderstood("no prompt in what came")
            case "locked":
                raise Refused("somebody else has the lock", reply="locked", code="config-locked")
            case "crash":
                raise RuntimeError(f"the password is {SECRET}")
            case "guard-fires" | "edit" | "edit-sip":
                self._meanwhile(trouble.what)
            case code:
                self.device.turned_away = (code, trouble.sessions)
                self._lost("connection-lost")
        return None

    def _meanwhile(self, what: str) -> None:
        """Something else happens just before the command is heard."""
        device = self.device
        match what:
            case "edit":
                device.edit("ntp", "off")
            case "edit-sip":
                device.edit("sip-tcp", "off")
            case _:
                if device.guard is not None:
                    device.fire()
                if self.boot != device.boot:
                    self._lost("connection-lost")

    def _lost(self, code: str) -> None:
        self.hang_up()
        raise DeviceError(code, f"the toy is lost: {code}")

    def hang_up(self) -> None:
        """The session ends; a guard that lives in it fires."""
        self.dead = True
        guard = self.device.guard
        if guard is not None and guard.held is self:
            self.device.fire()
