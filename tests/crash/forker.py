"""
The installed command, without loading it for each of some thousand starts: a process that has loaded it, and
forks into each command line. A child is the command as it is, in a process of its own that can be killed.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

LIBRARIES = ("netmiko", "paramiko", "httpx", "routeros_api", "sqlalchemy", "alembic.command", "rich.table")
NOT_LOADED = ("sipalg_fix.lab", "sipalg_fix.wire", "sipalg_fix.store.migrations", "sipalg_fix.__main__")


class Forker:
    """One line of JSON in, for a command line; its process, and then its exit code out."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def start(self, words: list[str], *, folder: Path, environ: dict[str, str], output: Path) -> Running:
        """The command as a process of its own, one at a time. What it says is in files in ``output``."""
        asked = {"words": words, "folder": str(folder), "environ": environ, "output": str(output)}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Running(self, int(self.answer()))

    def answer(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        """End it; a command that runs is ended by whoever started it."""
        self._process.communicate()


class Running:
    """A command that runs. ``end`` waits for it, and any thread may kill it meanwhile."""

    def __init__(self, forker: Forker, process: int) -> None:
        self._forker = forker
        self._process = process
        self._ended = threading.Event()

    def end(self, seconds: float) -> int:
        """The exit code, negative for a signal; it is killed when it takes longer than ``seconds``."""
        late = threading.Timer(seconds, self._kill)
        late.start()
        code = int(self._forker.answer())
        self._ended.set()
        late.cancel()
        return code

    def kill(self, seconds: float) -> None:
        """``kill -9``; when this returns the process is gone."""
        self._kill()
        assert self._ended.wait(seconds), "a killed process goes on"

    def _kill(self) -> None:
        os.kill(self._process, 9)


def _load() -> None:
    import sipalg_fix

    for found in pkgutil.walk_packages(sipalg_fix.__path__, "sipalg_fix."):
        if not found.name.startswith(NOT_LOADED):
            importlib.import_module(found.name)
    for name in LIBRARIES:
        importlib.import_module(name)


def _become(asked: dict[str, Any]) -> None:
    """The command line, in a child."""
    from sipalg_fix.cli.main import main

    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(f"{asked['output']}/stdout", new, 0o600), 1)
    os.dup2(os.open(f"{asked['output']}/stderr", new, 0o600), 2)
    os.environ.update(asked["environ"])
    os.chdir(asked["folder"])
    sys.argv = ["sipalg-fix", *asked["words"]]
    main()


def _serve() -> None:
    _load()
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
