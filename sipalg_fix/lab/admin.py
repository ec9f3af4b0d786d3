"""
Commanding a lab from outside its process: start it, stop it, move its clocks, turn its switches.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from sipalg_fix.lab.boxes import LabError

ANSWER_SECONDS = 30.0
"""How long any single command may take; stopping waits for every thread of the lab."""


class LabClient:
    """The lab that runs in a directory; :class:`LabError` if none does, or if it refuses a command."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()

    def list(self) -> list[dict[str, Any]]:
        """The hosts: host, platform, site, accesses (as text), boots, writes."""
        rows: list[dict[str, Any]] = self._ask({"do": "list"})
        return rows

    def snapshot(self, host: str) -> dict[str, Any]:
        """The whole state of a twin."""
        state: dict[str, Any] = self._ask({"do": "snapshot", "host": host})
        return state

    def advance(self, host: str, seconds: float) -> float:
        """Let time pass on a twin; its clock afterwards, in seconds since the epoch."""
        return float(self._ask({"do": "advance", "host": host, "seconds": seconds}))

    def switch(self, host: str, name: str, value: bool | float | str) -> None:
        """Turn a switch of a twin: true or false (also ``on`` or ``off``), seconds for ``slow``."""
        self._ask({"do": "switch", "host": host, "name": name, "value": value})

    def reboot(self, host: str) -> int:
        """Pull a twin's plug and put it in again; how often it has booted now."""
        return int(self._ask({"do": "reboot", "host": host}))

    def writes(self, host: str) -> int:
        """How often anything was changed on a twin since the lab began."""
        return int(self._ask({"do": "writes", "host": host}))

    def stop(self) -> None:
        """End the lab, and wait until its ports are free."""
        self._ask({"do": "stop"}, to_the_end=True)

    def _ask(self, command: dict[str, Any], *, to_the_end: bool = False) -> Any:
        try:
            admin = json.loads((self.directory / "lab.json").read_text())["admin"]
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(ANSWER_SECONDS)
                line.connect(admin)
                line.sendall(json.dumps(command).encode() + b"\n")
                with line.makefile() as stream:
                    answer = stream.readline()
                    if to_the_end:
                        stream.read()  # the lab closes this line when everything is down
        except (FileNotFoundError, ConnectionRefusedError):
            raise LabError(f"no lab is running in {self.directory}") from None
        except OSError as error:
            raise LabError(f"the lab in {self.directory} does not answer: {error}") from None
        if not answer:
            raise LabError(f"the lab in {self.directory} went away")
        said = json.loads(answer)
        if not said["ok"]:
            raise LabError(said["error"])
        return said["result"]


def up(lab_file: Path, directory: Path, timeout: float = 60.0, *, frozen: bool = False) -> LabClient:
    """
    Start a lab in a process of its own and wait until it answers.

    What a killed lab left in the directory is replaced; a lab that is alive there is a
    :class:`LabError`, as is one that is not ready in time. ``frozen`` stops the routers' clocks.
    """
    command = [sys.executable, "-m", "sipalg_fix.lab.supervisor", str(lab_file), str(directory), "--detach"]
    try:
        done = subprocess.run(
            [*command, "--frozen"] if frozen else command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"the lab was not ready in {timeout:g} seconds; see {directory / 'lab.log'}") from None
    if done.returncode != 0:
        raise LabError(done.stderr.strip() or f"the lab did not start; see {directory / 'lab.log'}")
    client = LabClient(directory)
    client.list()
    return client


def down(directory: Path) -> None:
    """Stop the lab that runs in a directory; :class:`LabError` if none does."""
    LabClient(directory).stop()
