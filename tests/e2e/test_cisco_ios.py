"""What is peculiar to Cisco routers, by the installed command: trains, timers, saving, others' edits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.conftest import DISABLE, Workshop, virtual

ROUTERS = {
    "guarded": virtual("cisco_ios", archive=True, level=1, enable="made by the lab"),
    "old": virtual("cisco_ios", version="12.4(24)T", save="overwrite"),
    "half": virtual("cisco_ios", version="15.1(4)M4", only_off="udp", save="plain", ports=[5061]),
    "no-tcp": virtual("cisco_ios", version="15.1(4)M4", tcp_line=False),
    "busy": virtual("cisco_ios", save="busy"),
    "firewall": virtual("cisco_ios", inspect="cbac"),
    "edited": virtual("cisco_ios", unsaved=True),
}
UDP, TCP = (f"no ip nat service sip {name} port 5060" for name in ("udp", "tcp"))


@pytest.mark.parametrize("workshop", [ROUTERS], indirect=True, ids=["routers"])
def test_a_change_of_many_routers_and_back(workshop: Workshop) -> None:
    """Each ends as its own state allows, and a rollback brings all of them to what they were."""
    files = ("-i", workshop.inventory)
    first = {name: workshop.kept(name) for name in ROUTERS}
    plan = workshop.folder / "plan.json"
    workshop.ends(2, "plan", *files, "-p", DISABLE, "-o", plan)
    refused = workshop.ends(7, "apply", plan, "--yes")
    assert "unsaved-edits" in refused.stdout + refused.stderr
    assert {name: workshop.kept(name) for name in ROUTERS} == first

    done = workshop.run("apply", plan, "--yes", "--accept", "unsaved-edits", "--output", "json")
    lines: dict[str, Any] = {line["host"]: line for line in json.loads(done.stdout)["hosts"]}
    run = workshop.last_run("apply")
    confirmed = {name for name, line in lines.items() if line["change"] == "confirmed"}
    assert confirmed == {"guarded", "old", "half", "edited"}
    # A firewall is a person's to change: nothing was sent to that router.
    assert "firewall" not in lines
    assert workshop.kept("firewall") == first["firewall"]
    # A release that should know the line for TCP and does not: put back, in the router's words.
    assert lines["no-tcp"]["change"] == "rolled-back"
    assert "% Invalid input detected" in lines["no-tcp"]["error"]["message"]
    assert workshop.kept("no-tcp") == first["no-tcp"]
    # Its flash was busy: in force, not saved, and said so.
    assert lines["busy"]["change"] == "unsaved"

    assert lines["guarded"]["done"][:2] == ["configure terminal revert timer 5", UDP]
    assert "configure confirm" in lines["guarded"]["done"]
    assert [line for line in workshop.kept("old")["startup"] if "sip" in line] == [UDP]
    extra = "ip nat service sip udp port 5061"
    assert {line for line in workshop.kept("half")["startup"] if " sip " in line} == {UDP, TCP, extra}
    assert "ip route 10.99.0.0 255.255.0.0 192.168.10.254" in workshop.kept("edited")["startup"]

    back = workshop.run("rollback", run, "--yes", "--output", "json")
    assert {line["change"] for line in json.loads(back.stdout)["hosts"]} == {"rolled-back"}
    unsaved = first["edited"].pop("startup")
    edited = workshop.kept("edited")
    assert set(edited.pop("startup")) - set(unsaved) == {"ip route 10.99.0.0 255.255.0.0 192.168.10.254"}
    assert edited == first["edited"]
    for name in ROUTERS.keys() - {"edited"}:
        assert workshop.kept(name) == first[name], name
