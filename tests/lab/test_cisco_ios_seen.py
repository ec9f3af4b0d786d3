"""What the tool makes of the virtual Cisco router, over real SSH: levels, notices in answers, old trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cisco_typist import TCP, UDP, box, typist

from sipalg_fix.drivers import discover
from sipalg_fix.engine.look import ask_all, look
from sipalg_fix.lab.keys import known_hosts_line, new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.lab.twins.cisco_ios import CiscoIos
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import Facts, State, Value
from sipalg_fix.model.host import AccessSettings, Host, SecretRef
from sipalg_fix.model.session import Transcript
from sipalg_fix.transports.connections import Connections
from sipalg_fix.transports.ssh_keys import KeyStore

DRIVER = discover()["cisco_ios"]
SECRETS = {"env:PASSWORD": "admin", "env:ENABLE": "canary-enable-1", "env:WRONG": "canary-wrong-1"}
Reach = tuple[Connections, Host]


@pytest.fixture
def reached(tmp_path: Path) -> Callable[..., Any]:
    """Sessions with a router: a context manager that gives connections and host."""

    @contextmanager
    def reach(router: CiscoIos, enable: str = "") -> Iterator[Reach]:
        key = new_host_key()
        with SshServer(router, key) as server:
            address, port = server.address
            known = tmp_path / "known_hosts"
            known.write_text(known_hosts_line(address, port, key))
            keys = KeyStore(tmp_path / "keys", user_file=known)
            settings = AccessSettings(
                address=address,
                port=port,
                username="admin",
                password=SecretRef(text="env:PASSWORD"),
                secret=SecretRef(text=enable) if enable else None,
                seconds=30.0,
            )
            host = Host(name="edge-01", platform="cisco_ios", site="test", accesses={"cli": settings})
            yield Connections(secrets=lambda reference: SECRETS[reference.text], keys=keys), host

    return reach


def seen(reached: Callable[..., Any], reference: str = "", **options: Any) -> Facts:
    """The facts of a router with these options."""
    with reached(box(**options), reference) as (connections, host):
        return look(connections, host, DRIVER)


def test_with_the_enable_password_all_is_seen(reached: Callable[..., Any]) -> None:
    """A login at user level and the second password give the whole configuration."""
    facts = seen(reached, "env:ENABLE", level=1, enable="canary-enable-1")
    assert facts.state is State.ENABLED


@pytest.mark.parametrize(("enable", "code"), [("", "not-privileged"), ("env:WRONG", "access-denied")])
def test_without_it_nothing_is_claimed(reached: Callable[..., Any], enable: str, code: str) -> None:
    """No second password, or a wrong one: an error that says so, and no state."""
    with pytest.raises(DeviceError) as raised:
        seen(reached, enable, level=1, enable="canary-enable-1")
    assert raised.value.code == code
    assert "canary" not in str(raised.value)


def test_a_level_15_login_needs_no_second_password(reached: Callable[..., Any]) -> None:
    """With one given all the same the router is asked, and says nothing."""
    assert seen(reached, "env:ENABLE", enable="canary-enable-1").state is State.ENABLED


def test_a_notice_within_an_answer_is_no_part_of_it(reached: Callable[..., Any]) -> None:
    """A restart is announced while the configuration is shown: what is read is the same."""
    router = box()
    typist(router, "configure terminal", UDP, TCP, "end", "write memory").raw("reload in 10\n\n")
    with (
        reached(router) as (connections, host),
        connections.reader(host, DRIVER) as reader,
    ):
        first = ask_all(reader, DRIVER, DRIVER.probes[:2], Transcript())
        with router.chassis.lock:
            router.chassis.advance(300)
        rest = ask_all(reader, DRIVER, DRIVER.probes[2:], first)
        whole = ask_all(reader, DRIVER, DRIVER.more_probes(rest), rest)
    assert sum("SHUTDOWN in 0:05:00" in reply.text for reply in whole.replies) == 1
    facts = DRIVER.parse(whole)
    assert {helper.running.value for helper in facts.helpers} == {Value.OFF}
    assert facts.unsaved is False


@pytest.mark.parametrize(
    ("options", "state", "helpers"),
    [
        ({}, State.ENABLED, ["nat sip udp", "nat sip tcp"]),
        (
            {"running": False, "inspect": "zones"},
            State.PARTIAL,
            ["nat sip udp", "nat sip tcp", "zone firewall"],
        ),
        ({"only_off": "udp"}, State.PARTIAL, ["nat sip udp", "nat sip tcp"]),
        ({"version": "12.4(24)T"}, State.ENABLED, ["nat sip udp"]),
        ({"version": "12.4(24)T", "running": False}, State.DISABLED, ["nat sip udp"]),
        ({"nat": False}, State.NOT_APPLICABLE, []),
        (
            {"version": "15.1(4)M4", "inspect": "cbac"},
            State.ENABLED,
            ["nat sip udp", "nat sip tcp", "ip inspect"],
        ),
        ({"unsaved": True}, State.ENABLED, ["nat sip udp", "nat sip tcp"]),
    ],
)
def test_routers_as_somebody_left_them(
    reached: Callable[..., Any], options: dict[str, Any], state: State, helpers: list[str]
) -> None:
    """The state follows from the lines, the train and the firewalls."""
    facts = seen(reached, **options)
    assert (facts.state, [helper.name for helper in facts.helpers]) == (state, helpers)
    assert facts.unsaved is bool(options.get("unsaved"))
