"""The virtual UniFi controller, held to curl: logins, tokens, whole settings, gateways that lag behind."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twins.unifi import UnifiTwin, from_options

USG = "/api/s/default/get/setting/usg"
SET = "/api/s/default/set/setting/usg"
ORDER = "/api/s/default/cmd/devmgr"
NET = "/proxy/network"
USERS = {
    "admin": {"password": "unifi"},
    "viewer": {"password": "look", "level": "read"},
    "root": {"password": "unifi", "level": "shell"},
}
MAC = "74:ac:b9:00:00:01"


@dataclass(frozen=True, slots=True)
class Answer:
    """What curl got: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def msg(self) -> str:
        return str(self.json["meta"].get("msg", self.json["meta"]["rc"]))

    @property
    def data(self) -> Any:
        return self.json["data"]


Curl = Callable[..., Answer]


@contextmanager
def curl_at(twin: UnifiTwin, folder: Path) -> Iterator[Curl]:
    """Real curl with a jar of cookies, over TLS with a trusted certificate."""
    context, _, pem = self_signed(folder, "unifi")
    with HttpsServer(twin, context) as server:
        host, port = server.address

        def call(method: str, path: str, body: Any = None, **headers: str) -> Answer:
            named = [f"-H{name.replace('_', '-')}: {value}" for name, value in headers.items()]
            if body is not None:
                text = body if isinstance(body, str) else json.dumps(body)
                named += ["-HContent-Type: application/json", "--data-binary", text]
            jar = str(folder / "jar")
            curl = ["curl", "-sSi", "--max-time", "10", "--cacert", str(pem), "-b", jar, "-c", jar]
            done = subprocess.run(
                [*curl, "-X", method, *named, f"https://{host}:{port}{path}"],
                capture_output=True,
                text=True,
                check=True,
                timeout=20,
            )
            head, _, text = done.stdout.replace("\r\n", "\n").partition("\n\n")
            first, *lines = head.split("\n")
            fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            return Answer(int(first.split()[1]), fields, text)

        yield call


@pytest.fixture
def classic(tmp_path: Path) -> Iterator[tuple[UnifiTwin, Curl]]:
    """A controller of its own with two sites, and a client that is not logged in."""
    twin = from_options("c", {"kind": "classic", "sites": ["x4k2l9ab"], "users": USERS})
    with curl_at(twin, tmp_path) as call:
        yield twin, call


@pytest.fixture
def console(tmp_path: Path) -> Iterator[tuple[UnifiTwin, Curl]]:
    """A UniFi OS console with a key."""
    twin = from_options("c", {"key": "key-1", "users": USERS})
    with curl_at(twin, tmp_path) as call:
        yield twin, call


def log_in(call: Curl, user: str = "admin", password: str = "unifi") -> Answer:
    return call("POST", "/api/login", {"username": user, "password": password})


def sign_in(call: Curl, user: str = "admin", password: str = "unifi") -> Answer:
    return call("POST", "/api/auth/login", {"username": user, "password": password})


def test_the_first_page_tells_which_it_is(tmp_path: Path) -> None:
    """A classic controller sends one to /manage, a console shows its page; nobody is logged in for it."""
    shown = {}
    for kind in ("classic", "unifi_os"):
        (tmp_path / kind).mkdir()
        with curl_at(from_options("c", {"kind": kind}), tmp_path / kind) as call:
            answer = call("GET", "/")
            shown[kind] = (answer.status, answer.headers.get("location", ""))
    assert shown == {"classic": (302, "/manage"), "unifi_os": (200, "")}


def test_classic_login(classic: tuple[UnifiTwin, Curl]) -> None:
    """Without a session LoginRequired, with a wrong password Invalid, then a cookie."""
    twin, call = classic
    assert (call("GET", USG).status, call("GET", USG).msg) == (401, "api.err.LoginRequired")
    wrong = log_in(call, password="wrong")
    assert (wrong.status, wrong.msg) == (400, "api.err.Invalid")
    assert log_in(call, "root").status == 400, "an account for SSH is none of the controller's"
    assert log_in(call).headers["set-cookie"].startswith("unifises=")
    (setting,) = call("GET", USG).data
    assert (setting["key"], setting["sip_module"]) == ("usg", True)
    assert (twin.sessions.count, twin.chassis.writes) == (3, 0)


def test_a_part_of_a_setting_resets_the_rest(classic: tuple[UnifiTwin, Curl]) -> None:
    """Fields of connection tracking that are left out come back as false; a whole setting keeps them."""
    twin, call = classic
    log_in(call)
    (whole,) = call("GET", USG).data
    (stored,) = call("PUT", SET, whole | {"sip_module": False}).data
    assert stored == whole | {"sip_module": False}
    (stored,) = call("PUT", SET, {"sip_module": True}).data
    assert (stored["sip_module"], stored["h323_module"], stored["udp_stream_timeout"]) == (True, False, 180)
    path = f"/api/s/default/rest/setting/usg/{whole['_id']}"
    assert call("PUT", path, whole).data == [whole]
    assert twin.chassis.writes == 3


