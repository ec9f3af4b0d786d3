"""
SSH exec: one command a channel, with an exit status, over one connection.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Final

import paramiko

from sipalg_fix.model.session import Command, SshExec
from sipalg_fix.transports.line import MOST, Credentials, Deadline, Endpoint, Said
from sipalg_fix.transports.ssh_client import SshClient
from sipalg_fix.transports.ssh_keys import KeyStore

_PLACE: Final = "<command>"
_SPECIAL: Final = re.compile(r"['!]")


class ExecLine:
    """
    An open connection, which may be one that others use too (``client``). Answers of a command are its
    standard input; without any it gets none.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        access: SshExec,
        keys: KeyStore,
        credentials: Credentials,
        client: SshClient | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._wrap = access.wrap
        self._client = client or SshClient(endpoint, keys, credentials)
        self._client.connect(username=credentials.username)

    def say(self, command: Command) -> Said:
        """
        Run it. The text is standard output, then standard error; line ends are LF and the last is taken
        off. The status is ``exit N``, with -1 for a command that a signal ended.
        """
        deadline = self._endpoint.deadline.sooner(command.seconds)
        channel = self._client.execute(wrapped(self._wrap, command.text), deadline)
        if command.answers:
            lines = (answer.text + ("\n" if answer.enter else "") for answer in command.answers)
            self._give(channel, "".join(lines).encode(), deadline)
        out, error, status = _outcome(channel, self._endpoint, deadline)
        parts = [part.removesuffix("\n") for part in (out, error) if part]
        return Said(text="\n".join(parts), status=f"exit {status}")

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _give(self, channel: paramiko.Channel, data: bytes, deadline: Deadline) -> None:
        try:
            channel.settimeout(deadline.left(self._endpoint))
            channel.sendall(data)
            channel.shutdown_write()
        except TimeoutError:
            raise deadline.missed(self._endpoint) from None
        except (OSError, EOFError, paramiko.SSHException):
            raise self._endpoint.lost("before it had heard the answers") from None


def run_once(client: SshClient, endpoint: Endpoint, command: str) -> tuple[str, str, int]:
    """A command without input: standard output, standard error, exit status (-1: a signal). DeviceError."""
    channel = client.execute(command, endpoint.deadline)
    with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
        channel.shutdown_write()
    return _outcome(channel, endpoint, endpoint.deadline)


def _outcome(channel: paramiko.Channel, endpoint: Endpoint, deadline: Deadline) -> tuple[str, str, int]:
    out = _all(channel.recv, channel, endpoint, deadline)
    error = _all(channel.recv_stderr, channel, endpoint, deadline)
    if not channel.status_event.wait(deadline.left(endpoint)):
        raise deadline.missed(endpoint)
    if channel.exit_status == -1 and not channel.eof_received:
        raise endpoint.lost("before the command had ended")
    channel.close()
    return out, error, channel.exit_status


def _all(
    receive: Callable[[int], bytes], channel: paramiko.Channel, endpoint: Endpoint, deadline: Deadline
) -> str:
    """Everything on one stream, up to its end."""
    data = bytearray()
    try:
        while True:
            channel.settimeout(deadline.left(endpoint))
            more = receive(65536)
            if not more:
                break
            data += more
            if len(data) > MOST:
                raise endpoint.error("not-understood", f"answered with more than {MOST >> 20} MiB")
    except TimeoutError:
        raise deadline.missed(endpoint) from None
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def wrapped(wrap: str, command: str) -> str:
    """
    The line for the login shell. Where ``<command>`` stands between single quotes, a single quote in the
    command, and the ``!`` that csh expands even there, are put outside of them behind a backslash: sh and
    csh both read that as meant.
    """
    if f"'{_PLACE}'" in wrap:
        return wrap.replace(_PLACE, _SPECIAL.sub(r"'\\\g<0>'", command))
    return wrap.replace(_PLACE, command)
