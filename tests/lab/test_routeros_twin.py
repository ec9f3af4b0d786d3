"""The virtual MikroTik router, held to two API clients that others wrote."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import librouteros
import librouteros.exceptions
import librouteros.login
import librouteros.query
import pytest
import routeros_api
import routeros_api.exceptions

from sipalg_fix.lab.api_server import ApiServer
from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.twins.routeros import RouterosTwin, from_options

SERVICE_PORT = "/ip/firewall/service-port"
CONNECTION = "/ip/firewall/connection"


def make(**options: Any) -> RouterosTwin:
    return from_options("gw-01", options)


@contextmanager
def logged_in(twin: RouterosTwin, user: str = "admin", password: str = "admin") -> Iterator[librouteros.Api]:
    """A librouteros session with the twin; old login if the twin is old."""
    method = librouteros.login.token if twin.old_login else librouteros.login.plain
    with ApiServer(twin) as server:
        host, port = server.address
        api = librouteros.connect(host, user, password, port=port, login_method=method, timeout=5)
        try:
            yield api
        finally:
            api.close()


def sip(api: librouteros.Api) -> dict[str, Any]:
    (row,) = api.rawCmd(f"{SERVICE_PORT}/print", "?name=sip")
    return dict(row)


def test_the_helper_is_read_as_the_manual_shows_it() -> None:
    """A print with a query gives one row, all of it text: ports, truth in words, a timeout with its unit."""
    assert make().talk("admin", [f"{SERVICE_PORT}/print", "?name=sip"]) == [
        [
            "!re",
            "=.id=*5",
            "=name=sip",
            "=ports=5060,5061",
            "=sip-direct-media=true",
            "=sip-timeout=1h",
            "=invalid=false",
            "=disabled=false",
        ],
        ["!done"],
    ]


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("version", ["7.12.2 (stable)", "6.48.6 (long-term)", "6.40.9 (bugfix)"])
def test_librouteros_reads_sets_and_reads_back(secure: bool, version: str, tmp_path: Path) -> None:
    """The whole of a small remedy with librouteros, on new and old RouterOS, plain and over TLS."""
    twin = make(version=version)
    context, _, pem = self_signed(tmp_path, "gw-01")
    with ApiServer(twin, context if secure else None) as server:
        host, port = server.address
        wrapper = ssl.create_default_context(cafile=pem).wrap_socket
        api = librouteros.connect(
            host,
            "admin",
            "admin",
            port=port,
            timeout=5,
            login_method=librouteros.login.token if twin.old_login else librouteros.login.plain,
            ssl_wrapper=(lambda wire: wrapper(wire, server_hostname=host)) if secure else None,
        )
        before = sip(api)
        tuple(api(f"{SERVICE_PORT}/set", **{".id": before[".id"], "disabled": True}))
        assert (before["disabled"], sip(api)["disabled"]) == (False, True)
        (resource,) = api("/system/resource/print")
        assert resource["version"] == version
        api.close()
    assert twin.chassis.writes == 1


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("old", [False, True], ids=["new login", "old login"])
def test_routeros_api_reads_sets_and_reads_back(secure: bool, old: bool, tmp_path: Path) -> None:
    """The same with RouterOS-api, which tags its sentences; with the old login it follows the challenge."""
    twin = make(old_login=old)
    context, _, pem = self_signed(tmp_path, "gw-01")
    with ApiServer(twin, context if secure else None) as server:
        host, port = server.address
        pool = routeros_api.RouterOsApiPool(
            host,
            username="admin",
            password="admin",
            port=port,
            plaintext_login=not old,
            ssl_context=ssl.create_default_context(cafile=pem) if secure else None,
        )
        resource = pool.get_api().get_resource(SERVICE_PORT)
        (before,) = resource.get(name="sip")
        resource.set(id=before["id"], disabled="yes")
        (after,) = resource.get(name="sip")
        pool.disconnect()
    assert (before["disabled"], after["disabled"]) == ("false", "true")


def test_a_client_that_sends_the_new_login_to_an_old_box_is_given_a_challenge() -> None:
    """Before 6.43 name and password are not looked at: the reply is a challenge, and nobody is logged in."""
    twin = make(version="6.42.1 (current)")
    with ApiServer(twin) as server:
        host, port = server.address
        api = librouteros.connect(host, "admin", "admin", port=port, timeout=5)
        with pytest.raises(librouteros.exceptions.FatalError, match="not logged in"):
            tuple(api("/system/resource/print"))
        pool = routeros_api.RouterOsApiPool(host, "admin", "admin", port=port, plaintext_login=True)
        identity = pool.get_api().get_resource("/system/identity").get()  # this client goes on to answer it
        pool.disconnect()
    assert identity == [{"name": "gw-01"}]


def test_a_new_box_hands_out_challenges_and_refuses_every_answer() -> None:
    """RouterOS since 6.45.1: the old login is asked for and ends in the trap of a wrong password."""
    with ApiServer(make()) as server:
        host, port = server.address
        pool = routeros_api.RouterOsApiPool(host, "admin", "admin", port=port, plaintext_login=False)
        with pytest.raises(
            routeros_api.exceptions.RouterOsApiCommunicationError,
            match=r"invalid user name or password \(6\)",
        ):
            pool.get_api()
        pool.disconnect()


@pytest.mark.parametrize(
    ("options", "password", "reason"),
    [
        ({}, "wrong", r"invalid user name or password \(6\)"),
        ({"level": "console"}, "admin", r"invalid user name or password \(6\)"),
        ({"version": "6.42.1 (current)"}, "wrong", "cannot log in"),
    ],
    ids=["wrong password", "group without the api policy", "wrong password, old"],
)
def test_a_login_is_refused(options: dict[str, Any], password: str, reason: str) -> None:
    """A wrong password and a group without the policy api are refused in the same words."""
    with (
        pytest.raises(librouteros.exceptions.TrapError, match=reason),
        logged_in(make(**options), password=password),
    ):
        pass


@pytest.mark.parametrize(
    ("group", "may"), [("read", {"print", "reboot"}), ("write", {"print", "set", "reboot"})]
)
def test_a_group_may_do_what_its_policies_say(group: str, may: set[str]) -> None:
    """``read`` looks and, by default, reboots; it changes nothing, and a refused attempt is not a write."""
    twin = make(level=group)
    sentences = {
        "print": [f"{SERVICE_PORT}/print"],
        "set": [f"{SERVICE_PORT}/set", "=numbers=sip", "=disabled=yes"],
        "reboot": ["/system/reboot"],
    }
    replies = {name: twin.talk("admin", words) for name, words in sentences.items()}
    refused = {name for name, reply in replies.items() if reply[0][0] == "!trap"}
    assert set(sentences) - refused == may
    assert all(replies[name][0] == ["!trap", "=message=not enough permissions (9)"] for name in refused)
    assert twin.box.pick(SERVICE_PORT, "sip")["disabled"] == ("true" if "set" in may else "false")


def test_a_refused_change_reaches_the_client_as_a_trap() -> None:
    """librouteros raises the words of the router, and the session goes on."""
    with logged_in(make(level="read")) as api:
        with pytest.raises(librouteros.exceptions.TrapError, match=r"not enough permissions \(9\)"):
            tuple(api(f"{SERVICE_PORT}/set", numbers="sip", disabled=True))
        assert sip(api)["disabled"] is False


def test_a_reboot_is_answered_and_then_the_line_is_dead() -> None:
    """The command is answered, every connection is dead, two more are reset, and then the box is up."""
    twin = make()
    twin.chassis.advance(3600)
    with ApiServer(twin) as server:
        host, port = server.address
        api = librouteros.connect(host, "admin", "admin", port=port, timeout=5)
        other = librouteros.connect(host, "admin", "admin", port=port, timeout=5)
        tuple(api("/system/reboot"))
        for dead in (api, other):
            with pytest.raises((OSError, librouteros.exceptions.ConnectionClosed)):
                tuple(dead("/system/resource/print"))
        for _ in range(2):
            with pytest.raises((OSError, librouteros.exceptions.ConnectionClosed)):
                librouteros.connect(host, "admin", "admin", port=port, timeout=5)
        api = librouteros.connect(host, "admin", "admin", port=port, timeout=5)
        (resource,) = api("/system/resource/print")
        assert (resource["uptime"], list(api(f"{CONNECTION}/print"))) == ("0s", [])
        api.close()
    assert (twin.chassis.boots, twin.chassis.writes) == (2, 1)


def test_configuration_outlives_a_reboot_without_being_saved() -> None:
    """A change is stored when it is made."""
    twin = make()
    twin.talk("admin", [f"{SERVICE_PORT}/disable", "=.id=*5"])
    twin.talk("admin", ["/system/reboot"])
    assert twin.box.pick(SERVICE_PORT, "sip")["disabled"] == "true"


def test_uptime_is_written_as_routeros_writes_it() -> None:
    """Weeks, days, hours, minutes and seconds, those that are nought left out."""
    twin = make()
    twin.chassis.advance(((6 * 7 + 5) * 24 + 11) * 3600 + 55 * 60 + 45)
    (reply, _) = twin.talk("admin", ["/system/resource/print", "=.proplist=uptime,nosuch"])
    assert reply == ["!re", "=uptime=6w5d11h55m45s"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["?disabled=true"], ["irc", "rtsp"]),
        (["?disabled=yes"], ["irc", "rtsp"]),
        (["?name=sip", "?name=pptp", "?#|"], ["sip", "pptp"]),
        (["?name=sip", "?#!", "?disabled=false", "?ports"], ["ftp", "tftp"]),
        (["?-ports", "?>name=p"], ["pptp", "udplite", "sctp"]),
        (["?name=sip", "?disabled=true", "?#|!"], ["ftp", "tftp", "h323", "pptp", "udplite", "dccp", "sctp"]),
        (["?disabled=true", "?name=sip", "?#1"], ["irc", "rtsp"]),
    ],
)
def test_queries_work_on_a_stack(words: list[str], names: list[str]) -> None:
    """The rules of the manual: presence, absence, comparison, and operations on what was pushed."""
    twin = make()
    replies = twin.talk("admin", [f"{SERVICE_PORT}/print", "=.proplist=name", *words])
    assert replies == [*(["!re", f"=name={name}"] for name in names), ["!done"]]


def test_queries_of_librouteros_are_understood() -> None:
    """Its query builder sends ``yes`` and stack operations."""
    name, disabled = librouteros.query.Key("name"), librouteros.query.Key("disabled")
    with logged_in(make()) as api:
        rows = list(
            api.path(SERVICE_PORT).select(name).where(disabled == False, name.In("sip", "irc"))  # noqa: E712  (an operator of the query builder)
        )
    assert rows == [{"name": "sip"}]


@pytest.mark.parametrize(
    ("sentence", "reply"),
    [
        (
            ["/ip/adress/print"],
            [
                ["!trap", "=category=0", "=message=no such command or directory (adress)"],
                ["!trap", "=message=no such command prefix"],
            ],
        ),
        (["/ip/firewall/print"], [["!trap", "=category=0", "=message=no such command"]]),
        ([f"{SERVICE_PORT}/find"], [["!trap", "=category=0", "=message=no such command"]]),
        ([f"{SERVICE_PORT}/add", "=name=x"], [["!trap", "=category=0", "=message=no such command"]]),
        (
            [f"{SERVICE_PORT}/set", "=.id=*99", "=disabled=yes"],
            [["!trap", "=category=0", "=message=no such item"]],
        ),
        ([f"{SERVICE_PORT}/set", "=disabled=yes"], [["!trap", "=message=missing =.id="]]),
        (
            [f"{SERVICE_PORT}/set", "=.id=*5", "=disabled=maybe"],
            [["!trap", "=category=1", "=message=invalid value for argument disabled"]],
        ),
        (
            [f"{SERVICE_PORT}/set", "=.id=*5", "=nosuch=1"],
            [["!trap", "=message=unknown parameter nosuch"]],
        ),
        (["/tr069-client/print"], None),
    ],
)
def test_what_is_not_there_is_refused(sentence: list[str], reply: list[list[str]] | None) -> None:
    """Unknown directories, commands, items, parameters and values have each their words; nothing changes."""
    twin = make()
    got = twin.talk("admin", sentence)
    assert got[-1] == ["!done"]
    assert got[:-1] == reply if reply else got[0][0] == "!trap"
    assert twin.chassis.writes == 0


def test_ids_are_not_the_same_on_every_version() -> None:
    """Nobody may count on a number: RouterOS 6 and 7 have the helper under different ids."""
    ids = {make(version=version).box.pick(SERVICE_PORT, "sip")[".id"] for version in ("7.12.2", "6.48.6")}
    assert len(ids) == 2


def test_tracked_calls_keep_the_helper_until_they_are_removed() -> None:
    """Disabling changes new connections only; a flush of those on port 5060 leaves everybody else's."""
    with logged_in(twin := make()) as api:
        tuple(api(f"{SERVICE_PORT}/disable", numbers="sip"))
        rows = list(api(f"{CONNECTION}/print"))
        calls = [row for row in rows if str(row["dst-address"]).endswith(":5060")]
        assert [row.get("connection-type") for row in calls] == ["sip", "sip"]
        api.path(CONNECTION).remove(*[row[".id"] for row in calls])
        with pytest.raises(librouteros.exceptions.TrapError, match="no such item"):
            api.path(CONNECTION).remove(calls[0][".id"])
        assert len(list(api(f"{CONNECTION}/print"))) == len(rows) - 2
        twin.register()
        again = [row for row in api(f"{CONNECTION}/print") if row["dst-address"] == "203.0.113.10:5060"]
    assert (len(again), [row for row in again if "connection-type" in row]) == (2, [])