@pytest.mark.parametrize("body", ["{bad", '"text"', '{"sip_module":"false"}', '{"key":"mgmt"}'])
def test_what_is_no_setting_is_refused(classic: tuple[UnifiTwin, Curl], body: str) -> None:
    """And nothing is written."""
    twin, call = classic
    log_in(call)
    answer = call("PUT", SET, body)
    assert (answer.status, answer.msg, twin.chassis.writes) == (400, "api.err.InvalidPayload", 0)


def test_sites_are_apart(classic: tuple[UnifiTwin, Curl]) -> None:
    """Each has a setting and a gateway of its own; a site that is not there is a 401 of its own kind."""
    twin, call = classic
    log_in(call)
    other = "/api/s/x4k2l9ab"
    (setting,) = call("GET", f"{other}/get/setting/usg").data
    call("PUT", f"{other}/set/setting/usg", setting | {"sip_module": False})
    modules = {name: site["modules"] for name, site in twin.snapshot()["sites"].items()}
    assert ("nf_nat_sip" in modules["default"], "nf_nat_sip" in modules["x4k2l9ab"]) == (True, False)
    macs = {call("GET", f"/api/s/{name}/stat/device-basic").data[1]["mac"] for name in twin.controller.sites}
    assert len(macs) == 2
    nowhere = call("GET", "/api/s/nowhere/get/setting/usg")
    assert (nowhere.status, nowhere.msg) == (401, "api.err.NoSiteContext")
    assert [site["name"] for site in call("GET", "/api/self/sites").data] == ["default", "x4k2l9ab"]


def test_a_console_turns_its_token_at_each_change(console: tuple[UnifiTwin, Curl]) -> None:
    """The cookie alone may look; a change needs the newest token, and an old one is refused."""
    _, call = console
    assert (call("GET", NET + USG).status, call("GET", USG).status) == (401, 404)
    assert sign_in(call, password="wrong").status == 403
    token = sign_in(call).headers["x-csrf-token"]
    (setting,) = call("GET", NET + USG).data
    assert call("PUT", NET + SET, setting).status == 403
    first = call("PUT", NET + SET, setting, X_CSRF_Token=token)
    newer = first.headers["x-updated-csrf-token"]
    assert (first.status, newer != token) == (200, True)
    assert call("PUT", NET + SET, setting, X_CSRF_Token=token).status == 403
    assert call("PUT", NET + SET, setting, X_CSRF_Token=newer).status == 200


def test_a_key_needs_no_login(console: tuple[UnifiTwin, Curl]) -> None:
    """And no token."""
    twin, call = console
    (setting,) = call("GET", NET + USG, X_API_KEY="key-1").data
    assert call("PUT", NET + SET, setting, X_API_KEY="key-1").msg == "ok"
    assert call("GET", NET + USG, X_API_KEY="key-2").status == 401
    assert twin.sessions.count == 0


@pytest.mark.parametrize("kind", ["classic", "unifi_os"])
def test_too_many_logins(tmp_path: Path, kind: str) -> None:
    """Within 45 seconds so many are taken and no more, right or wrong; afterwards again."""
    twin = from_options("c", {"kind": kind, "logins": 2})
    enter = log_in if kind == "classic" else sign_in
    with curl_at(twin, tmp_path) as call:
        assert [enter(call, password=word).status for word in ("wrong", "unifi", "unifi")][1:] == [200, 429]
        twin.chassis.advance(46)
        assert enter(call).status == 200
    assert twin.sessions.count == 4


def test_who_may_only_look(classic: tuple[UnifiTwin, Curl]) -> None:
    """NoPermission for each change."""
    twin, call = classic
    log_in(call, "viewer", "look")
    (setting,) = call("GET", USG).data
    for path, body in ((SET, setting), (ORDER, {"cmd": "restart", "macs": [MAC]})):
        answer = call("PUT" if path == SET else "POST", path, body)
        assert (answer.status, answer.msg) == (403, "api.err.NoPermission")
    assert twin.chassis.writes == 0


@pytest.mark.parametrize(
    ("switch", "status", "msg"),
    [("refuse_writes", 403, "api.err.NoPermission"), ("locked", 503, "api.err.ServerBusy")],
)
def test_switches_that_refuse(classic: tuple[UnifiTwin, Curl], switch: str, status: int, msg: str) -> None:
    """Nothing is stored, and looking goes on."""
    twin, call = classic
    log_in(call)
    (setting,) = call("GET", USG).data
    setattr(twin.chassis.switches, switch, True)
    answer = call("PUT", SET, setting | {"sip_module": False})
    assert (answer.status, answer.msg, call("GET", USG).data, twin.chassis.writes) == (
        status,
        msg,
        [setting],
        0,
    )


def test_saved_it_says(classic: tuple[UnifiTwin, Curl]) -> None:
    """With save_fails the answer is that of a setting stored, and a look shows the old one."""
    twin, call = classic
    log_in(call)
    (setting,) = call("GET", USG).data
    twin.chassis.switches.save_fails = True
    answer = call("PUT", SET, setting | {"sip_module": False})
    assert (answer.msg, answer.data[0]["sip_module"]) == ("ok", False)
    assert call("GET", USG).data == [setting]


