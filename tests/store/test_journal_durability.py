"""What the journal has acknowledged is there, whatever happens to the program, and however many write."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from sipalg_fix.store.journal import Journal

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Starts a writer, which waits for the word to begin; none outlives the test."""
    programs: list[subprocess.Popen[str]] = []

    def starts(run: str, threads: int, rows: int) -> subprocess.Popen[str]:
        words = [str(Path(__file__).with_name("writer.py")), str(path), run, str(threads), str(rows)]
        program = subprocess.Popen(
            [sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        programs.append(program)
        assert pipe(program.stdout).readline() == "ready\n"
        return program

    yield starts
    for program in programs:
        program.kill()
        program.communicate()


def pipe(end: IO[str] | None) -> IO[str]:
    """A pipe that was asked for is there."""
    assert end is not None
    return end


def begin(program: subprocess.Popen[str]) -> None:
    """Give the word."""
    pipe(program.stdin).write("go\n")
    pipe(program.stdin).flush()


def test_a_program_that_is_killed_loses_nothing_it_was_told_is_kept(journal: Journal, start: Start) -> None:
    """Killed in the middle of writing with two threads: each acknowledged row is there, the chain whole."""
    run = journal.open_run("apply", {})
    for _ in range(3):
        program = start(run, 2, 0)
        begin(program)
        acknowledged = [int(pipe(program.stdout).readline()) for _ in range(60)]
        os.kill(program.pid, signal.SIGKILL)
        rest, _ = program.communicate()
        acknowledged += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        assert program.returncode == -signal.SIGKILL
        kept = {row.seq for row in journal.rows(run)}
        assert kept >= set(acknowledged)
        assert journal.check(run) == ""
    after = journal.write(run, "", "said", {"what": "interrupted"})
    assert journal.check(run, head=after.hash) == ""


def test_programs_and_threads_write_one_run_without_losing_their_order(
    journal: Journal, start: Start
) -> None:
    """Two programs with four threads each: one chain, each row once, each thread's own rows in order."""
    run = journal.open_run("audit", {})
    programs = [start(run, 4, 25) for _ in range(2)]
    for program in programs:
        begin(program)
    acknowledged: list[int] = []
    for program in programs:
        said, _ = program.communicate(timeout=120)
        assert program.returncode == 0
        acknowledged += [int(line) for line in said.split()]
    assert sorted(acknowledged) == list(range(2, 202))
    assert journal.check(run) == ""
    for thread in range(4):
        numbers = [row.payload["number"] for row in journal.rows(run, f"thread-{thread}")]
        assert sorted(numbers) == sorted([*range(1, 26)] * 2)
        assert is_merge_of_two_counts(numbers)


def is_merge_of_two_counts(numbers: list[int]) -> bool:
    """Can these be two counts from 1, shuffled into each other? Each number is one count's next."""
    counts = [0, 0]
    for number in numbers:
        if number - 1 not in counts:
            return False
        counts[counts.index(number - 1)] = number
    return True


def test_an_order_that_is_no_merge_is_seen() -> None:
    """The check of the test above can fail."""
    assert is_merge_of_two_counts([1, 1, 2, 3, 2, 3])
    assert not is_merge_of_two_counts([1, 3, 2, 1, 2, 3])


def test_several_programs_may_be_the_first(path: Path, opened: Callable[[], Journal]) -> None:
    """A journal that is not there yet is made once, by whichever program comes first."""
    code = (
        "import sys; from sipalg_fix.store.journal import Journal; sys.stdin.readline();"
        "j = Journal(sys.argv[1], now=lambda: '2026-11-23T10:15:00Z', by='x@y'); j.open_run('audit', {})"
    )
    programs = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for program in programs:
        begin(program)
    for program in programs:
        program.communicate(timeout=60)
        assert program.returncode == 0
    lines = opened().runs()
    assert len({line.run for line in lines}) == 4


def test_each_commit_reaches_the_disk_before_it_is_acknowledged(journal: Journal) -> None:
    """Write-ahead log, synced at each commit: what a loss of power needs, and no killed program shows."""
    with journal._database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
