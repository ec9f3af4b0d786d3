"""JSON over HTTPS: three ways to log in, and devices that are slow, rude or somebody else."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_devices import (
    PASSWORD,
    SECRETS,
    WRONG_REF,
    closed_port,
    connections,
    host_at,
    listening,
    refused,
    small_driver,
    stall,
    trust,
)

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twin import Chassis, Request, Response
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import Host, SecretRef
from sipalg_fix.model.session import Basic, Command, FormLogin, HttpsJson, KeyHeader
from sipalg_fix.transports.ssh_keys import KeyStore

GET = Command(access="rest", text="GET /api/get?part=all%20of%20it")
SET = Command(access="rest", text='POST /api/set {"a": {"b": "1"}}')
FORM = FormLogin(
    path="/api/auth/login",
    body='{"username": "<username>", "password": "<password>"}',
    csrf_header="X-Csrf-Token",
)
BASIC = "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()


class Web:
    """A twin with a page: ``answer`` gives the reply, ``heard`` are the requests."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self.chassis = Chassis(name="web", users={})
        self.heard: list[Request] = []
        self._answer = answer

    def snapshot(self) -> dict[str, Any]:
        return {}

    def serve(self, request: Request) -> Response:
        self.heard.append(request)
        return self._answer(request)


def basic(request: Request) -> Response:
    """Only with the right Authorization."""
    if request.headers.get("authorization") != BASIC:
        return Response(status=401, body=b'{"message": "Authentication Failed"}')
    return Response(status=200, body=b'{"b": 1,  "a": "\xc3\xbc"}\n')


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str, ssl.SSLContext]:
    folder: Path = tmp_path_factory.mktemp("tls")
    context, pin, _ = self_signed(folder, "web")
    return context, pin, self_signed(folder, "other")[0]


@pytest.fixture
def web() -> Web:
    return Web(basic)


@pytest.fixture
def at(web: Web, tls: tuple[ssl.SSLContext, str, ssl.SSLContext]) -> Iterator[tuple[str, int]]:
    with HttpsServer(web, tls[0], tls[2]) as server:
        yield server.address


def driver(login: Basic | KeyHeader | FormLogin | None = None, *commands: Command) -> Any:
    return small_driver(commands or [GET, SET], accesses={"rest": HttpsJson(login=login or Basic())})


def host(at: tuple[str, int], **more: Any) -> Host:
    return host_at(at, ["rest"], **more)


def test_a_body_is_given_as_it_was_sent(web: Web, at: tuple[str, int], keys: KeyStore) -> None:
    """And requests are sent as they are written: path, query, body and its kind."""
    trust(keys, host(at), driver())
    with connections(keys).reader(host(at), driver()) as reader:
        got, done = reader.ask(GET), reader.ask(SET)
    assert (got.text, got.status, got.ok) == ('{"b": 1,  "a": "ü"}\n', "http 200", True)
    assert done.status == "http 200"
    first, second = web.heard
    assert (first.method, first.path, first.query) == ("GET", "/api/get", "part=all%20of%20it")
    assert (first.body, "content-type" in first.headers) == (b"", False)
    assert (second.method, second.body) == ("POST", b'{"a": {"b": "1"}}')
    assert second.headers["content-type"] == "application/json"


def test_a_post_without_a_body_says_so(web: Web, at: tuple[str, int], keys: KeyStore) -> None:
    """OPNsense takes an empty body for broken JSON if it is called JSON."""
    post = Command(access="rest", text="POST /api/reconfigure")
    trust(keys, host(at), driver())
    with connections(keys).writer(host(at), driver()) as writer:
        assert writer.tell(post).status == "http 200"
    headers = web.heard[0].headers
    assert (headers["content-length"], "content-type" in headers) == ("0", False)


@pytest.mark.parametrize("status", [302, 403, 404, 500])
def test_other_outcomes_are_replies(
    keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext], status: int
) -> None:
    """A redirect is not followed: what is behind it was not asked for."""
    web = Web(lambda request: Response(status=status, body=b"no", headers={"Location": "/elsewhere"}))
    with HttpsServer(web, tls[0]) as server:
        trust(keys, host(server.address), driver())
        with connections(keys).reader(host(server.address), driver()) as reader:
            reply = reader.ask(GET)
    assert (reply.status, reply.text, reply.ok, len(web.heard)) == (f"http {status}", "no", False, 1)


