"""The lab's SSH server: real SSH in front of a twin, as well-behaved or as awkward as its switches say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import paramiko
import pytest

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import GARBAGE, SshServer
from sipalg_fix.lab.twin import Chassis, Exec, Terminal, User

DEADLINE = 10.0
HALF = b"you said word\nhello> "[:10]


class Echo:
    """A terminal that says every line again, and knows ``down`` and ``bye``."""

    def __init__(self, chassis: Chassis) -> None:
        self.closed = False
        self._chassis = chassis

    def greet(self) -> str:
        return "hello> "

    def feed(self, typed: str) -> str:
        line = typed.strip()
        self.closed = line == "bye"
        if line == "down":
            self._chassis.power_cycle()
            return "going down\n"
        return f"you said {line}\nhello> "


class Plain:
    """The smallest twin that has both doors."""

    def __init__(self) -> None:
        self.chassis = Chassis(name="plain", users={"ann": User(password="secret")})
        self.banner = "Authorised use only\n"
        self.sizes: list[tuple[str, int, int]] = []

    def snapshot(self) -> dict[str, Any]:
        return {"boots": self.chassis.boots}

    def terminal(self, user: str, width: int, height: int) -> Terminal:
        self.sizes.append((user, width, height))
        return Echo(self.chassis)

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        return Exec(stdout=f"{user}: {command}\n{stdin}", stderr="a warning\n", status=3)


@pytest.fixture
def plain() -> Plain:
    """A twin of its own for every test."""
    return Plain()


@pytest.fixture
def server(plain: Plain) -> Iterator[SshServer]:
    """A server in front of it."""
    with SshServer(plain, new_host_key(), new_host_key()) as running:
        yield running


Connect = Callable[..., paramiko.SSHClient]


@pytest.fixture
def connect(server: SshServer) -> Iterator[Connect]:
    """Log in; every client is closed at the end."""
    opened: list[paramiko.SSHClient] = []

    def dial(**more: Any) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        opened.append(client)
        host, port = server.address
        options: dict[str, Any] = {
            "username": "ann",
            "password": "secret",
            "look_for_keys": False,
            "allow_agent": False,
        }
        client.connect(host, port=port, timeout=DEADLINE, **(options | more))
        return client

    yield dial
    for client in opened:
        client.close()


def transport(client: paramiko.SSHClient) -> paramiko.Transport:
    """The connection below, which is there while somebody is logged in."""
    found = client.get_transport()
    assert found is not None
    return found


def read_until(channel: paramiko.Channel, end: bytes) -> bytes:
    """All bytes up to these; fails after the deadline."""
    channel.settimeout(DEADLINE)
    data = b""
    while not data.endswith(end):
        more = channel.recv(4096)
        assert more, f"closed after {data!r}"
        data += more
    return data


def test_a_shell_gets_its_size_its_greeting_and_its_replies(plain: Plain, connect: Connect) -> None:
    """The pseudo terminal's size reaches the twin, and what is typed comes back as the twin says."""
    client = connect()
    assert transport(client).get_banner() == b"Authorised use only\n"
    channel = client.invoke_shell(width=132, height=50)
    assert read_until(channel, b"> ") == b"hello> "
    channel.sendall(b"gr\xc3\xbcezi\n")
    assert read_until(channel, b"> ").decode() == "you said grüezi\nhello> "
    assert plain.sizes == [("ann", 132, 50)]


def test_a_terminal_that_ends_closes_its_channel(connect: Connect) -> None:
    """After logout the client sees the end of the channel with status 0."""
    channel = connect().invoke_shell()
    read_until(channel, b"> ")
    channel.sendall(b"bye\n")
    read_until(channel, b"hello> ")
    assert channel.recv(10) == b""
    assert channel.recv_exit_status() == 0


def test_exec_gives_both_streams_and_the_status(connect: Connect) -> None:
    """Standard output, standard error and exit status arrive apart."""
    client = connect()
    for _ in range(20):  # a channel that closes too early looks refused; it must never happen
        _, out, err = client.exec_command("uname -a", timeout=DEADLINE)
        assert out.read() == b"ann: uname -a\n"
        assert err.read() == b"a warning\n"
        assert out.channel.recv_exit_status() == 3


def test_standard_input_is_read_to_its_end_by_commands_that_read(connect: Connect) -> None:
    """``tee`` gets what the client sends before it ends its side."""
    stdin, out, _ = connect().exec_command("tee /etc/x", timeout=DEADLINE)
    stdin.write("some text")
    stdin.channel.shutdown_write()
    assert out.read() == b"ann: tee /etc/x\nsome text"


def test_a_twin_without_a_door_refuses_it(plain: Plain) -> None:
    """No terminal, no shell: the channel request fails, and exec still works."""

    class ExecOnly:
        chassis = plain.chassis
        snapshot = plain.snapshot
        exec = plain.exec

    with SshServer(ExecOnly(), new_host_key()) as running:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        host, port = running.address
        client.connect(
            host, port=port, username="ann", password="secret", allow_agent=False, look_for_keys=False
        )
        with pytest.raises(paramiko.SSHException):
            client.invoke_shell()
        assert client.exec_command("x", timeout=DEADLINE)[1].read() == b"ann: x\n"
        client.close()


