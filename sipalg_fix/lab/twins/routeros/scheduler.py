"""
``/system scheduler``: entries that run commands at a time, again and again, or when the box has started.

Source: the MikroTik manual, page "Scheduler". An entry without a start begins at the moment it is
added, so its first run is one interval later; without an interval it runs once, if its start is yet
to come. Days of the week are left out. A reboot sets the run counts back and keeps the entries.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sipalg_fix.lab.twin import Timer
from sipalg_fix.lab.twins.routeros import notation
from sipalg_fix.lab.twins.routeros.box import Box, Menu, Reader, Refusal, Row
from sipalg_fix.lab.twins.routeros.console import Runner

SCHEDULER = "/system/scheduler"
SCRIPT = "/system/script"

AT_STARTUP = "startup"


def start_time(text: str) -> str:
    """``startup`` or a time of day; ValueError for anything else."""
    if text == AT_STARTUP:
        return text
    notation.moment("2026-01-01", text)
    return text


@dataclass(slots=True, kw_only=True)
class Scheduler:
    """Keeps one timer on the twin's clock for each entry that will run."""

    box: Box
    timers: dict[str, Timer] = field(default_factory=dict)

    def attach(self) -> None:
        """Add the menu to the box and follow its changes and boots."""
        writable: dict[str, Reader] = {
            "name": str,
            "comment": str,
            "on-event": str,
            "policy": str,
            "start-date": str,
            "start-time": start_time,
            "interval": lambda text: notation.span(notation.seconds(text)),
            "disabled": notation.truth,
        }
        verbs = frozenset({"print", "getall", "get", "find", "add", "set", "remove", "enable", "disable"})
        self.box.menus[SCHEDULER] = Menu(writable=writable, verbs=verbs, live=self._live)
        self.box.changed.append(self._changed)
        self.box.booted.append(self._booted)

    def _live(self, row: Row) -> Row:
        timer = self.timers.get(row[".id"])
        if timer is None:
            return dict(row)
        date, time = notation.day(timer.due, iso=self.box.iso_dates), notation.hour(timer.due)
        return {**row, "next-run": f"{date} {time}"}

    def _changed(self, path: str) -> None:
        if path == SCHEDULER:
            self.wind()

    def _booted(self) -> None:
        for row in self.box.menus[SCHEDULER].rows:
            row["run-count"] = "0"
        self.wind()
        for row in list(self.box.menus[SCHEDULER].rows):
            due_now = row["start-time"] == AT_STARTUP and row["interval"] == "0s"
            if due_now and row["disabled"] == "false":
                self._run(row)

    def wind(self) -> None:
        """Set every timer anew, as the entries are now."""
        for timer in self.timers.values():
            timer.cancelled = True
        self.timers.clear()
        for row in self.box.menus[SCHEDULER].rows:
            due = self._next(row)
            if due is not None:
                self._set(row, due)

    def _set(self, row: Row, due: float) -> None:
        self.timers[row[".id"]] = self.box.chassis.after(due - self.box.chassis.now, lambda: self._fire(row))

    def _next(self, row: Row) -> float | None:
        """When it runs next: strictly later than now. None for never."""
        if row["disabled"] == "true":
            return None
        every, now = notation.seconds(row["interval"]), self.box.chassis.now
        if row["start-time"] == AT_STARTUP:
            start = self.box.chassis.booted_at
        else:
            start = notation.moment(row["start-date"], row["start-time"])
        if start > now:
            return start
        if not every:
            return None
        return start + every * (int((now - start) // every) + 1)

    def _fire(self, row: Row) -> None:
        self.timers.pop(row[".id"], None)
        self._run(row)
        if any(other is row for other in self.box.menus[SCHEDULER].rows) and row[".id"] not in self.timers:
            due = self._next(row)
            if due is not None:
                self._set(row, due)

    def _run(self, row: Row) -> None:
        row["run-count"] = str(int(row["run-count"]) + 1)
        event, name = row["on-event"], row["name"]
        source = next((s["source"] for s in self.box.menus[SCRIPT].rows if s["name"] == event), event)
        allowed = frozenset(row["policy"].split(","))
        runner = Runner(box=self.box, owner=row["owner"], policies=allowed)
        try:
            runner.run(source)
        except Refusal as refusal:
            # Nobody waits for the outcome: like RouterOS, say it in the log and go on.
            self.box.note("script,error", f"executing script {name}")
            self.box.note("script,error,debug", f"(scheduler:{name}) {refusal.message}")
