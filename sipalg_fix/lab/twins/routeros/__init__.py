"""
MikroTik RouterOS as a virtual router: by its API, its command line (SSH), and REST on 7.

The SIP ALG is the connection tracking helper ``sip`` in ``/ip firewall service-port``. A helper that is
disabled takes on no new connections; those it has it keeps until they time out (``sip-timeout``, an
hour), are removed, or the box restarts.

A user name on the command line may end in ``+`` and letters that say how to write (manual, page "Console
login process"); where accounts are kept by a RADIUS server, that server is asked for the whole name.

Switches: ``refuse_writes`` answers ``no such command``; ``locked`` answers a ``failure: …`` (its words
are ours: RouterOS knows no lock); with ``stay_on`` a change of ``disabled`` is answered ``!done`` and
reads back as it was, until the next boot; ``save_fails`` means nothing here, for a change *is* stored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.twin import Chassis, Exec, Request, Response, User
from sipalg_fix.lab.twins.routeros import menus, notation, sentences, web
from sipalg_fix.lab.twins.routeros.box import CONNECTION, CONNECTION6, SERVICE_PORT, Box, Refusal, Row
from sipalg_fix.lab.twins.routeros.console import Runner
from sipalg_fix.lab.twins.routeros.scheduler import SCHEDULER, SCRIPT, Scheduler
from sipalg_fix.lab.twins.routeros.terminal import Session

REGISTRAR = "203.0.113.10:5060"

PROVISION = "/ip firewall service-port set sip disabled=no ports=5060,5061"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    What kind of box it is.

    ``level`` is the group of the account ``admin``: full, write, read, or console (which may not use
    the API); ``users`` adds accounts, name to (password, group), and ``radius`` those of a server.
    ``fresh``: nobody has logged in to its terminal before.
    ``managed`` is ``tr069`` for a box that an auto configuration server looks after, ``tr069-off`` for one
    with the package and no server, or ``script`` for one with a script of its owner that turns the helper
    on every night. ``connections`` is how many phones are registered through it. ``old_login`` is True for
    versions before 6.43.
    """

    version: str = "7.12.2 (stable)"
    board: str = "hEX"
    sip: bool = True
    invalid: bool = False
    ports: str = "5060,5061"
    direct_media: bool = True
    timeout: str = "1h"
    nat: bool = True
    password: str = "admin"
    level: str = "full"
    fresh: bool = False
    users: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    radius: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    old_login: bool | None = None
    managed: str = ""
    connections: int = 2


@dataclass(slots=True, kw_only=True)
class Case(Chassis):
    """A chassis whose own users may add to their names how the console is to write; ``radius`` may not."""

    radius: frozenset[str] = frozenset()

    def admits(self, user: str, password: str) -> bool:
        """By the name alone, where the account is kept here."""
        name, added, _ = user.partition("+")
        if added and name in self.radius:
            return False
        return Chassis.admits(self, name, password)


