"""A lab of virtual routers as a process: what it writes, what it obeys, how it starts and ends."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import socket
import ssl
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import librouteros
import paramiko
import pytest
import yaml

from sipalg_fix.lab import admin
from sipalg_fix.lab.admin import LabClient
from sipalg_fix.lab.boxes import LabError, build, read_lab
from sipalg_fix.lab.supervisor import Lab, main

DEADLINE = 20.0
LAB = """
berlin-edge-01:
  platform: ubiquiti_edgeos
  site: berlin
  username: ubnt
  data:
    ticket: 4711
    lab: {revisions: 20, running: on, switches: [hash_banner]}
paris-fw-01:
  platform: opnsense
  site: paris
  username: audit
  data:
    lab: {plugin: false}
oslo-gw-01:
  platform: mikrotik_routeros
  site: oslo
  username: admin
  data:
    lab: {sip: true}
oslo-gw-02:
  platform: mikrotik_routeros
  site: oslo
  username: admin
  data:
    lab: {sip: false, plain: true}
"""


@pytest.fixture
def lab_file(tmp_path: Path) -> Path:
    """Four routers of three platforms."""
    path = tmp_path / "lab.yaml"
    path.write_text(LAB)
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where labs of a test run; whatever still runs there is stopped afterwards."""
    yield tmp_path / "lab"
    if (tmp_path / "lab" / "lab.json").exists():
        admin.down(tmp_path / "lab")


@pytest.fixture
def lab(lab_file: Path, directory: Path) -> LabClient:
    """A lab whose clocks stand still."""
    return admin.up(lab_file, directory, DEADLINE, frozen=True)


def hosts(directory: Path) -> dict[str, Any]:
    """The inventory that the lab wrote."""
    found: dict[str, Any] = yaml.safe_load((directory / "hosts.yaml").read_text())
    return found


def secret(reference: str) -> str:
    """What a ``file:`` reference means."""
    return Path(reference.removeprefix("file:")).read_text().strip()


def listens(port: int) -> bool:
    """Does anybody accept there?"""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_the_directory_is_private_and_says_all(lab: LabClient, directory: Path) -> None:
    """Directory 0700, secrets 0600, and an inventory without the lab's own options or any password."""
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in [
        *(directory / "secrets").iterdir(),
        *(directory / "keys").glob("*.key"),
        directory / "hosts.yaml",
    ]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    found = hosts(directory)
    edge = found["berlin-edge-01"]
    assert {key: edge[key] for key in ("platform", "site", "username", "hostname", "data")} == {
        "platform": "ubiquiti_edgeos",
        "site": "berlin",
        "username": "ubnt",
        "hostname": "127.0.0.1",
        "data": {"ticket": 4711},
    }
    assert edge["connection_options"] == {"cli": {"port": edge["port"]}}
    text = (directory / "hosts.yaml").read_text()
    assert all(path.read_text().strip() not in text for path in (directory / "secrets").iterdir())
    described = json.loads((directory / "lab.json").read_text())
    assert described["hosts"]["berlin-edge-01"]["ports"] == {"cli": edge["port"]}
    assert set(found["paris-fw-01"]["connection_options"]) == {"rest", "ssh"}
    assert found["oslo-gw-02"]["connection_options"]["api"]["extras"] == {"plain": True}


def test_ssh_is_reached_by_what_was_written(lab: LabClient, directory: Path) -> None:
    """With the inventory's port, user and secret, and the lab's known_hosts as the only trust."""
    found = hosts(directory)
    firewall = found["paris-fw-01"]["connection_options"]["ssh"]
    edge = found["berlin-edge-01"]
    for login, command, said in [
        (edge, "cat /proc/modules", "nf_nat_sip "),
        (firewall, "uname", "FreeBSD"),
    ]:
        with paramiko.SSHClient() as client:
            client.load_host_keys(str(directory / "known_hosts"))
            client.set_missing_host_key_policy(paramiko.RejectPolicy())
            client.connect(
                "127.0.0.1",
                port=login["port"],
                username=login["username"],
                password=secret(login["password"]),
                allow_agent=False,
                look_for_keys=False,
            )
            assert said in client.exec_command(command, timeout=DEADLINE)[1].read().decode()


