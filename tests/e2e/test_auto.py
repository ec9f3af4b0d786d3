"""Routers of which nobody wrote down what they are, by the installed command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import DISABLE, Workshop, virtual

ROUTERS = {
    "cisco": virtual("cisco_ios", archive=True, level=1, enable="made by the lab"),
    "edge": virtual("ubiquiti_edgeos"),
    "wrt": virtual("openwrt"),
    "sense": virtual("opnsense"),
    "tik": virtual("mikrotik_routeros/ssh"),
    "dream": virtual("ubiquiti_unifi"),
}
KNOWN = {
    "cisco": "cisco_ios",
    "edge": "ubiquiti_edgeos",
    "wrt": "openwrt",
    "sense": "opnsense",
    "tik": "mikrotik_routeros",
}


def unnamed(shop: Workshop) -> Path:
    """The lab's inventory, without the platforms, and with no access but SSH."""
    hosts: dict[str, dict[str, Any]] = yaml.safe_load(shop.inventory.read_text())
    for host in hosts.values():
        host["platform"] = "auto"
        options = host.pop("connection_options", {})
        ssh = options.get("ssh") or {}
        host |= {key: value for key, value in ssh.items() if key != "extras"}
        if extras := {**(options.get("cli") or {}).get("extras", {})}:
            host["connection_options"] = {"ssh": {"extras": extras}}
    file = shop.inventory.with_name("unnamed.yaml")
    file.write_text(yaml.safe_dump(hosts))
    return file


@pytest.mark.long
@pytest.mark.parametrize("workshop", [ROUTERS], indirect=True, ids=["routers"])
def test_they_are_found_out_and_changed(workshop: Workshop) -> None:
    """Keys are accepted once; audit, plan and apply know each by itself, and the plan needs nothing else."""
    inventory = unnamed(workshop)
    files, plan = ("-i", inventory), workshop.folder / "plan.json"
    first = {name: workshop.kept(name) for name in ROUTERS}
    asked = workshop.json(0, "hostkeys", "accept", *files, "--yes")
    assert {(row["access"], row["result"]) for row in asked} <= {("ssh", "accepted"), ("ssh", "known")}
    workshop.ends(0, "hostkeys", "scan", *files)

    lines = {line["host"]: line for line in workshop.json(4, "audit", *files)["hosts"]}
    assert {name: lines[name]["platform"] for name in KNOWN} == KNOWN
    for name, platform in KNOWN.items():
        (how,) = [f["message"] for f in lines[name]["findings"] if f["code"] == "platform-detected"]
        assert how.startswith(f"the platform is {platform}, shown by: 'SSH-2.0-")
    assert lines["dream"]["error"]["code"] == "no-access"
    assert "ubiquiti_unifi" in lines["dream"]["error"]["message"]
    table = workshop.ends(4, "audit", *files).stdout
    assert "ubiquiti_edgeos" in table
    assert {name: workshop.kept(name) for name in ROUTERS} == first

    changed = "edge,wrt,tik"
    workshop.ends(2, "plan", *files, "-p", DISABLE, "--limit", changed, "-o", plan)
    inventory.unlink()
    done = json.loads(workshop.ends(0, "apply", plan, "--yes", "--output", "json").stdout)
    got = {line["host"]: (line["platform"], line["change"]) for line in done["hosts"]}
    assert got == {name: (KNOWN[name], "confirmed") for name in changed.split(",")}
    assert {name for name in ROUTERS if workshop.kept(name) != first[name]} == set(changed.split(","))