def gateway(call: Curl) -> dict[str, Any]:
    """The gateway of the site, as a console lists it."""
    rows = call("GET", f"{NET}/api/s/default/stat/device", X_API_KEY="k").data
    (row,) = [row for row in rows if row["type"] == "udm"]
    return dict(row)


def test_a_gateway_takes_its_settings_after_a_while(tmp_path: Path) -> None:
    """Stored at once; until it is provisioned the modules stay, and the controller says so."""
    twin = from_options("c", {"key": "k", "provisioning": 20})
    with curl_at(twin, tmp_path) as call:
        (setting,) = call("GET", NET + USG, X_API_KEY="k").data
        call("PUT", NET + SET, setting | {"sip_module": False}, X_API_KEY="k")
        twin.chassis.advance(19)
        row = gateway(call)
        assert (row["state"], row["cfgversion"] == row["known_cfgversion"]) == (5, False)
        assert "nf_conntrack_sip" in twin.exec("root", "ls /sys/module", "").stdout
        twin.chassis.advance(1)
        row = gateway(call)
        assert (row["state"], row["cfgversion"] == row["known_cfgversion"]) == (1, True)
        assert "sip" not in twin.exec("root", "lsmod; cat /proc/modules; ls /sys/module", "").stdout


def test_waiting_in_the_shell_lets_the_gateway_catch_up(tmp_path: Path) -> None:
    """Time passes on the twin's own clock."""
    twin = from_options("c", {"key": "k", "provisioning": 20})
    with curl_at(twin, tmp_path) as call:
        (setting,) = call("GET", NET + USG, X_API_KEY="k").data
        call("PUT", NET + SET, setting | {"sip_module": False}, X_API_KEY="k")
    done = twin.exec("root", "ls /sys/module | grep -c sip; sleep 21; ls /sys/module | grep -c sip", "")
    assert done.stdout == "2\n0\n"
    assert twin.exec("admin", "id", "").status == 1


@pytest.mark.parametrize("order", ["force-provision", "restart"])
def test_a_gateway_that_stays_on(tmp_path: Path, order: str) -> None:
    """With stay_on it is provisioned by nothing but its next start."""
    twin = from_options("c", {"key": "k"})
    twin.chassis.switches.stay_on = True
    with curl_at(twin, tmp_path) as call:
        (setting,) = call("GET", NET + USG, X_API_KEY="k").data
        call("PUT", NET + SET, setting | {"sip_module": False}, X_API_KEY="k")
        answer = call("POST", NET + ORDER, {"cmd": order, "macs": [MAC]}, X_API_KEY="k")
    assert answer.msg == "ok"
    assert twin.snapshot()["sites"]["default"]["provisioned"] is (order == "restart")


def test_a_restart_of_the_gateway(classic: tuple[UnifiTwin, Curl]) -> None:
    """Another boot, and a later start; sessions of a classic controller outlive it, and wrong orders fail."""
    twin, call = classic
    log_in(call)
    before = call("GET", "/api/s/default/stat/device").data[1]
    for body in (
        {"cmd": "restart", "macs": [MAC.upper()]},
        {"cmd": "restart", "mac": MAC},
        {"cmd": "explode"},
    ):
        assert call("POST", ORDER, body).msg == "api.err.UnknownDevice"
    twin.chassis.switches.reboot_fails = True
    assert call("POST", ORDER, {"cmd": "restart", "macs": [MAC]}).msg == "ok"
    assert (twin.chassis.boots, call("GET", "/api/s/default/stat/device").data[1]) == (1, before)
    twin.chassis.switches.reboot_fails = False
    twin.chassis.advance(5)
    assert call("POST", ORDER, {"cmd": "restart", "macs": [MAC]}).msg == "ok"
    after = call("GET", "/api/s/default/stat/device").data[1]
    assert (
        twin.chassis.boots,
        after["uptime"],
        after["startup_timestamp"] > before["startup_timestamp"],
    ) == (
        2,
        0,
        True,
    )


def test_a_console_goes_down_with_its_gateway(console: tuple[UnifiTwin, Curl]) -> None:
    """And forgets who was logged in."""
    twin, call = console
    token = sign_in(call).headers["x-csrf-token"]
    twin.chassis.on_down.append(lambda: down.append(True))
    down: list[bool] = []
    with contextlib.suppress(subprocess.CalledProcessError):  # the reply may be lost with the connection
        call("POST", NET + ORDER, {"cmd": "restart", "macs": [MAC]}, X_CSRF_Token=token)
    assert (down, twin.chassis.boots) == ([True], 2)
    twin.chassis.resets = 0
    assert call("GET", NET + USG).status == 401


def test_options_that_are_none() -> None:
    """Named as such."""
    with pytest.raises(TypeError, match="colour"):
        from_options("c", {"colour": "white"})
    with pytest.raises(ValueError, match="classic, unifi_os"):
        from_options("c", {"kind": "cloud"})