def test_a_wrong_password_is_tried_once(web: Web, at: tuple[str, int], keys: KeyStore) -> None:
    """401 is the login's failure, and the session does not try again."""
    wrong = host(at, password=WRONG_REF)
    trust(keys, wrong, driver())
    with connections(keys).reader(wrong, driver()) as reader:
        for command in (GET, SET):
            with pytest.raises(DeviceError, match="401") as caught:
                reader.ask(command)
            assert caught.value.code == "access-denied"
    assert len(web.heard) == 1


def test_a_key_goes_in_its_header(keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext]) -> None:
    """And in no other."""
    web = Web(lambda request: Response(status=200, body=request.headers.get("x-api-key", "").encode()))
    with HttpsServer(web, tls[0]) as server:
        trust(keys, host(server.address), driver(KeyHeader(header="X-API-KEY")))
        with connections(keys).reader(host(server.address), driver(KeyHeader(header="X-API-KEY"))) as reader:
            assert reader.ask(GET).text == "<redacted>"
    assert (web.heard[0].headers["x-api-key"], "authorization" in web.heard[0].headers) == (PASSWORD, False)


@pytest.mark.parametrize("key", ["canary-line\nX-Other: 1", "canary-\u20ac"])
def test_a_key_that_is_no_header_is_not_sent(
    web: Web, at: tuple[str, int], keys: KeyStore, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """A line break in a secret file must not become a second header, nor a traceback with the key."""
    monkeypatch.setitem(SECRETS, "env:ODD", key)
    odd = host(at, password=SecretRef(text="env:ODD"))
    trust(keys, odd, driver(KeyHeader(header="X-API-KEY")))
    error = refused(keys, odd, driver(KeyHeader(header="X-API-KEY")), GET)
    assert (error.code, "canary" in error.message, web.heard) == ("no-secret", False, [])


class Form:
    """UniFi OS: a login that gives a cookie and a token, which every reply may replace."""

    def __init__(self, login_status: int = 200) -> None:
        self.status = login_status
        self.tokens = iter(range(1, 100))
        self.token = ""

    def __call__(self, request: Request) -> Response:
        if request.path == "/api/auth/login":
            good = json.loads(request.body) == {"username": "ann", "password": PASSWORD}
            self.token = f"token-{next(self.tokens)}"
            headers = {"Set-Cookie": "TOKEN=jwt; Path=/; Secure; HttpOnly", "X-CSRF-Token": self.token}
            return Response(status=self.status if good else 403, headers=headers)
        if "TOKEN=jwt" not in request.headers.get("cookie", ""):
            return Response(status=401)
        if request.headers.get("x-csrf-token") != self.token:
            return Response(status=403, body=b"token")
        self.token = f"token-{next(self.tokens)}"
        return Response(status=200, body=b"{}", headers={"X-Updated-Csrf-Token": self.token})


def test_a_form_is_filled_in_and_its_token_followed(
    keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext]
) -> None:
    """A password with quotes stays one JSON string; each reply's token goes with the next request."""
    web = Web(Form())
    with HttpsServer(web, tls[0]) as server:
        trust(keys, host(server.address), driver(FORM))
        with connections(keys).reader(host(server.address), driver(FORM)) as reader:
            statuses = [reader.ask(command).status for command in (GET, SET, GET)]
    assert statuses == ["http 200"] * 3
    assert [request.path for request in web.heard].count("/api/auth/login") == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "access-denied"), (404, "not-understood"), (429, "timeout"), (502, "not-understood")],
)
def test_a_form_that_is_refused(
    keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext], status: int, code: str
) -> None:
    """Nothing is asked after it, and it is not sent again."""
    web = Web(Form(status))
    with HttpsServer(web, tls[0]) as server:
        trust(keys, host(server.address), driver(FORM))
        error = refused(keys, host(server.address), driver(FORM), GET)
    assert (error.code, str(status) in error.message, len(web.heard)) == (code, True, 1)


def test_nothing_is_sent_to_a_certificate_that_is_not_believed(
    web: Web, at: tuple[str, int], keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext]
) -> None:
    """Unknown, another than accepted, another than pinned."""
    unknown = refused(keys, host(at), driver(), GET)
    assert (unknown.code, f"sha256:{tls[1]}" in unknown.message) == ("certificate-unknown", True)
    trust(keys, host(at), driver())
    web.chassis.switches.new_host_key = True
    assert refused(keys, host(at), driver(), GET).code == "certificate-changed"
    assert refused(keys, host(at, tls_pin=tls[1]), driver(), GET).code == "certificate-changed"
    assert web.heard == []


