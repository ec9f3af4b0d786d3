"""
Sockets: how a TCP connection to a device is opened, and what its failures are called.
"""

from __future__ import annotations

import contextlib
import socket
from typing import Final

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.transports.line import Endpoint

CONNECT_SECONDS: Final = 15.0
"""How long one address may take to accept; a device that is there does so in one round trip."""

# A device that loses its power says nothing: without these a session would hang until its deadline.
_ALIVE: Final = (
    ("TCP_KEEPIDLE", 15),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 30_000),
)


def dial(endpoint: Endpoint) -> socket.socket:
    """A connected socket, without Nagle's delay and with keepalives; DeviceError ``unreachable``."""
    why = "has no address"
    for family, kind, protocol, address in _addresses(endpoint):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(CONNECT_SECONDS, endpoint.deadline.left(endpoint)))
            sock.connect(address)
            _tune(sock)
            return sock
        except DeviceError:
            sock.close()
            raise
        except TimeoutError:
            why = "does not answer"
        except OSError as error:
            why = f"cannot be reached: {error.strerror or error}"
        sock.close()
    raise endpoint.error("unreachable", why)


def hang_up(sock: socket.socket) -> None:
    """Close, and wake whoever is waiting on it."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        sock.close()


def _addresses(
    endpoint: Endpoint,
) -> list[tuple[int, int, int, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]]:
    try:
        found = socket.getaddrinfo(endpoint.address, endpoint.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise endpoint.error("unreachable", f"cannot be reached: {reason}") from None
    return [(family, kind, protocol, address) for family, kind, protocol, _, address in found]


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _ALIVE:
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
