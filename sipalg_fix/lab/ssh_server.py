"""
A real SSH server on loopback in front of any twin that has a terminal, an exec channel, or both.

Bytes come in here and go into the twin as calls, always under its chassis' lock; the switches that
make a device's network side awkward (slow, cut, garbled, refusing, hanging up, resetting) are
honoured here, so that no twin knows of them. Port scans and clients that stop half-way end their own
connection and nothing else.
"""

from __future__ import annotations

import codecs
import contextlib
import logging
import re
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from sipalg_fix.lab.twin import Exec, Switches, Terminal, Twin

LOG = "sipalg_fix.lab.ssh"
"""The log channel of the SSH library; silent unless somebody adds a handler (scans are no news)."""

GARBAGE = b"\xff\xfb\x01\x00\x9c\x15\x7f\x80\xd3\xc1\x0e\xe2\x1f\xa9\x02\xb7" * 4
"""What the switch ``garbage`` sends: no UTF-8, no line, no prompt."""

STDIN_READERS = re.compile(
    r"\b(?:sh|bash|vbash|ash) -s\b|\btee\b|\bdd of=|\bcat\s*>|\s-f -(?:\s|$)|\buci batch\b"
)
"""
Commands that read their standard input. A client that sends none rarely says so, and waiting for its
end before every command would wait for ever; a twin that knows better has ``reads_stdin(command)``.
"""

JOIN_SECONDS = 10.0
"""How long :meth:`SshServer.stop` waits for each thread before it says that one leaked."""


@dataclass(slots=True, kw_only=True)
class _Pty:
    """The size a client asked for before it asked for a shell."""

    width: int = 80
    height: int = 24


@dataclass(slots=True, kw_only=True, eq=False)
class _Connection:
    """One TCP connection: its transport, its session threads, and whether the box has gone down under it."""

    transport: paramiko.Transport
    user: str = ""
    dropped: bool = False
    muted: bool = False
    threads: list[threading.Thread] = field(default_factory=list)
    sizes: dict[int, _Pty] = field(default_factory=dict)

    def alive(self) -> bool:
        """Is anything of it still running?"""
        return self.transport.is_alive() or any(thread.is_alive() for thread in self.threads)


class _Doorman(paramiko.ServerInterface):
    """What the SSH library asks: who may come in, and through which doors."""

    def __init__(self, server: SshServer, connection: _Connection) -> None:
        self._server = server
        self._connection = connection

    def get_banner(self) -> tuple[str | None, str | None]:
        return (self._server.banner() or None, "en-US")

    def get_allowed_auths(self, username: str) -> str:
        return "publickey,password"

    def check_auth_password(self, username: str, password: str) -> int:
        return self._admit(username, self._server.admits(username, password))

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return self._admit(username, self._server.admits_key(username, key))

    def _admit(self, username: str, good: bool) -> int:
        if good:
            self._connection.user = username
        return AUTH_SUCCESSFUL if good else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind == "session":
            return OPEN_SUCCEEDED
        return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_env_request(self, channel: paramiko.Channel, name: bytes, value: bytes) -> bool:
        return True

    def check_channel_pty_request(
        self,
        channel: paramiko.Channel,
        term: bytes,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
        modes: bytes,
    ) -> bool:
        if not self._server.has_terminal:
            return False
        self._connection.sizes[channel.get_id()] = _Pty(width=width or 80, height=height or 24)
        return True

    def check_channel_window_change_request(
        self, channel: paramiko.Channel, width: int, height: int, pixelwidth: int, pixelheight: int
    ) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        if not self._server.has_terminal:
            return False
        self._server.begin(self._connection, lambda: self._server.converse(self._connection, channel))
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if not self._server.has_exec:
            return False
        text = command.decode("utf-8", "replace")
        self._server.begin(self._connection, lambda: self._server.execute(self._connection, channel, text))
        return True


