"""
``lab up``: one process that hosts every virtual router of a lab file until it is told to stop.

It writes into its directory (mode 0700) what one needs to use them: ``hosts.yaml``, an inventory with
references to passwords in ``secrets/``; ``known_hosts``; ``keys/``, which outlive the process; and, last,
``lab.json`` with the process, the admin socket and the ports. A lock file tells a live lab from what a
killed one left. The admin socket speaks JSON lines: ``{"do": "advance", "host": "r1", "seconds": 60}``
is answered ``{"ok": true, "result": …}`` or ``{"ok": false, "error": "…"}``.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import yaml

from sipalg_fix.lab.boxes import LOOPBACK, Box, LabError, build, read_lab, set_switch
from sipalg_fix.lab.keys import known_hosts_line

TICK_SECONDS = 1.0
SOCKET_PATH_BYTES = 100
"""Unix sockets have room for 107 bytes of path; a longer directory gets its socket in /tmp."""


class Lab:
    """The running routers, and what may be done to them from outside."""

    def __init__(self, boxes: list[Box]) -> None:
        self.boxes = {box.entry.name: box for box in boxes}
        self.stopping = threading.Event()

    def start(self) -> None:
        """Open every door; those that opened are closed again if one does not."""
        try:
            for door in (door for box in self.boxes.values() for door in box.doors):
                _, door.port = door.server.start()
        except OSError:
            self.stop()
            raise

    def stop(self) -> None:
        """Close every door that is open."""
        for box in self.boxes.values():
            for door in box.doors:
                if door.port:
                    door.server.stop()
                    door.port = 0

    def tick(self) -> None:
        """Let the routers' clocks run with ours, until the lab stops."""
        before = time.monotonic()
        while not self.stopping.wait(TICK_SECONDS):
            now = time.monotonic()
            for box in self.boxes.values():
                with box.twin.chassis.lock:
                    box.twin.chassis.advance(now - before)
            before = now

    def obey(self, asked: dict[str, Any]) -> Any:
        """One admin command; raises :class:`LabError` for one that makes no sense."""
        match asked:
            case {"do": "list"}:
                return [_row(box) for box in self.boxes.values()]
            case {"do": "stop"}:
                self.stopping.set()
                return None
            case {"do": str(), "host": str(name)} if name not in self.boxes:
                raise LabError(f"there is no host {name!r} in this lab")
            case {"do": str(verb), "host": str(name)}:
                box = self.boxes[name]
                with box.twin.chassis.lock:
                    return _obey(box, verb, asked)
            case _:
                raise LabError(f"no command: {asked}")


def _obey(box: Box, verb: str, asked: dict[str, Any]) -> Any:
    """A command to one router, with its lock held."""
    chassis = box.twin.chassis
    match verb, asked:
        case "snapshot", _:
            return box.twin.snapshot()
        case "writes", _:
            return chassis.writes
        case "advance", {"seconds": int() | float() as seconds} if seconds >= 0:
            chassis.advance(seconds)
            return chassis.now
        case "switch", {"name": str(name), "value": value}:
            set_switch(chassis.switches, name, value)
            return None
        case "reboot", _:
            chassis.power_cycle()
            return chassis.boots
        case _:
            raise LabError(f"no command: {asked}")


def _row(box: Box) -> dict[str, Any]:
    chassis = box.twin.chassis
    doors = ", ".join(f"{door.access} {LOOPBACK}:{door.port}" for door in box.doors)
    return {
        "host": box.entry.name,
        "platform": box.entry.platform,
        "site": str(box.entry.inventory.get("site", "")),
        "accesses": doors,
        "boots": chassis.boots,
        "writes": chassis.writes,
    }


# The directory.


def inventory(boxes: list[Box], directory: Path) -> dict[str, Any]:
    """The hosts as an inventory reaches them, secrets as references."""
    hosts: dict[str, Any] = {}
    for box in boxes:
        main = box.doors[0]
        options: dict[str, Any] = {}
        for door in box.doors:
            one: dict[str, Any] = {"port": door.port}
            if door is not main:
                one |= {"username": door.username, "password": _reference(directory, box, door.access)}
            extras = dict(door.extras)
            if door.secret:
                extras["secret"] = _reference(directory, box, f"{door.access}.enable")
            options[door.access] = one | ({"extras": extras} if extras else {})
        hosts[box.entry.name] = {
            **box.entry.inventory,
            "hostname": LOOPBACK,
            "port": main.port,
            "username": main.username,
            "password": _reference(directory, box, ""),
            "connection_options": options,
        }
    return hosts


def _reference(directory: Path, box: Box, access: str) -> str:
    return f"file:{directory / 'secrets' / _secret(box, access)}"


def _secret(box: Box, access: str) -> str:
    return f"{box.entry.name}.{access}" if access else box.entry.name


def write(boxes: list[Box], directory: Path) -> None:
    """Everything a user of the lab needs, but ``lab.json``."""
    (directory / "secrets").mkdir(mode=0o700)
    for box in boxes:
        for door in box.doors:
            name = _secret(box, "" if door is box.doors[0] else door.access)
            _private(directory / "secrets" / name, f"{door.password}\n")
            if door.secret:
                enable = _secret(box, f"{door.access}.enable")
                _private(directory / "secrets" / enable, f"{door.secret}\n")
    doors = [door for box in boxes for door in box.doors if door.host_key is not None]
    lines = "".join(known_hosts_line(LOOPBACK, door.port, door.host_key) for door in doors)
    _private(directory / "known_hosts", lines)
    head = "# The virtual routers of a running lab; made by `lab up`, gone after `lab down`.\n"
    _private(directory / "hosts.yaml", head + yaml.safe_dump(inventory(boxes, directory), sort_keys=False))


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _describe(boxes: list[Box], admin: Path) -> str:
    hosts = {
        box.entry.name: {
            "platform": box.entry.platform,
            "ports": {door.access: door.port for door in box.doors},
        }
        for box in boxes
    }
    return json.dumps({"pid": os.getpid(), "admin": str(admin), "hosts": hosts}, indent=2) + "\n"


