"""
Connections: sessions with devices, as the engine wants them. Everything that leaves here is redacted.

A session holds one line for each access of a host, opened when it is first used. A session for looking
sends only what the driver declares as looking, in its very bytes, and has no way to send anything else.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import Host, SecretRef
from sipalg_fix.model.meeting import GREETING, STRANGER
from sipalg_fix.model.session import (
    Access,
    Command,
    HttpsJson,
    HttpsShell,
    Reply,
    RouterosApi,
    SshCli,
    SshExec,
    Transcript,
    redact,
)
from sipalg_fix.transports.line import Credentials, Deadline, Endpoint, Line
from sipalg_fix.transports.logins import Logins
from sipalg_fix.transports.ssh_keys import HostKey, KeyStore

if TYPE_CHECKING:
    from sipalg_fix.transports.https_shared import Controllers
    from sipalg_fix.transports.strangers import Met

SHORTEST: Final = 6
"""
Characters of a secret that is also looked for as such, besides the driver's patterns. A shorter one
(``sip``, ``on``) is found in words that it has nothing to do with, and would take away evidence.
"""


class Connections:
    """
    Opens sessions. ``secrets`` looks a reference up (DeviceError ``no-secret``), ``on_secret`` hears of
    each secret in use, so that other sinks can redact it too; ``seal`` encrypts a backup to a public key.
    ``pause`` waits where a controller asks for it, ``logins`` keeps count of them. ``close`` ends what hosts
    of one controller share.
    """

    def __init__(
        self,
        *,
        secrets: Callable[[SecretRef], str],
        keys: KeyStore,
        seal: Callable[[str], str] | None = None,
        on_secret: Callable[[str], None] | None = None,
        pause: Callable[[float], None] = time.sleep,
        logins: Logins | None = None,
    ) -> None:
        self._secrets = secrets
        self._keys = keys
        self._seal = seal
        self._on_secret = on_secret
        self._pause = pause
        self._logins = logins or Logins()
        self._shared: Controllers | None = None
        self._lock = threading.Lock()

    @contextmanager
    def reader(self, host: Host, driver: Driver) -> Iterator[Looking]:
        """A session that looks only."""
        with self._session(host, driver) as session:
            yield Looking(session, driver)

    @contextmanager
    def writer(self, host: Host, driver: Driver) -> Iterator[Changing]:
        """A session for a change."""
        with self._session(host, driver) as session:
            yield Changing(session)

    @contextmanager
    def stranger(self, host: Host) -> Iterator[Met]:
        """One login to a host of the platform ``auto``, counted and redacted as any other."""
        from sipalg_fix.transports.strangers import Door, Met

        doors: list[Door] = []

        def entered(endpoint: Endpoint, access: Access, credentials: Credentials) -> Line:
            del access
            doors.append(Door(endpoint, self._keys, credentials))
            return doors[0]

        def looking(known: Host, driver: Driver) -> Looking:
            # The one login was counted: none begins here. Nothing is backed up from such a session.
            session = _Session(known, driver, doors[0].line, self._secret, None, Logins())
            return Looking(session, driver)

        session = _Session(host, STRANGER, entered, self._secret, None, self._logins)
        try:
            yield Met(greeting=session.exchange(GREETING).text, looking=looking)
        finally:
            session.close()

    def scan(self, host: Host, driver: Driver) -> tuple[tuple[str, HostKey], ...]:
        """
        The host key or certificate that each configured access shows now, by access; no login is tried.
        An access without encryption shows none.
        """
        found = (
            (name, _shown(endpoint_of(host, name, access), access, self._keys))
            for name, access in driver.accesses.items()
            if name in host.accesses
        )
        return tuple((name, key) for name, key in found if key is not None)

    def close(self) -> None:
        """Hang up on every controller; a session that is opened afterwards logs in again."""
        with self._lock:
            shared, self._shared = self._shared, None
        if shared is not None:
            shared.close()

    def _controllers(self) -> Controllers:
        """Made when the first host of a controller comes: most runs have none."""
        from sipalg_fix.transports.https_shared import Controllers

        with self._lock:
            if self._shared is None:
                self._shared = Controllers(pause=self._pause)
            return self._shared

    def _line(self, endpoint: Endpoint, access: Access, credentials: Credentials) -> Line:
        if isinstance(access, HttpsJson) and access.site:
            return self._controllers().line(endpoint, access, self._keys, credentials)
        return _line(endpoint, access, self._keys, credentials)

    @contextmanager
    def _session(self, host: Host, driver: Driver) -> Iterator[_Session]:
        session = _Session(host, driver, self._line, self._secret, self._seal, self._logins)
        try:
            yield session
        finally:
            session.close()

    def _secret(self, reference: SecretRef) -> str:
        secret = self._secrets(reference)
        if self._on_secret is not None:
            self._on_secret(secret)
        return secret


class _Session:
    """The lines of one host, and what must not get out of them."""

    def __init__(
        self,
        host: Host,
        driver: Driver,
        line: Callable[[Endpoint, Access, Credentials], Line],
        secret: Callable[[SecretRef], str],
        seal: Callable[[str], str] | None,
        logins: Logins,
    ) -> None:
        self._logins = logins
        self._host = host
        self._driver = driver
        self._line = line
        self._secret = secret
        self._seal = seal
        self._lines: dict[str, Line] = {}
        self._broken: dict[str, DeviceError] = {}
        self._hidden: set[str] = set()

    def why_not(self, access: str) -> str:
        """Why an access cannot be used; empty when it can."""
        if access not in self._driver.accesses:
            return f"{self._driver.platform} has no such access"
        return "" if access in self._host.accesses else "not configured"

    def exchange(self, command: Command) -> Reply:
        """
        Send it and give the answer, redacted. A line that failed once stays failed in this session: it is
        out of step with the device, and a login that was refused is not tried again.
        """
        if why := self.why_not(command.access):
            raise DeviceError("no-access", f"{self._host.name}: access {command.access}: {why}")
        if earlier := self._broken.get(command.access):
            raise DeviceError(earlier.code, earlier.message)
        try:
            line = self._lines.get(command.access) or self._open(command.access)
            said = line.say(command)
        except DeviceError as error:
            self._logins.ended(self._door(command.access), error)
            clean = DeviceError(error.code, self._redacted(error.message))
            self._broken[command.access] = clean
            raise clean from None
        self._logins.ended(self._door(command.access), None)
        sealed = self._seal(said.text) if self._seal and command in self._driver.backup else ""
        return Reply(
            command=command,
            text=self._redacted(said.text),
            status=said.status,
            prompt=self._redacted(said.prompt),
            sealed=sealed,
        )

    def close(self) -> None:
        """Hang up on all accesses."""
        while self._lines:
            self._lines.popitem()[1].close()

    def _redacted(self, text: str) -> str:
        return redact(text, self._driver.secrets, sorted(self._hidden, key=len, reverse=True))

    def _open(self, name: str) -> Line:
        # Secrets first: a person who types one must not use up the device's time.
        credentials = self._credentials(name)
        access = self._driver.accesses[name]
        settings = self._host.accesses[name]
        self._logins.begin(self._door(name), (settings.username, settings.password, settings.key_file))
        line = self._line(endpoint_of(self._host, name, access), access, credentials)
        self._lines[name] = line
        return line

    def _door(self, name: str) -> tuple[str, str, str]:
        return (self._host.label, name, self._host.accesses[name].username)

    def _credentials(self, name: str) -> Credentials:
        settings = self._host.accesses[name]
        if settings.password is None and not settings.key_file:
            raise DeviceError(
                "no-secret", f"{self._host.name}: access {name} has no password and no key file"
            )
        return Credentials(
            username=settings.username,
            password=self._resolved(settings.password),
            enable=self._resolved(settings.secret),
            key_file=settings.key_file,
        )

    def _resolved(self, reference: SecretRef | None) -> str:
        if reference is None:
            return ""
        secret = self._secret(reference)
        if len(secret) >= SHORTEST:
            # An API's text is JSON, in which some characters are written in another way.
            self._hidden |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        return secret


class Looking:
    """A session that looks only; see :class:`sipalg_fix.model.driver.Driver` for what that comprises."""

    def __init__(self, session: _Session, driver: Driver) -> None:
        self._session = session
        self._driver = driver
        self._seen = Transcript()

    def ask(self, command: Command) -> Reply:
        """Send a look-only command; DeviceError ``look-only`` for any other, and nothing is sent."""
        reply = self._session.exchange(self._declared(command))
        self._seen = self._seen.plus(reply)
        return reply

    def unread(self, access: str) -> str:
        """Why an access cannot be used in this session; empty when it can."""
        return self._session.why_not(access)

    def _declared(self, command: Command) -> Command:
        """
        The driver's own command that is equal to this one. It is what is sent: access and text are the
        same, and the answers it may type are the driver's too.
        """
        driver = self._driver
        proof = driver.guard.proof if driver.guard else ()
        calls = driver.asked_for_calls(restarts=True)
        for declared in (*driver.probes, *driver.boot_probes, *proof, *calls, *driver.backup):
            if declared == command:
                return declared
        for declared in driver.more_probes(self._seen):
            if declared == command:
                return declared
        raise DeviceError(
            "look-only", f"not sent, as this session only looks: [{command.access}] {command.text}"
        )


class Changing:
    """A session for a change."""

    def __init__(self, session: _Session) -> None:
        self._session = session

    def ask(self, command: Command) -> Reply:
        """Send a command that only looks."""
        return self._session.exchange(command)

    def unread(self, access: str) -> str:
        """Why an access cannot be used in this session; empty when it can."""
        return self._session.why_not(access)

    def tell(self, command: Command) -> Reply:
        """Send a command that changes something. A cut connection is ``connection-lost``."""
        return self._session.exchange(command)


def endpoint_of(host: Host, name: str, access: Access) -> Endpoint:
    """Where an access of a host is, with its deadline running from now on."""
    settings = host.accesses[name]
    plain = isinstance(access, RouterosApi) and settings.plain
    usual = access.plain_port if plain and isinstance(access, RouterosApi) else access.port
    return Endpoint(
        label=host.label,
        name=host.name,
        access=name,
        port=settings.port or usual,
        settings=settings,
        deadline=Deadline(settings.seconds),
    )


def _line(endpoint: Endpoint, access: Access, keys: KeyStore, credentials: Credentials) -> Line:
    """Open a line. The libraries are imported here, so that only those in use are."""
    match access:
        case SshCli():
            from sipalg_fix.transports.ssh_cli import CliLine

            return CliLine(endpoint, access, keys, credentials)
        case SshExec():
            from sipalg_fix.transports.ssh_exec import ExecLine

            return ExecLine(endpoint, access, keys, credentials)
        case RouterosApi():
            from sipalg_fix.transports.routeros_api import ApiLine

            return ApiLine(endpoint, keys, credentials)
        case HttpsJson():
            from sipalg_fix.transports.https_json import HttpsLine

            return HttpsLine(endpoint, access, keys, credentials)
        case HttpsShell():
            from sipalg_fix.transports.https_shell import ShellLine

            return ShellLine(endpoint, access, keys, credentials)


def _shown(endpoint: Endpoint, access: Access, keys: KeyStore) -> HostKey | None:
    match access:
        case SshCli() | SshExec():
            from sipalg_fix.transports.ssh_client import SshClient

            return SshClient(endpoint, keys, None).scan()
        case HttpsJson() | HttpsShell() | RouterosApi():
            from sipalg_fix.transports.tls import scan_certificate

            plain = isinstance(access, RouterosApi) and endpoint.settings.plain
            return None if plain else scan_certificate(endpoint)
