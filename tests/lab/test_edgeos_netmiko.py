"""The virtual EdgeRouter holds against a client that is not ours: stock netmiko over real SSH."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from edgeos_typist import DISABLE, SIP_LINES, box, modules
from netmiko import ConnectHandler, NetmikoAuthenticationException, NetmikoTimeoutException

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.lab.twins.edgeos import EdgeOs

Reach = tuple[EdgeOs, SshServer]


@pytest.fixture
def reach() -> Iterator[Reach]:
    """A router with commit revisions, and the server in front of it."""
    router = box(revisions=20)
    with SshServer(router, new_host_key()) as server:
        yield router, server


def connect(server: SshServer, **more: Any) -> Any:
    """netmiko's own EdgeRouter driver, as anybody would use it."""
    host, port = server.address
    login = {"username": "ubnt", "password": "ubnt"} | more
    return ConnectHandler(device_type="ubiquiti_edgerouter", host=host, port=port, fast_cli=True, **login)


def test_netmiko_lives_through_a_change_and_a_reboot(reach: Reach) -> None:
    """Connect, look, set, the exit-discard trap, commit, no save, reboot, and the change is gone."""
    router, server = reach
    client = connect(server)
    assert client.base_prompt == "ubnt@ubnt"
    assert client.find_prompt() == "ubnt@ubnt:~$"
    assert client.send_command("show version").splitlines()[0] == "Version:      v2.0.9-hotfix.7"
    # Recorded with netmiko 4.8.0: leaving configure mode silently sends "exit discard".
    client.send_config_set([DISABLE], exit_config_mode=False)
    assert "exit discard" in client.exit_config_mode()
    assert modules(router) == ["nf_nat_sip", "nf_conntrack_sip"]
    client.send_config_set([DISABLE], exit_config_mode=False)
    assert client.commit() == "commit\n[edit]\nubnt@ubnt# "
    assert modules(router) == []
    client.exit_config_mode()
    client.send_command("reboot", expect_string=r"\[confirm\]")
    client.write_channel("y")
    client.remote_conn_pre.get_transport().join(10)
    # While it comes up the port accepts and resets; then it is back without what was not saved.
    for _ in range(2):
        with pytest.raises((NetmikoTimeoutException, EOFError)):  # EOFError comes through from paramiko
            connect(server)
    back = connect(server)
    assert "nf_nat_sip" in back.send_command("lsmod | grep sip")
    assert back.send_command(SIP_LINES) == ""
    back.disconnect()


def test_netmiko_saves_what_a_boot_brings_back(reach: Reach) -> None:
    """commit and save_config over netmiko put the change into the startup file."""
    router, server = reach
    client = connect(server)
    client.send_config_set([DISABLE], exit_config_mode=False)
    client.commit()
    assert client.save_config() == "Saving configuration to '/config/config.boot'...\nDone\n[edit]"
    with router.chassis.lock:
        router.reboot()
    assert modules(router) == []
    assert DISABLE in router.snapshot()["running"]


def test_a_commit_confirm_over_netmiko_fires_on_the_twins_clock(reach: Reach) -> None:
    """The question is answered, the clock moves, and the session is cut by the reboot into the old file."""
    router, server = reach
    client = connect(server)
    client.send_config_set([DISABLE], exit_config_mode=False)
    client.send_command("commit-confirm 2", expect_string=r"\[confirm\]", strip_prompt=False)
    client.write_channel("y")
    client.read_until_pattern(r"ubnt@ubnt# ")
    assert modules(router) == []
    with router.chassis.lock:
        router.chassis.advance(120)
    assert (router.chassis.boots, modules(router)) == (2, ["nf_nat_sip", "nf_conntrack_sip"])
    client.remote_conn_pre.get_transport().join(10)
    assert not client.is_alive()


def test_a_wrong_password_is_told_from_a_dead_port(reach: Reach) -> None:
    """netmiko sees a refused login as a refused login."""
    _, server = reach
    with pytest.raises(NetmikoAuthenticationException):
        connect(server, password="wrong")
