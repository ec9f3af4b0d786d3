"""
SIP messages out of a HEP stream (Homer Encapsulation Protocol, versions 1 to 3, over UDP), as Kamailio's
siptrace, OpenSIPS, FreeSWITCH and captagent send it.

Layout: https://github.com/sipcapture/HEP, "HEP3 Network Protocol Specification"; of versions 1 and 2,
Kamailio's sipcapture module.
"""

from __future__ import annotations

import select
import signal
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from sipalg_fix.model.errors import CaptureError
from sipalg_fix.wire.passive.heard import Heard, NotRead, is_sip

_TRANSPORTS = {6: "tcp", 17: "udp"}
_FAMILIES = {2: (socket.AF_INET, 4), 10: (socket.AF_INET6, 16)}
_UNIT = {1: ">B", 2: ">B", 7: ">H", 8: ">H", 9: ">I", 10: ">I", 11: ">B"}
_FAMILY, _PROTOCOL, _SOURCE4, _TARGET4, _SOURCE6, _TARGET6, _SOURCE_PORT, _TARGET_PORT = range(1, 9)
_SECONDS, _MICROSECONDS, _KIND, _PAYLOAD = 9, 10, 11, 15
_SIP = 1
_BUFFER = 1 << 22
_MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen, and until when: the first bound that is met. 0: no such bound."""

    address: str
    port: int
    seconds: float = 0.0
    count: int = 0
    """Messages."""


def heard_in(where: Listening, not_read: NotRead) -> Iterator[Heard]:
    """
    Messages as they come, until a bound is met or SIGINT or SIGTERM asks for the end. Listens from now on;
    :class:`CaptureError` if it cannot.
    """
    with ExitStack() as made:
        # Who sees that the port is open may ask for the end at once.
        stop = made.enter_context(_stop_asked())
        family = socket.AF_INET6 if ":" in where.address else socket.AF_INET
        try:
            listener = made.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            listener.bind((where.address, where.port))
        except OSError as error:
            said = error.strerror or str(error)
            raise CaptureError(
                "hep-port", f"cannot listen on {where.address} port {where.port}: {said}"
            ) from None
        return _stream(made.pop_all(), (listener, stop), where, not_read)


def _stream(
    made: ExitStack, sockets: tuple[socket.socket, socket.socket], where: Listening, not_read: NotRead
) -> Iterator[Heard]:
    listener, stop = sockets
    ends = time.monotonic() + where.seconds if where.seconds else None
    given, waiting, watched = 0, _MOST_WAITING, [listener, stop]
    with made:
        while waiting and not (where.count and given >= where.count):
            left = None if ends is None else ends - time.monotonic()
            if left is not None and left <= 0:
                return
            ready, _, _ = select.select(watched, [], [], left if stop in watched else 0)
            if stop in ready:
                watched.remove(stop)
            if listener not in ready and stop not in watched:
                return
            if stop not in watched:
                # What had come before the end was asked for is taken, and not what comes for ever after.
                waiting -= 1
            if listener in ready:
                heard = message_of(listener.recv(65535), not_read)
                if heard is not None:
                    given += 1
                    yield heard


@contextmanager
def _stop_asked() -> Iterator[socket.socket]:
    """A socket that becomes readable when the process is asked to end."""
    here, there = socket.socketpair()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: there.send(b".") and None) for number in numbers}
    try:
        with here, there:
            yield here
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def message_of(datagram: bytes, not_read: NotRead) -> Heard | None:
    """The SIP message in a datagram; None, and counted, if there is none."""
    if datagram[:4] == b"HEP3":
        heard = _version_3(datagram)
    else:
        heard = _version_1_2(datagram) if datagram[:1] in (b"\x01", b"\x02") else None
    if heard is None:
        not_read["datagrams that are no HEP with SIP in it"] += 1
    return heard


def _version_3(datagram: bytes) -> Heard | None:
    length = int.from_bytes(datagram[4:6], "big")
    if length > len(datagram):
        return None
    chunks: dict[int, bytes] = {}
    place = 6
    while place + 6 <= length:
        vendor, kind, size = struct.unpack_from(">HHH", datagram, place)
        if size < 6 or place + size > length:
            return None
        if vendor == 0:
            chunks[kind] = datagram[place + 6 : place + size]
        place += size
    for kind, form in _UNIT.items():
        if kind in chunks and len(chunks[kind]) != struct.calcsize(form):
            return None
    numbers = {kind: int.from_bytes(chunks.get(kind, b""), "big") for kind in _UNIT}
    six = numbers[_FAMILY] == 10
    if numbers[_KIND] != _SIP:
        return None
    return _made(
        (
            numbers[_FAMILY],
            chunks.get(_SOURCE6 if six else _SOURCE4, b""),
            chunks.get(_TARGET6 if six else _TARGET4, b""),
        ),
        (numbers[_SOURCE_PORT], numbers[_TARGET_PORT]),
        numbers[_PROTOCOL],
        numbers[_SECONDS] + numbers[_MICROSECONDS] / 1e6,
        chunks.get(_PAYLOAD, b""),
    )


def _version_1_2(datagram: bytes) -> Heard | None:
    if len(datagram) < 8 or datagram[2] not in _FAMILIES:
        return None
    version, head, family, protocol, source, target = struct.unpack_from(">BBBBHH", datagram)
    size = _FAMILIES[family][1]
    if head != 8 + 2 * size:
        return None
    # Version 2 has time and capture id behind that, in the sender's own byte order.
    return _made(
        (family, datagram[8 : 8 + size], datagram[8 + size : head]),
        (source, target),
        protocol,
        0.0,
        datagram[head + (12 if version == 2 else 0) :],
    )


def _made(
    addresses: tuple[int, bytes, bytes], ports: tuple[int, int], protocol: int, at: float, payload: bytes
) -> Heard | None:
    number, source, target = addresses
    family, size = _FAMILIES.get(number, (socket.AF_INET, -1))
    data = payload.lstrip(b"\r\n")
    if len(source) != size or len(target) != size or protocol not in _TRANSPORTS or not is_sip(data):
        return None
    return Heard(
        at=at,
        source=socket.inet_ntop(family, source),
        source_port=ports[0],
        target=socket.inet_ntop(family, target),
        target_port=ports[1],
        transport=_TRANSPORTS[protocol],
        data=data,
    )
