"""
The commands outside of configuration mode, with their abbreviations and what is said of a wrong one.

Words of two levels: a user may look at little and change nothing; ``enable`` makes the rest known.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from sipalg_fix.lab.twins.cisco_ios import acting, showing
from sipalg_fix.lab.twins.cisco_ios.state import INCOMPLETE, Result, State

Action: TypeAlias = Callable[[State, list[str]], Result]
"""Takes the words that stood for a value, in order."""
Words: TypeAlias = "dict[str, Words | Action]"
ANY, REST = "<value>", "<rest>"


def _show(text: Callable[[State], str]) -> Action:
    return lambda state, _: Result(text=text(state))


def _date(state: State) -> str:
    return f"*{state.router.date()}\n"


def _level(state: State) -> str:
    return f"Current privilege level is {state.level}\n"


USER: Words = {
    "disable": acting.disable,
    "enable": acting.enable,
    "exit": acting.leave,
    "logout": acting.leave,
    "quit": acting.leave,
    "show": {"clock": _show(_date), "privilege": _show(_level), "version": _show(showing.version)},
    "terminal": {
        "length": {ANY: acting.length},
        "width": {ANY: acting.width},
        "monitor": acting.nothing,
        "no": {"monitor": acting.nothing},
    },
}

PRIVILEGED: Words = {
    **USER,
    "clear": {"ip": {"nat": {"translation": {REST: acting.clear}}}},
    "configure": {
        "": acting.configure_from,
        "confirm": acting.confirm,
        "revert": {"now": acting.revert_now},
        "terminal": {"": acting.configure, "revert": {"timer": {ANY: acting.configure_guarded}}},
    },
    "copy": {"running-config": {"startup-config": acting.copy}},
    "reload": {"": acting.reload, "cancel": acting.reload_cancel, "in": {ANY: acting.reload_in}},
    "show": {
        "archive": {
            "": _show(showing.archive),
            "config": {
                "differences": {REST: lambda state, _: Result(text=showing.unsaved(state))},
                "rollback": {"timer": _show(showing.timer)},
            },
        },
        "clock": _show(_date),
        "configuration": {"lock": _show(showing.lock)},
        "ip": {
            "nat": {
                "statistics": _show(showing.statistics),
                "translations": {"": _show(showing.translations), "verbose": _show(showing.verbose)},
            }
        },
        "platform": {
            "hardware": {
                "qfp": {"active": {"feature": {"alg": {"statistics": {"sip": _show(showing.counters)}}}}}
            }
        },
        "privilege": _show(_level),
        "reload": _show(showing.reload),
        "running-config": _show(showing.running),
        "startup-config": _show(showing.startup),
        "version": _show(showing.version),
    },
    "write": {"": acting.write, "memory": acting.write},
}

OLD = (("configure", "confirm"), ("configure", "revert"), ("configure", "terminal", "revert"))
"""What 12.x does not have, besides the look at the timer."""


def _lacks(state: State, path: tuple[str, ...]) -> bool:
    """Is this known only to other releases?"""
    options = state.router.options
    if path[:2] == ("show", "platform"):
        return not options.xe
    timer = path[:4] == ("show", "archive", "config", "rollback")
    return options.version.startswith("12.") and (timer or any(path[: len(o)] == o for o in OLD))


def run(state: State, line: str) -> Result:
    """Run one line, with what stands behind its pipe."""
    command, pipe, flt = (part.strip() for part in line.partition("|"))
    result = _run(state, command)
    return Result(text=_filtered(result.text, flt), ask=result.ask) if pipe else result


def _run(state: State, line: str) -> Result:
    here: Words | Action = PRIVILEGED if state.level > 1 else USER
    path: tuple[str, ...] = ()
    values: list[str] = []
    for place in re.finditer(r"\S+", line):
        if not isinstance(here, dict):
            return state.invalid(place.start())
        word = place[0]
        meant = [word] if word in here else [name for name in here if name and name.startswith(word.lower())]
        if len(meant) > 1:
            return Result(text=f'% Ambiguous command:  "{line}"\n')
        meant = meant or [kind for kind in (ANY, REST) if kind in here]
        if not meant and not path and line == word:
            return Result(text=_translating(word))
        if not meant or _lacks(state, (*path, meant[0])):
            return state.invalid(place.start())
        if meant[0] == REST:
            values.append(line[place.start() :])
            here = here[REST]
            break
        values += [word] if meant[0] == ANY else []
        here, path = here[meant[0]], (*path, meant[0])
    if isinstance(here, dict):
        if "" not in here:
            return Result(text=INCOMPLETE if line else "")
        here = here[""]
    assert callable(here)
    return here(state, values)


def _translating(word: str) -> str:
    return (
        f'Translating "{word}"...domain server (255.255.255.255)\n'
        "% Unknown command or computer name, or unable to find computer address\n"
    )


def _filtered(text: str, wanted: str) -> str:
    """``| include``, ``exclude``, ``begin`` and ``section``."""
    verb, _, pattern = wanted.partition(" ")
    lines = text.splitlines(keepends=True)
    try:
        found = [bool(re.search(pattern, line.rstrip("\n"))) for line in lines]
    except re.error:
        return "% Failed to compile regular expression.\n"
    match next((name for name in ("begin", "exclude", "include", "section") if name.startswith(verb)), ""):
        case "include":
            return "".join(line for line, hit in zip(lines, found, strict=True) if hit)
        case "exclude":
            return "".join(line for line, hit in zip(lines, found, strict=True) if not hit)
        case "begin":
            return "".join(lines[found.index(True) :]) if True in found else ""
        case "section":
            return "".join(_sections(lines, found))
        case _:
            return "% Invalid input detected at '^' marker.\n\n"


def _sections(lines: list[str], found: list[bool]) -> list[str]:
    kept, inside = list[str](), False
    for line, hit in zip(lines, found, strict=True):
        inside = hit or (inside and line.startswith(" "))
        kept += [line] if inside else []
    return kept
