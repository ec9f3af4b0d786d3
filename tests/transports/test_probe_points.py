"""A probe point is asked over real SSH, or here; what goes wrong leaves packets unknown, with the reason."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from small_devices import CANARIES, PASSWORD_REF, SECRETS, WRONG_REF, SmallBox, closed_port, listening, stall

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import Value
from sipalg_fix.model.host import AccessSettings, Host, ProbePoint, SecretRef
from sipalg_fix.model.packets import NO_PACKETS, Packets
from sipalg_fix.model.path import Leg, Outcome, PathReport, to_json
from sipalg_fix.transports.probe_points import ProbePoints, scan_point
from sipalg_fix.transports.ssh_keys import PROBE, KeyStore

HOST_KEY = new_host_key()
LEGS = ("udp", "udp from port 5060", "tcp")


def report(outcome: Outcome = Outcome.NONE) -> PathReport:
    """A report of now."""
    return PathReport(
        outcome=outcome,
        reason="because",
        responder="far:17800",
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.3,
        legs=tuple(Leg(name=name, outcome=outcome, reason="") for name in LEGS),
    )


@pytest.fixture
def server() -> Iterator[SshServer]:
    with SshServer(SmallBox(), HOST_KEY) as running:
        yield running


@pytest.fixture
def answer(tmp_path: Path) -> str:
    """A command that answers as a probe on a clean path does."""
    (tmp_path / "answer").write_text(to_json(report()))
    return f"cat {shlex.quote(str(tmp_path / 'answer'))}"


def behind(
    command: str,
    address: tuple[str, int] | None = None,
    password: SecretRef = PASSWORD_REF,
    seconds: float = 10,
) -> Host:
    """A host with a probe point behind it: here, or at this address."""
    ssh = None
    if address is not None:
        ssh = AccessSettings(
            address=address[0], port=address[1], username="ann", password=password, seconds=seconds
        )
    point = ProbePoint(command=command, ssh=ssh, seconds=seconds)
    return Host(name="r1", site="berlin", platform="small", probe=point)


def asked(keys: KeyStore, host: Host, *, trusted: bool = True) -> Packets:
    """What the prober says of it."""
    ssh = host.probe.ssh if host.probe else None
    if trusted and ssh is not None:
        keys.accept(host.label, PROBE, scan_point(host, ssh, keys))
    found = ProbePoints(secrets=lambda ref: SECRETS[ref.text], keys=keys).packets(host)
    assert [canary for canary in CANARIES if canary in repr(found)] == []
    return found


def test_a_host_without_a_probe_point_is_not_probed(keys: KeyStore) -> None:
    """And nothing is claimed."""
    assert asked(keys, replace(behind("true"), probe=None)) == NO_PACKETS


def test_an_answer_over_ssh_is_read(server: SshServer, keys: KeyStore, answer: str) -> None:
    """Standard output is the answer; what is complained of beside it is not."""
    found = asked(keys, behind(f"echo a warning >&2; {answer}", server.address))
    assert (found.plane.value, found.new, found.old) == (Value.OFF, Value.OFF, Value.OFF)


def test_an_answer_from_here_is_read(keys: KeyStore, answer: str) -> None:
    """Its words are split as a shell would split them, and no shell is asked."""
    assert asked(keys, behind(answer)).plane.value is Value.OFF
    assert asked(keys, behind(f"{answer}; true")).plane.value is Value.UNKNOWN


def test_exit_codes_count_on_both_ways(server: SshServer, keys: KeyStore, answer: str) -> None:
    """2 beside a clean answer: neither is believed."""
    script = shlex.join(["sh", "-c", f"{answer}; exit 2"])
    for host in (behind(script), behind(script, server.address)):
        found = asked(keys, host)
        assert found.plane.value is Value.UNKNOWN
        assert "the exit code 2" in found.plane.reason


def test_a_key_that_nobody_accepted_is_not_logged_in_to(
    server: SshServer, keys: KeyStore, answer: str
) -> None:
    """As with routers; how it is accepted stands in the reason."""
    found = asked(keys, behind(answer, server.address), trusted=False)
    assert found.plane.value is Value.UNKNOWN
    assert "shows a host key that nobody has accepted yet" in found.plane.reason
    assert "sipalg-fix hostkeys accept r1 -p PLAYBOOK" in found.plane.reason


def test_another_key_than_before_is_none(server: SshServer, keys: KeyStore, answer: str) -> None:
    """Somebody may be in between."""
    host = behind(answer, server.address)
    with SshServer(SmallBox(), new_host_key()) as other:
        ssh = behind("true", other.address).probe
        assert ssh is not None
        assert ssh.ssh is not None
        keys.accept(host.label, PROBE, scan_point(host, ssh.ssh, keys))
    assert "shows another host key" in asked(keys, host, trusted=False).plane.reason


def test_a_key_in_known_hosts_is_enough(
    server: SshServer, keys: KeyStore, answer: str, tmp_path: Path
) -> None:
    """The user's own file counts here, too."""
    host = behind(answer, server.address)
    assert host.probe is not None
    assert host.probe.ssh is not None
    key = scan_point(host, host.probe.ssh, keys)
    address, port = server.address
    (tmp_path / "known_hosts").write_text(f"[{address}]:{port} {key.kind} {key.data}\n")
    assert asked(keys, host, trusted=False).plane.value is Value.OFF


