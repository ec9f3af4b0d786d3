"""How connections are opened: at once, and so that a device that vanishes is noticed."""

from __future__ import annotations

import socket

import pytest
from small_devices import host_at, listening, small_driver, stall

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.transports.connections import endpoint_of
from sipalg_fix.transports.line import Endpoint
from sipalg_fix.transports.sockets import dial


def endpoint(address: tuple[str, int], seconds: float = 5.0) -> Endpoint:
    return endpoint_of(host_at(address, ["exec"], seconds=seconds), "exec", small_driver().accesses["exec"])


def test_a_connection_is_without_delay_and_kept_alive() -> None:
    """Nagle's algorithm costs tens of milliseconds a command; an hour of silence would cost a session."""
    with listening(stall) as address, dial(endpoint(address)) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        dead_after = sum(
            sock.getsockopt(socket.IPPROTO_TCP, option) * times
            for option, times in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 3))
        )
        assert dead_after <= 30
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 30_000


def test_a_name_with_two_addresses_is_tried_at_both() -> None:
    """localhost is ::1 too on most machines, and nothing listens there."""
    with listening(stall) as (_, port), dial(endpoint(("localhost", port))) as sock:
        assert sock.getpeername()[1] == port


def test_no_time_left_is_a_timeout() -> None:
    """And nothing is dialled."""
    with listening(stall) as address, pytest.raises(DeviceError) as caught:
        dial(endpoint(address, seconds=0.0))
    assert caught.value.code == "timeout"
