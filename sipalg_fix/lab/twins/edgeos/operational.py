"""
The commands of operational mode, with their abbreviations and what is said of a wrong one.

Texts of ``show version`` are a published EdgeRouter's, the rest was recorded from a Vyatta CLI (2026-11).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from sipalg_fix.lab.twins.edgeos import factory
from sipalg_fix.lab.twins.edgeos.configure import NO_REVISIONS
from sipalg_fix.lab.twins.edgeos.router import EdgeOs
from sipalg_fix.lab.twins.edgeos.shell import Ask, Result
from sipalg_fix.lab.twins.edgeos.tree import commands, render

if TYPE_CHECKING:
    from sipalg_fix.lab.twins.edgeos.environment import Environment

Action = Callable[["Environment", str], Result]
"""Takes the last word, which is the argument where the command has one."""

Words: TypeAlias = "dict[str, Words | Action]"
ANY = "<value>"
NOT_ADMIN = "Must be an admin user to run this command.\n"


def invalid(before: str, word: str) -> Result:
    """What a wrong word gets."""
    said = f"{before} [{word}]" if before else f"[{word}]"
    return Result(stderr=f"\n  Invalid command: {said}\n\n", status=127 if not before else 1)


def uptime(router: EdgeOs) -> str:
    """As ``uptime`` prints it."""
    minutes = int(router.chassis.uptime) // 60
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    up = f"{hours:2d}:{rest:02d}" if hours else f"{rest} min"
    whole = f"{days} day{'s' * (days != 1)}, " if days else ""
    people = sum(not session.closed for session in router.sessions)
    users = f"{people} user{'s' * (people != 1)}"
    return f" {router.clock('%H:%M:%S')} up {whole}{up},  {users},  load average: 0.04, 0.03, 0.05\n"


def _version(env: Environment, word: str) -> Result:
    router = env.router
    build, when, years = factory.BUILDS.get(
        router.options.version, ("5000000", "01/01/23 00:00", "2012-2023")
    )
    rows = (
        ("Version", router.options.version),
        ("Build ID", build),
        ("Build on", when),
        ("Copyright", f"{years} Ubiquiti Networks, Inc."),
        ("HW model", router.model.hw_model),
        ("HW S/N", router.model.serial),
        ("Uptime", uptime(router).strip()),
    )
    return Result(stdout="".join(f"{name + ':':<14}{value}\n" for name, value in rows) + "\n", pager="vyatta")


def _configuration(env: Environment, word: str) -> Result:
    if env.restricted:
        return Result(stdout=NOT_ADMIN, pager="vyatta")
    return Result(stdout=render(env.router.running, hide=True), pager="vyatta")


def _configuration_commands(env: Environment, word: str) -> Result:
    if env.restricted:
        return Result(stdout=NOT_ADMIN, pager="vyatta")
    lines = commands(env.router.running)
    return Result(stdout="".join(f"{line}\n" for line in lines), pager="vyatta")


def _uptime(env: Environment, word: str) -> Result:
    return Result(stdout=uptime(env.router))


def _date(env: Environment, word: str) -> Result:
    return Result(stdout=env.router.clock("%a %b %d %H:%M:%S UTC %Y\n"))


def _host_name(env: Environment, word: str) -> Result:
    return Result(stdout=f"{env.router.host_name}\n")


def _commits(env: Environment, word: str) -> Result:
    text = "" if env.router.revisions_wanted else NO_REVISIONS
    for number, entry in enumerate(env.router.revisions):
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(entry.at))
        text += f"{number:<4}{when} by {entry.user} via {entry.via}\n"
        text += "" if entry.comment == "commit" else f"    {entry.comment}\n"
    return Result(stdout=text, pager="vyatta")


def _interfaces(env: Environment, word: str) -> Result:
    head = "Codes: S - State, L - Link, u - Up, D - Down, A - Admin Down\n"
    head += "Interface    IP Address                        S/L  Description                 \n"
    head += "---------    ----------                        ---  -----------                 \n"
    rows = (
        ("eth0", "203.0.113.1/24", "Internet"),
        ("eth1", "192.168.77.1/24", "Office"),
        ("lo", "127.0.0.1/8", ""),
    )
    return Result(stdout=head + "".join(f"{n:<13}{a:<34}u/u  {d:<28}\n" for n, a, d in rows), pager="vyatta")


def _length(env: Environment, word: str) -> Result:
    env.rows = int(word) if word.isdigit() else env.rows
    return Result()


def _width(env: Environment, word: str) -> Result:
    env.columns = int(word) if word.isdigit() else env.columns
    return Result()


def _configure(env: Environment, word: str) -> Result:
    env.enter_configure()
    return Result()


def _exit(env: Environment, word: str) -> Result:
    env.closed = True
    return Result(stdout="logout\n" if env.tty else "")


def _reboot(env: Environment, word: str) -> Result:
    def proceed(yes: bool) -> Result:
        return _reboot_now(env, word) if yes else Result(stdout="Reboot canceled\n", status=1)

    return Result(ask=Ask(prompt="Proceed with reboot? [confirm]", then=proceed))


def _reboot_now(env: Environment, word: str) -> Result:
    router = env.router
    said = router.clock("%a %b %d %H:%M:%S %Y")
    router.reboot()
    text = f"\nBroadcast message from root@{router.host_name} (pts/0) ({said}):\n\n"
    return Result(stdout=text + "The system is going down for reboot NOW!\n")


def _no_reboot(env: Environment, word: str) -> Result:
    return Result(stdout="No reboot currently scheduled\n")


WORDS: Words = {
    "configure": _configure,
    "exit": _exit,
    "reboot": {"": _reboot, "cancel": _no_reboot, "now": _reboot_now},
    "set": {"system": {"image": {}}, "terminal": {"length": {ANY: _length}, "width": {ANY: _width}}},
    "show": {
        "configuration": {"": _configuration, "commands": _configuration_commands},
        "date": _date,
        "host": {"name": _host_name},
        "interfaces": _interfaces,
        "reboot": _no_reboot,
        "system": {"commit": _commits, "uptime": _uptime},
        "version": _version,
    },
    "terminal": {"length": {ANY: _length}, "width": {ANY: _width}},
}


def knows(word: str) -> bool:
    """Is this the first word of an operational command, or an abbreviation that no Linux command is?"""
    return word in WORDS or (len(word) > 1 and len(_meant(WORDS, word)) == 1)


def _meant(words: Words, typed: str) -> list[str]:
    if typed in words:
        return [typed]
    return [word for word in words if word and word.startswith(typed)] or [ANY] * (ANY in words)


def run(env: Environment, typed: Sequence[str], before: str = "") -> Result:
    """Run an operational command; ``run`` of configure mode comes here, too."""
    here: Words | Action = WORDS
    said = before
    last = ""
    for word in typed:
        meant = _meant(here, word) if isinstance(here, dict) else []
        if len(meant) != 1 or not isinstance(here, dict):
            return invalid(said, word)
        here, last = here[meant[0]], word
        said = f"{said} {word if meant[0] == ANY else meant[0]}".strip()
    if isinstance(here, dict):
        if "" not in here:
            return Result(stderr=f"\n  Incomplete command: {said}\n\n", status=1)
        here = here[""]
    assert callable(here)
    return here(env, last)
