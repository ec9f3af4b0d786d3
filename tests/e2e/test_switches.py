"""Awkward routers: each ends in a named host error, and the others go on."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.e2e.conftest import DISABLE, PLATFORMS, Workshop, virtual

pytestmark = pytest.mark.long  # dozens of commands, most of them waiting

BAD, GOOD = "awkward", "plain"
LOOKING = {
    "refuse_login": {"access-denied"},
    "half_reply": {"timeout"},
    "hang_up": {"connection-lost", "unreachable"},
    "garbage": {"not-understood", "connection-lost", "timeout", "unreachable"},
    "new_host_key": {"host-key-changed", "certificate-changed"},
}
HARMLESS = ("wrap", "hash_banner", "slow")
CHANGING = {
    "is-locked": "locked",
    "saves-not": "save_fails",
    "refuses": "refuse_writes",
    "stays-on": "stay_on",
}
"""Routers by the switch that makes each awkward to change."""


def pair(platform: str) -> dict[str, object]:
    """An awkward router and a plain one beside it."""
    return {BAD: virtual(platform), GOOD: virtual(platform)}


@pytest.mark.parametrize("workshop", [pair(p) for p in PLATFORMS], ids=PLATFORMS, indirect=True)
def test_awkward_to_look_at(workshop: Workshop) -> None:
    """Whatever a router does to a look, it is a named error or a true reading, never a false one."""
    inventory = workshop.folder / "impatient.yaml"
    text = workshop.inventory.read_text()
    inventory.write_text(_impatient(text, workshop))
    for switch, codes in LOOKING.items():
        workshop.lab.switch(BAD, switch, True)
        report = workshop.json(4, "audit", "-i", inventory)
        lines = {line["host"]: line for line in report["hosts"]}
        assert lines[BAD]["error"]["code"] in codes, (switch, lines[BAD])
        assert (lines[BAD]["state"], lines[BAD]["verdict"]) == ("unknown", "unknown")
        assert lines[GOOD]["state"] == "enabled"
        workshop.lab.switch(BAD, switch, False)
    for switch in HARMLESS:
        workshop.lab.switch(BAD, switch, 0.05 if switch == "slow" else True)
        assert workshop.host(BAD, 2, "audit", "-i", inventory)["state"] == "enabled", switch
        workshop.lab.switch(BAD, switch, False)


@pytest.mark.parametrize(
    "workshop",
    [{GOOD: virtual(p), **dict.fromkeys(CHANGING, virtual(p))} for p in PLATFORMS],
    ids=PLATFORMS,
    indirect=True,
)
def test_awkward_to_change(workshop: Workshop) -> None:
    """A change that a router does not take ends in a state that the router's own state agrees with."""
    files = ("-i", workshop.inventory)
    plan = workshop.folder / "plan.json"
    workshop.ends(2, "plan", *files, "-p", DISABLE, "-o", plan, "--accept", "all-hosts")
    before = {host: workshop.kept(host) for host in CHANGING}
    for host, switch in CHANGING.items():
        workshop.lab.switch(host, switch, True)
    done = workshop.run("apply", plan, "--yes", "--output", "json")
    for host, switch in CHANGING.items():
        workshop.lab.switch(host, switch, False)
    assert done.stdout, done.stderr
    lines = {line["host"]: line for line in json.loads(done.stdout)["hosts"]}
    assert lines[GOOD]["change"] == "confirmed"
    audited = json.loads(workshop.run("audit", *files, "--output", "json").stdout)["hosts"]
    seen = {line["host"]: line["verdict"] for line in audited}
    for host in CHANGING:
        line = lines[host]
        if line["change"] == "confirmed":
            assert seen[host] == "compliant", line
        elif line["change"] in ("rolled-back", "refused"):
            assert line["error"] is not None, line
            assert workshop.kept(host) == before[host], line
        else:
            assert line["change"] in ("unsaved", "not-shown"), line
            assert seen[host] in ("noncompliant", "unknown"), line
    assert (done.returncode == 0) == all(line["change"] == "confirmed" for line in lines.values())


def _impatient(text: str, workshop: Workshop) -> str:
    """The lab's inventory with short deadlines, so that silence is noticed soon; paths made absolute."""
    hosts = yaml.safe_load(text)
    for host in hosts.values():
        options = host.setdefault("connection_options", {})
        for name in options or {}:
            options[name].setdefault("extras", {})["seconds"] = 8
            password = options[name].get("password", "")
            if password.startswith("file:"):
                options[name]["password"] = f"file:{workshop.folder / 'lab' / password[5:]}"
        if str(host.get("password", "")).startswith("file:"):
            host["password"] = f"file:{workshop.folder / 'lab' / host['password'][5:]}"
    return yaml.safe_dump(hosts)
