"""
The ways round the missing command line of an SSH exec channel: Vyatta's wrappers, its API, shells in shells.

What each gives where was recorded from a Vyatta CLI (2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sipalg_fix.lab.twins.edgeos import operational
from sipalg_fix.lab.twins.edgeos.configure import COMMANDS as CONFIGURE
from sipalg_fix.lab.twins.edgeos.router import EdgeOs
from sipalg_fix.lab.twins.edgeos.shell import Result
from sipalg_fix.lab.twins.edgeos.tree import find, marked, render

if TYPE_CHECKING:
    from sipalg_fix.lab.twins.edgeos.environment import Environment

Command = Callable[["Environment", Sequence[str], str], Result]


def sh(env: Environment, words: Sequence[str], stdin: str) -> Result:
    """A shell in the shell: -c TEXT, or a script on standard input; -i has operational mode."""
    from sipalg_fix.lab.twins.edgeos.environment import Environment as Shell  # it dispatches to us

    inner = Shell(env.router, env.user, tty=False)
    inner.root = env.root
    flags = "".join(word[1:] for word in words if word.startswith("-"))
    texts = [word for word in words if not word.startswith("-")]
    inner.operational = "i" in flags
    done = inner.script(texts[0] if "c" in flags and texts else stdin, "")
    return Result(stdout=done.stdout, stderr=done.stderr, status=done.status)


def sg(env: Environment, words: Sequence[str], stdin: str) -> Result:
    return sh(env, ["-c", words[-1]], "")


def op_wrapper(env: Environment, words: Sequence[str], stdin: str) -> Result:
    """An operational command from anywhere, without a pager."""
    result = operational.run(env, words)
    result.pager = ""
    return result


def cfg_wrapper(env: Environment, words: Sequence[str], stdin: str) -> Result:
    """A configure command between ``begin`` and ``end`` of the same shell."""
    if env.restricted:
        return Result(stdout="can't initialize output\n\n", status=1)
    match list(words):
        case ["begin"]:
            env.enter_configure()
        case ["end"] if env.candidate is not None:
            env.leave_configure()
        case [verb, *rest] if env.candidate is not None and verb in CONFIGURE:
            result = CONFIGURE[verb](env, env.candidate, rest)
            result.pager = ""
            return result
        case _:
            return Result(status=1)
    return Result()


def shell_api(env: Environment, words: Sequence[str], stdin: str) -> Result:
    """What scripts ask about the running configuration."""
    match list(words):
        case ["showCfg", *path] | ["showConfig", "--show-active-only", *path]:
            below = find(env.router.running, path)
            return Result(stdout="" if path and below is None else _below(env.router, path))
        case ["existsActive", *path]:
            return Result(status=0 if find(env.router.running, path) is not None else 1)
        case ["returnActiveValue", *path]:
            return Result(stdout=next(iter(find(env.router.running, path) or {}), ""))
        case ["inSession"]:
            return Result(status=0 if env.candidate is not None else 1)
        case _:
            return Result(status=255)


def _below(router: EdgeOs, path: Sequence[str]) -> str:
    """The running configuration below a path, as ``cli-shell-api`` shows it."""
    if not path:
        return render(router.running)
    return "".join(f"{line[1:]}\n" for line in marked(router.running, router.running, path).splitlines())
