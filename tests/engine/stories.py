"""Stories of changes, each told for the moves from state to state that it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sipalg_fix.engine.recover import recover
from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.model.change import NEXT, ChangeState

from .toy import FOREVER, HELPERS, Trouble
from .toy_ports import Edge, Killed
from .variants import save_only, world
from .world import World

S = ChangeState
Story = Callable[[], World]


@dataclass(frozen=True, slots=True)
class FaultOfOurs:
    """Progress with a fault of ours at a state."""

    state: ChangeState

    def __call__(self, host: str, what: str, detail: str = "") -> None:
        """Told by the engine."""
        del host, detail
        if what == self.state.value:
            raise RuntimeError("a fault of ours")


def told(
    make: Callable[[], World],
    *troubles: Trouble,
    deaf: tuple[str, ...] = (),
    refuses: tuple[str, ...] = (),
    crash_at: ChangeState | None = None,
) -> Story:
    """The story of one router, planned in peace and changed with these troubles."""

    def story() -> World:
        made = make()
        plan = made.plan()
        toy = made.toy
        toy.times.clear()
        toy.troubles, toy.stubborn, toy.refuses = troubles, deaf, refuses
        if crash_at is not None:
            made.progress = FaultOfOurs(crash_at)
        made.apply(plan)
        return made

    return story


def rolled_back_later() -> World:
    """Changed, and put back on another day."""
    made = world(guard="revert")
    run = made.apply().run
    rollback(made.ports, run, changed_hosts(made.journal, run), made.told)
    return made


def killed_and_switched_on() -> World:
    """Killed while it flushed, switched on again by somebody, and recovered."""
    made = world(guard="revert")
    made.journal.killed_by = S.FLUSHING.value
    with suppress(Killed):
        made.apply()
    made.journal.killed_by = ""
    for name in HELPERS:
        made.toy.edit(name, "on")
    recover(made.ports, made.journal.cut_short(), made.told)
    return made


def drifted() -> World:
    """Changed by somebody else between plan and apply."""
    made = world()
    plan = made.plan()
    made.toy.edit("sip-tcp", "off")
    made.apply(plan)
    return made


def on(text: str, what: str, *, nth: int = 1, sessions: int = 3) -> Trouble:
    """Trouble at a command."""
    return Trouble(what=what, upon=text, nth=nth, sessions=sessions)


def gone(text: str, nth: int = 1) -> Trouble:
    """The router is never seen again from that command on."""
    return on(text, "unreachable", nth=nth, sessions=FOREVER)


def router(**kind: Any) -> Callable[[], World]:
    """A router of that kind, a new one for each story."""
    return lambda: world(**kind)


TCP = "set sip-tcp off"
PLAIN = told(router(guard="revert"))


def crash(state: ChangeState, *troubles: Trouble) -> Story:
    """A fault of ours at a state."""
    return told(router(guard="revert", restarted=True), *troubles, crash_at=state)


STORIES: Mapping[Edge, Story] = {
    (S.PLANNED, S.REFUSED): drifted,
    (S.PLANNED, S.APPLYING): PLAIN,
    (S.PLANNED, S.MET): told(save_only),
    (S.PLANNED, S.ROLLING_BACK): rolled_back_later,
    (S.APPLYING, S.REFUSED): told(router(style="find"), on("show rules", "refuse")),
    (S.APPLYING, S.APPLIED): PLAIN,
    (S.APPLYING, S.REFUSED_MIDWAY): told(router(), on(TCP, "refuse")),
    (S.APPLYING, S.REVERTING): told(router(guard="revert"), gone(TCP)),
    (S.APPLYING, S.STRANDED): told(router(), gone(TCP)),
    (S.REFUSED_MIDWAY, S.ROLLING_BACK): told(router(), on(TCP, "refuse")),
    (S.REFUSED_MIDWAY, S.STRANDED): crash(S.REFUSED_MIDWAY, on(TCP, "refuse")),
    (S.APPLIED, S.MET): PLAIN,
    (S.APPLIED, S.ROLLING_BACK): told(router(), deaf=(TCP,)),
    (S.APPLIED, S.REVERTING): told(router(guard="revert"), gone("show running", nth=2)),
    (S.APPLIED, S.STRANDED): told(router(), gone("show running", nth=2)),
    (S.MET, S.SAVING): PLAIN,
    (S.MET, S.FLUSHING): PLAIN,
    (S.MET, S.REBOOTING): told(router(restarted=True)),
    (S.MET, S.ROLLING_BACK): told(
        router(guard="revert"), on("guard keep", "guard-fires"), refuses=("guard keep",)
    ),
    (S.MET, S.CONFIRMED): PLAIN,
    (S.MET, S.NOT_SHOWN): told(router(), *(on("show running", "refuse", nth=time) for time in range(3, 12))),
    (S.MET, S.UNSAVED): told(router(), deaf=("save",)),
    (S.MET, S.GUARD_LEFT): told(router(guard="revert"), deaf=("guard keep",)),
    (S.MET, S.STRANDED): told(router(), gone("show running", nth=3)),
    (S.SAVING, S.MET): PLAIN,
    (S.SAVING, S.UNSAVED): told(router(), refuses=("save",)),
    (S.SAVING, S.NOT_SHOWN): told(router(), on("save", "lose-before"), on("show startup", "refuse", nth=3)),
    (S.SAVING, S.GUARD_LEFT): told(router(guard="revert"), refuses=("save",), deaf=("guard keep",)),
    (S.SAVING, S.STRANDED): told(router(), gone("save")),
    (S.FLUSHING, S.MET): PLAIN,
    (S.FLUSHING, S.NOT_SHOWN): killed_and_switched_on,
    (S.FLUSHING, S.STRANDED): crash(S.FLUSHING),
    (S.REBOOTING, S.MET): told(router(restarted=True)),
    (S.REBOOTING, S.NOT_SHOWN): told(router(restarted=True), deaf=("reboot",)),
    (S.REBOOTING, S.STRANDED): told(router(restarted=True), gone("reboot")),
    (S.ROLLING_BACK, S.ROLLED_BACK): told(router(), on(TCP, "refuse")),
    (S.ROLLING_BACK, S.ROLLBACK_FAILED): told(router(), on(TCP, "refuse"), deaf=("set sip-udp on",)),
    (S.ROLLING_BACK, S.GUARD_LEFT): told(router(guard="revert"), on(TCP, "refuse"), deaf=("guard keep",)),
    (S.ROLLING_BACK, S.REVERTING): told(
        router(guard="revert"), on(TCP, "refuse"), refuses=("set sip-.* on",)
    ),
    (S.ROLLING_BACK, S.STRANDED): told(router(), on(TCP, "refuse"), gone("set sip-udp on")),
    (S.REVERTING, S.ROLLING_BACK): told(router(guard="restart"), on(TCP, "unreachable", sessions=30)),
    (S.REVERTING, S.STRANDED): told(router(guard="revert"), gone(TCP)),
}
"""A story for each move that the life of a change has."""

NOT_EXERCISED: Mapping[Edge, str] = {}
"""Moves that no story shows, and why. There is none, and none should be added."""

EDGES = tuple((old, new) for old in ChangeState for new in sorted(NEXT[old], key=lambda s: s.value))
