"""The whole story on a real router: the kernel's own SIP ALG, OpenSSH, real packets, our command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sipalg_fix.lab.realrouter import RealRouter
from tests.real.test_real_router import register

pytestmark = pytest.mark.root
ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("sipalg-fix")
DISABLE = ROOT / "playbooks" / "disable-sip-alg.yaml"


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody with the command and an inventory of one router."""

    folder: Path
    inventory: Path

    def ends(self, code: int, *words: str | Path) -> str:
        environment = {**os.environ, "SIPALG_FIX_STATE": str(self.folder / "state"), "NO_COLOR": "1"}
        done = subprocess.run(
            [str(COMMAND), *map(str, words)], capture_output=True, text=True, check=False, env=environment,
            cwd=ROOT, timeout=720,
        )  # fmt: skip
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def host(self, code: int, *words: str | Path) -> dict[str, Any]:
        (line,) = json.loads(self.ends(code, *words, "--output", "json"))["hosts"]
        return dict(line)


@pytest.fixture
def operator(router: RealRouter, tmp_path: Path) -> Operator:
    """The router's key was compared and accepted."""
    door = router.ssh
    inventory = tmp_path / "real.yaml"
    host = {
        "hostname": door.host, "port": door.port, "platform": "linux", "site": "real", "username": door.user,
        "connection_options": {"ssh": {"extras": {"key_file": str(door.key_file)}}},
    }  # fmt: skip
    inventory.write_text(yaml.safe_dump({"router": host}))
    person = Operator(tmp_path, inventory)
    person.ends(4, "audit", "-i", inventory)
    person.ends(0, "hostkeys", "accept", "-i", inventory, "--yes")
    return person


def altered(router: RealRouter, port: int) -> bool:
    """Does a REGISTER from this port arrive at the far side with other bytes than were sent?"""
    sent = register(port)
    arrived = router.send_from_phone(sent, port, 5060)
    assert arrived is not None, "the message did not arrive"
    return arrived != sent


def test_off_by_the_driver_and_clean_on_the_wire(router: RealRouter, operator: Operator) -> None:
    """Rewritten before, unchanged after, from a fresh port and from the phone's own; and back again."""
    files = ("-i", operator.inventory)
    rules = router.ruleset()
    assert altered(router, 5060)
    assert operator.host(2, "audit", *files)["state"] == "enabled"

    plan = operator.folder / "plan.json"
    operator.ends(2, "plan", *files, "-p", DISABLE, "-o", plan)
    line = operator.host(0, "apply", plan, "--yes")
    assert (line["change"], line["verdict"]) == ("confirmed", "compliant")
    assert not altered(router, 40123), "a fresh flow is still altered"
    assert not altered(router, 5060), "the flow that was there before is still altered"
    assert operator.host(0, "verify", "last")["verdict"] == "compliant"

    operator.ends(0, "rollback", _run(operator), "--yes")
    assert router.ruleset() == rules
    assert altered(router, 40124)


def _run(operator: Operator) -> str:
    runs = json.loads(operator.ends(0, "runs", "--output", "json"))
    return str(next(run["run"] for run in runs if run["verb"] == "apply"))
