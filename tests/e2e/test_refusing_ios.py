"""
FakeNOS (PyPI), somebody else's IOS that refuses every line of configuration: nothing there is ever fixed.

As it comes it shows too little for anything to be claimed. Given what a NAT router shows, and still no line
of configuration, it is audited, and a change of it ends as refused, in the device's own words.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from sipalg_fix.lab.twins.cisco_ios import from_options, showing
from sipalg_fix.lab.twins.cisco_ios.state import State
from tests.e2e.conftest import DISABLE, Workshop, virtual

pytest.importorskip("fakenos", reason="FakeNOS is not installed")
pytestmark = pytest.mark.long
PASSWORD = "canary-fake-1"
BOTH = ["R1>", "R1#"]


def shown() -> dict[str, dict[str, Any]]:
    """What an IOS-XE router with NAT shows, taken from one that is virtual."""
    router = from_options("R1", {})
    state = State(router=router, user="admin", level=15, rows=0, columns=511)
    texts = {
        "show version": showing.version(state),
        "show privilege": "Current privilege level is 15\n",
        "show running-config": showing.running(state),
        "show startup-config": showing.startup(state),
        "show archive config differences nvram:startup-config system:running-config": showing.unsaved(state),
        "show archive config rollback timer": showing.timer(state),
        "show platform hardware qfp active feature alg statistics sip": showing.counters(state),
        "terminal no monitor": "",
    }
    return {line: {"output": text, "help": line, "prompt": BOTH} for line, text in texts.items()}


@contextmanager
def fake(folder: Path, commands: dict[str, dict[str, Any]]) -> Iterator[int]:
    """FakeNOS on a free port of loopback, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = int(door.getsockname()[1])
    file = folder / "commands.json"
    file.write_text(json.dumps({"password": PASSWORD, "commands": commands}))
    script = Path(__file__).with_name("fake_ios.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(port), str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield port
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def audited(workshop: Workshop, port: int) -> Iterator[Path]:
    """An inventory of that one host, its key accepted."""
    (workshop.folder / "password").write_text(PASSWORD)
    secret = f"file:{workshop.folder / 'password'}"
    host = {
        "platform": "cisco_ios",
        "hostname": "127.0.0.1",
        "username": "admin",
        "password": secret,
        "port": port,
        # It takes 'enable' without asking for a password.
        "connection_options": {"cli": {"port": port, "extras": {"secret": secret, "seconds": 60}}},
    }
    inventory = workshop.folder / "fake.yaml"
    inventory.write_text(yaml.safe_dump({"r1": host}))
    workshop.ends(0, "hostkeys", "accept", "-i", inventory, "--yes")
    yield inventory


each = pytest.mark.parametrize("workshop", [{"beside": virtual("cisco_ios")}], indirect=True)


@each
def test_as_it_comes_nothing_is_claimed(workshop: Workshop) -> None:
    """It does not show its level, so that what it shows of its configuration may be a part."""
    with fake(workshop.folder, {}) as port, audited(workshop, port) as inventory:
        line = workshop.host("r1", 4, "audit", "-i", inventory)
    assert (line["state"], line["verdict"]) == ("unknown", "unknown")
    assert line["error"]["code"] == "not-understood"


@each
def test_a_change_ends_in_the_devices_words(workshop: Workshop) -> None:
    """Audited as it is; planned; refused, with what the device said; and audited as before."""
    with fake(workshop.folder, shown()) as port, audited(workshop, port) as inventory:
        assert workshop.host("r1", 2, "audit", "-i", inventory)["state"] == "enabled"
        plan = workshop.folder / "fake.json"
        workshop.ends(2, "plan", "-i", inventory, "-p", DISABLE, "-o", plan)
        done = workshop.run("apply", plan, "--yes", "--output", "json")
        (line,) = json.loads(done.stdout)["hosts"]
        again = workshop.host("r1", 2, "audit", "-i", inventory)
    assert done.returncode not in (0, 2)
    assert line["change"] in ("refused", "rolled-back")
    assert "% Invalid input detected" in line["error"]["message"]
    assert line["done"] == ["configure terminal"]
    assert again["state"] == "enabled"
