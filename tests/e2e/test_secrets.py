"""Canaries: planted secrets are in nothing that the tool writes, says, or hands to others."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import COMMAND, DISABLE, PLATFORMS, ROOT, Workshop, virtual

HOSTS = {f"{platform.replace('/', '-')}-01": virtual(platform) for platform in PLATFORMS}


def watch_processes(root_pid: int, seen: set[str], done: threading.Event) -> None:
    """Collect argv and environment of the command's whole process tree while it runs."""
    while not done.is_set():
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                seen.add(f"{folder.name}:" + (folder / "cmdline").read_text())
                status = (folder / "status").read_text()
                if f"PPid:\t{root_pid}\n" in status:
                    seen.add((folder / "environ").read_text())
            except OSError:
                continue
        done.wait(0.02)


@pytest.mark.parametrize("workshop", [HOSTS], indirect=True)
def test_no_canary_leaves_the_transport(workshop: Workshop) -> None:
    """Passwords of all hosts, right and wrong ones, are in no output, file, argv or child's environment."""
    canaries = {file.read_text().strip() for file in (workshop.folder / "lab" / "secrets").iterdir()}
    canaries |= {"canary-literal-7c1b", "canary-wrong-93fe"}
    hosts = yaml.safe_load(workshop.inventory.read_text())
    hosts["wrong-password"] = {**hosts["ubiquiti_edgeos-01"], "password": "canary-literal-7c1b"}
    hosts["wrong-variable"] = {**hosts["linux-01"], "password": "env:CANARY"}
    inventory = workshop.folder / "lab" / "with-canaries.yaml"
    inventory.write_text(yaml.safe_dump(hosts))

    said = _everything(workshop, inventory, workshop.folder / "plan.json")
    written = {
        str(file): file.read_bytes().decode("utf-8", "replace")
        for file in (
            *(workshop.folder / "state").rglob("*"),
            workshop.folder / "plan.json",
            workshop.folder / "report.html",
        )
        if file.is_file()
    }
    assert len(written) >= 3
    for canary in canaries:
        assert all(canary not in text for text in said), canary
        assert [name for name, text in written.items() if canary in text] == []


def _everything(workshop: Workshop, inventory: Path, plan: Path) -> list[str]:
    """Run the verbs; all that they printed, and all that their processes showed to others."""
    environment = {
        **os.environ,
        "SIPALG_FIX_STATE": str(workshop.folder / "state"),
        "CANARY": "canary-wrong-93fe",
    }
    verbs = [
        ["hostkeys", "accept", "-i", str(inventory), "--yes"],
        ["audit", "-i", str(inventory)],
        ["audit", "-i", str(inventory), "--output", "json"],
        ["doctor", "-i", str(inventory)],
        ["record", "ubiquiti_edgeos-01", "-i", str(inventory)],
        ["plan", "-i", str(inventory), "-p", str(DISABLE), "-o", str(plan)],
        ["apply", str(plan), "--yes"],
        ["report", "last", "--output", "html", "-o", str(workshop.folder / "report.html")],
        ["host", "linux-01", "--output", "json"],
        ["rollback", "last", "--yes"],
    ]
    said: list[str] = []
    for words in verbs:
        process = subprocess.Popen(
            [str(COMMAND), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )
        seen: set[str] = set()
        done = threading.Event()
        watcher = threading.Thread(target=watch_processes, args=(process.pid, seen, done))
        watcher.start()
        out, err = process.communicate(timeout=240)
        done.set()
        watcher.join()
        own = {text for text in seen if not text.startswith(f"{os.getpid()}:")}
        said.extend([out, err, *(text for text in own if "CANARY=" not in text)])
        assert "Traceback" not in err, err
    assert sys.platform == "linux"
    return said
