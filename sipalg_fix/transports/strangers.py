"""
Strangers: one SSH login to a router of which nobody has said what it is, and all that is asked in it.

Some routers serve one session a login, and some a few: so each way of asking is opened once, and what was
opened to find out what a router is serves the look that follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sipalg_fix.model.driver import Driver
from sipalg_fix.model.host import Host
from sipalg_fix.model.session import Access, Command, SshCli, SshExec
from sipalg_fix.transports.connections import Looking
from sipalg_fix.transports.line import Credentials, Endpoint, Line, Said
from sipalg_fix.transports.ssh_client import SshClient
from sipalg_fix.transports.ssh_keys import KeyStore


class Door:
    """A connection that is logged in, as a line that says how the server names itself and sends nothing."""

    def __init__(self, endpoint: Endpoint, keys: KeyStore, credentials: Credentials) -> None:
        self._endpoint = endpoint
        self._keys = keys
        self._lines: dict[Access, Line] = {}
        self._client = SshClient(endpoint, keys, credentials)
        self._client.connect(username=credentials.username)

    def say(self, command: Command) -> Said:
        """How the server names itself, whatever the command: nothing is sent."""
        del command
        return Said(text=self._client.identification)

    def line(self, endpoint: Endpoint, access: Access, credentials: Credentials) -> Line:
        """The line over this connection for a way of talking; its deadline is the connection's."""
        if access not in self._lines:
            self._lines[access] = self._opened(endpoint, access, credentials)
        return self._lines[access]

    def close(self) -> None:
        """Hang up, all lines with it."""
        self._client.close()

    def _opened(self, endpoint: Endpoint, access: Access, credentials: Credentials) -> Line:
        # Imported where they are needed: netmiko takes half a second.
        match access:
            case SshCli():
                from sipalg_fix.transports.ssh_cli import CliLine

                return CliLine(self._endpoint, access, self._keys, credentials, self._client)
            case SshExec():
                from sipalg_fix.transports.ssh_exec import ExecLine

                return ExecLine(self._endpoint, access, self._keys, credentials, self._client)
            case _:
                raise endpoint.error("no-access", "is reached over SSH alone until its platform is known")


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A login to such a router; see :class:`sipalg_fix.engine.ports.Stranger`."""

    greeting: str
    looking: Callable[[Host, Driver], Looking]

    def reader(self, host: Host, driver: Driver) -> Looking:
        """A session that looks only, in this login."""
        return self.looking(host, driver)
