"""
The same lines over another access: a driver whose router takes what it takes over SSH at another door, too.

The driver speaks of one access. Commands are renamed on their way out and replies on their way in, so that
probes, parser, remedy and guard are one set, and the facts are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sipalg_fix.model.driver import Armed, Driver, Guard
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.session import Access, Command, Transcript
from sipalg_fix.model.step import Amend, Find, Remedy, Step, Tell


def over(driver: Driver, name: str, access: Access) -> Driver:
    """The driver of a router that is reached by this access in place of the driver's main one."""
    main = driver.first_access

    def out(commands: tuple[Command, ...]) -> tuple[Command, ...]:
        return tuple(replace(command, access=name) for command in commands)

    def heard(seen: Transcript) -> Transcript:
        replies = (
            replace(reply, command=replace(reply.command, access=main))
            for reply in seen.replies
            if reply.command.access == name
        )
        unread = tuple((main if access == name else access, why) for access, why in seen.unread)
        return replace(seen, replies=tuple(replies), unread=unread)

    live, passing = driver.live_calls, driver.live_streams
    return replace(
        driver,
        accesses={name: access},
        probes=out(driver.probes),
        more_probes=lambda seen: out(driver.more_probes(heard(seen))),
        parse=lambda seen: driver.parse(heard(seen)),
        remedy=lambda facts: _remedy(driver.remedy(facts), name),
        flush=lambda facts: _steps(driver.flush(facts), name),
        reboot=_steps(driver.reboot, name),
        boot_probes=out(driver.boot_probes),
        boot_mark=lambda seen: driver.boot_mark(heard(seen)),
        guard=_guard(driver.guard, name, heard=heard, out=out) if driver.guard else None,
        backup=out(driver.backup),
        calls=out(driver.calls),
        live_calls=(lambda seen: live(heard(seen))) if live else None,
        streams=out(driver.streams),
        live_streams=(lambda seen: passing(heard(seen))) if passing else None,
        hallmarks=None,
        instead={},
    )


def _guard(
    guard: Guard,
    name: str,
    *,
    heard: Callable[[Transcript], Transcript],
    out: Callable[[tuple[Command, ...]], tuple[Command, ...]],
) -> Guard:
    def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
        armed = guard.arm(facts, remedy, minutes)
        return Armed(forward=_steps(armed.forward, name), keep=_steps(armed.keep, name))

    return replace(guard, arm=arm, proof=out(guard.proof), pending=lambda seen: guard.pending(heard(seen)))


def _remedy(remedy: Remedy, name: str) -> Remedy:
    return replace(
        remedy,
        forward=_steps(remedy.forward, name),
        inverse=_steps(remedy.inverse, name),
        save=_steps(remedy.save, name),
        resave=_steps(remedy.resave, name),
        flush=_steps(remedy.flush, name),
    )


def _steps(steps: tuple[Step, ...], name: str) -> tuple[Step, ...]:
    return tuple(_step(step, name) for step in steps)


def _step(step: Step, name: str) -> Step:
    match step:
        case Tell():
            return _tell(step, name)
        case Find(read=read, then=then):
            return replace(step, read=replace(read, access=name), then=_tell(then, name))
        case Amend(read=read, write=write):
            return replace(step, read=replace(read, access=name), write=_tell(write, name))


def _tell(tell: Tell, name: str) -> Tell:
    return replace(tell, command=replace(tell.command, access=name))
