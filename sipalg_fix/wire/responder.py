"""
The responder's sockets: control over TLS, the path over UDP, TCP and TLS. What to say is said elsewhere.

One thread, one event loop. Every buffer, connection count and wait has a bound from :class:`Limits`.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sipalg_fix.model.sip.message import length_needed
from sipalg_fix.wire.control_channel import serve_control
from sipalg_fix.wire.keeping import Keeper
from sipalg_fix.wire.limits import Limits, plain_address
from sipalg_fix.wire.protocol import CONTROL_PORT, LINE_LIMIT, OTHER_PORTS, SIP_PORT, TLS_PORT, Transport
from sipalg_fix.wire.sessions import Flow, Parcel, Ports, Sessions

_TTL = getattr(socket, "IP_RECVTTL", 12)  # linux/in.h; Python 3.11 has no name for it
_BATCH = 64
_QUIET = 0.3
_BACKLOG = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a responder shall listen. ``addresses`` are IP addresses of this machine."""

    addresses: tuple[str, ...] = ("0.0.0.0", "::")
    control: int = CONTROL_PORT
    sip: int = SIP_PORT
    tls: int = TLS_PORT
    others: tuple[int, ...] = tuple(OTHER_PORTS)


class Responder:
    """
    Binds when it is made (OSError says what cannot be bound) and serves in :meth:`run`.

    ``tell`` hears one line a session, without contents of messages.
    """

    def __init__(
        self,
        listening: Listening,
        context: ssl.SSLContext,
        limits: Limits | None = None,
        tell: Callable[[str], None] = lambda line: None,
        keeper: Keeper | None = None,
    ) -> None:
        self.listening = listening
        self.limits = limits or Limits()
        ports = Ports(sip=listening.sip, tls=listening.tls, others=listening.others)
        self.sessions = Sessions(ports, self.limits)
        self.sent = 0
        self.heard = 0
        """Bytes of payload sent and heard on the path, since the start."""
        self._context = context
        self._tell = tell
        self._keeper = keeper
        self._datagrams: dict[tuple[str, int], socket.socket] = {}
        self._streams: dict[Flow, asyncio.StreamWriter] = {}
        self._per_address: Counter[str] = Counter()
        self._controls: Counter[str] = Counter()
        self._stopping = False
        self._serving: dict[asyncio.StreamWriter, asyncio.Task[Any]] = {}
        self._listeners: list[tuple[socket.socket, Transport | None]] = []
        with ExitStack() as made:
            for address in listening.addresses:
                self._bind(address, made)
            self._sockets = made.pop_all()

    def close(self) -> None:
        """Release the ports."""
        self._sockets.close()

    def _bind(self, address: str, made: ExitStack) -> None:
        plain = (self.listening.sip, *self.listening.others)
        for port in plain:
            udp = made.enter_context(_bound(address, port, socket.SOCK_DGRAM))
            self._datagrams[address, port] = udp
        wanted: list[tuple[int, Transport | None]] = [(port, Transport.TCP) for port in plain]
        wanted += [(self.listening.tls, Transport.TLS), (self.listening.control, None)]
        for port, transport in wanted:
            listener = made.enter_context(_bound(address, port, socket.SOCK_STREAM))
            self._listeners.append((listener, transport))

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        loop = asyncio.get_running_loop()
        servers = [await self._serve(listener, transport) for listener, transport in self._listeners]
        for (_, port), each in self._datagrams.items():
            loop.add_reader(each, self._read, each, port)
        try:
            await stop.wait()
        finally:
            for each in self._datagrams.values():
                loop.remove_reader(each)
            for server in servers:
                server.close()
            await self._hang_up()
            self.close()

    async def _hang_up(self) -> None:
        """Break all connections, and wait until whoever served them has noticed."""
        self._stopping = True
        serving = [self._serving[writer] for writer in self._serving]
        for writer in list(self._serving):
            writer.transport.abort()
        if serving:
            await asyncio.wait(serving, timeout=self.limits.patience)

    async def _serve(self, listener: socket.socket, transport: Transport | None) -> asyncio.Server:
        secure = (
            {"ssl": self._context, "ssl_handshake_timeout": self.limits.patience}
            if transport in (None, Transport.TLS)
            else {}
        )
        if transport is None:
            accept = self._control
        else:
            accept = self._tls if transport is Transport.TLS else self._tcp
        return await asyncio.start_server(accept, sock=listener, limit=LINE_LIMIT, backlog=_BACKLOG, **secure)  # type: ignore[arg-type]  # the two TLS arguments, or none

    # UDP

    def _read(self, udp: socket.socket, port: int) -> None:
        for _ in range(_BATCH):
            try:
                data, ancillary, _, source = udp.recvmsg(self.limits.message + 1, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                continue  # an ICMP error of a datagram sent before
            self.heard += len(data)
            flow = (Transport.UDP, port, plain_address(source[0]), source[1])
            reply = self.sessions.arrived(data, flow, _ttl(ancillary), time.monotonic())
            if reply:
                self._throw(udp, reply, source)

    def _throw(self, udp: socket.socket, data: bytes, to: tuple[object, ...]) -> None:
        try:
            udp.sendto(data, to)
        except OSError:  # a full buffer or an unreachable source: as if it had been lost on the way
            return
        self.sent += len(data)

    # TCP and TLS

    async def _tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._guarded(reader, writer, Transport.TCP)

    async def _tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._guarded(reader, writer, Transport.TLS)

    async def _guarded(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, transport: Transport
    ) -> None:
        port = writer.get_extra_info("sockname")[1]
        peer = writer.get_extra_info("peername")
        address = plain_address(peer[0])
        flow = (transport, port, address, peer[1])
        if (
            self._stopping
            or self._per_address[address] >= self.limits.connections_address
            or self._per_address.total() >= self.limits.connections
        ):
            writer.transport.abort()
            return
        self._streams[flow] = writer
        try:
            with self._counted(self._per_address, address, writer):
                await self._listen(reader, writer, flow)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._streams.pop(flow, None)
            writer.transport.abort()

    @contextmanager
    def _counted(self, counter: Counter[str], address: str, writer: asyncio.StreamWriter) -> Iterator[None]:
        """While this lasts, a connection counts for its address, and is known."""
        task = asyncio.current_task()
        assert task is not None
        counter[address] += 1
        self._serving[writer] = task
        try:
            yield
        finally:
            del self._serving[writer]
            counter[address] -= 1
            if not counter[address]:
                del counter[address]

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: Flow) -> None:
        heard, waits = 0, self.limits.patience
        while heard < self.limits.stream:
            data = await message_from(reader, self.limits.message, waits)
            heard += len(data)
            self.heard += len(data)
            now = time.monotonic()
            if not self.sessions.is_known(data, now):
                return
            reply = self.sessions.arrived(data, flow, -1, now)
            if reply:
                writer.write(reply)
                self.sent += len(reply)
            # Somebody with a token may keep silent for as long as a session lasts.
            waits = float(self.limits.life)

    # Control

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = plain_address(writer.get_extra_info("peername")[0])
        if self._stopping or self._controls[address] >= self.limits.controls_address:
            writer.transport.abort()
            return
        with self._counted(self._controls, address, writer):
            await serve_control(reader, writer, self.sessions, self._post, self._tell, self._keeper)

    def _post(self, parcel: Parcel) -> bool:
        """Send what a session asked for; False if the way there is gone."""
        if parcel.transport is not Transport.UDP:
            writer = self._streams.get((parcel.transport, parcel.port, *parcel.to))
            if writer is None:
                return False
            writer.write(parcel.data * parcel.copies)
            self.sent += len(parcel.data) * parcel.copies
            return True
        anywhere = "::" if ":" in parcel.own else "0.0.0.0"
        for address in (parcel.own, anywhere):
            if udp := self._datagrams.get((address, parcel.port)):
                for _ in range(parcel.copies):
                    self._throw(udp, parcel.data, parcel.to)
                return True
        return False


