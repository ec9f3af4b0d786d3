"""The smallest devices that have a terminal and an exec channel, and the sessions to reach them."""

from __future__ import annotations

import socket
import subprocess
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from sipalg_fix.lab.twin import Chassis, Exec, Terminal, User
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import AccessSettings, Host, SecretRef
from sipalg_fix.model.session import Access, Command, SshCli, SshExec
from sipalg_fix.model.step import NOTHING
from sipalg_fix.transports.connections import Connections
from sipalg_fix.transports.ssh_keys import KeyStore

PASSWORD = "canary-Pa55'\"\\word"
ENABLE = "canary-enable-5"
CANARIES = (PASSWORD, ENABLE, PASSWORD.replace("\\", "\\\\").replace('"', '\\"'))
SECRETS = {"env:PASSWORD": PASSWORD, "env:ENABLE": ENABLE, "env:WRONG": "canary-wrong-1"}
PASSWORD_REF, ENABLE_REF, WRONG_REF = (SecretRef(text=text) for text in SECRETS)

CLI = SshCli(
    netmiko_type="cisco_ios",
    prompt=r"^[\w.-]+(?:\([\w-]+\))?[>#]$",
    failures=(r"^% Invalid input",),
    prepare=("terminal length 0",),
)
EXEC = SshExec()
SHOW = Command(access="cli", text="show version")

Parts = str | Sequence[str]
"""What is shown for a line; between two parts the device waits for keys."""


@dataclass(slots=True)
class Counting(Chassis):
    """A chassis that remembers every login that was tried."""

    tried: list[str] = field(default_factory=list)

    def admits(self, user: str, password: str) -> bool:
        """Is this login good?"""
        self.tried.append(password)
        return Chassis.admits(self, user, password)


class Typewriter:
    """A terminal that echoes, looks lines up in a table, and waits for keys between parts of an answer."""

    def __init__(self, box: SmallBox) -> None:
        self.closed = False
        self._box = box
        self._line = ""
        self._parts: list[str] = []

    def greet(self) -> str:
        return self._box.greeting + self._box.prompt

    def feed(self, typed: str) -> str:
        if self._parts:
            self._box.heard.append(typed)
            return self._show()
        shown = ""
        for char in typed.replace("\r\n", "\n"):
            if char != "\n":
                self._line += char
                shown += char
                continue
            line, self._line = self._line, ""
            self._box.heard.append(line)
            answer = self._box.answers.get(line, "% Invalid input detected\r\n" if line else "")
            self._parts = [answer] if isinstance(answer, str) else list(answer)
            shown += "\r\n" + self._show()
        return shown

    def _show(self) -> str:
        part = self._parts.pop(0)
        return part if self._parts else part + self._box.prompt


class SmallBox:
    """A twin with a terminal and an exec channel. ``heard`` is all that reached it, line by line."""

    def __init__(self, answers: dict[str, Parts] | None = None) -> None:
        users = {"ann": User(password=PASSWORD)}
        self.chassis = Counting(name="small", users=users)
        self.banner = "Authorised use only\n"
        self.greeting = "\r\nWelcome\r\n"
        self.prompt = "r1#"
        self.shell = ["/bin/sh", "-c"]
        self.heard: list[str] = []
        self.answers: dict[str, Parts] = {"terminal length 0": "", "show version": "Version 1.2\r\n"} | (
            answers or {}
        )

    def snapshot(self) -> dict[str, Any]:
        return {"heard": self.heard}

    def terminal(self, user: str, width: int, height: int) -> Terminal:
        del user, width, height
        return Typewriter(self)

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """By a real shell, as sshd does it."""
        self.heard.append(command)
        del user
        done = subprocess.run(
            [*self.shell, command], input=stdin, capture_output=True, text=True, check=False
        )
        return Exec(stdout=done.stdout, stderr=done.stderr, status=done.returncode)

    def reads_stdin(self, command: str) -> bool:
        """For the server: only this command does."""
        return command == "cat"


def small_driver(probes: Sequence[Command] = (SHOW,), **more: Any) -> Driver:
    """A driver of nothing, with the accesses ``cli`` and ``exec``."""
    accesses: dict[str, Access] = more.pop("accesses", {"cli": CLI, "exec": EXEC})
    return Driver(
        platform="small", title="Small", aliases=(), accesses=accesses, probes=tuple(probes),
        parse=lambda seen: Facts(platform="small", version=""), remedy=lambda facts: NOTHING, **more,
    )  # fmt: skip


def host_at(address: tuple[str, int], accesses: Sequence[str] = ("cli", "exec"), **more: Any) -> Host:
    """A host all of whose accesses are at one address, with the right login unless told otherwise."""
    given: dict[str, Any] = {"username": "ann", "password": PASSWORD_REF, "seconds": 10.0, **more}
    settings = AccessSettings(address=address[0], port=address[1], **given)
    return Host(name="r1", platform="small", site="berlin", accesses=dict.fromkeys(accesses, settings))


def connections(keys: KeyStore, **more: Any) -> Connections:
    """With the secrets of this module."""
    return Connections(secrets=lambda reference: SECRETS[reference.text], keys=keys, **more)


def trust(keys: KeyStore, host: Host, driver: Driver) -> None:
    """Accept what every access of the host shows now, as ``hostkeys accept`` does."""
    for access, key in connections(keys).scan(host, driver):
        keys.accept(host.label, access, key)


def refused(keys: KeyStore, host: Host, driver: Driver, command: Command = SHOW) -> DeviceError:
    """The error with which asking ends. No secret is in it, nor in its traceback."""
    with pytest.raises(DeviceError) as caught, connections(keys).reader(host, driver) as reader:
        reader.ask(command)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert [canary for canary in CANARIES if canary in told] == []
    return caught.value


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[tuple[str, int]]:
    """A TCP port on loopback, each connection served in turn by ``serve`` and then closed."""
    door = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                wire, _ = door.accept()
            except OSError:
                return
            with wire:
                serve(wire)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield door.getsockname()
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join(10)


def closed_port() -> tuple[str, int]:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        address: tuple[str, int] = door.getsockname()
    return address


def stall(wire: socket.socket) -> None:
    """Say nothing until the peer gives up."""
    while wire.recv(4096):
        pass