def _hush() -> None:
    """Keep what the SSH library says of half-open clients from standard error, where it lands by default."""
    log = logging.getLogger(LOG)
    if not log.handlers:
        log.addHandler(logging.NullHandler())
        log.propagate = False


class SshServer:
    """
    SSH in front of one twin.

    ``other_key`` is presented instead of ``host_key`` while the switch ``new_host_key`` is on (one is
    made when none is given). ``authorized`` are public keys with which every known user may log in.
    Usable as a context manager; :meth:`stop` ends every connection and joins every thread.
    """

    def __init__(
        self,
        twin: Twin,
        host_key: paramiko.PKey,
        other_key: paramiko.PKey | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        authorized: Sequence[paramiko.PKey] = (),
    ) -> None:
        self._twin = twin
        self._chassis = twin.chassis
        self._keys = (host_key, other_key or paramiko.ECDSAKey.generate())
        self._bind = (address, port)
        self._authorized = {key.asbytes() for key in authorized}
        self._open_terminal: Callable[[str, int, int], Terminal] | None = getattr(twin, "terminal", None)
        self._exec: Callable[[str, str, str], Exec] | None = getattr(twin, "exec", None)
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._connections: list[_Connection] = []
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    @property
    def has_terminal(self) -> bool:
        """Does the twin open interactive sessions?"""
        return self._open_terminal is not None

    @property
    def has_exec(self) -> bool:
        """Does the twin run single commands?"""
        return self._exec is not None

    def start(self) -> tuple[str, int]:
        """Listen; returns the address and the port, which is a free one where 0 was asked for."""
        _hush()
        listener = socket.create_server(self._bind, backlog=64)
        self._listener = listener
        self._chassis.on_down.append(self._box_went_down)
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener,), name=f"ssh-{self._chassis.name}", daemon=True
        )
        self._acceptor.start()
        host, port = listener.getsockname()[:2]
        return host, port

    def stop(self) -> None:
        """End all connections and threads; raises :class:`RuntimeError` if a thread will not end."""
        if self._listener is None:
            return
        self._stopping.set()
        with self._chassis.lock:
            self._chassis.on_down.remove(self._box_went_down)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(); closing alone does not
        self._listener.close()
        self._listener = None
        with self._guard:
            connections = list(self._connections)
        threads = [self._acceptor] if self._acceptor else []
        for connection in connections:
            connection.transport.close()
            threads += [connection.transport, *connection.threads]
        for thread in threads:
            thread.join(JOIN_SECONDS)
        left = [thread.name for thread in threads if thread.is_alive()]
        if left:
            raise RuntimeError(f"SSH server of {self._chassis.name}: still running: {', '.join(left)}")

    def __enter__(self) -> Self:
        self.address = self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What the doorman asks.

    def banner(self) -> str:
        """The text before authentication."""
        with self._chassis.lock:
            return str(getattr(self._twin, "banner", ""))

    def admits(self, user: str, password: str) -> bool:
        """Is this password good?"""
        with self._chassis.lock:
            return self._chassis.admits(user, password)

    def admits_key(self, user: str, key: paramiko.PKey) -> bool:
        """Is this public key good?"""
        with self._chassis.lock:
            known = user in self._chassis.users and not self._chassis.switches.refuse_login
        return known and key.asbytes() in self._authorized

    def begin(self, connection: _Connection, work: Callable[[], None]) -> None:
        """Run one channel's conversation in a thread of its own."""
        thread = threading.Thread(target=work, name=f"ssh-{self._chassis.name}-session", daemon=True)
        with self._guard:
            connection.threads.append(thread)
        thread.start()

    # Connections.

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                continue
            try:
                self._receive(sock)
            except (OSError, EOFError, paramiko.SSHException):
                sock.close()  # the peer was gone before we had said a word: a scan

    def _receive(self, sock: socket.socket) -> None:
        with self._chassis.lock:
            reset = self._chassis.resets > 0
            if reset:
                self._chassis.resets -= 1
            key = self._keys[self._chassis.switches.new_host_key]
        if reset:
            # Recorded from a booting Vyatta box: the port accepts and resets before the SSH banner.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(sock)
        transport.set_log_channel(LOG)
        transport.add_server_key(key)
        transport.local_version = self._chassis.identification
        connection = _Connection(transport=transport)
        with self._guard:
            self._connections = [known for known in self._connections if known.alive()]
            self._connections.append(connection)
        transport.start_server(event=threading.Event(), server=_Doorman(self, connection))
        if self._stopping.is_set():
            transport.close()

    def _box_went_down(self) -> None:
        """Called with the chassis' lock held, perhaps by one of our own session threads."""
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            connection.dropped = True
            if threading.current_thread() not in connection.threads:
                connection.transport.close()
            # else: the reply to the command that brought it down is still to be sent; see _say.

    # Conversations.

    def converse(self, connection: _Connection, channel: paramiko.Channel) -> None:
        """A shell channel, to its end."""
        size = connection.sizes.get(channel.get_id(), _Pty())
        assert self._open_terminal is not None
        with self._chassis.lock:
            terminal = self._open_terminal(connection.user, size.width, size.height)
            shown = terminal.greet()
        try:
            if self._say(connection, channel, shown, greeting=True):
                self._listen(connection, channel, terminal)
            channel.send_exit_status(0)
            channel.close()
        except (OSError, EOFError, paramiko.SSHException):
            connection.transport.close()  # the client went away
        finally:
            with self._chassis.lock:
                terminal.closed = True

    def _listen(self, connection: _Connection, channel: paramiko.Channel, terminal: Terminal) -> None:
        """Hand over what is typed until one side has had enough."""
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        going = True
        while going and not terminal.closed:
            data = channel.recv(65536)
            if not data:
                break
            going = self._say(connection, channel, self._feed(terminal, decode(data)))

    def _feed(self, terminal: Terminal, typed: str) -> str:
        with self._chassis.lock:
            return "" if terminal.closed else terminal.feed(typed)

    def execute(self, connection: _Connection, channel: paramiko.Channel, command: str) -> None:
        """An exec channel, to its end."""
        assert self._exec is not None
        try:
            stdin = self._stdin(channel, command)
            with self._chassis.lock:
                done = self._exec(connection.user, command, stdin)
            if self._say(connection, channel, done.stdout, stderr=done.stderr) and not connection.muted:
                channel.send_exit_status(done.status)
                # The library answers "request accepted" only after its callback returns, and a client
                # takes a channel that closes before that for a refusal: one round trip puts them in order.
                connection.transport.global_request("order@sipalg-fix", wait=True)
                channel.close()
        except (OSError, EOFError, paramiko.SSHException):
            connection.transport.close()

    def _stdin(self, channel: paramiko.Channel, command: str) -> str:
        reads: Callable[[str], bool] | None = getattr(self._twin, "reads_stdin", None)
        if not (reads(command) if reads else STDIN_READERS.search(command)):
            return ""
        parts: list[bytes] = []
        while data := channel.recv(65536):
            parts.append(data)
        return b"".join(parts).decode("utf-8", "replace")

    def _say(
        self,
        connection: _Connection,
        channel: paramiko.Channel,
        text: str,
        *,
        stderr: str = "",
        greeting: bool = False,
    ) -> bool:
        """Send one reply as the switches will have it; false when the conversation is over."""
        switches: Switches = self._chassis.switches
        if switches.slow:
            self._stopping.wait(switches.slow)
        data, extra = text.encode(), stderr.encode()
        if connection.muted or not (data or extra):
            pass
        elif switches.garbage:
            channel.sendall(GARBAGE)
        elif (switches.hang_up or switches.half_reply) and not greeting:
            channel.sendall(data[: len(data) // 2])
            connection.muted = True
            if switches.hang_up:
                connection.dropped = True
        else:
            channel.sendall(data)
            channel.sendall_stderr(extra)
        if connection.dropped:
            connection.transport.close()
            return False
        return True
