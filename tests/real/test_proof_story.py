"""The story that ends on packets: a real router's ALG is off when a probe point behind it says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.netns import Namespace
from sipalg_fix.lab.realrouter import FAR, RealRouter
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.lab.twin import Chassis, Exec, Terminal, User
from sipalg_fix.wire.responder import Listening
from tests.real.test_story import COMMAND, Operator
from tests.real.test_story import operator as operator  # noqa: PLC0414 - a fixture, used by its name
from tests.wire.far_end import FarEnd

pytestmark = [pytest.mark.root, pytest.mark.long]
PLANES = ["running", "startup", "operational", "packets"]


class Computer:
    """A computer on the phones' network: a shell, and no terminal."""

    banner = ""

    def __init__(self, place: Namespace, password: str) -> None:
        self.chassis = Chassis(name="phone", users={"probe": User(password=password)})
        self._place = place

    def snapshot(self) -> dict[str, Any]:
        """Nothing of it is looked at."""
        return {}

    def terminal(self, user: str, width: int, height: int) -> Terminal:
        """None is asked for."""
        raise AssertionError("a probe point is asked for no terminal")

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """By a real shell, behind the router."""
        del user
        with self._place.inside():
            done = subprocess.run(
                ["/bin/sh", "-c", command], input=stdin, capture_output=True, text=True, check=False
            )
        return Exec(stdout=done.stdout, stderr=done.stderr, status=done.returncode)

    def reads_stdin(self, command: str) -> bool:
        """No command of a probe's does."""
        del command
        return False


@pytest.fixture
def door(
    router: RealRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[tuple[str, int], str]]:
    """Where the probe point's SSH is, and the command to be run there; a responder is outside."""
    monkeypatch.setenv("PROBE_PASSWORD", "behind-the-router")
    far = FarEnd(tmp_path, Listening(addresses=(FAR[0],)), place=router.far.inside())
    computer = Computer(router.phone, "behind-the-router")
    with far, SshServer(computer, new_host_key()) as server:
        yield server.address, f"{COMMAND} probe --responder {FAR[0]} --pin {far.pin} --output json"


def playbook(folder: Path, door: tuple[tuple[str, int], str], *, flush: bool) -> Path:
    """Off, shown in all planes; packets are asked of the computer."""
    (address, port), command = door
    ssh = {"hostname": address, "port": port, "username": "probe", "password": "env:PROBE_PASSWORD"}
    written = {
        "version": 1,
        "intent": {"planes": PLANES},
        "how": {"flush": flush},
        "probes": [{"select": "all", "command": command, "ssh": ssh, "seconds": 30}],
    }
    file = folder / f"flush-{flush}.yaml".lower()
    file.write_text(yaml.safe_dump(written))
    return file


def codes(line: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in line["findings"]}


def test_packets_prove_it(router: RealRouter, operator: Operator, door: tuple[tuple[str, int], str]) -> None:
    """On and altered; off for new connections alone; flushed; off. And back, and off in one go."""
    careless = playbook(operator.folder, door, flush=False)
    files = ("-i", operator.inventory, "-p", careless)

    # A probe point whose key nobody accepted is not logged in to.
    stranger = operator.host(2, "audit", *files)
    assert stranger["planes"]["packets"] == "unknown"
    assert "hostkeys accept router -p PLAYBOOK" in json.dumps(stranger["findings"])
    operator.ends(2, "hostkeys", "scan", *files)
    operator.ends(0, "hostkeys", "accept", *files, "--yes")
    operator.ends(0, "hostkeys", "scan", *files)

    seen = operator.host(2, "audit", *files)
    assert (seen["state"], seen["planes"]["packets"]) == ("enabled", "on")
    assert any("Via" in line for line in seen["evidence"])

    plan = operator.folder / "plan.json"
    assert door[1] in operator.ends(2, "plan", *files, "-o", plan)
    stale = operator.host(2, "apply", plan, "--yes")
    assert (stale["change"], stale["planes"]["running"], stale["planes"]["packets"]) == (
        "not-shown", "off", "on",
    )  # fmt: skip
    assert "stale-flows" in codes(stale)
    assert "stale-flows" in codes(operator.host(2, "verify", "last"))

    router.wires.kernel.run("conntrack", "-F")
    run = _last(operator, "apply")
    clean = operator.host(0, "verify", run)
    assert (clean["verdict"], clean["planes"]["packets"]) == ("compliant", "off")

    back = operator.host(0, "rollback", run, "--yes")
    assert (back["change"], back["planes"]["packets"]) == ("rolled-back", "on")

    careful = playbook(operator.folder, door, flush=True)
    operator.ends(2, "plan", "-i", operator.inventory, "-p", careful, "-o", plan)
    done = operator.host(0, "apply", plan, "--yes")
    assert (done["change"], done["verdict"], done["planes"]["packets"]) == ("confirmed", "compliant", "off")
    assert operator.host(0, "verify", "last")["planes"]["packets"] == "off"


def _last(operator: Operator, verb: str) -> str:
    runs = json.loads(operator.ends(0, "runs", "--output", "json"))
    return str(next(run["run"] for run in runs if run["verb"] == verb))