def test_what_goes_wrong_is_unknown_and_said(server: SshServer, keys: KeyStore) -> None:
    """Login, reach, command, and answer."""
    there = server.address
    for host, words in (
        (behind("true", there, WRONG_REF), "refused user 'ann'"),
        (behind("no-such-probe --output json", there), "(exit code 127): it is empty ("),
        (behind("no-such-probe --output json"), "its command cannot be run: No such file"),
        (behind("echo clean", there), "it is not JSON"),
        (behind("sh -c 'kill -9 $$'"), "a signal ended its command"),
        (behind("printf '\\033[31mred' >&2; exit 3", there), "[31mred"),
    ):
        found = asked(keys, host)
        assert found.plane.value is Value.UNKNOWN
        assert words in found.plane.reason
        assert found.plane.reason.isprintable()


def test_a_point_that_cannot_be_reached_is_unknown(keys: KeyStore) -> None:
    """Nobody listens there."""
    found = asked(keys, behind("true", closed_port()), trusted=False)
    assert "the probe point ann@127.0.0.1: 127.0.0.1:" in found.plane.reason


def test_a_secret_that_is_not_there_is_said(keys: KeyStore) -> None:
    """Without asking the point at all."""

    def none(reference: SecretRef) -> str:
        raise DeviceError("no-secret", f"{reference.text}: the environment variable is not set")

    found = ProbePoints(secrets=none, keys=keys).packets(behind("true", closed_port()))
    assert "env:PASSWORD: the environment variable is not set" in found.plane.reason


def test_its_time_is_a_hard_deadline_here_and_there(keys: KeyStore, tmp_path: Path) -> None:
    """What it started is ended with it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # The pipe has an end once nobody is left that could write to it.
    words = shlex.join(["sh", "-c", f"sh -c 'exec 3>{pipe}; cat /dev/zero >/dev/null'; true"])
    with ThreadPoolExecutor() as pool:
        end = pool.submit(pipe.read_bytes)
        found = asked(keys, behind(words, seconds=2))
        assert end.result(60) == b""
    assert "did not answer within 2 seconds" in found.plane.reason
    with listening(stall) as address:
        found = asked(keys, behind("true", address, seconds=1), trusted=False)
    assert "did not answer within 1 seconds" in found.plane.reason


def test_a_point_is_asked_for_one_host_at_a_time(keys: KeyStore, tmp_path: Path) -> None:
    """Two probes from one computer would want the same ports: the second waits its time, and says why."""
    go, began = tmp_path / "go", tmp_path / "began"
    script = f"touch {began}; until [ -e {go} ]; do sleep 0.05; done"
    prober = ProbePoints(secrets=lambda ref: "", keys=keys)
    first = threading.Thread(
        target=prober.packets, args=(behind(shlex.join(["sh", "-c", script]), seconds=60),)
    )
    first.start()
    try:
        pause = threading.Event()
        while not began.exists() and first.is_alive():
            pause.wait(0.02)
        found = prober.packets(behind("true", seconds=0.2))
    finally:
        go.touch()
        first.join(60)
    assert "was busy with other hosts for 0.2 seconds" in found.plane.reason