@pytest.mark.parametrize(
    ("switch", "code"),
    [("half_reply", "timeout"), ("hang_up", "connection-lost"), ("garbage", "not-understood")],
)
def test_half_a_reply_is_an_error_and_in_time(
    web: Web, at: tuple[str, int], keys: KeyStore, switch: str, code: str
) -> None:
    """Half a JSON document proves nothing."""
    trust(keys, host(at), driver())
    setattr(web.chassis.switches, switch, True)
    began = time.monotonic()
    assert refused(keys, host(at, seconds=1.0), driver(), GET).code == code
    assert time.monotonic() - began < 3


def served(tls: ssl.SSLContext, serve: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
    """The same over TLS."""

    def secured(wire: socket.socket) -> None:
        with tls.wrap_socket(wire, server_side=True, suppress_ragged_eofs=True) as secure:
            serve(secure)

    return secured


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_drip_does_not_hold_us(
    keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext], head: bytes
) -> None:
    """A byte now and then, in the head or in the body: the deadline is for all of it."""
    over = threading.Event()

    def serve(wire: socket.socket) -> None:
        wire.recv(4096)
        wire.sendall(head)
        while not over.wait(0.05):
            try:
                wire.sendall(b"H" if not head else b"x")
            except OSError:
                return

    with listening(served(tls[0], serve)) as at:
        drip = host(at, seconds=0.6, tls_pin=tls[1])
        began = time.monotonic()
        code = refused(keys, drip, driver(), GET).code
        over.set()
    # A head that never ends may also grow too strange to be one, before time is up.
    assert code in ("timeout", "not-understood")
    assert time.monotonic() - began < 3


def test_a_connection_that_was_closed_meanwhile_is_opened_again(
    keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext]
) -> None:
    """A server that closes after each reply without saying so costs no request, and is checked each time."""
    heard = threading.Semaphore(0)

    def serve(wire: socket.socket) -> None:
        wire.recv(4096)
        wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        heard.release()

    with listening(served(tls[0], serve)) as at:
        pinned = host(at, tls_pin=tls[1])
        with connections(keys).reader(pinned, driver()) as reader:
            assert reader.ask(GET).text == "{}"
            assert heard.acquire(timeout=5)
            closed_by_peer(reader)
            assert reader.ask(GET).text == "{}"


def closed_by_peer(reader: Any) -> None:
    """Wait until the close has arrived."""
    pool = reader._session._lines["rest"]._transport._pool
    deadline = time.monotonic() + 5
    while not all(connection.has_expired() for connection in pool.connections):
        assert time.monotonic() < deadline


def test_a_compressed_reply_is_not_unfolded(
    keys: KeyStore, tls: tuple[ssl.SSLContext, str, ssl.SSLContext]
) -> None:
    """It was not asked for, and a small one can become a very large one."""
    web = Web(lambda request: Response(status=200, body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}))
    with HttpsServer(web, tls[0]) as server:
        pinned = host(server.address, tls_pin=tls[1])
        with connections(keys).reader(pinned, driver()) as reader:
            assert reader.ask(GET).text == "\x1f\ufffd"
    assert web.heard[0].headers["accept-encoding"] == "identity"


def test_the_environment_has_no_say(
    web: Web, at: tuple[str, int], keys: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy and no .netrc stands between us and the device."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    trust(keys, host(at), driver())
    with connections(keys).reader(host(at), driver()) as reader:
        assert reader.ask(GET).status == "http 200"


def test_a_port_that_is_closed_silent_or_no_tls(keys: KeyStore) -> None:
    """Three ways of not being there."""
    assert refused(keys, host(closed_port()), driver(), GET).code == "unreachable"
    with listening(stall) as at:
        assert refused(keys, host(at, seconds=0.5), driver(), GET).code == "timeout"
    with listening(lambda wire: wire.sendall(b"SSH-2.0-x\r\n" * 9)) as at:
        assert refused(keys, host(at), driver(), GET).code in ("not-understood", "unreachable")
    with listening(lambda wire: None) as at:
        assert refused(keys, host(at), driver(), GET).code == "unreachable"


@pytest.mark.parametrize("text", ["GET", "get /x", "GET http://elsewhere/", "GET  /x"])
def test_what_is_no_request_is_not_sent(web: Web, at: tuple[str, int], keys: KeyStore, text: str) -> None:
    """A driver's mistake is said as such."""
    odd = Command(access="rest", text=text)
    trust(keys, host(at), driver())
    assert refused(keys, host(at), driver(None, odd), odd).code == "internal"
    assert web.heard == []
