"""A lab in a process of its own, and the installed command as a separate process before it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sipalg_fix.lab import admin

ROOT = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("sipalg-fix")
DISABLE = ROOT / "playbooks" / "disable-sip-alg.yaml"
PASSING = {"boots", "flows", "expected", "revisions", "connections", "states", "conntrack", "log"}
"""What a router does not keep, or only counts: not part of what a rollback brings back."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The command with a state folder of its own, and the lab it works on."""

    folder: Path
    lab: admin.LabClient

    @property
    def inventory(self) -> Path:
        return self.folder / "lab" / "hosts.yaml"

    def run(
        self, *words: str | Path, stdin: str | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """One command line, as a user gives it; plans accept that calls cannot be seen on some platforms."""
        if words[0] == "plan":
            words = (*words, "--accept", "calls-unknown")
        environment = {
            **os.environ,
            "SIPALG_FIX_STATE": str(self.folder / "state"),
            "NO_COLOR": "1",
            **environ,
        }
        return subprocess.run(
            [str(COMMAND), *map(str, words)], capture_output=True, text=True, check=False, env=environment,
            cwd=ROOT, timeout=240, input=stdin,
        )  # fmt: skip

    def ends(self, code: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """The same, where it must end with this code."""
        done = self.run(*words)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, code: int, *words: str | Path) -> Any:
        """The JSON on standard output."""
        return json.loads(self.ends(code, *words, "--output", "json").stdout)

    def host(self, name: str, code: int, *words: str | Path) -> dict[str, Any]:
        """One host's line of a listing."""
        document = self.json(code, *words)
        (line,) = [line for line in document["hosts"] if line["host"] == name]
        return dict(line)

    def last_run(self, verb: str) -> str:
        """The name of the newest run of a verb."""
        runs = json.loads(self.ends(0, "runs", "--output", "json").stdout)
        rows = runs["runs"] if isinstance(runs, dict) else runs
        return str(next(row["run"] for row in rows if row["verb"] == verb))

    def kept(self, host: str) -> dict[str, Any]:
        """What the virtual router keeps: its configurations, its modules, its pending jobs."""
        return {key: value for key, value in self.lab.snapshot(host).items() if key not in PASSING}


@pytest.fixture
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workshop]:
    """A lab with the hosts that the test's ``hosts`` marker or parameter names, keys accepted."""
    hosts: dict[str, Any] = request.param
    yield from opened(tmp_path, hosts)


def opened(folder: Path, hosts: dict[str, Any]) -> Iterator[Workshop]:
    """Start a lab with these hosts; whatever happens, it is stopped."""
    file = folder / "lab.yaml"
    file.write_text(yaml.safe_dump(hosts, sort_keys=False))
    lab = admin.up(file, folder / "lab")
    try:
        shop = Workshop(folder, lab)
        shop.ends(0, "hostkeys", "accept", "-i", shop.inventory, "--yes")
        yield shop
    finally:
        admin.down(folder / "lab")


PLATFORMS = (
    "cisco_ios",
    "ubiquiti_edgeos",
    "opnsense",
    "mikrotik_routeros",
    "mikrotik_routeros/ssh",
    "mikrotik_routeros/rest",
    "linux",
    "openwrt",
    "pfsense",
    "pfsense/rest",
    "ubiquiti_unifi",
)
"""Platforms; where one has several main accesses, each but the usual one by its name, too."""


OPTIONS: dict[str, dict[str, Any]] = {"opnsense": {"port_forward": False}}
"""What a platform's router needs to be said for the plain case: nothing that a person must mend first."""


def options_of(spelled: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The platform, and its router's options, of one of :data:`PLATFORMS`."""
    platform, _, access = spelled.partition("/")
    return platform, {**OPTIONS.get(platform, {}), **({"accesses": [access]} if access else {}), **options}


def virtual(spelled: str, *switches: str, **options: Any) -> dict[str, Any]:
    """A host of a lab file, with the SIP ALG on unless the options say otherwise."""
    platform, lab = options_of(spelled, options)
    if switches:
        lab["switches"] = list(switches)
    return {"platform": platform, "site": "test", "data": {"lab": lab}}