def test_tracked_calls_time_out_by_the_twins_clock() -> None:
    """The timeout counts down, and after it the connection is gone."""
    twin = make(connections=1, timeout="10m")
    twin.chassis.advance(90)
    (first, *_) = twin.talk("admin", [f"{CONNECTION}/print", "=.proplist=timeout", "?connection-type=sip"])
    twin.chassis.advance(600)
    later = twin.talk("admin", [f"{CONNECTION}/print", "=.proplist=timeout", "?connection-type=sip"])
    assert (first, later) == (["!re", "=timeout=8m30s"], [["!done"]])


@pytest.mark.parametrize("managed", ["tr069", "tr069-off"])
def test_a_provisioning_client_can_be_seen(managed: str) -> None:
    """With the package installed its menu says whether a server looks after the box, and which."""
    with logged_in(make(managed=managed)) as api:
        (row,) = api("/tr069-client/print")
    assert (row["enabled"], bool(row["acs-url"])) == ((True, True) if managed == "tr069" else (False, False))


def test_a_script_of_the_owner_turns_the_helper_on_again_at_night() -> None:
    """A box that is managed by a script drifts back at 03:00 of its own clock."""
    twin = make(managed="script")
    twin.talk("admin", [f"{SERVICE_PORT}/disable", "=numbers=sip"])
    twin.chassis.advance(86_400)
    assert twin.box.pick(SERVICE_PORT, "sip")["disabled"] == "false"