def presented(port: int) -> str:
    """The SHA-256 of the certificate that is shown at a port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as wire:
        return f"sha256:{hashlib.sha256(wire.getpeercert(binary_form=True) or b'').hexdigest()}"


def test_tls_pins_are_those_of_the_certificates(lab: LabClient, directory: Path) -> None:
    """What the inventory pins is what is shown, until the switch shows another one."""
    found = hosts(directory)
    for name, access in [("paris-fw-01", "rest"), ("oslo-gw-01", "api")]:
        option = found[name]["connection_options"][access]
        assert presented(option["port"]) == option["extras"]["tls_pin"]
        lab.switch(name, "new_host_key", True)
        assert presented(option["port"]) != option["extras"]["tls_pin"]


def test_the_plain_api_takes_the_written_login(lab: LabClient, directory: Path) -> None:
    """A client that is not ours logs in to the plain port and reads the SIP helper."""
    gateway = hosts(directory)["oslo-gw-02"]
    api = librouteros.connect(
        "127.0.0.1", gateway["username"], secret(gateway["password"]), port=gateway["port"]
    )
    (sip,) = [row for row in api.path("ip", "firewall", "service-port") if row["name"] == "sip"]
    api.close()
    assert sip["disabled"] is True


def test_commands_reach_single_routers(lab: LabClient) -> None:
    """list, snapshot, advance, writes, reboot and switch do what they say, to the host they name."""
    rows = {row["host"]: row for row in lab.list()}
    assert set(rows) == {"berlin-edge-01", "paris-fw-01", "oslo-gw-01", "oslo-gw-02"}
    assert (rows["berlin-edge-01"]["site"], rows["berlin-edge-01"]["boots"]) == ("berlin", 1)
    before = lab.advance("berlin-edge-01", 0)
    assert lab.advance("berlin-edge-01", 90.5) == before + 90.5
    assert lab.advance("oslo-gw-01", 0) == before
    assert lab.snapshot("berlin-edge-01")["modules"][:2] == ["nf_nat_sip", "nf_conntrack_sip"]
    assert lab.writes("berlin-edge-01") == 0
    assert lab.reboot("berlin-edge-01") == 2
    lab.switch("berlin-edge-01", "slow", 0.5)
    lab.switch("berlin-edge-01", "locked", "on")


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ({"do": "snapshot", "host": "nowhere"}, "there is no host 'nowhere' in this lab"),
        ({"do": "switch", "host": "oslo-gw-01", "name": "loud", "value": True}, "there is no switch 'loud'"),
        ({"do": "switch", "host": "oslo-gw-01", "name": "wrap", "value": 3}, "switch 'wrap' cannot be 3"),
        ({"do": "advance", "host": "oslo-gw-01", "seconds": -1}, "no command"),
        ({"do": "dance", "host": "oslo-gw-01"}, "no command"),
        ({"do": "dance"}, "no command"),
        (["list"], "no command"),
    ],
)
def test_a_command_without_sense_is_refused(lab_file: Path, command: Any, error: str) -> None:
    """The error names what is wrong, and the lab goes on."""
    lab = Lab([build(entry, lab_file.parent) for entry in read_lab(lab_file)])
    with pytest.raises(LabError, match=error):
        lab.obey(command)
    assert len(lab.obey({"do": "list"})) == 4


def test_a_live_lab_is_reported_and_not_disturbed(lab: LabClient, lab_file: Path, directory: Path) -> None:
    """A second ``up`` in the same directory fails, and the first lab answers as before."""
    port = hosts(directory)["berlin-edge-01"]["port"]
    with pytest.raises(LabError, match="a lab is running in"):
        admin.up(lab_file, directory, DEADLINE)
    assert hosts(directory)["berlin-edge-01"]["port"] == port
    assert len(lab.list()) == 4


def test_what_a_killed_lab_left_is_replaced(lab: LabClient, lab_file: Path, directory: Path) -> None:
    """After kill -9 its files are stale; ``up`` replaces them, and host keys stay the same."""
    keys = {path.name: path.read_bytes() for path in (directory / "keys").glob("*.ssh")}
    pid = json.loads((directory / "lab.json").read_text())["pid"]
    watch = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(watch)
    with pytest.raises(LabError, match="no lab is running"):
        lab.list()
    again = admin.up(lab_file, directory, DEADLINE, frozen=True)
    assert len(again.list()) == 4
    assert json.loads((directory / "lab.json").read_text())["pid"] != pid
    assert {path.name: path.read_bytes() for path in (directory / "keys").glob("*.ssh")} == keys


def wait_for_end(watch: int) -> None:
    """Wait until the process behind a pidfd has ended."""
    ended, _, _ = select.select([watch], [], [], DEADLINE)
    os.close(watch)
    assert ended, "the process did not end"


def test_down_frees_ports_and_takes_its_files_away(lab: LabClient, directory: Path) -> None:
    """Nothing listens when ``down`` returns; keys stay, secrets and inventory go."""
    ports = [
        port
        for host in json.loads((directory / "lab.json").read_text())["hosts"].values()
        for port in host["ports"].values()
    ]
    assert all(listens(port) for port in ports)
    (directory / "notes.txt").write_text("mine")
    admin.down(directory)
    assert not any(listens(port) for port in ports)
    assert {path.name for path in directory.iterdir()} == {"keys", "lock", "lab.log", "notes.txt"}
    assert (directory / "lab.log").read_text() == ""
    with pytest.raises(LabError, match="no lab is running"):
        admin.down(directory)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(lab: LabClient, directory: Path, number: signal.Signals) -> None:
    """SIGTERM and SIGINT do what ``down`` does."""
    port = hosts(directory)["berlin-edge-01"]["port"]
    pid = json.loads((directory / "lab.json").read_text())["pid"]
    watch = os.pidfd_open(pid)
    os.kill(pid, number)
    wait_for_end(watch)
    assert not listens(port)
    assert not (directory / "lab.json").exists()


def test_clocks_run_by_themselves_unless_frozen(lab_file: Path) -> None:
    """The thread that ticks fires a twin's timer that is due in less than two seconds."""
    lab = Lab([build(entry, lab_file.parent) for entry in read_lab(lab_file)[:1]])
    fired = threading.Event()
    lab.boxes["berlin-edge-01"].twin.chassis.after(0.5, fired.set)
    clock = threading.Thread(target=lab.tick)
    clock.start()
    try:
        assert fired.wait(DEADLINE)
    finally:
        lab.stopping.set()
        clock.join(DEADLINE)
    assert not clock.is_alive()


