"""
Probe points: a command is run on a computer behind a router, and what it answers is read as a probe's report.

Over SSH, with host keys and secrets as for routers, or on this computer. A command that fails, is late or
answers anything else leaves packets unknown, with the reason; nothing is raised.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import AccessSettings, Host, ProbePoint, SecretRef
from sipalg_fix.model.packets import NO_PACKETS, Packets, not_told, read_answer
from sipalg_fix.transports.line import Credentials, Deadline, Endpoint
from sipalg_fix.transports.ssh_keys import PROBE, HostKey, KeyStore

SSH_PORT: Final = 22
LONGEST: Final = 200
"""Characters of what a command complained of, for the reason."""
CLOSING_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A command that ended. ``status`` is -1, or less, for one that a signal ended."""

    out: str
    errors: str
    status: int


class ProbePoints:
    """
    The prober that asks probe points. One point is asked for one host at a time: two probes from one computer
    would want the same source ports.
    """

    def __init__(self, *, secrets: Callable[[SecretRef], str], keys: KeyStore) -> None:
        self._secrets = secrets
        self._keys = keys
        self._busy: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def packets(self, host: Host) -> Packets:
        """What the host's probe point says."""
        if host.probe is None:
            return NO_PACKETS
        try:
            secret = self._secret(host.probe)
        except DeviceError as error:
            return not_told(f"the probe point {host.probe.name}: {error.message}")
        try:
            with self._alone(host.probe):
                asked = datetime.now(UTC)
                ended = _asked(host, host.probe, secret, self._keys)
        except DeviceError as error:
            return not_told(_clean(f"the probe point {host.probe.name}: {error.message}", secret))
        return _read(host.probe, ended, asked, secret)

    @contextmanager
    def _alone(self, point: ProbePoint) -> Iterator[None]:
        with self._lock:
            busy = self._busy.setdefault(point.name, threading.Lock())
        if not busy.acquire(timeout=point.seconds):
            raise DeviceError("timeout", f"was busy with other hosts for {point.seconds:g} seconds")
        try:
            yield
        finally:
            busy.release()

    def _secret(self, point: ProbePoint) -> str:
        reference = point.ssh.password if point.ssh else None
        return self._secrets(reference) if reference else ""


def scan_point(host: Host, settings: AccessSettings, keys: KeyStore) -> HostKey:
    """The host key that the host's probe point shows now; no login is tried. DeviceError."""
    from sipalg_fix.transports.ssh_client import SshClient

    return SshClient(endpoint_of(host, settings), keys, None).scan()


def endpoint_of(host: Host, settings: AccessSettings) -> Endpoint:
    """Where a probe point is. Its key is filed under the host that it stands behind."""
    return Endpoint(
        label=host.label,
        name=host.name,
        access=PROBE,
        port=settings.port or SSH_PORT,
        settings=settings,
        deadline=Deadline(settings.seconds),
    )


def _asked(host: Host, point: ProbePoint, secret: str, keys: KeyStore) -> Ended:
    """Run the command, at the latest until the point's time is up. DeviceError."""
    if point.ssh is None:
        return _run_here(point)
    from sipalg_fix.transports.ssh_client import SshClient
    from sipalg_fix.transports.ssh_exec import run_once

    settings = point.ssh
    endpoint = endpoint_of(host, settings)
    credentials = Credentials(username=settings.username, password=secret, key_file=settings.key_file)
    client = SshClient(endpoint, keys, credentials)
    try:
        client.connect(username=settings.username)
        out, errors, status = run_once(client, endpoint, point.command)
        return Ended(out=out, errors=errors, status=status)
    finally:
        client.close()


def _run_here(point: ProbePoint) -> Ended:
    """On this computer, without a shell; with all that it starts it is ended when its time is up."""
    try:
        started = subprocess.Popen(
            shlex.split(point.command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no command line"
        raise DeviceError("command-refused", f"its command cannot be run: {why}") from None
    try:
        out, errors = started.communicate(timeout=point.seconds)
    except subprocess.TimeoutExpired:
        _end(started)
        raise DeviceError("timeout", f"did not answer within {point.seconds:g} seconds") from None
    return Ended(
        out=out.decode("utf-8", "replace"),
        errors=errors.decode("utf-8", "replace"),
        status=started.returncode,
    )


def _end(started: subprocess.Popen[bytes]) -> None:
    """With all that it started: nothing of a probe goes on after its time."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired, ValueError):
        started.communicate(timeout=CLOSING_SECONDS)
    for stream in (started.stdout, started.stderr):
        if stream is not None:
            stream.close()


def _read(point: ProbePoint, ended: Ended, asked: datetime, secret: str) -> Packets:
    where = f"the probe point {point.name}: "
    if ended.status < 0:
        return not_told(f"{where}a signal ended its command")
    found = read_answer(ended.out, ended.status, asked, datetime.now(UTC))
    if found.told:
        return found
    complaint = ended.errors.strip().splitlines()[-1:] if not ended.out.strip() else []
    more = f" ({complaint[0][:LONGEST]})" if complaint else ""
    return not_told(_clean(f"{where}{found.plane.reason}{more}", secret))


def _clean(text: str, secret: str) -> str:
    """Printable, and without the secret that the login took."""
    if secret:
        text = text.replace(secret, "<redacted>")
    return "".join(each if each.isprintable() else " " for each in text)