def test_locked_and_dumb_and_stubborn_boxes() -> None:
    """The switches: a trap that says who is at it, a trap that knows no such command, a promise not kept."""
    twin = make()
    change = [f"{SERVICE_PORT}/set", "=numbers=sip", "=disabled=yes"]
    twin.chassis.switches.locked = True
    assert twin.talk("admin", change)[0][1].startswith("=message=failure: ")
    twin.chassis.switches.locked, twin.chassis.switches.refuse_writes = False, True
    assert twin.talk("admin", change)[0][2] == "=message=no such command"
    twin.chassis.switches.refuse_writes, twin.chassis.switches.stay_on = False, True
    assert twin.talk("admin", change) == [["!done"]]
    assert twin.box.pick(SERVICE_PORT, "sip")["disabled"] == "false"
    twin.talk("admin", ["/system/reboot"])
    assert twin.box.pick(SERVICE_PORT, "sip")["disabled"] == "true"


def test_a_reboot_that_does_not_happen_is_answered_all_the_same() -> None:
    """Only the uptime tells."""
    twin = make()
    twin.chassis.switches.reboot_fails = True
    twin.chassis.advance(60)
    assert twin.talk("admin", ["/system/reboot"]) == [["!done"]]
    assert (twin.chassis.boots, twin.chassis.uptime) == (1, 60)


def test_options_that_do_not_exist_are_refused() -> None:
    """A rehearsal with a misspelt option must not quietly be another rehearsal."""
    with pytest.raises(TypeError, match="sips"):
        make(sips=False)
    with pytest.raises(ValueError, match="somebody"):
        make(managed="somebody")
