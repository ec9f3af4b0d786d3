"""A gate before a virtual router: it sees what is in the journal whenever the router hears something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sipalg_fix.lab.twin import Exec, Request, Response, Terminal, Twin
from sipalg_fix.model import journal as words
from sipalg_fix.model.journal import Row
from sipalg_fix.store.journal import Journal

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Point:
    """
    A moment of a run. ``before`` and ``after`` the router does the ``at``-th thing that it hears while the
    journal's last word is that the ``number``-th command is about to be sent (a terminal hears a login and
    answers to questions, too); ``in``: it hears the first thing in a state, ``number`` commands having been
    sent. ``what`` is the command or the state.
    """

    number: int
    at: int
    when: str
    what: str

    def __str__(self) -> str:
        """For people."""
        part = f".{self.at}" if self.at else ""
        return f"{self.when} {self.number}{part} {self.what}"


@dataclass(slots=True, kw_only=True)
class Gate:
    """
    The router as its servers see it, while ``verb`` is carried out. ``meet`` hears of each moment when it
    comes: what it raises the server meets, and what the router is told ``before`` is not done then.
    ``heard`` is called with the change's state before the router hears anything, ``opened`` when somebody
    has logged in at a terminal, which says something before it hears anything.
    """

    twin: Twin
    journal: Journal
    verb: str = ""
    meet: Callable[[Point], None] = lambda now: None
    heard: Callable[[str], None] = lambda state: None
    opened: Callable[[], None] = lambda: None
    points: dict[Point, None] = field(default_factory=dict)
    unannounced: list[str] = field(default_factory=list)
    """What changed the router without a row that said so, durably, when it was heard."""

    def __getattr__(self, name: str) -> Any:
        """All else is the router's own."""
        return getattr(self.twin, name)

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run one command line."""
        return self._passed(command, lambda: self.twin.exec(user, command, stdin))  # type: ignore[attr-defined]  # the door that is used is there

    def talk(self, user: str, sentence: list[str]) -> list[list[str]]:
        """Answer one sentence."""
        return self._passed(" ".join(sentence), lambda: self.twin.talk(user, sentence))  # type: ignore[attr-defined]  # likewise

    def serve(self, request: Request) -> Response:
        """Answer one request."""
        said = f"{request.method} {request.path}"
        return self._passed(said, lambda: self.twin.serve(request))  # type: ignore[attr-defined]  # likewise

    def terminal(self, user: str, width: int, height: int) -> Typed:
        """Open a session."""
        self.opened()
        return Typed(gate=self, inside=self.twin.terminal(user, width, height))  # type: ignore[attr-defined]  # likewise

    def _passed(self, said: str, do: Callable[[], Answer]) -> Answer:
        """Let it through, unless this is the moment."""
        if not self.verb:
            return do()
        now = self._now()
        self.heard(now.what if now.when == "in" else "")
        sending, new = now.when == "before", now not in self.points
        if new:
            self._note(now)
        writes = self.twin.chassis.writes
        answer = do()
        if self.twin.chassis.writes > writes and not sending:
            self.unannounced.append(said)
        if sending:
            self._note(replace(now, when="after"))
        return answer

    def _note(self, now: Point) -> None:
        self.points[now] = None
        self.meet(now)

    def _now(self) -> Point:
        """What the journal says at this moment, as another process reads it."""
        run = self.journal.find_run("last")
        own = [row for row in self.journal.rows(run) if row.host] if f"-{self.verb}-" in run else []
        sent = [row for row in own if row.step == words.SENDING]
        if own and own[-1].step == words.SENDING:
            number = int(own[-1].payload["n"])
            at = sum(point.number == number and point.when == "before" for point in self.points)
            return Point(number=number, at=at, when="before", what=_command(own[-1]))
        states = [str(row.payload["state"]) for row in own if row.step == words.STATE]
        return Point(number=len(sent), at=0, when="in", what=states[-1] if states else "planned")


def _command(row: Row) -> str:
    return f"{row.payload['phase']}: {row.payload['command']}"


def worth_trying(points: dict[Point, None]) -> list[Point]:
    """All of them, but that what is after one thing is before the next that the same command says."""
    last: dict[int, int] = {}
    for point in points:
        if point.when == "after":
            last[point.number] = point.at
    return [point for point in points if point.when != "after" or point.at == last[point.number]]


@dataclass(slots=True, kw_only=True)
class Typed:
    """A terminal behind the gate."""

    gate: Gate
    inside: Terminal

    @property
    def closed(self) -> bool:
        """Has it ended?"""
        return self.inside.closed

    @closed.setter
    def closed(self, value: bool) -> None:
        self.inside.closed = value

    def greet(self) -> str:
        """What is shown after login."""
        return self.inside.greet()

    def feed(self, typed: str) -> str:
        """What the screen shows for these characters."""
        return self.gate._passed(typed, lambda: self.inside.feed(typed))
