"""Hosts of one controller: one login, one session, one at a time; a refused login is not repeated."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_devices import PASSWORD, PASSWORD_REF, SECRETS, WRONG_REF, connections

from sipalg_fix.drivers.ubiquiti_unifi import DRIVER
from sipalg_fix.drivers.ubiquiti_unifi.change import amend
from sipalg_fix.drivers.ubiquiti_unifi.probes import SETTING
from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twin import Chassis, HasWeb, Request, Response
from sipalg_fix.lab.twins.unifi import UnifiTwin, from_options
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import AccessSettings, Host, SecretRef
from sipalg_fix.model.step import amended
from sipalg_fix.transports.connections import Connections
from sipalg_fix.transports.ssh_keys import KeyStore

USERS = {"ann": {"password": PASSWORD}, "root": {"password": "x", "level": "shell"}}


class Listening:
    """A twin that remembers every request, and lets a test do something before one is answered."""

    def __init__(self, twin: UnifiTwin) -> None:
        self.twin = twin
        self.chassis = twin.chassis
        self.heard: list[Request] = []
        self.before: Callable[[Request], None] = lambda request: None

    def snapshot(self) -> dict[str, Any]:
        return self.twin.snapshot()

    def serve(self, request: Request) -> Response:
        self.heard.append(request)
        self.before(request)
        return self.twin.serve(request)

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.heard]


class Bench:
    """Controllers behind real TLS, and the hosts that are behind them."""

    def __init__(self, folder: Path, keys: KeyStore, open_: ExitStack) -> None:
        self._tls, self._pin, _ = self_signed(folder, "unifi")
        self._open = open_
        self.keys = keys

    def controller(self, **options: Any) -> tuple[Listening, Host]:
        """A controller, and the host that is its first site's gateway."""
        box = Listening(from_options("c", {"users": USERS, **options}))
        return box, self.serving(box)

    def serving(self, twin: HasWeb) -> Host:
        """A host that is reached where this twin listens."""
        return self.host(self._open.enter_context(HttpsServer(twin, self._tls)).address)

    def host(self, address: tuple[str, int], **more: Any) -> Host:
        given: dict[str, Any] = {"username": "ann", "password": PASSWORD_REF, "tls_pin": self._pin, **more}
        settings = AccessSettings(address=address[0], port=address[1], seconds=20.0, **given)
        return Host(name="g", platform="ubiquiti_unifi", accesses={"api": settings})

    def connections(self, **more: Any) -> Connections:
        made = connections(self.keys, **more)
        self._open.callback(made.close)
        return made


@pytest.fixture
def bench(tmp_path: Path, keys: KeyStore) -> Iterator[Bench]:
    with ExitStack() as open_:
        yield Bench(tmp_path, keys, open_)


def other(host: Host, name: str = "", **more: Any) -> Host:
    """Another host of the same controller."""
    return replace(host, name=name or host.name, accesses={"api": replace(host.accesses["api"], **more)})


def ask(made: Connections, host: Host) -> Any:
    """The setting of a host's site; DeviceError."""
    with made.reader(host, DRIVER) as reader:
        return json.loads(reader.ask(SETTING).text)


def refusal(made: Connections, host: Host) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        ask(made, host)
    return caught.value


@pytest.mark.parametrize("kind", ["classic", "unifi_os"])
def test_two_hundred_sites_log_in_once(bench: Bench, kind: str) -> None:
    """
    From ten threads, each site's own setting is read and written. A console refuses a token that another
    request has used up, so that two at a time would fail.
    """
    sites = [f"s{number:03d}" for number in range(200)]
    box, first = bench.controller(kind=kind, site=sites[0], sites=sites[1:], logins=1)
    made = bench.connections()

    def change(site: str) -> str:
        with made.writer(other(first, site, controller_site=site), DRIVER) as writer:
            tell = amended(amend(False), writer.ask(SETTING))
            return str(json.loads(writer.tell(tell.command).text)["data"][0]["_id"])

    with ThreadPoolExecutor(10) as pool:
        identities = list(pool.map(change, sites))
    assert (len(set(identities)), box.twin.sessions.count) == (200, 1)
    states = {site: each["usg"]["sip_module"] for site, each in box.snapshot()["sites"].items()}
    assert states == dict.fromkeys(sites, False)


