"""The virtual MikroTik's terminal holds against a client that is not ours: stock netmiko over real SSH."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from netmiko import ConnectHandler, NetmikoAuthenticationException, NetmikoTimeoutException

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.lab.twins.routeros import RouterosTwin, from_options

Reach = tuple[RouterosTwin, SshServer]
SIP = "/ip firewall service-port"


@pytest.fixture
def reach(request: pytest.FixtureRequest) -> Iterator[Reach]:
    """A router with the options of the test's parameter, and the server in front of it."""
    router = from_options("gw-01", {"users": {"looker": ("looker", "read")}, **getattr(request, "param", {})})
    with SshServer(router, new_host_key()) as server:
        yield router, server


def connect(server: SshServer, **more: Any) -> Any:
    """netmiko's own RouterOS driver, as anybody would use it: it logs in as ``admin+ct511w4098h``."""
    host, port = server.address
    login = {"username": "admin", "password": "admin"} | more
    return ConnectHandler(device_type="mikrotik_routeros", host=host, port=port, fast_cli=True, **login)


def sip(router: RouterosTwin) -> str:
    """Is the helper disabled?"""
    return router.box.pick("/ip/firewall/service-port", "sip")["disabled"]


def test_netmiko_lives_through_a_change_and_a_reboot(reach: Reach) -> None:
    """Connect, look, set, go into a menu and out of it, reboot, and the change is kept."""
    router, server = reach
    client = connect(server)
    assert client.base_prompt == "[admin@gw-01]"
    assert client.find_prompt().strip() == "[admin@gw-01] >"
    assert "version: 7.12.2 (stable)" in client.send_command("/system resource print")
    printed = client.send_command(f'{SIP} print detail without-paging where name="sip"')
    assert printed.splitlines()[-1].split() == [
        "4", 'name="sip"', "ports=5060,5061", "sip-direct-media=yes", "sip-timeout=1h",
    ]  # fmt: skip
    client.send_config_set([f'{SIP} set [find name="sip"] disabled=yes'])
    assert sip(router) == "true"
    assert client.send_command(f":put [{SIP} get sip disabled]") == "true"
    client.send_command("/system reboot", expect_string=r"y/N")
    client.write_channel("y")
    client.remote_conn_pre.get_transport().join(10)
    assert router.chassis.boots == 2
    # While it comes up the port accepts and resets.
    for _ in range(2):
        with pytest.raises((NetmikoTimeoutException, EOFError)):  # EOFError comes through from paramiko
            connect(server)
    back = connect(server)
    assert back.send_command(f":put [{SIP} get sip disabled]") == "true"
    back.disconnect()


@pytest.mark.parametrize("reach", [{"fresh": True}, {"version": "6.49.17 (long-term)"}], indirect=True)
def test_netmiko_gets_past_what_is_asked_at_the_door(reach: Reach) -> None:
    """The licence and the new password of a router that nobody has logged in to; 6 has another banner."""
    _, server = reach
    client = connect(server)
    assert "platform: MikroTik" in client.send_command("system resource print")
    client.disconnect()


def test_menus_and_words_of_refusal(reach: Reach) -> None:
    """A path alone goes there, and the prompt says where one is; what is refused is told in a line."""
    router, server = reach
    client = connect(server)
    where = r"\[admin@gw-01\] /ip/firewall/service-port>"
    client.send_command(SIP, expect_string=where)
    assert 'name="sip"' in client.send_command("print detail", expect_string=where)
    assert client.send_command("set nosuch disabled=yes", expect_string=where).endswith("\nno such item")
    client.send_command("set sip disabled=yes", expect_string=where)
    client.send_command("/", expect_string=r"\[admin@gw-01\] >")
    assert sip(router) == "true"
    assert client.send_command("/ip firewall nosuch print").startswith("bad command name nosuch (line 1")
    client.disconnect()


def test_an_account_that_may_only_look(reach: Reach) -> None:
    """It logs in, reads, and is refused the change; a wrong password is refused the login."""
    router, server = reach
    client = connect(server, username="looker", password="looker")
    assert client.base_prompt == "[looker@gw-01]"
    assert "not enough permissions" in client.send_command(f"{SIP} disable sip")
    assert sip(router) == "false"
    client.disconnect()
    with pytest.raises(NetmikoAuthenticationException):
        connect(server, password="wrong")


def test_what_the_letters_behind_the_name_do() -> None:
    """Colours and questions to the terminal unless they are declined; a dumb terminal is sent a line once."""
    router = from_options("gw-01", {})
    plain = router.terminal("admin+cte", 80, 24)
    assert plain.greet().endswith("\r\n[admin@gw-01] > ")
    assert plain.feed(":put 1\r\n") == ":put 1\r\n1\r\n[admin@gw-01] > "
    drawn = router.terminal("admin", 80, 24)
    assert "\x1b[c\x1b[1;32m[admin@gw-01] > \x1b[m" in drawn.greet()
    assert drawn.feed("ab").count("[admin@gw-01] > ") == 2


def test_a_small_screen_is_paged() -> None:
    """So many lines as it has; then a key for a page, one for the rest, one for no more."""
    router = from_options("gw-01", {})
    for key, rest in ((" ", 'name="h323"'), ("d", 'name="sctp"'), ("q", "[admin@gw-01] > ")):
        session = router.terminal("admin+cte5h", 80, 24)
        session.greet()
        assert session.feed(f"{SIP} print detail\r").endswith("-- [Q quit|D dump|down]")
        assert rest in session.feed(key)
    assert "-- [Q" not in router.terminal("admin+cte5h", 80, 24).feed(f"{SIP} print detail without-paging\r")
