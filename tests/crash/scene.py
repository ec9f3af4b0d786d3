"""One virtual router in this process behind a gate, and the installed command as processes before it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sipalg_fix.lab import boxes, supervisor
from sipalg_fix.model import journal as words
from sipalg_fix.store.journal import Journal
from sipalg_fix.wiring import utc_now
from tests.crash.forker import Forker, Running
from tests.crash.gate import Gate, Point
from tests.e2e.conftest import PASSING, ROOT, options_of

HOST = "router"
DEADLINE = 240.0
"""Seconds for any one command; a router's timer and boot are within it."""
UP_SECONDS = 1800.0
"""How long the router has been up: its phones are still registered through it."""
CAREFUL = """\
version: 1
intent: {sip_alg: "off"}
how: {reboot: always, guard: require, guard_minutes: 2}
"""
SWITCHES: dict[str, dict[str, Any]] = {"ubiquiti_edgeos": {"revisions": 10}, "cisco_ios": {"archive": True}}
"""What a router must be set to for the guard that its driver has."""
ACCEPTED = ("guard-reboots", "unguarded", "reboots", "unsaved-edits", "needs-reboot", "calls-unknown")


@dataclass(slots=True, kw_only=True)
class Scene:
    """A router, its files, and the commands on it."""

    folder: Path
    platform: str
    forker: Forker
    opened: ExitStack
    gate: Gate = field(init=False)
    journal: Journal = field(init=False)
    running: Running | None = None
    patience: int = 0
    """Seconds in which the router must answer; 0 for what is usual."""

    def __post_init__(self) -> None:
        """Switch the router on."""
        platform, options = options_of(self.platform, SWITCHES.get(self.platform, {}))
        accesses = tuple(options.pop("accesses", ()))
        entry = boxes.Entry(
            name=HOST, platform=platform, username="admin", options=options, switches={}, accesses=accesses,
            inventory={"platform": platform, "site": "test"},
        )  # fmt: skip
        keys = self.folder / "keys"
        keys.mkdir()
        box = boxes.build(entry, keys)
        box.twin.chassis.advance(UP_SECONDS)
        (self.folder / "state").mkdir(mode=0o700)
        self.journal = Journal(self.folder / "state" / "journal.db", now=utc_now, by="test")
        self.opened.callback(self.journal.close)
        self.gate = Gate(twin=box.twin, journal=self.journal)
        box.doors = boxes.DOORS[platform](entry, self.gate, box.doors[0].password, keys)
        for door in box.doors:
            _, door.port = door.server.start()
            self.opened.callback(door.server.stop)
            if self.patience:
                door.extras["seconds"] = self.patience
        lab = self.folder / "lab"
        lab.mkdir(mode=0o700)
        supervisor.write([box], lab)
        (self.folder / "careful.yaml").write_text(CAREFUL)
        self.ends({0}, "hostkeys", "accept", "-i", self.inventory, "--yes")

    @property
    def inventory(self) -> Path:
        """The router, as the command reaches it."""
        return self.folder / "lab" / "hosts.yaml"

    @property
    def plan(self) -> Path:
        """Made by :meth:`prepare`."""
        return self.folder / "plan.json"

    @property
    def kept(self) -> dict[str, Any]:
        """What the router keeps."""
        twin = self.gate.twin
        with twin.chassis.lock:
            return {key: value for key, value in twin.snapshot().items() if key not in PASSING}

    @property
    def said(self) -> str:
        """What the last command said on standard error."""
        return (self.folder / "stderr").read_text()

    def start(self, *words: str | Path) -> int:
        """Run a command line to its end, or until it is killed; the exit code."""
        environ = {
            "SIPALG_FIX_STATE": str(self.folder / "state"),
            "NO_COLOR": "1",
        }
        line = [str(word) for word in words]
        self.running = self.forker.start(line, folder=ROOT, environ=environ, output=self.folder)
        return self.running.end(DEADLINE)

    def ends(self, codes: set[int], *words: str | Path) -> None:
        """The same, where it must end with one of these."""
        code = self.start(*words)
        assert code in codes, f"{words}: {code}\n{self.said}"

    def kill(self) -> None:
        """``kill -9``, and the process is gone."""
        assert self.running is not None
        self.running.kill(DEADLINE)

    def prepare(self, *more: str) -> None:
        """Make the plan."""
        self.ends(
            {2}, "plan", "-i", self.inventory, "-p", self.folder / "careful.yaml", "-o", self.plan, *more,
            *(word for name in ACCEPTED for word in ("--accept", name)),
        )  # fmt: skip

    def carry_out(self, verb: str) -> int:
        """Apply, or roll back, with the gate on; the exit code."""
        line = ("apply", self.plan) if verb == "apply" else ("rollback", "last")
        self.gate.points.clear()
        self.gate.verb = verb
        try:
            return self.start(*line, "--yes", "--output", "json")
        finally:
            self.gate.verb = ""

    def until(self, verb: str, doom: Point | None = None) -> int:
        """The same, killed at this moment."""

        def killed(now: Point) -> None:
            if now == doom:
                self.gate.verb = ""
                self.kill()
                raise ConnectionResetError

        self.gate.meet = killed
        return self.carry_out(verb)

    def line(self) -> dict[str, Any]:
        """The host's line in the report that the last command printed."""
        (line,) = json.loads((self.folder / "stdout").read_text())["hosts"]
        return dict(line)

    def damage(self) -> list[str]:
        """What is wrong with the journal's chains."""
        return [wrong for line in self.journal.runs(100) if (wrong := self.journal.check(line.run))]

    def states(self, run: str) -> list[str]:
        """The states of a run's change, in order."""
        return [str(row.payload["state"]) for row in self.journal.rows(run, HOST) if row.step == words.STATE]
