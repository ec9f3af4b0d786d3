"""
One conversation for all hosts behind one controller: they share its login and wait for their turn.

A controller counts logins and turns away who makes too many, so that two hundred sites are one login. They
share it where address, login and what is believed of the certificate are the same, and nowhere else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.session import Command, HttpsJson
from sipalg_fix.transports.https_json import HttpsLine
from sipalg_fix.transports.https_login import TooManyLogins
from sipalg_fix.transports.line import Credentials, Endpoint, Said
from sipalg_fix.transports.ssh_keys import HostKey, KeyStore


@dataclass(frozen=True, slots=True)
class _Whose:
    """What must be the same for two hosts to be spoken for in one conversation."""

    address: str
    port: int
    credentials: Credentials
    login: str
    trust: tuple[str, str, bool, tuple[HostKey, ...]]


class Controllers:
    """The conversations of one run, by whose they are. Safe for threads; ``close`` ends all of them."""

    def __init__(
        self,
        *,
        pause: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._rooms: dict[_Whose, _Room] = {}

    def line(self, endpoint: Endpoint, access: HttpsJson, keys: KeyStore, login: Credentials) -> SharedLine:
        """A host's own way to speak, logged in; DeviceError when there is no login to be had."""
        settings = endpoint.settings
        pins = keys.accepted(endpoint.label, endpoint.access)
        whose = _Whose(
            address=endpoint.address,
            port=endpoint.port,
            credentials=login,
            login=settings.login,
            trust=(settings.tls_pin, settings.tls_ca, settings.legacy_crypto, tuple(pins)),
        )
        with self._lock:
            room = self._rooms.setdefault(whose, _Room(self._clock))
        line = SharedLine(endpoint, room, lambda: HttpsLine(endpoint, access, keys, login, self._pause))
        with room.turn(endpoint):
            line.open()
        return line

    def close(self) -> None:
        """Hang up on every controller."""
        with self._lock:
            rooms, self._rooms = list(self._rooms.values()), {}
        for room in rooms:
            room.close()


class _Room:
    """One conversation, who has the word, and what is remembered of a login that was refused."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.line: HttpsLine | None = None
        self._clock = clock
        self._lock = threading.Lock()
        self._refused: DeviceError | None = None
        self._until = float("inf")

    @contextmanager
    def turn(self, endpoint: Endpoint) -> Iterator[None]:
        """
        Have the word. Where a login was refused, no other is tried: the controller would lock the account.
        After too many of them one is tried again when the controller said so.
        """
        if not self._lock.acquire(timeout=endpoint.deadline.left(endpoint)):
            raise endpoint.deadline.missed(endpoint)
        try:
            if self._refused is not None and self._clock() < self._until:
                raise DeviceError(self._refused.code, self._refused.message)
            self._refused = None
            yield
        except TooManyLogins as error:
            self._refuse(error, self._clock() + error.seconds)
            raise
        except DeviceError as error:
            if error.code == "access-denied":
                self._refuse(error, float("inf"))
            raise
        finally:
            self._lock.release()

    def _refuse(self, error: DeviceError, until: float) -> None:
        if self._refused is None:
            self._refused, self._until = error, until

    def close(self) -> None:
        """Hang up; whoever has the word is cut off."""
        line, self.line = self.line, None
        if line is not None:
            line.close()


class SharedLine:
    """One host's part in a conversation that others have too. Closing it leaves that as it is."""

    def __init__(self, endpoint: Endpoint, room: _Room, begin: Callable[[], HttpsLine]) -> None:
        self._endpoint = endpoint
        self._room = room
        self._begin = begin

    def open(self) -> HttpsLine:
        """The conversation, begun by whoever comes first; only with the word."""
        if self._room.line is None:
            self._room.line = self._begin()
        self._room.line.serve(self._endpoint)
        return self._room.line

    def say(self, command: Command) -> Said:
        """Wait for the word, and send one command."""
        with self._room.turn(self._endpoint):
            return self.open().say(command)

    def close(self) -> None:
        """Nothing: the next host goes on."""
