"""A rollout over a small fleet by the installed command: batches, the stop rule, freeze, windows, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

from tests.e2e.conftest import COMMAND, ROOT, Workshop, virtual

pytestmark = pytest.mark.long  # dozens of commands, most of them waiting

NAMES = ("r1", "r2", "r3", "r4")
FLEET = [{name: virtual("cisco_ios") for name in NAMES}]
BOOK = """version: 1
rollout: {canary: r3, serial: [1, 2], max_fail: 0}
forks: 1
"""
SOAKING = BOOK.replace("max_fail: 0", "max_fail: 0, soak: 10m")
CLOSED = BOOK + 'windows: [{days: [mon], from: "03:00", to: "03:01", zone: Pacific/Kiritimati}]\n'
DEADLINE = 120.0


def planned(workshop: Workshop, book: str) -> Path:
    """A plan of the whole fleet by this playbook."""
    file, plan = workshop.folder / "book.yaml", workshop.folder / "plan.json"
    file.write_text(book)
    said = workshop.ends(2, "plan", "-i", workshop.inventory, "-p", file, "-o", plan).stdout
    assert "1. r3" in said
    assert "stops if a host fails" in said
    return plan


def ends(report: dict[str, Any]) -> dict[str, str]:
    """What became of each host."""
    return {line["host"]: (line["error"] or {}).get("code") or line["change"] for line in report["hosts"]}


@pytest.mark.parametrize("workshop", FLEET, indirect=True)
def test_the_stop_rule_then_a_freeze_then_the_rest(workshop: Workshop) -> None:
    """
    A router that refuses ends the run, and the rest says that it was not begun; a freeze refuses all; then
    the same plan goes on: what is as planned is left alone.
    """
    plan = planned(workshop, BOOK)
    workshop.lab.switch("r1", "refuse_writes", True)
    report = workshop.json(5, "apply", plan, "--yes")  # taken back is worse than stopped by a rule
    found = ends(report)
    assert (found["r3"], found["r2"], found["r4"]) == ("confirmed", "not-begun", "not-begun")
    assert found["r1"] not in ("confirmed", "not-begun")
    assert "max_fail allows 0" in report["stopped"]
    assert "max_fail allows 0" in workshop.ends(0, "report", "last").stdout
    workshop.lab.switch("r1", "refuse_writes", False)

    workshop.ends(0, "freeze", "--reason", "outage in Berlin")
    refused = workshop.ends(7, "apply", plan, "--yes").stderr
    assert "outage in Berlin" in refused
    assert "frozen" in refused
    workshop.ends(0, "freeze", "--lift")

    report = workshop.json(0, "apply", plan, "--yes")
    assert set(ends(report).values()) == {"confirmed"}
    assert {line["host"] for line in report["hosts"] if not line["done"]} == {"r3"}


@pytest.mark.parametrize("workshop", FLEET, indirect=True)
def test_outside_its_window_a_plan_is_made_but_not_carried_out(workshop: Workshop) -> None:
    """A minute a week, on the other side of the world; accepted by name it is carried out all the same."""
    plan = planned(workshop, CLOSED)
    assert "window-closed" in workshop.ends(7, "apply", plan, "--yes").stderr
    report = workshop.json(0, "apply", plan, "--yes", "--accept", "window-closed")
    assert set(ends(report).values()) == {"confirmed"}


@pytest.mark.parametrize("workshop", FLEET, indirect=True)
def test_ctrl_c_once_finishes_what_is_in_flight(workshop: Workshop) -> None:
    """In the soak after the canary: the run ends at once, and tells the others as not begun."""
    plan = planned(workshop, SOAKING)
    with started(workshop, "apply", plan, "--yes") as (process, said):
        heard(said, "soak: waiting")
        process.send_signal(signal.SIGINT)
        heard(said, "stopping: hosts in flight are finished")
        assert process.wait(DEADLINE) == 130
    told = workshop.json(0, "report", "last")
    assert ends(told) == {"r1": "not-begun", "r2": "not-begun", "r3": "confirmed", "r4": "not-begun"}


@pytest.mark.parametrize("workshop", FLEET, indirect=True)
def test_ctrl_c_twice_stops_now_and_recover_settles(workshop: Workshop) -> None:
    """With a router in the middle of its change: the process is gone at once, and says what settles it."""
    plan = planned(workshop, BOOK)
    workshop.lab.switch("r3", "slow", 0.5)
    with started(workshop, "apply", plan, "--yes") as (process, said):
        heard(said, "r3: applying")
        process.send_signal(signal.SIGINT)
        heard(said, "stopping: hosts in flight are finished")
        process.send_signal(signal.SIGINT)
        heard(said, "'sipalg-fix recover' settles them")
        assert process.wait(DEADLINE) == 130
    workshop.lab.switch("r3", "slow", 0.0)
    settled = workshop.run("recover", "--yes", "--output", "json")
    assert settled.returncode in (0, 4, 5), settled.stderr
    assert workshop.json(0, "recover", "--yes")["hosts"] == []
    state = workshop.host("r3", 2, "audit", "-i", workshop.inventory)["state"]
    assert state in ("enabled", "disabled")


@pytest.mark.parametrize("workshop", FLEET, indirect=True)
def test_two_processes_with_one_plan(workshop: Workshop) -> None:
    """The second is told that the first holds the router, and stops; the first goes on to its end."""
    plan = planned(workshop, BOOK)
    workshop.lab.switch("r3", "slow", 0.5)
    with started(workshop, "apply", plan, "--yes") as (process, said):
        heard(said, "r3: applying")
        second = workshop.json(7, "apply", plan, "--yes")
        assert ends(second) == {"r1": "not-begun", "r2": "not-begun", "r3": "host-busy", "r4": "not-begun"}
        workshop.lab.switch("r3", "slow", 0.0)
        assert process.wait(DEADLINE) == 0
    assert set(ends(workshop.json(0, "apply", plan, "--yes")).values()) == {"confirmed"}


@contextmanager
def started(workshop: Workshop, *words: str | Path) -> Iterator[tuple[subprocess.Popen[str], Queue[str]]]:
    """The command as a process of its own, and the lines it says to people."""
    environment = {**os.environ, "SIPALG_FIX_STATE": str(workshop.folder / "state"), "NO_COLOR": "1"}
    lines: Queue[str] = Queue()
    with subprocess.Popen(
        [str(COMMAND), *map(str, words)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env=environment, cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stderr or ()])
        reader.start()
        try:
            yield process, lines
        finally:
            process.kill()
            reader.join(DEADLINE)


def heard(lines: Queue[str], text: str) -> None:
    """Wait until it says this."""
    so_far: list[str] = []
    while text not in "".join(so_far[-1:]):
        try:
            so_far.append(lines.get(timeout=DEADLINE))
        except Empty:
            pytest.fail(f"never said {text!r}: {so_far}")
