"""A world of toy routers, and the verbs to use on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from sipalg_fix.engine.apply import apply
from sipalg_fix.engine.audit import audit
from sipalg_fix.engine.planning import plan
from sipalg_fix.engine.ports import Executor
from sipalg_fix.engine.ports import Tell as Progress
from sipalg_fix.engine.run import Ports, Told
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.host import AccessSettings, Host, ProbePoint
from sipalg_fix.model.journal import broken_link
from sipalg_fix.model.plan import Plan
from sipalg_fix.model.playbook import DEFAULT_HOW, GuardRule, How, Playbook, RebootRule, Target
from sipalg_fix.model.report import HostResult, Report

from .toy import Toy
from .toy_driver import toy_driver
from .toy_ports import Serial, ToyClock, ToyConnections, ToyJournal, ToyProber, ToyStop, nothing_said

TODAY = date(2026, 11, 23)


@dataclass(slots=True, kw_only=True)
class World:
    """Toy routers, alike but for their names, and the ports to them. ``how`` they are to be changed."""

    driver: Driver = field(default_factory=toy_driver)
    names: tuple[str, ...] = ("alpha",)
    how: How = DEFAULT_HOW
    pairs: dict[str, str] = field(default_factory=dict)
    standby: dict[str, bool] = field(default_factory=dict)
    """Pairs by router, and who stands by, as the inventory says it."""
    boot_seconds: float = 120.0
    accesses: tuple[str, ...] = ("cli",)
    progress: Progress = nothing_said
    clock: ToyClock = field(default_factory=ToyClock)
    stop: ToyStop = field(default_factory=ToyStop)
    prober: ToyProber = field(default_factory=ToyProber)
    forks: int = 10
    book: Playbook = field(default_factory=lambda: Playbook(name="toy"))
    canaries: frozenset[str] = frozenset()
    stock: int = 0
    probe: ProbePoint | None = None
    executor: Executor = field(init=False)
    journal: ToyJournal = field(init=False)
    devices: dict[str, Toy] = field(init=False)
    connections: ToyConnections = field(init=False)

    def __post_init__(self) -> None:
        """Switch everything on."""
        self.journal = ToyJournal(self.clock)
        self.devices = {name: Toy(clock=self.clock) for name in self.names}
        self.connections = ToyConnections(self.devices)
        self.executor = Serial(self.stop)
        for name, device in self.devices.items():
            device.before_telling = self._listener(name)

    def _listener(self, name: str) -> Callable[[str], str]:
        """What the device knows of the journal when it hears a change: the row must be there by then."""

        used: set[str] = set()

        def wrong(text: str) -> str:
            last = [r for run in self.journal.kept for r in self.journal.rows(run, name)][-1]
            if last.step != words.SENDING or last.payload["command"] != text or last.hash in used:
                return f"{text!r} was told before the journal had it"
            used.add(last.hash)
            return ""

        return wrong

    @property
    def toy(self) -> Toy:
        """The only router, or the first."""
        return self.devices[self.names[0]]

    @property
    def ports(self) -> Ports:
        """What the engine is handed."""
        return Ports(
            tool="sipalg-fix test", by="toy@test", today=TODAY, connections=self.connections,
            drivers={"toy": self.driver}, clock=self.clock, journal=self.journal, executor=self.executor,
            prober=self.prober, stop=self.stop, progress=self.progress,
        )  # fmt: skip

    @property
    def told(self) -> Told:
        """What runs say of themselves."""
        return Told(
            inventory="inventory", playbook="toy", forks=self.forks, stock=self.stock,
            extra=(("of", "toys"),),
        )  # fmt: skip

    @property
    def targets(self) -> tuple[Target, ...]:
        """All routers."""
        settings = {name: AccessSettings(address="192.0.2.1") for name in self.accesses}
        return tuple(
            Target(
                host=Host(
                    name=name,
                    platform="toy",
                    site="lab",
                    accesses=settings,
                    probe=self.probe,
                    pair=self.pairs.get(name, ""),
                    standby=self.standby.get(name),
                ),
                how=self.how,
                canary=name in self.canaries,
            )
            for name in self.names
        )

    def audit(self) -> Report:
        """Look at all of them."""
        return audit(self.ports, self.targets, Intent(), self.told)

    def plan(self) -> Plan:
        """The dry run, with every objection accepted."""
        made, _ = self.dry_run()
        return made.accepting(made.open_objections())

    def dry_run(self) -> tuple[Plan, Report]:
        """The dry run as it is, and its report."""
        playbook = replace(self.book, how=self.how, forks=self.forks)
        return plan(
            self.ports, self.targets, playbook, self.told,
            inventory_digest="sha256:0", boot_seconds=self.boot_seconds,
        )  # fmt: skip

    def apply(self, made: Plan | None = None) -> Report:
        """Carry a plan out."""
        return apply(self.ports, made or self.plan(), self.told)

    def change(self) -> HostResult:
        """Plan and apply; the only router's result."""
        (result,) = self.apply().hosts
        return result

    def a_day_passes(self) -> None:
        """Nobody touches anything; whatever is armed fires."""
        self.clock.pause(86400.0)
        for device in self.devices.values():
            device.tick()

    def whole(self) -> str:
        """What is wrong with the journal, the order of things or sessions left open; empty: nothing."""
        wrong = [broken_link(self.journal.rows(run)) for run in self.journal.kept]
        wrong += [text for device in self.devices.values() for text in device.complaints]
        if self.connections.open:
            wrong.append(f"{self.connections.open} sessions were left open")
        if self.journal.leases:
            wrong.append("a lease was not given back")
        return "; ".join(filter(None, wrong))


REQUIRED = How(reboot=RebootRule.IF_NEEDED, guard=GuardRule.REQUIRE, guard_minutes=5, flush=True)
UNGUARDED = How(reboot=RebootRule.IF_NEEDED, guard=GuardRule.OFF, guard_minutes=5, flush=True)
RESTARTED = How(reboot=RebootRule.ALWAYS, guard=GuardRule.REQUIRE, guard_minutes=5, flush=True)
