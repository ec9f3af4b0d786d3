"""Scene: what every verb needs before it begins — places, targets, the way to be interrupted."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sipalg_fix.cli.screen import Screen
from sipalg_fix.wiring import Places

if TYPE_CHECKING:
    from sipalg_fix.engine.run import Ports, Told
    from sipalg_fix.inputs.inventory import Inventory
    from sipalg_fix.inputs.shapes import PlatformShape
    from sipalg_fix.model.playbook import Playbook, Target


@dataclass(slots=True)
class Interrupts:
    """Ctrl-C: once, finish the hosts in flight and start no more; twice, stop now."""

    screen: Screen
    asked: bool = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        del number, frame
        if self.asked:
            self.screen.say(
                "stopped at once; hosts in flight are in the journal as they were last known, and "
                "'sipalg-fix recover' settles them"
            )
            os._exit(130)
        self.asked = True
        self.screen.say("stopping: hosts in flight are finished, no more are begun (Ctrl-C again: at once)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A verb's surroundings."""

    places: Places
    screen: Screen
    interrupts: Interrupts
    closing: ExitStack
    """What is to be closed when the verb is over."""

    def ports(
        self, hosts: int, *, warn: bool = True, recipients: Sequence[str] = (), logins_per_second: float = 0.0
    ) -> Ports:
        """
        The engine's ports, for a run over so many hosts. Changes that were cut short are warned of;
        originals of backups are sealed to ``recipients``.
        """
        from sipalg_fix.engine.recover import left_open
        from sipalg_fix.wiring import ports

        self.screen.total = hosts
        made = ports(
            self.places,
            self.interrupts,
            self.screen.progress,
            warn=lambda text: self.screen.say(f"warning: {text}"),
            closing=self.closing,
            recipients=recipients,
            logins_per_second=logins_per_second,
        )
        for run, host in left_open(made.journal) if warn else ():
            self.screen.say(
                f"warning: the run {run} was cut short at {host}; 'sipalg-fix recover' settles it"
            )
        return made


@contextmanager
def scene() -> Iterator[Scene]:
    """Set up and, whatever happens, left as it was."""
    screen = Screen()
    interrupts = Interrupts(screen)
    before = {number: signal.signal(number, interrupts) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with ExitStack() as closing:
            yield Scene(places=places(), screen=screen, interrupts=interrupts, closing=closing)
    finally:
        screen.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def places() -> Places:
    """Where this user's state is."""
    return Places.from_environment(os.environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What the operator's files came to."""

    inventory: Inventory
    playbook: Playbook
    targets: tuple[Target, ...]
    told: Told
    """For the run: where all this comes from."""


def selected(
    screen: Screen, inventory: Path, limit: str, playbook: Path | None, forks: int | None = None
) -> Selected:
    """Read the files, warn, and select; InputError with all that is wrong."""
    from sipalg_fix.engine.run import Told
    from sipalg_fix.inputs.inventory import read_inventory
    from sipalg_fix.inputs.playbook import read_playbook
    from sipalg_fix.inputs.selection import select
    from sipalg_fix.model.playbook import AUDIT_ONLY

    book = read_playbook(playbook) if playbook else AUDIT_ONLY
    stock = read_inventory(inventory, platform_shapes())
    for warning in stock.warnings:
        screen.say(f"warning: {warning}")
    hosts = select(select(stock.hosts, book.select, where=(book.source or "playbook", 1)), limit)
    book = replace(book, forks=forks or book.forks)
    return Selected(
        inventory=stock,
        playbook=book,
        targets=_targets(stock, book, {host.name for host in hosts}),
        told=Told(inventory=str(inventory), playbook=book.name, forks=book.forks, stock=len(stock.hosts)),
    )


def _targets(stock: Inventory, book: Playbook, names: set[str]) -> tuple[Target, ...]:
    from sipalg_fix.inputs.selection import select
    from sipalg_fix.model.playbook import Target

    def members(pattern: str) -> set[str]:
        return {host.name for host in select(stock.hosts, pattern, where=(book.source or "playbook", 1))}

    overridden = {override.select: members(override.select) for override in book.overrides}
    probed = [(members(probe.select), probe.point) for probe in book.probes]
    first = members(book.rollout.canary) if book.rollout and book.rollout.canary else set()
    excused = [(members(excuse.select), excuse.exemption) for excuse in book.exemptions]
    return tuple(
        Target(
            host=replace(host, probe=next((point for inside, point in probed if host.name in inside), None)),
            how=book.how_for(frozenset(s for s, inside in overridden.items() if host.name in inside)),
            exempt=next((exemption for inside, exemption in excused if host.name in inside), None),
            canary=host.name in first,
        )
        for host in stock.hosts
        if host.name in names
    )


def platform_shapes() -> dict[str, PlatformShape]:
    """What the inventory may say of platforms and their accesses, by every name a platform goes by."""
    from sipalg_fix.inputs.shapes import PlatformShape
    from sipalg_fix.model.host import AUTO
    from sipalg_fix.model.meeting import ACCESS, STRANGER
    from sipalg_fix.wiring import drivers

    shapes: dict[str, PlatformShape] = {}
    for driver in drivers().values():
        kinds = tuple((name, type(access).__name__) for name, access in driver.accesses.items())
        shape = PlatformShape(name=driver.platform, accesses=kinds, instead=tuple(driver.instead))
        shapes |= dict.fromkeys((driver.platform, *driver.aliases), shape)
    by_ssh = ((ACCESS, type(STRANGER.accesses[ACCESS]).__name__),)
    return {**shapes, AUTO: PlatformShape(name=AUTO, accesses=by_ssh)}
