"""The engine's ports in memory, and sessions with toy routers through them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sipalg_fix.model import journal as words
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, JournalError, PlanError
from sipalg_fix.model.facts import Plane
from sipalg_fix.model.host import Host
from sipalg_fix.model.journal import START, End, Freeze, Row, row_hash
from sipalg_fix.model.packets import NOT_PROBED, Packets
from sipalg_fix.model.session import Command, Reply, Transcript

from .toy import Session, Toy

In = TypeVar("In")
Out = TypeVar("Out")
Edge = tuple[ChangeState, ChangeState]


@dataclass(slots=True)
class ToyClock:
    """Time that passes only when somebody waits."""

    seconds: float = 0.0

    def now(self) -> str:
        """The wall clock."""
        moment = datetime(2026, 11, 23, 10, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)
        return moment.isoformat(timespec="seconds")

    def monotonic(self) -> float:
        """Seconds since the world began."""
        return self.seconds

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds


@dataclass(slots=True)
class ToyStop:
    """A person who may ask to stop."""

    asked: bool = False


@dataclass(slots=True)
class ToyProber:
    """A probe point that says what it was told to say."""

    plane: Plane = NOT_PROBED

    def packets(self, host: Host) -> Packets:
        """The same for every host."""
        del host
        return Packets(plane=self.plane)


class Killed(BaseException):
    """The process ends here, and nobody catches it."""


@dataclass(slots=True)
class ToyJournal:
    """
    A journal in memory with a real hash chain. ``breaks_at``: the number of the row that cannot be
    written, and with ``heals`` the only one. ``killed_at``: the number of the row at which the process is
    killed, before it is written or just ``after``.
    """

    clock: ToyClock
    kept: dict[str, list[Row]] = field(default_factory=dict)
    leases: dict[str, str] = field(default_factory=dict)
    breaks_at: int = 0
    heals: bool = False
    killed_at: int = 0
    after: bool = False
    killed_by: str = ""
    """The state after whose row the process is killed."""
    written: int = 0
    freeze: Freeze | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def open_run(self, verb: str, payload: Mapping[str, Any]) -> str:
        """Begin a run."""
        with self.lock:
            run = f"run-{len(self.kept) + 1}-{verb}"
            self.kept[run] = []
            self.write(run, "", words.RUN_STARTED, {**payload, "verb": verb})
            return run

    def write(self, run: str, host: str, step: str, payload: Mapping[str, Any]) -> Row:
        """One more row."""
        with self.lock:
            self.written += 1
            late = self.written > self.breaks_at and not self.heals
            if self.breaks_at and (self.written == self.breaks_at or late):
                raise JournalError("journal-unwritable", "the disk is full")
            if self.killed_at and self.written >= self.killed_at + self.after:
                raise Killed
            rows = self.kept[run]
            bare = {
                "run": run, "host": host, "seq": len(rows) + 1, "at": self.clock.now(), "by": "toy@test",
                "step": step, "payload": to_plain(payload), "prev": rows[-1].hash if rows else START,
            }  # fmt: skip
            row = Row(**bare, hash=row_hash(**bare))
            rows.append(row)
            if (self.after and self.written == self.killed_at) or (
                self.killed_by and payload.get("state") == self.killed_by
            ):
                raise Killed
            return row

    def end_run(self, run: str, payload: Mapping[str, Any]) -> End:
        """Close a run; there is no key to sign it with."""
        return End(row=self.write(run, "", words.RUN_ENDED, payload))

    def rows(self, run: str, host: str | None = None) -> tuple[Row, ...]:
        """A run's rows."""
        with self.lock:
            return tuple(row for row in self.kept.get(run, ()) if host is None or row.host == host)

    def host_rows(self, host: str) -> tuple[Row, ...]:
        """A host's rows in all runs."""
        with self.lock:
            return tuple(row for run in self.kept for row in self.rows(run, host))

    def cut_short(self) -> tuple[str, ...]:
        """Runs without an end."""
        with self.lock:
            return tuple(
                run
                for run, rows in self.kept.items()
                if rows[-1].step != words.RUN_ENDED and f"{words.RUN_LEASE}{run}" not in self.leases
            )

    def find_run(self, text: str) -> str:
        """The run of that name, or the last."""
        with self.lock:
            return list(self.kept)[-1] if text == "last" else text

    def frozen(self) -> Freeze | None:
        """What the test says."""
        return self.freeze

    @contextmanager
    def lease(self, host: str, run: str, seconds: float) -> Iterator[None]:
        """A host's lock."""
        assert seconds > 0
        with self.lock:
            if host in self.leases:
                raise PlanError("host-busy", f"{host} is being changed by {self.leases[host]}")
            self.leases[host] = run
        try:
            yield
        finally:
            with self.lock:
                self.leases.pop(host, None)

    def edges(self) -> set[Edge]:
        """Which states followed which, in all runs."""
        taken: set[Edge] = set()
        for run in self.kept:
            last: dict[str, ChangeState] = {}
            for row in self.rows(run):
                if row.step == words.STATE:
                    state = ChangeState(row.payload["state"])
                    taken.add((last.get(row.host, ChangeState.PLANNED), state))
                    last[row.host] = state
        return taken


