"""The driver of the toy router, in as many ways as drivers differ."""

from __future__ import annotations

import re

from sipalg_fix.model.driver import Armed, Driver, Guard
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import NO_PLANE, Facts, Helper, Plane, Value, off, on, unknown
from sipalg_fix.model.session import Command, SshCli, Transcript
from sipalg_fix.model.step import Amend, Disruption, Find, Remedy, Step, Tell

from .toy import HELPERS


def show(text: str, access: str = "cli") -> Command:
    """A command of the toy's."""
    return Command(access=access, text=text)


def tell(text: str, *, cuts: bool = False, code: str = "command-refused") -> Tell:
    """A change; the toy answers ``done`` to what it takes."""
    return Tell(command=show(text), expects="^done$", cuts=cuts, code=code)


VERSION, RUNNING, STARTUP = show("show version"), show("show running"), show("show startup")
BOOT, GUARD_STATE, BACKUP = show("show boot"), show("show guard"), show("show backup")
CALLS = show("show calls")
STREAMS = show("show streams")
SAVE = tell("save", code="save-failed")
REBOOT = tell("reboot", cuts=True)
FIRES = {"revert": Disruption.NEW_CALLS, "restart": Disruption.REBOOT, "hold": Disruption.NEW_CALLS}


def toy_driver(
    *,
    style: str = "tell",
    guard: str = "",
    saves: bool = True,
    needs_reboot: bool = False,
    restarts: bool = True,
    modules_access: str = "cli",
    calls: bool = False,
) -> Driver:
    """
    A driver value. ``style`` is the kind of its steps: tell, find or amend. ``guard`` is none, or reverts
    by itself (``revert``), by a restart (``restart``), or when its session ends (``hold``). ``saves``:
    there is a startup plane. ``needs_reboot``: a change acts only after a restart.
    """
    modules = show("show modules", modules_access)
    accesses = {"cli": SshCli(netmiko_type="toy", prompt="toy#")}
    if modules_access not in accesses:
        accesses[modules_access] = SshCli(netmiko_type="toy_modules", prompt="modules#")

    def more(seen: Transcript) -> tuple[Command, ...]:
        version = seen.get(VERSION)
        return (STARTUP,) if saves and version is not None and version.ok else ()

    def parse(seen: Transcript) -> Facts:
        return _facts(seen, modules, saves)

    def remedy(facts: Facts) -> Remedy:
        return _remedy(facts, style, needs_reboot)

    return Driver(
        platform="toy",
        title="Toy router",
        aliases=("toy_os",),
        accesses=accesses,
        probes=(VERSION, RUNNING, modules, BOOT),
        more_probes=more,
        parse=parse,
        remedy=remedy,
        flush=lambda facts: (tell("flush"),),
        reboot=(REBOOT,) if restarts else (),
        boot_probes=(BOOT,),
        boot_mark=boot_mark,
        guard=toy_guard(guard) if guard else None,
        backup=(BACKUP,),
        calls=(CALLS,) if calls else (),
        live_calls=(lambda seen: number(seen, CALLS)) if calls else None,
        streams=(STREAMS,) if calls else (),
        live_streams=(lambda seen: number(seen, STREAMS)) if calls else None,
    )


def number(seen: Transcript, command: Command) -> int | None:
    """The number that the toy says, if it does."""
    reply = seen.get(command)
    match = re.fullmatch(r"(?:calls|streams): (\d+)\nend", reply.text) if reply else None
    return int(match[1]) if match else None


def toy_guard(how: str) -> Guard:
    """A guard of the toy's."""

    def arm(facts: Facts, remedy: Remedy, minutes: int) -> Armed:
        del facts
        return Armed(forward=(tell(f"guard {how} {minutes}"), *remedy.forward), keep=(tell("guard keep"),))

    def pending(seen: Transcript) -> Plane:
        reply = seen.get(GUARD_STATE)
        match = re.search(r"^guard: (armed|none)$", reply.text, re.MULTILINE) if reply else None
        if match is None:
            return unknown("'show guard' did not say")
        return on(match[0]) if match[1] == "armed" else off(match[0])

    return Guard(
        name=f"guard {how}",
        fires=FIRES[how],
        arm=arm,
        unavailable=lambda facts: "",
        proof=(GUARD_STATE,),
        pending=pending,
        held_session=how == "hold",
    )