def test_passwords_and_keys_are_looked_at(plain: Plain) -> None:
    """A wrong password, an unknown user and a strange key stay out; an authorised key comes in."""
    mine, strange = new_host_key(), new_host_key()
    with SshServer(plain, new_host_key(), authorized=[mine]) as running:
        cases: list[tuple[str, dict[str, Any], bool]] = [
            ("ann", {"password": "secret"}, True),
            ("ann", {"password": "wrong"}, False),
            ("bob", {"password": "secret"}, False),
            ("ann", {"pkey": mine}, True),
            ("ann", {"pkey": strange}, False),
            ("bob", {"pkey": mine}, False),
        ]
        for user, options, good in cases:
            assert admitted(running, username=user, **options) == good, (user, options)


def admitted(running: SshServer, **login: Any) -> bool:
    """Does this login succeed?"""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    host, port = running.address
    try:
        client.connect(host, port=port, allow_agent=False, look_for_keys=False, **login)
    except paramiko.AuthenticationException:
        return False
    finally:
        client.close()
    return True


def test_refused_logins(plain: Plain, connect: Connect) -> None:
    """With the switch on even the right password is refused, and with it off again it is not."""
    plain.chassis.switches.refuse_login = True
    with pytest.raises(paramiko.AuthenticationException):
        connect()
    plain.chassis.switches.refuse_login = False
    connect()


def test_another_host_key(plain: Plain, connect: Connect) -> None:
    """The switch changes the key that new connections see."""
    first = transport(connect()).get_remote_server_key()
    plain.chassis.switches.new_host_key = True
    assert transport(connect()).get_remote_server_key() != first


def test_half_a_reply_and_then_nothing(plain: Plain, connect: Connect) -> None:
    """The reply stops in its middle and the connection stays, for the shell as for exec."""
    client = connect()
    channel = client.invoke_shell()
    read_until(channel, b"> ")
    plain.chassis.switches.half_reply = True
    channel.sendall(b"word\n")
    assert read_until(channel, HALF) == HALF
    channel.sendall(b"more\n")
    channel.settimeout(0.2)
    with pytest.raises(TimeoutError):
        channel.recv(100)
    assert transport(client).is_active()


def test_garbage(plain: Plain, connect: Connect) -> None:
    """Every reply is bytes that are no text."""
    plain.chassis.switches.garbage = True
    channel = connect().invoke_shell()
    data = read_until(channel, GARBAGE)
    with pytest.raises(UnicodeDecodeError):
        data.decode()


def test_hanging_up(plain: Plain, connect: Connect) -> None:
    """The connection ends in the middle of the first reply after login."""
    plain.chassis.switches.hang_up = True
    channel = connect().invoke_shell()
    read_until(channel, b"> ")
    channel.sendall(b"word\n")
    channel.settimeout(DEADLINE)
    received = b"".join(iter(lambda: channel.recv(1), b""))
    assert received == HALF


def test_slow_replies_are_waited_for_and_cut_by_stop(plain: Plain) -> None:
    """A server that waits an hour before each reply still stops at once."""
    plain.chassis.switches.slow = 3600.0
    running = SshServer(plain, new_host_key())
    host, port = running.start()
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(host, port=port, username="ann", password="secret", allow_agent=False, look_for_keys=False)
    channel = client.invoke_shell()
    channel.settimeout(0.2)
    with pytest.raises(TimeoutError):
        channel.recv(10)
    running.stop()
    client.close()


def test_a_reboot_answers_its_own_session_and_cuts_the_others(plain: Plain, connect: Connect) -> None:
    """The one who asked sees the last words; the others are gone; the next two connections are reset."""
    asking, other = connect(), connect()
    mine, theirs = asking.invoke_shell(), other.invoke_shell()
    for channel in (mine, theirs):
        read_until(channel, b"> ")
    mine.sendall(b"down\n")
    assert read_until(mine, b"going down\n") == b"going down\n"
    for client in (asking, other):
        transport(client).join(DEADLINE)
        assert not transport(client).is_alive()
    for _ in range(2):
        with pytest.raises((paramiko.SSHException, ConnectionResetError, EOFError)):
            connect(banner_timeout=DEADLINE)
    assert read_until(connect().invoke_shell(), b"> ") == b"hello> "


def test_scans_and_half_open_clients_harm_nobody(
    server: SshServer, connect: Connect, capfd: pytest.CaptureFixture[str]
) -> None:
    """Silence, noise and early ends at the port leave the server serving, and standard error empty."""
    silent = [socket.create_connection(server.address) for _ in range(5)]
    for words in (b"", b"GET / HTTP/1.0\r\n\r\n", b"SSH-2.0-scan\r\n", b"\x00" * 2000):
        with socket.create_connection(server.address) as scan:
            scan.sendall(words)
    assert connect().exec_command("x", timeout=DEADLINE)[1].read() == b"ann: x\n"
    for sock in silent:
        sock.close()
    server.stop()
    assert capfd.readouterr().err == ""


def test_nothing_is_left_after_stop(plain: Plain) -> None:
    """No thread, no listener, no callback: with clients, half-open ones and scanners connected."""
    before = set(threading.enumerate())
    running = SshServer(plain, new_host_key())
    address = running.start()
    half_open = socket.create_connection(address)
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(*address, username="ann", password="secret", allow_agent=False, look_for_keys=False)
    read_until(client.invoke_shell(), b"> ")
    running.stop()
    running.stop()  # a second time is no error
    half_open.close()
    client.close()
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert [thread.name for thread in left if thread.name.startswith("ssh-")] == []
    assert plain.chassis.on_down == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
