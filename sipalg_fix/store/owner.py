"""Who holds a lease: words for people, and a mark that tells whether that process is still alive."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """
    ``name`` is ``user@machine pid``. ``process`` is boot id, process namespace, pid and start time,
    separated by blanks: together they name one process for ever. Empty where there is no ``/proc``.
    """

    name: str
    process: str


def this_process(by: str) -> Owner:
    """The process that asks, working for ``by``."""
    pid = os.getpid()
    return Owner(name=f"{by} {pid}", process=_mark(pid))


def is_gone(process: str) -> bool:
    """
    Is the process with this mark shown to have ended? Never true for one on another machine, in another
    container or before a restart of the machine: of those nothing can be told from here.
    """
    here = _mark(os.getpid())
    if not process or not here:
        return False
    boot, namespace, pid, _ = process.split(" ")
    if [boot, namespace] != here.split(" ")[:2]:
        return False
    try:
        # Asks only whether it exists; /proc may hide the processes of others.
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _ended(int(pid)) or _mark(int(pid)) not in (process, "")


def _ended(pid: int) -> bool:
    """Has it ended, and only its parent has not heard of it yet (a zombie)?"""
    return _stat(pid)[:1] in (["Z"], ["X"])


def _stat(pid: int) -> list[str]:
    """What follows the command's name in ``/proc/PID/stat`` (man 5 proc); empty when it cannot be read."""
    try:
        # The name stands in brackets and may hold anything, brackets too.
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _mark(pid: int) -> str:
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (PROC / str(pid) / "ns/pid").readlink()
    except OSError:
        return ""
    stat = _stat(pid)
    return f"{boot} {namespace} {pid} {stat[19]}" if stat else ""
