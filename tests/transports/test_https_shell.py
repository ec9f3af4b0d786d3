"""A shell behind an HTTPS API: what is posted, and what an answer that is none is called."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from small_devices import PASSWORD, PASSWORD_REF, connections, host_at, refused, small_driver, trust

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twin import Chassis, Request, Response
from sipalg_fix.lab.twins import opnsense, pfsense
from sipalg_fix.model.host import Host
from sipalg_fix.model.session import Basic, Command, Edition, HttpsShell, KeyHeader
from sipalg_fix.transports.ssh_keys import KeyStore

PATH = "/api/v2/diagnostics/command_prompt"
SHELL = HttpsShell(
    login=(
        Edition(name="api_key", login=KeyHeader(header="X-API-Key")),
        Edition(name="basic", login=Basic()),
    ),
    path=PATH,
    needs="the package",
    longest=100,
)
LOOK = Command(access="rest", text="echo \"a\\b\" 'c'; uname")
LONG = Command(access="rest", text="echo " + "x" * 96)
DRIVER = small_driver((LOOK, LONG), accesses={"rest": SHELL})
Start = Callable[[Any], tuple[str, int]]


class Web:
    """A twin with a page."""

    def __init__(self) -> None:
        self.chassis = Chassis(name="web", users={})
        self.heard: list[Request] = []
        self.answer = done({"output": "a\r\nb", "result_code": 3})

    def snapshot(self) -> dict[str, Any]:
        return {}

    def serve(self, request: Request) -> Response:
        self.heard.append(request)
        return self.answer


def done(data: object, status: int = 200, message: str = "") -> Response:
    """An answer in the package's envelope."""
    body = {"code": status, "status": "", "response_id": "X", "message": message, "data": data}
    return Response(status=status, body=json.dumps(body).encode())


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Start]:
    """Starts a server in front of a twin."""
    running = []
    certificate, _, _ = self_signed(tmp_path, "web")

    def start(twin: Any) -> tuple[str, int]:
        server = HttpsServer(twin, certificate)
        running.append(server)
        return server.start()

    yield start
    for server in running:
        server.stop()


def met(keys: KeyStore, address: tuple[str, int], **more: Any) -> Host:
    """A host there, its certificate accepted."""
    host = host_at(address, ["rest"], **more)
    trust(keys, host, DRIVER)
    return host


@pytest.mark.parametrize(
    ("login", "header"),
    [
        ({"username": "", "login": ""}, "x-api-key"),
        ({"login": "api_key"}, "x-api-key"),
        ({}, "authorization"),
    ],
)
def test_a_line_is_posted_as_it_is(
    web: Web, at: Start, keys: KeyStore, login: dict[str, str], header: str
) -> None:
    """One request a line, nothing before it; by a key where there is no user name or the host says so."""
    host = met(keys, at(web), **login)
    with connections(keys).reader(host, DRIVER) as reader:
        reply = reader.ask(LOOK)
    assert (reply.text, reply.status, reply.ok) == ("a\nb", "exit 3", False)
    (request,) = web.heard
    assert (request.method, request.path, json.loads(request.body)) == ("POST", PATH, {"command": LOOK.text})
    assert (header in request.headers, request.headers["content-type"]) == (True, "application/json")
    assert {"x-api-key": PASSWORD}.items() <= request.headers.items() or header == "authorization"


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (done([], 401), "access-denied", "401"),
        (done([], 403, "no privileges"), "access-denied", "no privileges"),
        (Response(status=404, body=b"<html>"), "no-access", "needed there: the package"),
        (done([], 503, "not enabled"), "no-access", "not enabled"),
        (done([], 400, "too long"), "command-refused", "too long"),
        (done([], 405, "read-only mode"), "command-refused", "read-only"),
        (Response(status=504, body=b"<html>"), "connection-lost", "504"),
        (Response(status=500), "not-understood", "500"),
        (Response(status=200), "not-understood", "how the command ended"),
        (Response(status=200, body=b'{"data": {"output": "a'), "not-understood", "how the command ended"),
        (done([]), "not-understood", "how the command ended"),
        (done({"output": "a", "result_code": None}), "not-understood", "how the command ended"),
        (done({"output": ["a"], "result_code": 0}), "not-understood", "how the command ended"),
    ],
)
def test_no_outcome_is_a_named_error(
    web: Web, at: Start, keys: KeyStore, answer: Response, code: str, words: str
) -> None:
    """Never an empty answer; and it was asked once."""
    web.answer = answer
    host = met(keys, at(web))
    error = refused(keys, host, DRIVER, LOOK)
    assert error.code == code
    assert words in error.message
    assert len(web.heard) == 1


def test_a_line_that_is_too_long_is_not_sent(web: Web, at: Start, keys: KeyStore) -> None:
    """The server would refuse it; that it may not exist is for a driver to see to."""
    assert refused(keys, met(keys, at(web)), DRIVER, LONG).code == "internal"
    assert web.heard == []


@pytest.mark.parametrize(
    ("twin", "code"),
    [
        (lambda: pfsense.from_options("fw", {"restapi": False}), "no-access"),
        (lambda: pfsense.from_options("fw", {"users": {"ann": {"password": "x"}}}), "access-denied"),
        (
            lambda: pfsense.from_options(
                "fw", {"users": {"ann": {"password": PASSWORD, "level": "page-dashboard-all"}}}
            ),
            "access-denied",
        ),
        (lambda: opnsense.from_options("fw", {"key": "ann", "secret": PASSWORD}), "no-access"),
    ],
    ids=["no package", "another password", "no privilege", "an OPNsense"],
)
def test_who_does_not_serve_it_is_told(at: Start, keys: KeyStore, twin: Callable[[], Any], code: str) -> None:
    """What is lacking has a name, and nothing is written."""
    box = twin()
    host = met(keys, at(box), password=PASSWORD_REF)
    assert refused(keys, host, DRIVER, LOOK).code == code
    assert box.chassis.writes == 0
