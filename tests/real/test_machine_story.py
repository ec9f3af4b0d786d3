"""One real restart: a change with ``reboot: always`` on a virtual machine with real boots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sipalg_fix.lab import machine
from sipalg_fix.lab.machine import BOOT_SECONDS, Machine
from tests.real.conftest import need
from tests.real.test_machine import BOOT_ID, told
from tests.real.test_story import ROOT, Operator

pytestmark = pytest.mark.qemu
PLAYBOOK = "version: 1\nname: with a restart\nintent: {sip_alg: off}\nhow: {reboot: always}\n"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Machine]:
    """A machine of its own: it is changed for good."""
    need(machine.availability())
    folder = tmp_path / "machine"
    folder.mkdir()
    with Machine(folder, ROOT / "build" / "machine") as running:
        yield running


def test_off_saved_restarted_and_still_off(box: Machine, tmp_path: Path) -> None:
    """The change is confirmed after a boot with another boot id, and that boot loaded it from the disk."""
    door = box.ssh
    host = {
        "hostname": door.host, "port": door.port, "username": door.user, "platform": "linux", "site": "vm",
        "connection_options": {"ssh": {"extras": {"key_file": str(door.key_file), "seconds": 240}}},
    }  # fmt: skip
    inventory, playbook, plan = (tmp_path / name for name in ("hosts.yaml", "restart.yaml", "plan.json"))
    inventory.write_text(yaml.safe_dump({"box": host}))
    playbook.write_text(PLAYBOOK)
    operator = Operator(tmp_path, inventory)
    operator.ends(0, "hostkeys", "accept", "-i", inventory, "--yes")
    before = told(box, BOOT_ID)[0]

    assert operator.host(2, "audit", "-i", inventory)["state"] == "enabled"
    seconds = ("--boot-timeout", str(BOOT_SECONDS))
    operator.ends(2, "plan", "-i", inventory, "-p", playbook, "-o", plan, *seconds)
    line = operator.host(0, "apply", plan, "--yes")
    assert (line["change"], line["verdict"]) == ("confirmed", "compliant")
    assert told(box, BOOT_ID)[0] != before
    assert "ct helper set" not in told(box, "nft list ruleset")[0]
    assert operator.host(0, "verify", "last")["verdict"] == "compliant"