def test_a_token_that_was_lost_with_its_reply_is_not_missed(bench: Bench) -> None:
    """The change was made, and a new token with it that did not arrive: whoever writes next logs in again."""
    box, host = bench.controller(kind="unifi_os")
    made = bench.connections()

    def change(*, off: bool) -> None:
        with made.writer(host, DRIVER) as writer:
            tell = amended(amend(not off), writer.ask(SETTING))
            writer.tell(tell.command)

    def lose(request: Request) -> None:
        if request.method == "PUT":
            box.twin.serve(request)
            raise ConnectionResetError

    box.before = lose
    with pytest.raises(DeviceError, match="before it had answered"):
        change(off=True)
    box.before = lambda request: None
    assert box.snapshot()["sites"]["default"]["usg"]["sip_module"] is False
    change(off=False)
    assert box.snapshot()["sites"]["default"]["usg"]["sip_module"] is True
    assert box.twin.sessions.count == 2


def test_what_it_is_is_asked_without_credentials(bench: Bench) -> None:
    """GET / first, and nothing secret before its answer; then the form of the right make alone."""
    for kind, login in (("classic", "/api/login"), ("unifi_os", "/api/auth/login")):
        box, host = bench.controller(kind=kind)
        ask(bench.connections(), host)
        assert box.paths[:2] == ["/", login]
        assert "cookie" not in box.heard[0].headers
        assert (box.heard[0].method, box.heard[0].body) == ("GET", b"")


def test_the_operator_may_say_what_it_is(bench: Bench) -> None:
    """Then nothing is probed; a name that is none is told with those there are."""
    box, host = bench.controller(kind="classic")
    ask(bench.connections(), other(host, login="classic"))
    assert box.paths[0] == "/api/login"
    error = refusal(bench.connections(), other(host, login="cloud"))
    assert error.code == "no-access"
    assert "classic, unifi_os, api_key" in error.message


@pytest.mark.parametrize("said", [{"login": "api_key"}, {"username": ""}])
def test_a_key_is_not_probed_for(bench: Bench, said: dict[str, str]) -> None:
    """By name, or where there is no user: a header with each request, no login, no look at the first page."""
    box, host = bench.controller(key=PASSWORD)
    made = bench.connections()
    for _ in range(2):
        assert ask(made, other(host, **said))["meta"]["rc"] == "ok"
    assert box.paths == ["/proxy/network/api/s/default/get/setting/usg"] * 2
    assert box.twin.sessions.count == 0


class Page:
    """A server whose first page leads elsewhere."""

    def __init__(self) -> None:
        self.chassis = Chassis(name="page", users={})
        self.heard: list[Request] = []

    def snapshot(self) -> dict[str, Any]:
        return {}

    def serve(self, request: Request) -> Response:
        self.heard.append(request)
        return Response(status=302, headers={"Location": "/login"})


def test_a_page_that_shows_neither_ends_there(bench: Bench) -> None:
    """No password goes to a server that nobody can name; the operator may."""
    page = Page()
    error = refusal(bench.connections(), bench.serving(page))
    assert (error.code, "classic, unifi_os, api_key" in error.message) == ("not-understood", True)
    assert [(request.method, request.body) for request in page.heard] == [("GET", b"")]


@pytest.mark.parametrize("kind", ["classic", "unifi_os"])
def test_a_refused_login_is_not_tried_for_the_next_host(bench: Bench, kind: str) -> None:
    """A wrong password in a group of two hundred is one failed login, and no locked account."""
    box, host = bench.controller(kind=kind)
    made = bench.connections()
    errors = [refusal(made, other(host, f"g{number}", password=WRONG_REF)) for number in range(5)]
    assert ({error.code for error in errors}, box.twin.sessions.count) == ({"access-denied"}, 1)
    assert ask(made, host)["meta"]["rc"] == "ok"


def test_after_too_many_logins_it_waits_once(bench: Bench) -> None:
    """429: a pause, one more login, and all hosts go on."""
    box, host = bench.controller(logins=1)
    ask(bench.connections(), host)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        box.chassis.advance(seconds + 1)

    made = bench.connections(pause=pause)
    patient = other(host, seconds=100.0)
    assert [ask(made, patient)["meta"]["rc"] for _ in range(3)] == ["ok"] * 3
    assert (pauses, box.twin.sessions.count) == ([45.0], 3)


def test_too_many_logins_are_not_hammered(bench: Bench) -> None:
    """Still refused after the pause: no host tries again before the time is over."""
    box, host = bench.controller(logins=1)
    ask(bench.connections(), host)
    pauses: list[float] = []
    made = bench.connections(pause=pauses.append)
    patient = other(host, seconds=100.0)
    errors = [refusal(made, patient) for _ in range(5)]
    assert ({error.code for error in errors}, "http 429" in errors[-1].message) == ({"timeout"}, True)
    assert (pauses, box.twin.sessions.count) == ([45.0], 3)