def boot_mark(seen: Transcript) -> str:
    """The boot's number."""
    reply = seen.get(BOOT)
    match = re.search(r"^boot id (\d+)$", reply.text, re.MULTILINE) if reply else None
    return match[1] if match else ""


def _lines(seen: Transcript, command: Command) -> tuple[str, ...] | None:
    """The reply's lines before its ``end``; None for a reply that is missing, refused or cut."""
    reply = seen.get(command)
    if reply is None or not reply.ok or not reply.text.endswith("end"):
        return None
    return tuple(reply.text.splitlines()[:-1])


def _facts(seen: Transcript, modules: Command, saves: bool) -> Facts:
    version, running = _lines(seen, VERSION), _lines(seen, RUNNING)
    if not version or running is None:
        raise NotUnderstood("the toy shows no version, or no running configuration")
    loaded, startup = _lines(seen, modules), _lines(seen, STARTUP)
    helpers = tuple(
        Helper(
            name=name,
            running=_plane(running, name),
            startup=_plane(startup, name) if saves else NO_PLANE,
            operational=_loaded(loaded, name, seen.why_unread(modules.access)),
            prior=tuple(line for line in (*running, *(loaded or ())) if name in line.split()),
        )
        for name in HELPERS
    )
    return Facts(
        platform="toy", version=version[0].removeprefix("Toy OS "), helpers=helpers,
        boot_mark=boot_mark(seen), config=running,
    )  # fmt: skip


def _plane(lines: tuple[str, ...] | None, name: str) -> Plane:
    line = next((line for line in lines or () if line.startswith(f"{name} ")), "")
    if not line:
        return unknown(f"no {name} in the reply")
    return on(line) if line.endswith(" on") else off(line)


def _loaded(lines: tuple[str, ...] | None, name: str, why: str) -> Plane:
    if lines is None:
        return unknown(why or "the modules were not listed")
    return on(f"module {name}") if f"module {name}" in lines else off()


def _remedy(facts: Facts, style: str, needs_reboot: bool) -> Remedy:
    enabled = [helper.name for helper in facts.helpers if helper.running.value is Value.ON]
    live = any(helper.operational.value is Value.ON for helper in facts.helpers)
    lost_at_boot = any(helper.startup.value is Value.ON for helper in facts.helpers)
    saves = any(helper.startup.value is not Value.NONE for helper in facts.helpers)
    save = (SAVE,) if saves and (enabled or lost_at_boot) else ()
    if not enabled:
        unloads = live and not needs_reboot
        return Remedy(
            forward=(tell("unload"),) if unloads else (),
            inverse=(tell("load"),) if unloads else (),
            save=save,
            reboot=live and needs_reboot,
        )
    return Remedy(
        forward=_steps(style, enabled, "on", "off"),
        inverse=_steps(style, enabled[::-1], "off", "on"),
        save=save,
        resave=save,
        reboot=needs_reboot,
        disruption=Disruption.NEW_CALLS,
        diff=(*(f"-{name} on" for name in enabled), *(f"+{name} off" for name in enabled)),
    )


def _steps(style: str, names: list[str], old: str, new: str) -> tuple[Step, ...]:
    match style:
        case "tell":
            return tuple(tell(f"set {name} {new}") for name in names)
        case "find":
            return tuple(
                Find(
                    read=show("show rules"),
                    pick=rf"^rule (?P<number>\d+) {name} {old}$",
                    then=tell(f"rule <number> {new}"),
                    least=1 if new == "off" else 0,
                )
                for name in names
            )
        case _:
            patch = tuple((name, f'"{new}"') for name in names)
            return (Amend(read=show("get sip"), pick="", patch=patch, write=tell("put sip <object>")),)
