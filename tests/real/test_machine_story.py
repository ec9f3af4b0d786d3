"""Real restarts, on a virtual machine: of a change that was saved, and of one that could not be."""

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


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine of its own: the last test changes it for good."""
    need(machine.availability())
    with Machine(tmp_path_factory.mktemp("machine"), ROOT / "build" / "machine") as running:
        yield running


@pytest.fixture
def operator(box: Machine, tmp_path: Path) -> Operator:
    """The machine's key was accepted, and its SIP ALG is on."""
    door = box.ssh
    host = {
        "hostname": door.host, "port": door.port, "username": door.user, "platform": "linux", "site": "vm",
        "connection_options": {"ssh": {"extras": {"key_file": str(door.key_file), "seconds": 240}}},
    }  # fmt: skip
    inventory = tmp_path / "hosts.yaml"
    inventory.write_text(yaml.safe_dump({"box": host}))
    person = Operator(tmp_path, inventory)
    person.ends(0, "hostkeys", "accept", "-i", inventory, "--yes")
    assert person.host(2, "audit", "-i", inventory)["state"] == "enabled"
    return person


def planned(operator: Operator, *how: str) -> Path:
    """A plan with this playbook."""
    playbook, plan = operator.folder / "book.yaml", operator.folder / "plan.json"
    playbook.write_text("\n".join(("version: 1", "intent: {sip_alg: off}", *how)))
    seconds = ("--boot-timeout", str(BOOT_SECONDS))
    operator.ends(2, "plan", "-i", operator.inventory, "-p", playbook, "-o", plan, *seconds)
    return plan


def test_off_not_saved_restarted_and_on_again(box: Machine, operator: Operator) -> None:
    """A disk that takes no writes: off now, told as unsaved, and a real boot brings it back as was said."""
    plan = planned(operator)
    told(box, "mount -o remount,ro /etc")
    before = told(box, BOOT_ID)[0]
    line = operator.host(4, "apply", plan, "--yes")
    assert (line["change"], line["error"]["code"]) == ("unsaved", "save-failed")
    assert "ct helper set" not in told(box, "nft list ruleset")[0]

    files = ("-i", operator.inventory)
    line = operator.host(2, "reboot", *files, "--limit", "box", "--yes", "--boot-timeout", str(BOOT_SECONDS))
    assert line["state"] == "enabled"
    assert told(box, BOOT_ID)[0] != before
    assert "ct helper set" in told(box, "nft list ruleset")[0]


def test_off_saved_restarted_and_still_off(box: Machine, operator: Operator) -> None:
    """The change is confirmed after a boot with another boot id, and that boot loaded it from the disk."""
    plan = planned(operator, "how: {reboot: always}")
    before = told(box, BOOT_ID)[0]
    line = operator.host(0, "apply", plan, "--yes")
    assert (line["change"], line["verdict"]) == ("confirmed", "compliant")
    assert told(box, BOOT_ID)[0] != before
    assert "ct helper set" not in told(box, "nft list ruleset")[0]
    assert operator.host(0, "verify", "last")["verdict"] == "compliant"