def test_it_does_not_wait_beyond_the_deadline(bench: Bench) -> None:
    """A session of twenty seconds has no forty-five to spend."""
    box, host = bench.controller(logins=1)
    ask(bench.connections(), host)
    pauses: list[float] = []
    assert refusal(bench.connections(pause=pauses.append), host).code == "timeout"
    assert (pauses, box.twin.sessions.count) == ([], 2)


@pytest.mark.parametrize("kind", ["classic", "unifi_os"])
def test_a_session_that_ended_is_begun_again(bench: Bench, kind: str) -> None:
    """Once, by whoever meets it, and what was asked is answered."""
    box, host = bench.controller(kind=kind)
    made = bench.connections()
    ask(made, host)
    box.twin.sessions.forget()
    assert [ask(made, host)["meta"]["rc"] for _ in range(3)] == ["ok"] * 3
    assert box.twin.sessions.count == 2


def test_a_session_that_never_works_is_not_renewed(bench: Bench) -> None:
    """A login that is accepted and then worth nothing costs one login, not one for each host."""
    box, host = bench.controller()
    box.before = lambda request: box.twin.sessions.forget() if "/api/s/" in request.path else None
    made = bench.connections()
    assert {refusal(made, host).code for _ in range(4)} == {"access-denied"}
    assert box.twin.sessions.count == 1


def test_a_site_that_is_not_there_is_that_host_s_own(bench: Bench) -> None:
    """Its 401 says so: no second login, no word to the other hosts, and the name cannot lead elsewhere."""
    box, host = bench.controller(kind="classic")
    made = bench.connections()
    for name in ("nowhere", "../default", "a b%2F", "default/get"):
        assert ask(made, other(host, controller_site=name))["meta"]["msg"] == "api.err.NoSiteContext"
    assert ask(made, host)["meta"]["rc"] == "ok"
    assert (box.twin.sessions.count, box.paths[3]) == (1, "/api/s/..%2Fdefault/get/setting/usg")


@pytest.mark.parametrize(
    "differs", [{"tls_pin": "wrong"}, {"password": SecretRef(text="env:SECOND")}, {"username": "bob"}]
)
def test_only_what_is_trusted_alike_is_shared(
    bench: Bench, differs: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host with another pin or another login does not come in by the door that was opened for the first."""
    monkeypatch.setitem(SECRETS, "env:SECOND", "canary-second")
    box, host = bench.controller()
    made = bench.connections()
    ask(made, host)
    if "tls_pin" in differs:
        differs = {"tls_pin": "0" * 64}
    error = refusal(made, other(host, **differs))
    assert error.code == ("certificate-changed" if "tls_pin" in differs else "access-denied")
    assert ask(made, host)["meta"]["rc"] == "ok"
    assert box.twin.sessions.count == (1 if "tls_pin" in differs else 2)


def test_a_host_waits_for_its_turn_no_longer_than_its_deadline(bench: Bench) -> None:
    """Another's request hangs; this one ends in time, and the first is answered."""
    box, host = bench.controller()
    made = bench.connections()
    ask(made, host)
    hangs, go_on = threading.Event(), threading.Event()

    def hang(request: Request) -> None:
        del request
        hangs.set()
        assert go_on.wait(10)

    box.before = hang
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, made, host)
        assert hangs.wait(10)
        assert refusal(made, other(host, seconds=0.3)).code == "timeout"
        go_on.set()
        assert first.result(10)["meta"]["rc"] == "ok"


def test_a_request_that_is_lost_leaves_the_session_to_the_others(bench: Bench) -> None:
    """The connection is gone, the login is not."""
    box, host = bench.controller()
    made = bench.connections()
    ask(made, host)
    box.chassis.switches.hang_up = True
    assert refusal(made, host).code == "connection-lost"
    box.chassis.switches.hang_up = False
    assert ask(made, host)["meta"]["rc"] == "ok"
    assert box.twin.sessions.count == 1


def test_after_the_end_it_begins_anew(bench: Bench) -> None:
    """Closing hangs up; a later run logs in for itself."""
    box, host = bench.controller()
    made = bench.connections()
    ask(made, host)
    made.close()
    made.close()
    ask(made, host)
    assert box.twin.sessions.count == 2


def test_a_body_is_not_filled_in(bench: Bench) -> None:
    """What a device said may hold ``<site>``; only paths have places."""
    box, host = bench.controller(kind="classic")
    with bench.connections().writer(host, DRIVER) as writer:
        tell = amended(amend(False), writer.ask(SETTING))
        text = tell.command.text.replace('"domain":"ui.com"', '"domain":"<site><prefix>"')
        writer.tell(replace(tell.command, text=text))
    assert json.loads(box.heard[-1].body)["dns_verification"]["domain"] == "<site><prefix>"