def sweep(directory: Path) -> None:
    """Take away what a lab writes, and nothing else: not its keys, nor what others keep there."""
    for name in ("lab.json", "admin.sock", "hosts.yaml", "known_hosts"):
        (directory / name).unlink(missing_ok=True)
    shutil.rmtree(directory / "secrets", ignore_errors=True)


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Own the directory as long as this process lives; :class:`LabError` if another lab does."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(
                f"a lab is running in {directory}; stop it first, or use another directory"
            ) from None
        sweep(directory)
        try:
            yield
        finally:
            sweep(directory)


# The admin socket.


class Admin:
    """The socket by which a lab is commanded; its connections stay open until everything is down."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self._lab = lab
        self.path = directory / "admin.sock"
        self._room: Path | None = None
        if len(os.fsencode(self.path)) > SOCKET_PATH_BYTES:
            self._room = Path(tempfile.mkdtemp(prefix="sipalg-lab-"))
            self.path = self._room / "admin.sock"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._open: list[socket.socket] = []

    def serve(self) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(client)
            threading.Thread(target=self._talk, args=(client,), name="lab-admin", daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client.makefile("rw") as stream:
            for line in stream:
                stream.write(json.dumps(self._answer(line)) + "\n")
                stream.flush()
        if not self._lab.stopping.is_set():
            self._open.remove(client)
            client.close()

    def _answer(self, line: str) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            if not isinstance(asked, dict):
                raise LabError(f"no command: {line.strip()}")
            return {"ok": True, "result": self._lab.obey(asked)}
        except (LabError, json.JSONDecodeError) as error:
            return {"ok": False, "error": str(error)}

    def close(self) -> None:
        """Nobody new; clients see the end of their connection, by which they know that all is down."""
        if self._room is not None:
            shutil.rmtree(self._room)
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()


# The process.


def run(
    lab_file: Path, directory: Path, *, frozen: bool = False, ready: Callable[[], None] = lambda: None
) -> None:
    """
    Host the routers of a lab file until ``stop``, SIGTERM or SIGINT.

    ``frozen`` leaves the routers' clocks alone, so that they move by ``advance`` only. ``ready`` is
    called once when everything listens. Raises :class:`LabError` before anything listens.
    """
    directory = directory.resolve()
    entries = read_lab(lab_file)
    with contextlib.ExitStack() as stack:
        admin: Admin | None = None
        # Closed last, after the directory is swept and unlocked: that end is what `down` waits for.
        stack.callback(lambda: admin.close() if admin is not None else None)
        stack.enter_context(held(directory))
        (directory / "keys").mkdir(mode=0o700, exist_ok=True)
        boxes = [build(entry, directory / "keys") for entry in entries]
        lab = Lab(boxes)
        _obey_signals(lab.stopping)
        lab.start()
        stack.callback(lab.stop)
        write(boxes, directory)
        admin = Admin(lab, directory)
        threads = [admin.serve] if frozen else [admin.serve, lab.tick]
        for work in threads:
            threading.Thread(target=work, name="lab", daemon=True).start()
        _private(directory / "lab.json", _describe(boxes, admin.path))
        ready()
        lab.stopping.wait()


def _obey_signals(stopping: threading.Event) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())


def _detached(lab_file: Path, directory: Path, frozen: bool) -> int:
    """Become a daemon; the first process ends when the lab is ready, or says why it is not."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        if said == "ready":
            return 0
        print(said or f"the lab ended; see {directory / 'lab.log'}", file=sys.stderr)
        return 1
    os.close(reading)
    os.setsid()
    with os.fdopen(writing, "w") as pipe:
        try:
            _redirect(directory)
            run(lab_file, directory, frozen=frozen, ready=lambda: _say(pipe, "ready"))
        except (LabError, OSError) as error:
            with contextlib.suppress(OSError, ValueError):  # closed when "ready" was said
                _say(pipe, str(error))
            return 1
    return 0


def _say(pipe: IO[str], text: str) -> None:
    pipe.write(text)
    pipe.close()


def _redirect(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = os.open(directory / "lab.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for number, stream in ((null, 0), (log, 1), (log, 2)):
        os.dup2(number, stream)


def main(arguments: list[str] | None = None) -> int:
    """``python -m sipalg_fix.lab.supervisor LAB_FILE DIRECTORY [--frozen] [--detach]``."""
    parser = argparse.ArgumentParser(prog="sipalg_fix.lab.supervisor", description=__doc__)
    parser.add_argument("lab_file", type=Path)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--frozen", action="store_true", help="the routers' clocks stand still")
    parser.add_argument("--detach", action="store_true", help="return when the lab is ready")
    given = parser.parse_args(arguments)
    if given.detach:
        return _detached(given.lab_file, given.directory, given.frozen)
    try:
        run(given.lab_file, given.directory, frozen=given.frozen)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
