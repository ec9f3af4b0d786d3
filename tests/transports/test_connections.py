"""Sessions: what may be sent in them, what they import, and that they end."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from small_devices import (
    EXEC,
    SHOW,
    SmallBox,
    closed_port,
    connections,
    host_at,
    refused,
    small_driver,
    trust,
)

from sipalg_fix.engine import ports
from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.model.driver import Driver, Guard
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import off
from sipalg_fix.model.host import Host, SecretRef
from sipalg_fix.model.session import Answer, Command, Transcript
from sipalg_fix.model.step import Disruption
from sipalg_fix.transports.connections import Connections
from sipalg_fix.transports.ssh_client import _Transport
from sipalg_fix.transports.ssh_keys import KeyStore

HOST_KEY = new_host_key()


def cli(text: str) -> Command:
    return Command(access="cli", text=text)


MORE, BOOT, PROOF, CALLS, BACKUP = map(
    cli, ("show more", "show boot", "show guard", "show calls", "show run")
)


def more_probes(seen: Transcript) -> tuple[Command, ...]:
    """Depends on what was seen in this session."""
    reply = seen.get(SHOW)
    return (MORE,) if reply is not None and "1.2" in reply.text else ()


def full_driver() -> Driver:
    """One of each kind of look-only command."""
    guard = Guard(
        name="timer",
        fires=Disruption.REBOOT,
        arm=lambda *_: pytest.fail("armed"),
        unavailable=lambda facts: "",
        proof=(PROOF,),
        pending=lambda seen: off("none"),
    )
    return small_driver(
        [SHOW], boot_probes=(BOOT,), guard=guard, calls=(CALLS,), backup=(BACKUP,), more_probes=more_probes
    )


@pytest.fixture
def box() -> SmallBox:
    return SmallBox({command.text: "yes\r\n" for command in (MORE, BOOT, PROOF, CALLS, BACKUP)})


@pytest.fixture
def host(box: SmallBox, keys: KeyStore) -> Iterator[Host]:
    with SshServer(box, HOST_KEY) as server:
        host = host_at(server.address)
        trust(keys, host, full_driver())
        yield host


def test_they_are_the_ports_of_the_engine(keys: KeyStore, host: Host) -> None:
    """Structurally: no import in either direction, but the same methods."""
    given: ports.Connections = connections(keys)
    with given.reader(host, full_driver()) as reader, given.writer(host, full_driver()) as writer:
        looking: ports.Reader = reader
        changing: ports.Writer = writer
        assert not hasattr(looking, "tell")
        assert changing.tell(cli("reload")).status == "refused"


def test_a_look_sends_what_the_driver_declares(box: SmallBox, keys: KeyStore, host: Host) -> None:
    """Each kind of look-only command, and those that depend on replies once these are there."""
    with connections(keys).reader(host, full_driver()) as reader:
        for command in (SHOW, MORE, BOOT, PROOF, CALLS, BACKUP):
            assert reader.ask(command).ok
    assert box.heard[1:] == ["show version", "show more", "show boot", "show guard", "show calls", "show run"]


@pytest.mark.parametrize(
    "command",
    [
        cli("reload"),
        cli("show version "),
        cli("Show version"),
        cli("show version\nreload"),
        Command(access="exec", text="show version"),
        MORE,
    ],
)
def test_a_look_sends_nothing_else(box: SmallBox, keys: KeyStore, host: Host, command: Command) -> None:
    """Not a byte more or less, not over another access, and not before its time; no session is opened."""
    error = refused(keys, host, full_driver(), command)
    assert (error.code, box.heard, box.chassis.tried) == ("look-only", [], [])


def test_a_look_types_the_drivers_answers_and_no_others(box: SmallBox, keys: KeyStore, host: Host) -> None:
    """Answers do not tell commands apart, but they are typed: the declared ones count."""
    box.answers["show version"] = ["Reload now? ", "reloading\r\n"]
    sly = Command(
        access="cli", text="show version", seconds=0.5, answers=(Answer(question="Reload", text="yes"),)
    )
    declared = Command(access="cli", text="show version", seconds=0.5)
    assert refused(keys, host, small_driver([declared]), sly).code == "timeout"
    assert box.heard == ["terminal length 0", "show version"]


def test_an_access_that_is_not_configured_is_said(box: SmallBox, keys: KeyStore, host: Host) -> None:
    """Before asking as a reason, and when asked all the same as an error."""
    driver = small_driver([SHOW, cli("x")], accesses={"cli": full_driver().accesses["cli"], "shell": EXEC})
    with connections(keys).reader(host, driver) as reader:
        assert (reader.unread("cli"), reader.unread("shell")) == ("", "not configured")
        assert reader.unread("web") == "small has no such access"
    error = refused(keys, host, small_driver([Command(access="shell", text="x")], accesses={"shell": EXEC}),
                    Command(access="shell", text="x"))  # fmt: skip
    assert (error.code, box.heard) == ("no-access", [])


def test_accesses_are_opened_when_they_are_used(box: SmallBox, keys: KeyStore, host: Host) -> None:
    """One session, one login for each access that was asked, and all are closed with it."""
    hello = Command(access="exec", text="echo hello")
    with connections(keys).reader(host, small_driver([SHOW, hello])) as reader:
        assert box.chassis.tried == []
        assert reader.ask(hello).text == "hello"
        assert len(box.chassis.tried) == 1
        assert reader.ask(SHOW).text == "Version 1.2"
        assert reader.ask(hello).text == "hello"
    assert len(box.chassis.tried) == 2
    ours = [thread for thread in threading.enumerate() if isinstance(thread, (_Transport, threading.Timer))]
    for thread in ours:
        thread.join(5)
    assert [thread for thread in ours if thread.is_alive()] == []


def test_an_access_that_failed_leaves_the_other(box: SmallBox, keys: KeyStore, host: Host) -> None:
    """A key accepted for one access is not accepted for the other; the session goes on without it."""
    keys.forget(host.label, "exec")
    hello = Command(access="exec", text="echo hello")
    with connections(keys).reader(host, small_driver([SHOW, hello])) as reader:
        with pytest.raises(DeviceError) as caught:
            reader.ask(hello)
        assert caught.value.code == "host-key-unknown"
        assert reader.ask(SHOW).text == "Version 1.2"


def test_a_secret_that_is_not_there_is_said_before_connecting(keys: KeyStore) -> None:
    """No reference at all, or one that leads nowhere."""
    host = host_at(closed_port(), password=None)
    assert refused(keys, host, small_driver()).code == "no-secret"

    def nowhere(reference: SecretRef) -> str:
        raise DeviceError("no-secret", f"{reference.text} is not set")

    with pytest.raises(DeviceError, match=r"^env:PASSWORD is not set$"):
        ask_once(Connections(secrets=nowhere, keys=keys), host_at(closed_port()))


def ask_once(given: Connections, host: Host) -> None:
    with given.reader(host, small_driver()) as reader:
        reader.ask(SHOW)


def test_short_secrets_do_not_eat_evidence(
    box: SmallBox, keys: KeyStore, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password such as ``sip`` stands in many a word; taking it out would turn modules into others."""
    monkeypatch.setitem(__import__("small_devices").SECRETS, "env:PASSWORD", "sip")
    box.chassis.users["ann"] = type(box.chassis.users["ann"])(password="sip")
    box.answers["show version"] = "nf_nat_sip 20480 0\r\n"
    with connections(keys).reader(host, small_driver()) as reader:
        assert reader.ask(SHOW).text == "nf_nat_sip 20480 0"


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import sipalg_fix.transports.connections", "netmiko paramiko httpx httpcore routeros_api ssl"),
        ("import sipalg_fix.transports.ssh_keys", "netmiko paramiko httpx httpcore routeros_api"),
        ("import sipalg_fix.transports.ssh_exec", "netmiko httpx httpcore routeros_api"),
        ("import sipalg_fix.transports.routeros_api", "netmiko paramiko httpx httpcore"),
        ("import sipalg_fix.transports.https_json", "netmiko paramiko routeros_api"),
    ],
)
def test_libraries_are_imported_when_they_are_used(statement: str, absent: str) -> None:
    """Starting the program must not take the time of loading what no host needs."""
    program = f"{statement}, sys; print(*[name for name in {absent.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