def _bound(address: str, port: int, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio switches Nagle's wait off only for sockets that say that they are TCP; it costs a probe 0.1 s.
    protocol = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            _ask_ttl(made)
        made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        name = errno.errorcode.get(error.errno or 0, "")
        raise OSError(
            error.errno, f"cannot listen on {address} port {port}: {error.strerror} {name}"
        ) from None
    return made


def _ask_ttl(udp: socket.socket) -> None:
    with suppress(OSError):  # only one more piece of evidence
        if udp.family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        else:
            udp.setsockopt(socket.IPPROTO_IP, _TTL, 1)


def _ttl(ancillary: Iterable[tuple[int, int, bytes]]) -> int:
    wanted = ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT))
    for level, kind, data in ancillary:
        if (level, kind) in wanted:
            return int.from_bytes(data[:4], "little" if len(data) == 4 else "big")
    return -1


async def message_from(reader: asyncio.StreamReader, most: int, patience: float) -> bytes:
    """One message: whole by its own Content-Length, or what came before the sender fell silent."""
    ends = time.monotonic() + patience
    data = b""
    while len(data) <= most:
        needed = length_needed(data)
        if needed is not None and len(data) >= needed:
            break
        left = ends - time.monotonic()
        more = await _some(reader, min(left, _QUIET) if data and b"SAP" in data else left)
        if not more:
            break
        data += more
    return data


async def _some(reader: asyncio.StreamReader, patience: float) -> bytes:
    """Some bytes; none at the end of the stream or of patience."""
    try:
        async with asyncio.timeout(max(0.0, patience)):
            return await reader.read(LINE_LIMIT)
    except TimeoutError:
        return b""
