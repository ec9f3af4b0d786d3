"""The kinds of router, driver and playbook that a change is tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .toy import FOREVER, HELPERS, Trouble
from .toy_driver import toy_driver
from .world import REQUIRED, RESTARTED, World


def world(*, cold: bool = False, restarted: bool = False, saves: bool = True, **driver: Any) -> World:
    """One router, and the guard that its driver has."""
    made = World(driver=toy_driver(saves=saves, **driver), how=RESTARTED if restarted else REQUIRED)
    made.toy.cold, made.toy.autosave = cold, not saves
    return made


def save_only() -> World:
    """Off already, and nobody saved it."""
    made = world()
    made.toy.running.update(dict.fromkeys(HELPERS, "off"))
    made.toy.operational.clear()
    return made


def strict() -> World:
    """A router that refuses what changes nothing."""
    made = world(guard="revert")
    made.toy.strict = True
    return made


def late() -> World:
    """A router on which a change acts only at its next boot, which the driver does not know."""
    made = world(guard="revert", saves=False)
    made.toy.late = True
    return made


def unloading() -> World:
    """Off and saved, and still running: modules are to be unloaded."""
    made = world(cold=True, guard="revert")
    made.toy.running.update(dict.fromkeys(HELPERS, "off"))
    made.toy.startup.update(dict.fromkeys(HELPERS, "off"))
    return made


VARIANTS: Mapping[str, Callable[[], World]] = {
    "bare": world,
    "bare-find": lambda: world(style="find"),
    "bare-amend": lambda: world(style="amend"),
    "reverts": lambda: world(guard="revert"),
    "reverts-amend": lambda: world(guard="revert", style="amend"),
    "restarts": lambda: world(guard="restart"),
    "holds": lambda: world(guard="hold"),
    "holds-find": lambda: world(guard="hold", style="find"),
    "ends-with-restart": lambda: world(guard="revert", restarted=True),
    "needs-restart": lambda: world(cold=True, guard="restart", needs_reboot=True),
    "no-startup": lambda: world(guard="revert", saves=False),
    "cold": lambda: world(cold=True, guard="revert"),
    "save-only": save_only,
    "unloading": unloading,
    "strict": strict,
}

TROUBLES: Mapping[str, Trouble] = {
    **{
        what: Trouble(what=what)
        for what in (
            *("refuse", "locked", "lose-before", "lose-after", "silence-before", "silence-after"),
            *("garbage", "misread", "no-effect", "crash", "guard-fires"),
        )
    },
    "unreachable-briefly": Trouble(what="unreachable", sessions=3),
    "unreachable-a-while": Trouble(what="unreachable", sessions=30),
    "gone": Trouble(what="unreachable", sessions=FOREVER),
    "denied-once": Trouble(what="access-denied", sessions=1),
    "denied": Trouble(what="access-denied", sessions=FOREVER),
    "another-key": Trouble(what="host-key-changed", sessions=FOREVER),
}
