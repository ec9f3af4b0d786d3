"""
SSH command line: netmiko's login for each kind of device, and then a dialogue of our own.

netmiko knows how the kinds differ at the door: suffixes of the user name, line ends, licence questions.
After that its way is to sleep and to poll; ours is to wait for bytes. It is never given a secret: the
client that it logs in with checks the device first, and holds the password itself.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

import paramiko
from netmiko.exceptions import NetmikoTimeoutException, ReadException
from netmiko.no_enable import NoEnable
from netmiko.ssh_dispatcher import CLASS_MAPPER

from sipalg_fix.model.session import Answer, Command, SshCli
from sipalg_fix.transports.dialogue import Dialogue
from sipalg_fix.transports.line import Credentials, Endpoint, Said, hush
from sipalg_fix.transports.ssh_client import SshClient
from sipalg_fix.transports.ssh_keys import KeyStore
from sipalg_fix.transports.terminal import Terminal

_PASSWORD: Final = r"[Pp]assword:?$"


class CliLine:
    """
    An open session at a prompt, with its terminal made still; over a connection of its own, or one that is
    there (``client``).
    """

    def __init__(
        self,
        endpoint: Endpoint,
        access: SshCli,
        keys: KeyStore,
        credentials: Credentials,
        client: SshClient | None = None,
    ) -> None:
        hush("netmiko")
        self._endpoint = endpoint
        self._failures = tuple(re.compile(pattern) for pattern in access.failures)
        self._client = client or SshClient(endpoint, keys, credentials)
        try:
            kind = _kind(endpoint, access)
            terminal = _log_in(kind, endpoint, access, self._client, credentials.username)
            self._dialogue = Dialogue(endpoint, terminal, re.compile(access.prompt, re.MULTILINE))
            first, last = self._dialogue.begin(), ""
            if credentials.enable and not issubclass(kind, NoEnable):
                first = self._enable(credentials.enable)
            for text in access.prepare:
                last = self._dialogue.exchange(Command(access=endpoint.access, text=text)).prompt
            self._dialogue.settle(first, last)
        except BaseException:
            self.close()
            raise

    def say(self, command: Command) -> Said:
        """
        Type the line and read up to the next prompt. The status is ``refused`` when one of the access's
        failure patterns is in a line of the answer.
        """
        said = self._dialogue.exchange(command)
        refused = any(pattern.search(line) for line in said.text.splitlines() for pattern in self._failures)
        return Said(text=said.text, status="refused" if refused else "ok", prompt=said.prompt)

    def close(self) -> None:
        """Hang up. Nothing is typed: leaving a configuration mode is for whoever entered it."""
        self._client.close()

    def _enable(self, secret: str) -> str:
        """Become privileged; the new prompt. One try: more could lock the account."""
        answers = (Answer(question=_PASSWORD, text=secret),)
        command = Command(access=self._endpoint.access, text="enable", answers=answers)
        said = self._dialogue.exchange(command, last_word=_PASSWORD)
        if not said.prompt.rstrip().endswith("#"):
            raise self._endpoint.error("access-denied", "refused the enable password (secret)")
        return said.prompt


class _Login:
    """
    What we do in netmiko's stead, laid over its class for the kind of device: our client, our terminal,
    and none of its preparations. Its special handling at the door runs as it is.
    """

    def log_in(self, client: SshClient, endpoint: Endpoint) -> Terminal:
        """Everything that netmiko does up to the greeting."""
        self._sipalg_client = client
        self._sipalg_endpoint = endpoint
        self._sipalg_terminal: Terminal | None = None
        self._open()  # type: ignore[attr-defined]  # netmiko's, not typed
        return self._terminal()

    def _terminal(self) -> Terminal:
        if self._sipalg_terminal is None:
            channel, newline = self.remote_conn, self.RETURN  # type: ignore[attr-defined]  # netmiko's, not typed
            self._sipalg_terminal = Terminal(self._sipalg_endpoint, channel, newline)
        return self._sipalg_terminal

    def _build_ssh_client(self) -> SshClient:
        return self._sipalg_client

    def _try_session_preparation(self, force_data: bool = True) -> None:
        del force_data

    def read_channel(self) -> str:
        """What has come since the last call, after a short wait; it all stays on the terminal."""
        terminal = self._terminal()
        self._sipalg_endpoint.deadline.left(self._sipalg_endpoint)
        before = len(terminal.raw)
        return "" if terminal.still() else terminal.raw[before:].replace("\r\n", "\n")


def _kind(endpoint: Endpoint, access: SshCli) -> type[Any]:
    """netmiko's class; never one for a way of talking that is not encrypted."""
    found: type[Any] | None = CLASS_MAPPER.get(access.netmiko_type)
    if found is None or access.netmiko_type.endswith(("_telnet", "_serial")):
        what = f"is of a kind that netmiko does not know over SSH: {access.netmiko_type}"
        raise endpoint.error("internal", what)
    return found


def _log_in(
    kind: type[Any], endpoint: Endpoint, access: SshCli, client: SshClient, username: str
) -> Terminal:
    ours = type(kind.__name__, (_Login, kind), {})
    connection: Any = ours(
        device_type=access.netmiko_type,
        host=endpoint.address,
        port=endpoint.port,
        username=username,
        auto_connect=False,
    )
    # Each connection adds one to the log and takes it away only when it is closed in netmiko's own way.
    logging.getLogger("netmiko").removeFilter(connection._secrets_filter)
    try:
        terminal: Terminal = connection.log_in(client, endpoint)
    except NetmikoTimeoutException:
        raise endpoint.error("timeout", "did not come to a prompt after the login") from None
    except ValueError:
        raise endpoint.error("not-understood", "asks something unknown after the login") from None
    except (ReadException, OSError, EOFError, paramiko.SSHException):
        raise endpoint.lost("after the login") from None
    return terminal
