"""The virtual Cisco router holds against a client that is not ours: stock netmiko over real SSH."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cisco_typist import SIP_LINES, TCP, UDP, box, sip_lines
from netmiko import ConnectHandler, NetmikoAuthenticationException, NetmikoTimeoutException

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.lab.twins.cisco_ios import CiscoIos

Reach = tuple[CiscoIos, SshServer]


@pytest.fixture
def reach(request: pytest.FixtureRequest) -> Iterator[Reach]:
    """A router with the options of the test's parameter, and the server in front of it."""
    router = box(**getattr(request, "param", {}))
    with SshServer(router, new_host_key()) as server:
        yield router, server


def connect(server: SshServer, **more: Any) -> Any:
    """netmiko's own IOS driver, as anybody would use it."""
    host, port = server.address
    login = {"username": "admin", "password": "admin"} | more
    return ConnectHandler(device_type="cisco_ios", host=host, port=port, fast_cli=True, **login)


def test_netmiko_lives_through_a_change_and_a_reload(reach: Reach) -> None:
    """Connect, look, configure, do not save, reload by two questions, and the change is gone."""
    router, server = reach
    client = connect(server)
    assert client.base_prompt == "edge-01"
    assert client.find_prompt() == "edge-01#"
    assert client.send_command("show version").splitlines()[0] == "Cisco IOS XE Software, Version 16.09.04"
    said = client.send_config_set([UDP, TCP])
    assert "edge-01(config)#" in said
    assert client.send_command(SIP_LINES).splitlines() == [UDP, TCP]
    client.send_command("reload", expect_string=r"\[yes/no\]: ")
    client.send_command("no", expect_string=r"\[confirm\]", cmd_verify=False)
    client.write_channel("\n")
    client.remote_conn_pre.get_transport().join(10)
    assert (router.chassis.boots, sip_lines(router)) == (2, [])
    # While it comes up the port accepts and resets.
    for _ in range(2):
        with pytest.raises((NetmikoTimeoutException, EOFError)):  # EOFError comes through from paramiko
            connect(server)
    assert connect(server).send_command(SIP_LINES) == ""


@pytest.mark.parametrize(
    ("reach", "words"),
    [({"save": "compressed"}, "7054 bytes[OK]"), ({"save": "plain"}, "[OK]")],
    indirect=["reach"],
)
def test_netmiko_saves_what_a_boot_brings_back(reach: Reach, words: str) -> None:
    """send_config_set and save_config put the lines into the startup configuration."""
    router, server = reach
    client = connect(server)
    client.send_config_set([UDP, TCP])
    assert words in client.save_config()
    with router.chassis.lock:
        router.reboot()
    assert sip_lines(router) == [UDP, TCP]


@pytest.mark.parametrize("reach", [{"level": 1, "enable": "let-me"}], indirect=True)
def test_netmiko_enables(reach: Reach) -> None:
    """A user sees no configuration; the enable password makes it an administrator."""
    _, server = reach
    client = connect(server, secret="let-me")
    assert client.find_prompt() == "edge-01>"
    assert "% Invalid input detected" in client.send_command("show running-config")
    client.enable()
    assert client.find_prompt() == "edge-01#"
    assert client.send_command("show privilege") == "Current privilege level is 15"
    assert "hostname edge-01" in client.send_command("show running-config")


@pytest.mark.parametrize("reach", [{"version": "12.4(24)T"}], indirect=True)
def test_an_old_train_refuses_the_line_for_tcp(reach: Reach) -> None:
    """netmiko sees the marker below the word that is not known; the other line was taken."""
    router, server = reach
    client = connect(server)
    said = client.send_config_set([UDP, TCP])
    assert "% Invalid input detected at '^' marker." in said
    lines = said.splitlines()
    marker = next(line for line in lines if line.strip() == "^")
    line = next(line for line in lines if line.endswith(TCP))
    assert line[marker.index("^") :].startswith("tcp port")
    assert sip_lines(router) == [UDP]


@pytest.mark.parametrize("reach", [{"archive": True}], indirect=True)
def test_a_revert_timer_over_netmiko_fires_on_the_twins_clock(reach: Reach) -> None:
    """The lines come and go without a restart; the session lives on."""
    router, server = reach
    client = connect(server)
    client.config_mode(config_command="configure terminal revert timer 3")
    client.send_config_set([UDP, TCP], enter_config_mode=False)
    assert "Timer value: 3 min" in client.send_command("show archive config rollback timer")
    with router.chassis.lock:
        router.chassis.advance(180)
    assert (router.chassis.boots, sip_lines(router)) == (1, [])
    assert "No Rollback Confirmed Change pending" in client.send_command("show archive config rollback timer")


def test_a_wrong_password_is_told_from_a_dead_port(reach: Reach) -> None:
    """netmiko sees a refused login as a refused login."""
    _, server = reach
    with pytest.raises(NetmikoAuthenticationException):
        connect(server, password="wrong")
