"""Whatever a peer sends, the outcome is an error of that device, in time, and never an answer."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_devices import EXEC, connections, host_at, listening, small_driver, stall

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.session import Access, Basic, Command, HttpsJson, RouterosApi
from sipalg_fix.transports.ssh_keys import KeyStore

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
bytes_ = st.binary(max_size=300)
NO_SSH = ("unreachable", "not-understood", "crypto-refused", "timeout")
NO_ANSWER = ("not-understood", "connection-lost", "timeout")


def outcome(
    keys: KeyStore, sent: bytes, access: Access, command: str, tls: ssl.SSLContext | None = None, **more: Any
) -> str:
    """The code of the error, or the status, when a peer answers with this and hangs up."""

    def serve(wire: socket.socket) -> None:
        try:
            with tls.wrap_socket(wire, server_side=True) if tls else wire as link:
                link.sendall(sent)
                link.shutdown(socket.SHUT_WR)
                stall(link)
        except OSError:
            pass  # the client has gone, which is for the test to judge

    asked = Command(access="it", text=command)
    driver = small_driver([asked], accesses={"it": access})
    began = time.monotonic()
    try:
        with (
            listening(serve) as address,
            connections(keys).reader(host_at(address, ["it"], seconds=1.0, **more), driver) as reader,
        ):
            return reader.ask(asked).status
    except DeviceError as error:
        return error.code
    finally:
        if time.monotonic() - began > 4:
            pytest.fail("not in time")


@few
@given(bytes_)
def test_rubbish_for_ssh(keys: KeyStore, sent: bytes) -> None:
    """Before the banner and in place of it."""
    assert outcome(keys, sent, EXEC, "true") in NO_SSH


@few
@given(bytes_)
def test_rubbish_after_an_ssh_banner(keys: KeyStore, sent: bytes) -> None:
    """In place of the key exchange."""
    assert outcome(keys, b"SSH-2.0-OpenSSH_9\r\n" + sent, EXEC, "true") in NO_SSH


@few
@given(bytes_)
def test_rubbish_for_the_routeros_api(keys: KeyStore, sent: bytes) -> None:
    """After a login that went well."""
    code = outcome(keys, b"\x05!done\x00" + sent, RouterosApi(), "/x/print", plain=True)
    assert code in NO_ANSWER or b"!done" in sent


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    folder: Path = tmp_path_factory.mktemp("tls")
    context, pin, _ = self_signed(folder, "rubbish")
    return context, pin


@few
@given(bytes_)
def test_rubbish_for_https(keys: KeyStore, tls: tuple[ssl.SSLContext, str], sent: bytes) -> None:
    """Inside a connection that is secure."""
    code = outcome(keys, sent, HttpsJson(login=Basic()), "GET /x", tls[0], tls_pin=tls[1])
    assert code in NO_ANSWER
