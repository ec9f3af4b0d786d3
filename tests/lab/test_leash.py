"""What the lab starts does not outlive the lab."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv (util-linux)")

SAY_PID = ["sh", "-c", "echo $$; exec sleep 1000"]


def leashed() -> tuple[subprocess.Popen[bytes], int]:
    """The leash, and a descriptor that becomes readable when what it holds has ended."""
    leash = subprocess.Popen(
        [sys.executable, "-m", "sipalg_fix.lab.leash", *SAY_PID],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert leash.stdout is not None
    return leash, os.pidfd_open(int(leash.stdout.readline()))


def ended(descriptor: int) -> bool:
    """Has the program ended, at the latest in ten seconds?"""
    found, _, _ = select.select([descriptor], [], [], 10)
    os.close(descriptor)
    return bool(found)


def test_a_program_ends_when_its_starter_lets_go() -> None:
    """Closing the pipe is enough: that is what the death of the starter does."""
    leash, program = leashed()
    with leash:
        assert leash.stdin is not None
        leash.stdin.close()

        assert ended(program)


def test_a_program_ends_when_the_leash_is_killed() -> None:
    """Even by SIGKILL, which it cannot answer."""
    leash, program = leashed()
    with leash:
        leash.send_signal(signal.SIGKILL)

        assert ended(program)


def test_the_leash_ends_with_its_program() -> None:
    """And gives its status."""
    command = [sys.executable, "-m", "sipalg_fix.lab.leash", "sh", "-c", "exit 7"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as leash:
        assert leash.wait(10) == 7
