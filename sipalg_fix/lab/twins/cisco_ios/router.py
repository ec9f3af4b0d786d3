"""
A Cisco router: its configurations, its translations, its timers, and how it boots.

The revert timer lives here because it outlives the session that started it; it takes back only what
differs from its copy, without a restart (published session of ``configure terminal revert timer``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sipalg_fix.lab.twin import START, Chassis, Terminal, Timer, User
from sipalg_fix.lab.twins.cisco_ios import factory
from sipalg_fix.lab.twins.cisco_ios.config import Config, sip_off, translates
from sipalg_fix.lab.twins.cisco_ios.factory import LAN, REGISTRAR, WAN
from sipalg_fix.lab.twins.cisco_ios.options import TRANSPORTS, Options, read_options

REGISTER_SECONDS = 30.0
"""After its translation is gone a phone registers anew this much later."""
WAS_UP = 1_483_500.0
"""Seconds since its last boot when a router begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One translation. ``sip``: the ALG has its hand in it."""

    protocol: str
    outer: str
    inner: str
    outside: str
    sip: bool = False

    def line(self) -> str:
        """As ``show ip nat translations`` prints it."""
        return f"{self.protocol} {self.outer:<21} {self.inner:<21} {self.outside:<21} {self.outside}"


@dataclass(slots=True, kw_only=True)
class Revert:
    """A revert timer that runs."""

    copy: Config
    minutes: int
    user: str
    since: float
    timers: list[Timer]


class CiscoIos:
    """
    A virtual router with a terminal.

    ``users`` are the accounts, by default admin with password admin; their level is ``1`` or ``15``, any
    other word means the option ``level``. ``options`` are those of
    :class:`~sipalg_fix.lab.twins.cisco_ios.options.Options`; another one is a :class:`ValueError`.
    """

    def __init__(self, name: str, users: dict[str, User] | None = None, **options: Any) -> None:
        self.options: Options = read_options(options)
        self.chassis = Chassis(
            name=name,
            users=users or {"admin": User(password="admin")},
            booted_at=START - WAS_UP,
            identification="SSH-2.0-Cisco-1.25",
        )
        self.enable_secret = self.options.enable
        self.sessions: list[Terminal] = []
        self.notices: list[Callable[[str], None]] = []
        """Where a message to all who are logged in goes."""
        self.revert: Revert | None = None
        self.reload: list[Timer] = []
        self.copies = 0
        self.saves = 0
        self.sticky: set[str] = set()
        """Transports whose ALG goes on although the configuration says off, until the next boot."""
        self.changed_at = self.saved_at = START - 86_400.0
        self.changed_by = "admin"
        self.entries: list[Entry] = []
        host = self.options.host_name or name
        levels = {who: str(self.level(who)) for who in self.chassis.users}
        startup = self.options.running if self.options.startup is None else self.options.startup
        made = factory.first_configuration
        self.startup: Config | None = made(self.options, host, levels, on=startup)
        self.running = factory.with_edit(
            self.options, made(self.options, host, levels, on=self.options.running)
        )
        self.register()
        self.chassis.on_down.append(self._boot)

    # What it is.

    @property
    def banner(self) -> str:
        """Shown before authentication."""
        return factory.MOTD + (factory.CONFUSING if self.chassis.switches.hash_banner else "")

    @property
    def host_name(self) -> str:
        """As configured."""
        heads = [block.head for block in self.running.blocks if block.head.startswith("hostname ")]
        return heads[0].split()[1] if heads else "Router"

    def level(self, user: str) -> int:
        """The privilege level with which this user's sessions begin."""
        known = self.chassis.users.get(user)
        return int(known.level) if known and known.level in ("1", "15") else self.options.level

    def date(self, at: float | None = None) -> str:
        """A moment as it writes it: ``16:02:11 UTC Thu Nov 19 2026``."""
        moment = time.gmtime(self.chassis.now if at is None else at)
        return time.strftime("%H:%M:%S UTC %a %b ", moment) + f"{moment.tm_mday} {moment.tm_year}"

    @property
    def archiving(self) -> bool:
        """Is there a place for copies of the configuration?"""
        return self.running.has("archive") and any(
            line.startswith(" path ") for line in self.running.block("archive").below
        )

    @property
    def modified(self) -> bool:
        """Is anything not saved?"""
        return self.startup is None or self.startup.lines() != self.running.lines()

    def terminal(self, user: str, width: int, height: int) -> Terminal:
        """Open a session for a user who has logged in."""
        from sipalg_fix.lab.twins.cisco_ios.screen import Session  # it holds a router, so it imports us

        session = Session(self, user, width, height)
        self.sessions = [known for known in self.sessions if not known.closed] + [session]
        return session

    # Changes.

    def edited(self, before: Config, user: str) -> None:
        """The running configuration was edited; told with what it was, so that nothing said is nothing."""
        if before.lines() == self.running.lines():
            return
        self.chassis.wrote()
        self.changed_at, self.changed_by = self.chassis.now, user
        for transport in TRANSPORTS:
            if sip_off(self.running, transport) and not sip_off(before, transport):
                if self.chassis.switches.stay_on:
                    self.sticky.add(transport)
            elif not sip_off(self.running, transport):
                self.sticky.discard(transport)

    def save(self) -> None:
        """Write what is running to the startup configuration."""
        self.chassis.wrote()
        self.startup = self.running.copy()
        self.saved_at = self.chassis.now

    def guard(self, minutes: int, user: str) -> str:
        """Start the revert timer; the name of its copy."""
        self.chassis.wrote()
        self.copies += 1
        after = self.chassis.after
        self.revert = Revert(
            copy=self.running.copy(),
            minutes=minutes,
            user=user,
            since=self.chassis.now,
            timers=[after(minutes * 60 - 60, self._warn), after(minutes * 60, self.take_back)],
        )
        return f"flash:archive-{self.copies}"

    def _warn(self) -> None:
        self.tell(
            "Rollback Confirmed Change: Rollback will begin in one minute.\n"
            'Enter "configure confirm" if you wish to keep what you\'ve configured\n\n'
        )

    def take_back(self) -> None:
        """The revert timer fires."""
        if self.revert is not None:
            before, self.running = self.running, self.revert.copy.copy()
            self.settle()
            self.edited(before, "revert")
            self.tell(
                f"\nRollback Confirmed Change: rolling to:flash:archive-{self.copies}\n\nRollback Done\n\n"
            )

    def settle(self) -> None:
        """The revert timer is gone, by confirming or by firing."""
        if self.revert is not None:
            for timer in self.revert.timers:
                timer.cancelled = True
            self.revert = None
            self.chassis.wrote()

    def reload_in(self, minutes: int) -> None:
        """Go down later, with notices before."""
        self.cancel_reload()
        self.chassis.wrote()
        for before in (60, 30, 5, 1):
            if before < minutes:
                text = f"\n\n\n\x07***\n*** --- SHUTDOWN in {before // 60}:{before % 60:02d}:00 ---\n***\n"
                self.reload.append(self.chassis.after((minutes - before) * 60, partial(self.tell, text)))
        self.reload.append(self.chassis.after(minutes * 60, self.reboot))

    def cancel_reload(self) -> bool:
        """Stay up; was a reload scheduled?"""
        scheduled = bool(self.reload)
        for timer in self.reload:
            timer.cancelled = True
        self.reload = []
        return scheduled

    def reboot(self) -> None:
        """Go down and come up, unless the switch ``reboot_fails`` is on."""
        self.chassis.wrote()
        self.reload = []
        if not self.chassis.switches.reboot_fails:
            self.chassis.power_cycle()

    def tell(self, text: str) -> None:
        """Say something to everybody who is logged in."""
        for hear in self.notices:
            hear(text)

    def _boot(self) -> None:
        """What a power cycle does to us: every session and all that was not saved is gone."""
        for session in self.sessions:
            session.closed = True
        self.sessions, self.notices, self.entries = [], [], []
        self.sticky.clear()
        if self.revert is not None:
            self.settle()
        self.cancel_reload()
        self.running = self.startup.copy() if self.startup else factory.minimal("Router")
        self.register()

    # Translations.

    def active(self, transport: str) -> bool:
        """Would a new translation of SIP get the ALG?"""
        on = not sip_off(self.running, transport) or transport in self.sticky
        known = transport == "udp" or self.options.knows_tcp
        return translates(self.running) and known and on

    def register(self) -> None:
        """Phones without a translation register; whether the ALG is in it is settled now."""
        if not translates(self.running):
            return
        for number in range(self.options.phones):
            inner = f"{LAN}.{20 + number}:5060"
            if not any(entry.inner == inner for entry in self.entries):
                outer = f"{WAN}:{5060 if number == 0 else 1023 + number}"
                sip = self.active("udp")
                self.entries.append(
                    Entry(protocol="udp", outer=outer, inner=inner, outside=f"{REGISTRAR}:5060", sip=sip)
                )
        web = Entry(protocol="tcp", outer=f"{WAN}:50604", inner=f"{LAN}.60:50604", outside="198.51.100.7:443")
        if web not in self.entries:
            self.entries.append(web)

    def clear(self, gone: Callable[[Entry], bool]) -> int:
        """Forget translations; how many."""
        left = [entry for entry in self.entries if not gone(entry)]
        count = len(self.entries) - len(left)
        self.entries = left
        if count:
            self.chassis.wrote()
            # One whose ALG does not let go comes back with the phone's next packet.
            self.register() if self.sticky else self.chassis.after(REGISTER_SECONDS, self.register)
        return count

    def snapshot(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "running": self.running.lines(),
            "startup": self.startup.lines() if self.startup else None,
            "flows": [f"{e.line()} {'sip' * e.sip}".rstrip() for e in self.entries],
            "revert": self.revert.minutes if self.revert else None,
            "reload": [timer.due for timer in self.reload if not timer.cancelled],
            "sticky": sorted(self.sticky),
            "revisions": self.copies,
            "boots": self.chassis.boots,
        }
