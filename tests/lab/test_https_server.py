"""The HTTPS server itself: what it reads, what it keeps open, and how it can be awkward."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twin import Chassis, Request, Response, User

LOGIN = {"Authorization": "Basic eDp5"}


@dataclass(slots=True, kw_only=True)
class Mirror:
    """A twin that answers with what it was asked."""

    chassis: Chassis = field(default_factory=lambda: Chassis(name="mirror", users={"x": User(password="y")}))

    def snapshot(self) -> dict[str, Any]:
        return {}

    def serve(self, request: Request) -> Response:
        if request.path == "/down":
            self.chassis.power_cycle(resets=0)
        seen = [
            request.method,
            request.path,
            request.query,
            request.body.decode(),
            request.headers.get("x-a"),
        ]
        status = 401 if request.path == "/no" else 200
        return Response(status=status, body=json.dumps(seen).encode(), headers={"Content-Type": "text/x"})


@pytest.fixture
def mirror() -> Mirror:
    """The twin."""
    return Mirror()


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context, and a client's that trusts it."""
    context, _, pem = self_signed(tmp_path, "mirror")
    return context, ssl.create_default_context(cafile=pem)


@pytest.fixture
def base(mirror: Mirror, trusted: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[tuple[str, int]]:
    """Where the twin is reached."""
    with HttpsServer(mirror, trusted[0]) as server:
        yield server.address
    assert [thread for thread in threading.enumerate() if thread.name.startswith("lab-")] == []


def dial(base: tuple[str, int], trusted: tuple[ssl.SSLContext, ssl.SSLContext]) -> ssl.SSLSocket:
    wire = socket.create_connection(base, timeout=5)
    return trusted[1].wrap_socket(wire, server_hostname="localhost")


def test_one_connection_carries_many_requests_of_any_method(
    base: tuple[str, int], trusted: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Keep-alive: the same local port for all of them, and the twin's own date on each reply."""
    connection = http.client.HTTPSConnection(*base, timeout=5, context=trusted[1])
    seen, ports = [], set()
    for method, path in (("GET", "/a?b=c"), ("POST", "/d"), ("BREW", "/pot")):
        connection.request(method, path, body="x" if method == "POST" else None, headers={"X-A": "1"})
        reply = connection.getresponse()
        seen.append(json.loads(reply.read()))
        ports.add(connection.sock.getsockname()[1])
        assert reply.headers["Date"] == "Wed, 18 Nov 2026 11:06:40 GMT"
    connection.close()
    assert seen == [
        ["GET", "/a", "b=c", "", "1"],
        ["POST", "/d", "", "x", "1"],
        ["BREW", "/pot", "", "", "1"],
    ]
    assert len(ports) == 1


def test_bodies_in_chunks_and_bodies_that_wait_to_be_asked_for(
    base: tuple[str, int], trusted: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Chunked coding with a trailer, and 100-continue."""
    with dial(base, trusted) as wire, wire.makefile("rb") as stream:
        wire.sendall(
            b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
            b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nX-Sum: 3\r\n\r\n"
            b"HEAD /h HTTP/1.0\r\n\r\n"
        )
        text = stream.read().decode()
    assert text.startswith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert '["POST", "/c", "", "abc", null]HTTP/1.1 200 OK' in text
    assert text.endswith("Connection: close\r\n\r\n")


@pytest.mark.parametrize(
    "request_text",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: minus\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_request_is_400_and_the_end(
    base: tuple[str, int], trusted: tuple[ssl.SSLContext, ssl.SSLContext], request_text: bytes
) -> None:
    """Nothing is guessed, and the connection closes."""
    with dial(base, trusted) as wire, wire.makefile("rb") as stream:
        wire.sendall(request_text)
        assert stream.read().startswith(b"HTTP/1.1 400 Bad Request\r\n")


@pytest.mark.parametrize(
    ("switch", "path", "headers", "broken"),
    [
        ("garbage", "/", {}, True),
        ("hang_up", "/", LOGIN, True),
        ("hang_up", "/", {}, False),
        ("hang_up", "/no", LOGIN, False),
        ("half_reply", "/", LOGIN, True),
        ("half_reply", "/no", LOGIN, False),
    ],
)
def test_an_awkward_box_is_seen_as_one(
    mirror: Mirror,
    base: tuple[str, int],
    trusted: tuple[ssl.SSLContext, ssl.SSLContext],
    switch: str,
    path: str,
    headers: dict[str, str],
    broken: bool,
) -> None:
    """Spoilt are the replies to those who have logged in, and with garbage all of them."""
    setattr(mirror.chassis.switches, switch, True)
    url = f"https://{base[0]}:{base[1]}{path}"
    if not broken:
        assert httpx.get(url, headers=headers, verify=trusted[1]).status_code in (200, 401)
        return
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadTimeout, httpx.ReadError)):
        httpx.get(url, headers=headers, verify=trusted[1], timeout=0.5)


def test_the_request_that_brought_the_box_down_is_answered_and_others_are_cut(
    base: tuple[str, int], trusted: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    """Its own connection ends after the reply; one that waited is reset."""
    with dial(base, trusted) as idle, idle.makefile("rb") as waiting:
        idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while waiting.readline().strip():
            pass
        with dial(base, trusted) as wire, wire.makefile("rb") as stream:
            wire.sendall(b"POST /down HTTP/1.1\r\n\r\n")
            assert b'"/down"' in stream.read()
        with pytest.raises((ConnectionResetError, ssl.SSLError)):
            idle.recv(1000) and idle.recv(1000)


def test_another_certificate_is_shown_when_told_to(mirror: Mirror, tmp_path: Path) -> None:
    """A client that trusts the first refuses the second, and its refusal harms nobody."""
    first, _, pem = self_signed(tmp_path, "first")
    second, _, _ = self_signed(tmp_path, "second")
    trust = ssl.create_default_context(cafile=pem)
    with HttpsServer(mirror, first, second) as server:
        url = f"https://{server.address[0]}:{server.address[1]}/"
        mirror.chassis.switches.new_host_key = True
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(url, verify=trust)
        mirror.chassis.switches.new_host_key = False
        assert httpx.get(url, verify=trust).status_code == 200


def test_the_fingerprint_is_that_of_the_certificate_and_the_key_is_kept_to_the_owner(tmp_path: Path) -> None:
    """What is pinned is what is shown, by both addresses of loopback and by name."""
    _, mark, pem = self_signed(tmp_path, "fw")
    done = ssl.PEM_cert_to_DER_cert(pem.read_text())
    assert hashlib.sha256(done).hexdigest() == mark
    assert (tmp_path / "fw.key").stat().st_mode & 0o077 == 0
