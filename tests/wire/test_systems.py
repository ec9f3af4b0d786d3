"""
What the probe does on each system, tried on this one: the system's name is given, and its sockets are stood
in for. That Windows and macOS are as their manuals say is not shown by this.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from contextlib import closing
from pathlib import Path

import pytest

from sipalg_fix.model.path import Outcome
from sipalg_fix.wire import systems
from sipalg_fix.wire.endpoint import not_found
from sipalg_fix.wire.onefile import started
from sipalg_fix.wire.probe import Wish, probe
from sipalg_fix.wire.server import ServerWish, ask
from sipalg_fix.wire.tcp import bound
from sipalg_fix.wire.trace import TraceWish, trace
from sipalg_fix.wire.udp import Door
from tests.wire.far_end import FarEnd, free_ports

FAR = "127.0.0.2"
SYSTEMS = pytest.mark.parametrize("system", ["linux", "darwin", "win32"])


@SYSTEMS
def test_a_probe_runs_in_each_systems_loop(system: str, tmp_path: Path) -> None:
    """UDP, TCP and TLS in the loop that the system is given; what asks a server runs in it, too."""
    with FarEnd(tmp_path, free_ports(FAR)) as far:
        wish = Wish(host=FAR, port=far.responder.listening.control, pin=far.pin, phone_port=False)
        report = probe(wish, "now", system=system)
    assert (report.outcome, {leg.name for leg in report.legs}) == (Outcome.NONE, {"udp", "tcp", "tls"})
    silent = ask(ServerWish(host="x" * 64), "now", system)
    assert silent.outcome is Outcome.UNREACHABLE
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


@SYSTEMS
def test_a_port_is_shared_with_ended_connections_but_never_taken_away(system: str) -> None:
    """SO_REUSEADDR is right everywhere but on Windows, where it takes a port from whoever has it."""
    with closing(bound("127.0.0.1", 0, system)) as made:
        shared = made.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    assert bool(shared) is (system != "win32")
    with socket.create_server(("127.0.0.1", 0)) as phone, pytest.raises(OSError, match="another program"):
        bound("127.0.0.1", phone.getsockname()[1], system).close()


@SYSTEMS
def test_a_reset_is_asked_for_in_the_systems_own_words(system: str) -> None:
    """``struct linger`` is two shorts on Windows and two ints elsewhere: on, and no wait."""
    words = systems.reset(system)
    assert struct.unpack("HH" if system == "win32" else "ii", words) == (1, 0)
    assert len(words) == (4 if system == "win32" else 8)


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_only_linux_traces(system: str) -> None:
    """Where routers' quotes are not to be had, the answer is that it cannot say."""
    report = trace(TraceWish(host="127.0.0.3", port=1), "now", system)
    assert report.outcome is Outcome.INCONCLUSIVE
    assert report.reason.startswith("cannot say: this system")
    assert not report.hops


def test_a_window_stays_until_it_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Double-clicked on Windows, also when it fails; not from a command line, and nowhere else."""
    asked: list[str] = []
    assert started([], "127.0.0.3:1", "", "win32", asked.append) == 4
    with pytest.raises(SystemExit):
        started([], "", "", "win32", asked.append)
    assert len(asked) == 2
    assert started(["--responder", "127.0.0.3:1"], "", "", "win32", asked.append) == 4
    for system in ("linux", "darwin"):
        assert started([], "127.0.0.3:1", "", system, asked.append) == 4
    assert len(asked) == 2
    assert "127.0.0.3" in capsys.readouterr().out


class Windows(socket.socket):
    """A UDP socket that tells of an ICMP error by a call to read, as Windows does (WSAECONNRESET)."""

    told = 0

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, object]:
        if not self.told:
            self.told += 1
            raise ConnectionResetError(errno.ECONNRESET, "An existing connection was forcibly closed")
        return super().recvfrom(bufsize, flags)


def test_an_icmp_error_does_not_make_a_socket_deaf() -> None:
    """What comes after it is heard all the same."""

    async def heard() -> bytes:
        come: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        made = Windows(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.bind(("127.0.0.1", 0))
        door = Door(made, lambda door, data, source: come.set_result(data))
        try:
            door.send(b"hello", ("127.0.0.1", door.port))
            return await asyncio.wait_for(come, 5)
        finally:
            door.close()
            assert made.told == 1

    assert systems.run(heard(), "win32") == b"hello"


def test_names_that_are_none_and_names_without_address_are_told() -> None:
    """No traceback for a word that cannot be a name; a domain that only has service records gets a hint."""
    for report in (
        ask(ServerWish(host="x" * 64), "now"),
        trace(TraceWish(host="x" * 64), "now", "linux"),
    ):
        assert report.outcome is Outcome.UNREACHABLE
        assert report.reason.endswith("is no name of a host")
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert "(SRV) are not asked for: give the server's own name" in not_found("example.net", unknown)
    assert (
        not_found("192.0.2.1", OSError(errno.ENETUNREACH, "Network is unreachable"))
        == "Network is unreachable"
    )
