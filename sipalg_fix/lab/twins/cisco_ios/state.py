"""Where one session is: who types, at which privilege level, in which mode; and what a command brought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from sipalg_fix.lab.twins.cisco_ios.router import CiscoIos

INVALID = "% Invalid input detected at '^' marker.\n\n"
INCOMPLETE = "% Incomplete command.\n\n"


class Kind(Enum):
    """How a question is answered."""

    KEY = "key"
    """``[confirm]``: one key; Enter or y is yes."""
    LINE = "line"
    SECRET = "secret"
    """A line without echo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question, and what follows from what was typed."""

    prompt: str
    kind: Kind
    then: Callable[[str], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command printed, and what it asks then. ``piped``: may be cut by ``| include``."""

    text: str = ""
    ask: Ask | None = None


@dataclass(slots=True, kw_only=True)
class State:
    """One session. ``mode`` is empty outside of configuration; ``head`` is the block that is edited."""

    router: CiscoIos
    user: str
    level: int
    rows: int
    columns: int
    mode: str = ""
    head: str = ""
    closed: bool = False

    @property
    def prompt(self) -> str:
        """``edge-01>``, ``edge-01#``, ``edge-01(config-if)#``; a long name is cut in configuration mode."""
        host = self.router.host_name
        if self.mode:
            return f"{host[:20]}({self.mode})#"
        return f"{host}{'#' if self.level > 1 else '>'}"

    def invalid(self, at: int = 0) -> Result:
        """The marker under the word that is wrong, which begins at this place of the line."""
        return Result(text=f"{' ' * (len(self.prompt) + at)}^\n{INVALID}")