@dataclass(slots=True)
class Serial:
    """One host after the other. Remembers the forks it was told to use."""

    stop: ToyStop
    forks: list[int] = field(default_factory=list)

    def run(self, work: Callable[[In], Out], items: Sequence[In], forks: int) -> Iterator[tuple[In, Out]]:
        """In order."""
        self.forks.append(forks)
        for item in items:
            if self.stop.asked:
                return
            yield item, work(item)


@dataclass(slots=True)
class Threaded:
    """Hosts at the same time. Remembers how many at most."""

    stop: ToyStop
    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, work: Callable[[In], Out], items: Sequence[In], forks: int) -> Iterator[tuple[In, Out]]:
        """As they come."""

        def counted(item: In) -> tuple[In, Out]:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                return item, work(item)
            finally:
                with self.lock:
                    self.now -= 1

        with ThreadPoolExecutor(max_workers=forks) as pool:
            for future in as_completed([pool.submit(counted, item) for item in items]):
                yield future.result()


@dataclass(slots=True, kw_only=True)
class ToyReader:
    """A session through the port: looks only, by byte-exact commands of the driver's."""

    session: Session
    host: Host
    driver: Driver
    broken: Mapping[str, str]
    seen: Transcript = field(default_factory=Transcript)

    def ask(self, command: Command) -> Reply:
        """Send a look-only command, or refuse to."""
        driver = self.driver
        proof = driver.guard.proof if driver.guard else ()
        allowed = {
            *driver.probes,
            *driver.more_probes(self.seen),
            *driver.boot_probes,
            *driver.backup,
            *driver.calls,
            *driver.streams,
            *proof,
        }
        if command not in allowed:
            raise DeviceError("look-only", f"{command.text!r} is not among what may be asked")
        return self._heard(command)

    def unread(self, access: str) -> str:
        """Accesses that the host has no settings for."""
        return "" if access in self.host.accesses else "not configured"

    def _heard(self, command: Command) -> Reply:
        if code := self.broken.get(command.access):
            raise DeviceError(code, f"no way in over {command.access}")
        reply = self.session.hear(command, change=False)
        self.seen = self.seen.plus(reply)
        return reply


@dataclass(slots=True, kw_only=True)
class ToyWriter(ToyReader):
    """A session through the port that may change things, and read what its steps need."""

    def ask(self, command: Command) -> Reply:
        """Send a command that looks."""
        return self._heard(command)

    def tell(self, command: Command) -> Reply:
        """Send a change."""
        return self.session.hear(command, change=True)


@dataclass(slots=True)
class ToyConnections:
    """
    Logs in to toys. Counts sessions that are open, and those that ever were. ``broken``: accesses that
    cannot be opened, and the code of why.
    """

    devices: Mapping[str, Toy]
    broken: dict[str, str] = field(default_factory=dict)
    open: int = 0
    opened: int = 0

    @contextmanager
    def reader(self, host: Host, driver: Driver) -> Iterator[ToyReader]:
        """A look-only session."""
        with self._session(host) as session:
            yield ToyReader(session=session, host=host, driver=driver, broken=self.broken)

    @contextmanager
    def writer(self, host: Host, driver: Driver) -> Iterator[ToyWriter]:
        """A session for a change."""
        with self._session(host) as session:
            yield ToyWriter(session=session, host=host, driver=driver, broken=self.broken)

    @contextmanager
    def _session(self, host: Host) -> Iterator[Session]:
        device = self.devices[host.name]
        session = device.admit()
        self.open += 1
        self.opened += 1
        try:
            yield session
        finally:
            self.open -= 1
            session.hang_up()
            if device.rude:
                raise DeviceError("connection-lost", "it did not say goodbye")


def nothing_said(host: str, what: str, detail: str = "") -> None:
    """Progress that nobody sees."""
    del host, what, detail
