"""One virtual router behind its real servers, and the engine on real transports and a real journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.engine.apply import apply
from sipalg_fix.engine.audit import audit
from sipalg_fix.engine.planning import plan
from sipalg_fix.engine.ports import silent
from sipalg_fix.engine.run import Ports, Told
from sipalg_fix.lab import boxes
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.host import AccessSettings, Host, SecretRef
from sipalg_fix.model.packets import NO_PACKETS, Packets
from sipalg_fix.model.plan import Plan
from sipalg_fix.model.playbook import DEFAULT_HOW, How, Playbook, Target
from sipalg_fix.model.report import HostResult
from sipalg_fix.store.journal import Journal
from sipalg_fix.transports.connections import Connections
from sipalg_fix.transports.ssh_keys import KeyStore
from sipalg_fix.wiring import SystemClock, Threads, drivers, utc_now
from tests.e2e.conftest import PASSING, PLATFORMS, options_of

EVERYTHING = date(2026, 11, 23)


@dataclass(slots=True)
class NeverStop:
    """Nobody presses Ctrl-C."""

    asked: bool = False


class NoPackets:
    """No probe point stands behind a virtual router."""

    def packets(self, host: Host) -> Packets:
        """Nothing was sent."""
        del host
        return NO_PACKETS


@dataclass(slots=True)
class Device:
    """A running virtual router, and what the engine needs to work on it."""

    box: boxes.Box
    host: Host
    driver: Driver
    connections: Connections
    journal: Journal

    def ports(self, driver: Driver | None = None) -> Ports:
        stop = NeverStop()
        return Ports(
            tool="test",
            by="test",
            today=EVERYTHING,
            connections=self.connections,
            drivers={self.host.platform: driver or self.driver},
            clock=SystemClock(stop),
            journal=self.journal,
            executor=Threads(stop),
            prober=NoPackets(),
            stop=stop,
            progress=silent,
        )

    def audit(self, driver: Driver | None = None) -> HostResult:
        (line,) = audit(self.ports(driver), [Target(host=self.host)], Intent(), Told()).hosts
        return line

    def plan(self, how: How = DEFAULT_HOW, boot_seconds: float = 30.0) -> Plan:
        book = Playbook(name="law", how=how)
        made, _ = plan(
            self.ports(),
            [Target(host=self.host, how=how)],
            book,
            Told(),
            inventory_digest="",
            boot_seconds=boot_seconds,
        )
        return made

    def apply(self, made: Plan) -> HostResult:
        accepted = made.accepting(made.open_objections())
        (line,) = apply(self.ports(), accepted, Told()).hosts
        return line

    @property
    def kept(self) -> dict[str, Any]:
        """What the router keeps, without what only passes."""
        with self.box.twin.chassis.lock:
            return {key: value for key, value in self.box.twin.snapshot().items() if key not in PASSING}

    @property
    def writes(self) -> int:
        return self.box.twin.chassis.writes


Make = Callable[..., Device]


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Make]:
    """Makes virtual routers; every server is stopped afterwards."""
    with ExitStack() as opened:

        def make(spelled: str, *switches: str, **options: Any) -> Device:
            platform, lab = options_of(spelled, options)
            accesses = tuple(lab.pop("accesses", ()))
            entry = boxes.Entry(
                name="router",
                platform=platform,
                username="admin",
                inventory={},
                options=lab,
                switches=dict.fromkeys(switches, True),
                accesses=accesses,
            )
            folder = tmp_path / f"box{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            box = boxes.build(entry, folder)
            # It has been up for a while: a boot at the very second of another could not be told from it.
            box.twin.chassis.advance(3600.0)
            return _running(opened, box, platform, folder)

        yield make


def _running(opened: ExitStack, box: boxes.Box, platform: str, folder: Path) -> Device:
    settings: dict[str, AccessSettings] = {}
    secrets: dict[str, str] = {}
    for door in box.doors:
        address, port = door.server.start()
        opened.callback(door.server.stop)
        secrets[f"env:{door.access}"] = door.password
        settings[door.access] = AccessSettings(
            address=address,
            port=port,
            username=door.username,
            password=SecretRef(text=f"env:{door.access}"),
            tls_pin=str(door.extras.get("tls_pin", "")),
            plain=bool(door.extras.get("plain", False)),
            seconds=30.0,
        )
    host = Host(name="router", platform=platform, site="law", accesses=settings)
    driver = drivers()[platform].over(settings)
    keys = KeyStore(folder / "keys")
    connections = Connections(secrets=lambda reference: secrets[reference.text], keys=keys)
    for access, key in connections.scan(host, driver):
        if not settings[access].tls_pin:
            keys.accept(host.label, access, key)
    journal = Journal(f"sqlite:///{folder / 'journal.db'}", now=utc_now, by="test")
    opened.callback(journal.close)
    return Device(box, host, driver, connections, journal)


__all__ = ["PLATFORMS", "Device", "Make"]
