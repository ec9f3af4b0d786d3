"""A command line over real SSH, with devices that are well-behaved and devices that are not."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_devices import (
    CLI,
    ENABLE,
    ENABLE_REF,
    PASSWORD,
    SHOW,
    WRONG_REF,
    SmallBox,
    closed_port,
    connections,
    host_at,
    listening,
    refused,
    small_driver,
    stall,
    trust,
)

from sipalg_fix.lab.keys import known_hosts_line, new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.session import Answer, Command, SshCli
from sipalg_fix.transports.ssh_keys import KeyStore

HOST_KEY = new_host_key()


@pytest.fixture
def box() -> SmallBox:
    return SmallBox()


@pytest.fixture
def server(box: SmallBox) -> Iterator[SshServer]:
    with SshServer(box, HOST_KEY) as running:
        yield running


def test_a_session_logs_in_once_and_asks(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """One login, the terminal made still, and each answer as the device gave it."""
    box.answers["show wrong"] = "        ^\r\n% Invalid input detected at marker.\r\n"
    wrong = Command(access="cli", text="show wrong")
    host, driver = host_at(server.address), small_driver([SHOW, wrong])
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        first, second = reader.ask(SHOW), reader.ask(wrong)
    assert (first.text, first.status, first.prompt) == ("Version 1.2", "ok", "r1#")
    assert (second.text.splitlines()[0], second.status) == ("        ^", "refused")
    assert box.chassis.tried == [PASSWORD]
    assert box.heard == ["terminal length 0", "show version", "show wrong"]


def test_without_lines_to_prepare_it_the_prompt_is_made_sure_of(
    box: SmallBox, server: SshServer, keys: KeyStore
) -> None:
    """An empty line shows the prompt again; a banner is not said twice."""
    box.greeting = "\r\nProperty of\r\nexample#\r\nexample>\r\n"
    bare = SshCli(netmiko_type="cisco_ios", prompt=CLI.prompt)
    host, driver = host_at(server.address, ["cli"]), small_driver(accesses={"cli": bare})
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        assert reader.ask(SHOW).text == "Version 1.2"
    assert box.heard == ["", "show version"]


def test_a_device_that_asks_at_the_door_is_answered_by_netmiko(
    box: SmallBox, server: SshServer, keys: KeyStore
) -> None:
    """RouterOS: the user name's suffix, CR LF as line end, and its licence question."""
    box.prompt = "[admin@r1] > "
    box.chassis.users["ann+ct511w4098h"] = box.chassis.users.pop("ann")
    router = SshCli(netmiko_type="mikrotik_routeros", prompt=r"^\[[^\]]+\] (?:/[^>]*)?> $")
    host, driver = host_at(server.address, ["cli"]), small_driver(accesses={"cli": router})
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        assert reader.ask(SHOW).text == "Version 1.2"
    assert box.chassis.tried == [PASSWORD]


def test_nothing_is_offered_to_a_device_that_was_not_accepted(
    box: SmallBox, server: SshServer, keys: KeyStore
) -> None:
    """No login is tried with an unknown key, nor with one that has changed."""
    host, driver = host_at(server.address), small_driver()
    unknown = refused(keys, host, driver)
    assert (unknown.code, "SHA256:" in unknown.message) == ("host-key-unknown", True)
    trust(keys, host, driver)
    box.chassis.switches.new_host_key = True
    changed = refused(keys, host, driver)
    assert (changed.code, "Nothing was sent" in changed.message) == ("host-key-changed", True)
    assert box.chassis.tried == []


def test_the_users_known_hosts_will_do(server: SshServer, keys: KeyStore, tmp_path: Path) -> None:
    """A key that ssh itself has accepted needs no second acceptance."""
    (tmp_path / "known_hosts").write_text(known_hosts_line(*server.address, HOST_KEY))
    with connections(keys).reader(host_at(server.address), small_driver()) as reader:
        assert reader.ask(SHOW).text == "Version 1.2"


