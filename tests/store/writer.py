"""
A program that writes rows into a run, for tests that kill it or let several of them write at once.

Arguments: journal, run, threads, rows a thread (0: until it is killed). It prints ``ready``, waits for a
line on its standard input, and prints each row's number only after the journal has said that it is kept.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from sipalg_fix.store.journal import Journal


def main() -> None:
    """Write, and say what was acknowledged."""
    where, run, threads, rows = sys.argv[1:]
    journal = Journal(Path(where), now=lambda: "2026-11-23T10:15:00Z", by="writer@noc-1")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    lock = threading.Lock()
    workers = [
        threading.Thread(target=write, args=(journal, run, f"thread-{n}", int(rows), lock))
        for n in range(int(threads))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    journal.close()


def write(journal: Journal, run: str, host: str, rows: int, lock: threading.Lock) -> None:
    """One thread's rows; its number within the thread is in the payload."""
    number = 0
    while number < rows or not rows:
        number += 1
        row = journal.write(run, host, "looked", {"number": number, "filler": "x" * 200})
        with lock:
            sys.stdout.write(f"{row.seq}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