def test_a_deep_directory_gets_its_socket_elsewhere(lab_file: Path, tmp_path: Path) -> None:
    """A path too long for a Unix socket is no obstacle, and nothing stays in /tmp."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    client = admin.up(lab_file, deep, DEADLINE, frozen=True)
    room = Path(json.loads((deep / "lab.json").read_text())["admin"]).parent
    assert room != deep
    assert len(client.list()) == 4
    admin.down(deep)
    assert not room.exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "holds no hosts"),
        ("a: [", "cannot be read as a lab file"),
        ("r1: {platform: juniper_junos}", "host r1 needs a platform"),
        ("r1: {platform: ubiquiti_edgeos, data: {lab: {colour: red}}}", "host r1: unknown option 'colour'"),
        ("r1: {platform: ubiquiti_edgeos, data: {lab: {switches: [loud]}}}", "there is no switch 'loud'"),
    ],
)
def test_a_wrong_lab_file_is_told_before_anything_runs(
    text: str, error: str, tmp_path: Path, capsys: Any
) -> None:
    """Both ways of starting say what is wrong; no lab is left."""
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    assert main([str(path), str(tmp_path / "lab")]) == 1
    assert error in capsys.readouterr().err
    with pytest.raises(LabError, match=error.replace("'", ".")):
        admin.up(path, tmp_path / "lab", DEADLINE)
    assert not (tmp_path / "lab" / "lab.json").exists()


def test_a_lab_that_is_not_ready_in_time_is_told(lab_file: Path, directory: Path) -> None:
    """The deadline is kept."""
    with pytest.raises(LabError, match="not ready in"):
        admin.up(lab_file, directory, 0.01)


def test_the_example_lab_comes_up(directory: Path) -> None:
    """The lab file that comes with the tool starts whole, on five sites, and every door is open."""
    client = admin.up(Path(__file__).parents[2] / "inventory" / "lab.yaml", directory, DEADLINE, frozen=True)
    rows = client.list()
    assert len(rows) >= 8
    assert {row["site"] for row in rows} == {"berlin", "cologne", "hamburg", "leipzig", "munich"}
    assert all(
        listens(option["port"])
        for host in hosts(directory).values()
        for option in host["connection_options"].values()
    )
    assert client.snapshot("berlin-edge-02")["modules"].count("nf_nat_sip") == 0
    assert "modules {" not in client.snapshot("berlin-edge-02")["startup"]
