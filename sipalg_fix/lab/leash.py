"""
Runs a program that must not outlive whoever started it: ``python -m sipalg_fix.lab.leash PROGRAM ...``.

The starter holds the other end of standard input. When that is closed, by the starter or by its death,
the program is killed; when this process is killed, the kernel kills the program (setpriv, prctl(2)).
"""

from __future__ import annotations

import os
import select
import subprocess
import sys


def main(command: list[str]) -> int:
    """The program's exit status; it has no standard input of its own."""
    held = ["setpriv", "--pdeathsig", "KILL", *command]
    with subprocess.Popen(held, stdin=subprocess.DEVNULL) as child:
        ended = os.pidfd_open(child.pid)
        select.select([sys.stdin.fileno(), ended], [], [])
        child.kill()
        os.close(ended)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