def test_a_wrong_password_is_tried_once(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """Not a second time in the session either: that is how accounts get locked."""
    host, driver = host_at(server.address, password=WRONG_REF), small_driver()
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        for _ in range(2):
            with pytest.raises(DeviceError, match=r"refused user 'ann' with this password") as caught:
                reader.ask(SHOW)
            assert caught.value.code == "access-denied"
    assert box.chassis.tried == ["canary-wrong-1"]


def test_the_enable_password_is_given_where_there_is_one(
    box: SmallBox, server: SshServer, keys: KeyStore
) -> None:
    """And what follows is asked by a privileged user."""
    box.answers["enable"] = ["Password: ", "\r\n"]
    host, driver = host_at(server.address, secret=ENABLE_REF), small_driver()
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        assert reader.ask(SHOW).text == "Version 1.2"
    assert box.heard == ["enable", f"{ENABLE}\n", "terminal length 0", "show version"]


def test_a_refused_enable_password_is_not_repeated(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """IOS asks three times; we answer once."""
    box.answers["enable"] = ["Password: ", "\r\nPassword: ", "\r\nPassword: ", "\r\n% Bad secrets\r\n"]
    host, driver = host_at(server.address, secret=ENABLE_REF), small_driver()
    trust(keys, host, driver)
    error = refused(keys, host, driver)
    assert (error.code, box.heard) == ("access-denied", ["enable", f"{ENABLE}\n"])


def test_a_platform_without_privileges_to_gain_is_not_asked_for_them(
    box: SmallBox, server: SshServer, keys: KeyStore
) -> None:
    """An enable password that a whole group has is for those that know the word."""
    edge = SshCli(netmiko_type="ubiquiti_edgerouter", prompt=CLI.prompt)
    host, driver = host_at(server.address, ["cli"], secret=ENABLE_REF), small_driver(accesses={"cli": edge})
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        reader.ask(SHOW)
    assert "enable" not in box.heard


def test_questions_are_answered_on_the_way(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """What was typed is what the command says, with Enter and without."""
    box.answers["reload"] = ["Save? [yes/no]: ", "Proceed with reload? [confirm]", "\r\ndone\r\n"]
    answers = (
        Answer(question=r"Save\? \[yes/no\]", text="no"),
        Answer(question=r"\[confirm\]", text="y", enter=False),
    )
    host, driver = host_at(server.address), small_driver()
    trust(keys, host, driver)
    with connections(keys).writer(host, driver) as writer:
        assert writer.tell(Command(access="cli", text="reload", answers=answers)).text.endswith("done")
    assert box.heard[-3:] == ["reload", "no\n", "y"]


@pytest.mark.parametrize(
    ("switch", "code"),
    [("half_reply", "timeout"), ("hang_up", "connection-lost"), ("garbage", "timeout")],
)
def test_half_an_answer_is_an_error_and_in_time(
    box: SmallBox, server: SshServer, keys: KeyStore, switch: str, code: str
) -> None:
    """Cut, silent or garbled: never a short answer, and never longer than the session may take."""
    host, driver = host_at(server.address, seconds=1.0), small_driver()
    trust(keys, host, driver)
    setattr(box.chassis.switches, switch, True)
    began = time.monotonic()
    assert refused(keys, host, driver).code == code
    assert time.monotonic() - began < 3


def test_a_command_has_a_deadline_of_its_own(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """And the line is not used again after it: what comes late would answer the next question."""
    slow = Command(access="cli", text="show slow", seconds=0.3)
    box.answers["show slow"] = ["working", ""]
    host, driver = host_at(server.address), small_driver([slow, SHOW])
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        for command in (slow, SHOW):
            with pytest.raises(DeviceError, match=r"did not answer within 0\.3 seconds") as caught:
                reader.ask(command)
            assert caught.value.code == "timeout"
    assert box.heard[-1] == "show slow"


def test_a_box_that_is_going_down_is_unreachable(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """Its port accepts and resets (recorded from a booting Vyatta box); afterwards it answers again."""
    host, driver = host_at(server.address), small_driver()
    trust(keys, host, driver)
    box.chassis.power_cycle(resets=1)
    assert refused(keys, host, driver).code == "unreachable"
    with connections(keys).reader(host, driver) as reader:
        assert reader.ask(SHOW).status == "ok"


def test_a_closed_port_and_a_name_that_is_none_are_unreachable(keys: KeyStore) -> None:
    """And say which address it was."""
    host = host_at(closed_port())
    error = refused(keys, host, small_driver())
    assert (error.code, "127.0.0.1" in error.message) == ("unreachable", True)
    nowhere = refused(keys, host_at(("no.such.name.invalid", 22)), small_driver())
    assert (nowhere.code, "no.such.name.invalid:22" in nowhere.message) == ("unreachable", True)


def test_a_port_that_says_nothing_is_a_timeout(keys: KeyStore) -> None:
    """It accepts, and hangs before the banner."""
    with listening(stall) as address:
        began = time.monotonic()
        assert refused(keys, host_at(address, seconds=0.5), small_driver()).code == "timeout"
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "unreachable"),
        (b"SSH-2.0-half", "unreachable"),
        (b"SSH-2.0-sshd\r\n", "unreachable"),
        (b"HTTP/1.1 400 Bad Request\r\n" * 100, "not-understood"),
        (b"SSH-1.5-old\r\n", "crypto-refused"),
        (b"SSH-2.0-x\r\n" + b"\x00\x00\x00\x0c\x04\x32" + b"\xff" * 10, "not-understood"),
    ],
)
def test_what_is_no_ssh_is_told_apart(keys: KeyStore, sent: bytes, code: str) -> None:
    """A port that closes at once, another protocol, the first version of SSH, rubbish."""

    def serve(wire: socket.socket) -> None:
        wire.sendall(sent)
        wire.shutdown(socket.SHUT_WR)
        stall(wire)

    with listening(serve) as address:
        assert refused(keys, host_at(address, seconds=5.0), small_driver()).code == code


def test_secrets_are_kept_out_of_replies(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """The driver's patterns, and the very secrets in use; the sealed original holds them."""
    box.answers["show version"] = f"username ann password {PASSWORD}\r\nsnmp community public1\r\n"
    patterns = (re.compile(r"community (?P<secret>\S+)"),)
    host, driver = host_at(server.address), small_driver(secrets=patterns, backup=(SHOW,))
    trust(keys, host, driver)
    heard: list[str] = []
    with connections(keys, on_secret=heard.append, seal=lambda text: text[::-1]).reader(
        host, driver
    ) as reader:
        reply = reader.ask(SHOW)
    assert reply.text == "username ann password <redacted>\nsnmp community <redacted>"
    assert reply.sealed[::-1] == f"username ann password {PASSWORD}\nsnmp community public1"
    assert heard == [PASSWORD]


def test_only_a_backup_is_sealed(server: SshServer, keys: KeyStore) -> None:
    """What is not kept needs no original; without a key there is none either."""
    host, driver = host_at(server.address), small_driver()
    trust(keys, host, driver)
    with connections(keys, seal=lambda text: text).reader(host, driver) as reader:
        assert reader.ask(SHOW).sealed == ""
    with connections(keys).reader(host, small_driver(backup=(SHOW,))) as reader:
        assert reader.ask(SHOW).sealed == ""


@pytest.mark.parametrize("kind", ["cisco_ios_telnet", "cisco_ios_serial", "no_such_kind"])
def test_only_ssh_is_spoken(keys: KeyStore, kind: str) -> None:
    """netmiko would speak Telnet just as well, password and all."""
    driver = small_driver(accesses={"cli": SshCli(netmiko_type=kind, prompt=CLI.prompt)})
    assert refused(keys, host_at(closed_port()), driver).code == "internal"
