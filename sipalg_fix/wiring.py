"""
Wiring: the composition root. Real clock, threads, transports, journal and secrets are made here and
nowhere else, and handed to the engine.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sipalg_fix import __version__
from sipalg_fix.engine.ports import Stop
from sipalg_fix.engine.ports import Tell as Progress
from sipalg_fix.engine.run import Ports
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.host import AUTO, Host, SecretRef
from sipalg_fix.model.meeting import STRANGER

if TYPE_CHECKING:
    from sipalg_fix.approvals.checking import Approvals
    from sipalg_fix.store.journal import Journal
    from sipalg_fix.store.notary import Notary
    from sipalg_fix.transports.ssh_keys import KeyStore

In = TypeVar("In")
Out = TypeVar("Out")

TOOL = f"sipalg-fix {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where this tool keeps what outlives a run. ``journal`` is a database URL."""

    state: Path
    journal: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Places:
        """``SIPALG_FIX_STATE`` (a folder), ``SIPALG_FIX_JOURNAL`` (a URL); else the user's state folder."""
        import platformdirs

        state = environ.get("SIPALG_FIX_STATE")
        folder = Path(state) if state else Path(platformdirs.user_state_path("sipalg-fix"))
        url = environ.get("SIPALG_FIX_JOURNAL") or f"sqlite:///{folder.absolute() / 'journal.db'}"
        return cls(state=folder, journal=url)


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The real time."""

    stop: Stop

    def now(self) -> str:
        """UTC, ISO 8601 with seconds."""
        return utc_now()

    def monotonic(self) -> float:
        """Seconds from any start."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Threads:
    """An executor on this machine's threads. Once a stop is asked for, no further host is begun."""

    stop: Stop

    def run(self, work: Callable[[In], Out], items: Sequence[In], forks: int) -> Iterator[tuple[In, Out]]:
        """Outcomes as they come; at most ``forks`` at a time."""
        waiting = iter(items)
        running: dict[Future[Out], In] = {}
        with ThreadPoolExecutor(max_workers=max(1, forks), thread_name_prefix="host") as pool:
            while True:
                while len(running) < forks and not self.stop.asked:
                    item = next(waiting, None)
                    if item is None:
                        break
                    running[pool.submit(work, item)] = item
                if not running:
                    return
                # A finite wait lets the main thread take signals.
                done, _ = wait(list(running), timeout=0.5, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()


@dataclass(slots=True)
class Secrets:
    """Looks references up once, and remembers what it found so that it can be kept out of every text."""

    warn: Callable[[str], None] = lambda text: None
    found: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def resolve(self, reference: SecretRef) -> str:
        """The secret; DeviceError ``no-secret``."""
        from sipalg_fix.inputs.secrets import resolve

        with self.lock:
            if reference.text not in self.found:
                self.found[reference.text] = resolve(
                    reference, ask=getpass.getpass, env=os.environ, warn=self.warn
                )
            return self.found[reference.text]


def drivers() -> Mapping[str, Driver]:
    """All drivers, by platform name."""
    from sipalg_fix.drivers import discover

    return discover()


def driver_for(host: Host) -> Driver:
    """The driver that the inventory names; for ``auto`` the one that knows how to log in, and no more."""
    return STRANGER if host.platform == AUTO else drivers()[host.platform]


def key_names(host: Host, access: str) -> tuple[str, ...]:
    """
    Under which accesses a key that is accepted for this one is filed. Where the platform is still to be found
    out, under all that SSH may turn out to be: it is the same server, and nobody is to be asked twice.
    """
    if host.platform != AUTO:
        return (access,)
    hallmarks = (driver.hallmarks for driver in drivers().values())
    return tuple(sorted({access, *(each.access for each in hallmarks if each is not None)}))


def open_journal(places: Places) -> Journal:
    """The journal, made or brought up to date where needed."""
    from sipalg_fix.store.journal import Journal

    return Journal(places.journal, now=utc_now, by=who(), notary=notary(places))


def notary(places: Places) -> Notary:
    """The key that hallmarks the heads of runs on this machine, and the heads it has signed."""
    from sipalg_fix.store.notary import Notary

    return Notary(places.state)


def sealer(recipients: Sequence[str] = ()) -> Callable[[str], str] | None:
    """
    What seals the originals of backups: to these recipients, and to those in ``SIPALG_FIX_BACKUP_RECIPIENT``
    (one or more, with blanks or commas between them). None without any. PlanError ``bad-recipient``.
    """
    named = os.environ.get("SIPALG_FIX_BACKUP_RECIPIENT", "").replace(",", " ").split()
    if not recipients and not named:
        return None
    from sipalg_fix.sealing.age import sealer as sealed_to

    return sealed_to((*recipients, *named))


def approvals(plan: Path) -> Approvals:
    """
    What stands beside a plan file. ``SIPALG_FIX_ALLOWED_SIGNERS``: this machine carries out only plans that
    go by those signers.
    """
    from sipalg_fix.approvals.checking import Approvals
    from sipalg_fix.approvals.papers import beside

    return Approvals(file=beside(plan), signers=os.environ.get("SIPALG_FIX_ALLOWED_SIGNERS", ""))


def key_store(places: Places) -> KeyStore:
    """The host keys and certificates that were accepted."""
    from sipalg_fix.transports.ssh_keys import KeyStore

    return KeyStore(places.state / "host_keys", user_file=Path.home() / ".ssh" / "known_hosts")


def ports(
    places: Places,
    stop: Stop,
    progress: Progress,
    *,
    warn: Callable[[str], None],
    closing: ExitStack | None = None,
    recipients: Sequence[str] = (),
    logins_per_second: float = 0.0,
) -> Ports:
    """
    The engine's ports on the real world; ``closing`` ends what its sessions share when it ends. Originals
    of backups are sealed to ``recipients``. Of logins with one set of credentials, so many begin in a second.
    """
    from sipalg_fix.transports.connections import Connections
    from sipalg_fix.transports.logins import Logins
    from sipalg_fix.transports.probe_points import ProbePoints

    secrets, keys, logins = Secrets(warn), key_store(places), Logins(per_second=logins_per_second)
    connections = Connections(secrets=secrets.resolve, keys=keys, seal=sealer(recipients), logins=logins)
    if closing is not None:
        closing.callback(connections.close)
    return Ports(
        tool=TOOL,
        by=who(),
        today=date.today(),
        connections=connections,
        drivers=drivers(),
        clock=SystemClock(stop),
        journal=open_journal(places),
        executor=Threads(stop),
        prober=ProbePoints(secrets=secrets.resolve, keys=keys),
        stop=stop,
        progress=progress,
    )


def utc_now() -> str:
    """UTC, ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def who() -> str:
    """``user@machine``."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