@dataclass(slots=True, kw_only=True)
class RouterosTwin:
    """A router with the doors of the API, of the command line, and of REST."""

    chassis: Chassis
    box: Box
    scheduler: Scheduler
    old_login: bool
    seven: bool
    phones: int
    version: str
    fresh: bool = False

    def talk(self, user: str, sentence: list[str]) -> list[list[str]]:
        """
        The reply sentences for one command sentence of a user who has shown the right password.

        ``["/login"]`` asks whether this user may use the API at all: the group needs the policy ``api``.
        """
        if sentence == ["/login"]:
            if "api" in self.box.policies(user):
                return [["!done"]]
            reason = "cannot log in" if self.old_login else "invalid user name or password (6)"
            return [["!trap", f"=message={reason}"], ["!done"]]
        if sentence[0] in ("/user/active/print", "/user/active/getall"):
            return [["!re", "=.id=*1", f"=name={user}", "=address=127.0.0.1", "=via=api"], ["!done"]]
        self.forget()
        return sentences.answer(self.box, user, sentence)

    banner = ""

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """One line, without a terminal. What was printed before a refusal stands; 6 has but one status."""
        self.forget()
        name = user.partition("+")[0]
        runner = Runner(box=self.box, owner=name, policies=self.box.policies(name), answer=stdin)
        status = 0
        try:
            self.box.permit(runner.policies, "ssh")
            runner.run(command)
        except Refusal as refusal:
            runner.out.append(refusal.message)
            status = 1 if self.seven else 0
        return Exec(stdout="".join(f"{line}\r\n" for line in runner.out), status=status)

    def terminal(self, user: str, width: int, height: int) -> Session:
        """An interactive session; the width is its own affair, for it draws a line over itself."""
        del width
        self.forget()
        fresh, self.fresh = self.fresh, False
        return Session(self.box, user, height, version=self.version, fresh=fresh)

    def reads_stdin(self, command: str) -> bool:
        """Only what asks a question waits for an answer."""
        return command.strip().strip("/").replace("/", " ") == "system reboot"

    def serve(self, request: Request) -> Response:
        """One request of REST, which 6 does not have."""
        self.forget()
        return web.serve(self.box, request) if self.seven else Response(status=404)

    def forget(self) -> None:
        """Connections that have timed out are no longer tracked."""
        for path in {CONNECTION, CONNECTION6} & self.box.menus.keys():
            rows = self.box.menus[path].rows
            rows[:] = [row for row in rows if float(row["expires"]) > self.chassis.now]

    def register(self) -> None:
        """
        The phones register again: those without a tracked connection get one.

        Whether the ALG is on it is settled now, for as long as it lives.
        """
        self.forget()
        rows = self.box.menus[CONNECTION].rows
        tracked = {row["src-address"] for row in rows}
        helped = self.box.helper("sip")
        lasts = (
            float(notation.seconds(self.box.pick(SERVICE_PORT, "sip")["sip-timeout"])) if helped else 180.0
        )
        for number in range(self.phones):
            source = f"192.168.88.{20 + number}:5060"
            if source not in tracked:
                row = self._track(source, REGISTRAR, lasts=lasts)
                rows.append(row | ({"connection-type": "sip"} if helped else {}))

    def snapshot(self) -> dict[str, Any]:
        """Configuration by menu, tracked connections, changes held back, and the scheduler's timers."""
        stored = {path: [dict(r) for r in m.rows] for path, m in self.box.menus.items() if not m.passing}
        return {
            "configuration": stored,
            "connections": [dict(row) for row in self.box.menus[CONNECTION].rows],
            "held": dict(self.box.held),
            "timers": sorted(timer.due for timer in self.scheduler.timers.values()),
            "boots": self.chassis.boots,
        }

    def _track(self, source: str, target: str, *, protocol: str = "udp", lasts: float) -> Row:
        number = 0x4000 + len(self.box.menus[CONNECTION].rows) + 0x100 * self.chassis.boots
        taken = {row[".id"] for row in self.box.menus[CONNECTION].rows}
        while f"*{number:X}" in taken:
            number += 1
        return menus.connection(number, protocol, source, target, now=self.chassis.now, lasts=lasts)

    def stream(self, port: int, *, far: int = 20000, fasttracked: bool = False, six: bool = False) -> Row:
        """
        Somebody inside begins to send to somebody outside, and gets answers, until ``expires`` is set. The
        packets of one that is FastTracked go past connection tracking, so that nothing puts its timeout up.
        """
        lasts = 150.0 if fasttracked else math.inf
        if six:
            ends = ("2001:db8:88::20", port), ("2001:db8:9::9", far)
            row = menus.connection6(0x9000 + port, *ends, expires=self.chassis.now + lasts)
        else:
            row = self._track(f"192.168.88.20:{port}", f"203.0.113.9:{far}", lasts=lasts)
        row["fasttrack"] = notation.truth("yes" if fasttracked else "no")
        self.box.menus[CONNECTION6 if six else CONNECTION].rows.append(row)
        return row

    def browse(self) -> None:
        """Others have connections too: a flush must leave them. One has a port that only begins with 5060."""
        rows = self.box.menus[CONNECTION].rows
        rows.append(self._track("192.168.88.31:50604", "203.0.113.80:443", protocol="tcp", lasts=86_400.0))
        rows.append(self._track("192.168.88.32:41822", "203.0.113.53:53", lasts=180.0))


def from_options(name: str, options: Mapping[str, Any]) -> RouterosTwin:
    """A box of this identity; the options are those of :class:`Options`, TypeError for any other."""
    given = Options(**options)
    accounts = {"admin": User(password=given.password, level=given.level)}
    accounts |= {who: User(password=word, level=group) for who, (word, group) in given.users.items()}
    accounts |= {who: User(password=word, level=group) for who, (word, group) in given.radius.items()}
    chassis = Case(name=name, users=accounts, identification="SSH-2.0-ROSSSH", radius=frozenset(given.radius))
    release = tuple(int(part) for part in given.version.split(maxsplit=1)[0].split(".")[:2])
    box = Box(chassis=chassis, iso_dates=release >= (7, 10))
    sip = {
        "ports": notation.ports(given.ports),
        "sip-direct-media": notation.truth("yes" if given.direct_media else "no"),
        "sip-timeout": given.timeout,
        "invalid": notation.truth("yes" if given.invalid else "no"),
        "disabled": notation.truth("no" if given.sip else "yes"),
    }
    menus.fill(box, version=given.version, board=given.board, sip=sip, nat=given.nat)
    scheduler = Scheduler(box=box)
    scheduler.attach()
    old = release < (6, 43) if given.old_login is None else given.old_login
    twin = RouterosTwin(
        chassis=chassis,
        box=box,
        scheduler=scheduler,
        old_login=old,
        seven=release >= (7, 1),
        phones=given.connections,
        version=given.version.split(maxsplit=1)[0],
        fresh=given.fresh,
    )
    _manage(twin, given.managed)
    twin.register()
    twin.browse()
    return twin


def _manage(twin: RouterosTwin, by: str) -> None:
    """Somebody else looks after this box, and will not know of what we change."""
    box = twin.box
    match by:
        case "":
            pass
        case "tr069" | "tr069-off":
            row = {
                "enabled": "true" if by == "tr069" else "false",
                "acs-url": "https://acs.example.net:7548/" if by == "tr069" else "",
                "periodic-inform-enabled": "true",
                "periodic-inform-interval": "1d",
                "status": "running" if by == "tr069" else "disabled",
            }
            box.menus["/tr069-client"] = menus.read_only(row)
        case "script":
            common = {"owner": "admin", "policy": "read,write,policy,test", "run-count": "0"}
            box.menus[SCRIPT].rows.append({".id": "*1", "name": "provision", "source": PROVISION, **common})
            start = {
                "start-date": notation.day(twin.chassis.now, iso=box.iso_dates),
                "start-time": "03:00:00",
            }
            entry = {"interval": "1d", "on-event": "provision", "disabled": "false"}
            row = {".id": "*1", "name": "nightly", **start, **entry, **common}
            box.menus[SCHEDULER].rows.append(row)
            twin.scheduler.wind()
        case _:
            raise ValueError(f"managed by {by!r}")
