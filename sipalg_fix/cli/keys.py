"""Keys: what routers show of themselves, against what was accepted of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sipalg_fix.cli.scene import Scene, scene, selected
from sipalg_fix.model.errors import DeviceError

if TYPE_CHECKING:
    from sipalg_fix.model.host import AccessSettings, Host
    from sipalg_fix.transports.ssh_keys import HostKey, KeyStore

SCAN_FORKS = 20
Row = dict[str, Any]


def scanned(inventory: Path, hosts: str, playbook: Path | None = None) -> list[Row]:
    """One row for each access: what it shows, and whether that is known, unknown or changed."""
    with scene() as here:
        return list(_rows(here, inventory, hosts, playbook))


def accepted(
    inventory: Path, hosts: str, playbook: Path | None = None, *, yes: bool, replace: bool
) -> list[Row]:
    """The same, and what is unknown (with ``replace`` also what changed) is trusted from now on."""
    from sipalg_fix.transports.ssh_keys import HostKey
    from sipalg_fix.wiring import key_store

    with scene() as here:
        rows = list(_rows(here, inventory, hosts, playbook))
        new = [row for row in rows if row["result"] == "unknown" or (replace and row["result"] == "changed")]
        if new and not yes:
            _ask(here, new)
        store = key_store(here.places)
        for row in new:
            for name in row.get("names", (row["access"],)):
                store.accept(row["label"], name, HostKey(kind=row["kind"], data=row["data"]))
            row["result"] = "accepted"
    return [{key: row[key] for key in ("host", "access", "key", "result")} for row in rows]


def _ask(here: Scene, new: list[Row]) -> None:
    for row in new:
        here.screen.say(f"{row['host']} [{row['access']}] {row['result']}: {row['key']}")
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to be asked; say --yes once you have compared the keys")
    typer.confirm(f"Trust these {len(new)} keys?", abort=True, err=True)


def _rows(here: Scene, inventory: Path, hosts: str, playbook: Path | None) -> Iterator[Row]:
    from sipalg_fix.wiring import Threads

    chosen = selected(here.screen, inventory, hosts, playbook)
    here.screen.total = len(chosen.targets)
    order = [target.host for target in chosen.targets]
    found: dict[str, list[Row]] = {}
    for host, rows in Threads(here.interrupts).run(lambda host: _host_rows(here, host), order, SCAN_FORKS):
        found[host.name] = rows
        here.screen.progress(host.name, "done")
    for host in order:
        yield from found.get(host.name, ())


def _host_rows(here: Scene, host: Host) -> list[Row]:
    from sipalg_fix.transports.connections import Connections
    from sipalg_fix.wiring import Secrets, driver_for, key_names, key_store

    store = key_store(here.places)
    connections = Connections(secrets=Secrets().resolve, keys=store)
    driver = driver_for(host)
    rows = []
    try:
        for access, key in connections.scan(host, driver):
            settings = host.accesses[access]
            port = settings.port or driver.accesses[access].port
            row = _row(store, host, access, replace(settings, port=port), key)
            rows.append({**row, "names": key_names(host, access)})
    except DeviceError as error:
        rows = [_failed(host, "", error)]
    return rows + _probe_rows(store, host)


def _probe_rows(store: KeyStore, host: Host) -> list[Row]:
    """The probe point behind the host, where it is reached over SSH."""
    from sipalg_fix.transports.probe_points import SSH_PORT, scan_point
    from sipalg_fix.transports.ssh_keys import PROBE

    settings = host.probe.ssh if host.probe else None
    if settings is None:
        return []
    try:
        key = scan_point(host, settings, store)
    except DeviceError as error:
        return [_failed(host, PROBE, error)]
    return [_row(store, host, PROBE, replace(settings, port=settings.port or SSH_PORT), key)]


def _row(store: KeyStore, host: Host, access: str, settings: AccessSettings, key: HostKey) -> Row:
    known = store.accepted(host.label, access)
    known = known or store.known(host.label, access, settings.address, settings.port)
    pinned = bool(settings.tls_pin) and key.data == settings.tls_pin
    result = "known" if key in known or pinned else "changed" if known or settings.tls_pin else "unknown"
    return {
        "host": host.name, "access": access, "key": str(key), "result": result,
        "label": host.label, "kind": key.kind, "data": key.data,
    }  # fmt: skip


def _failed(host: Host, access: str, error: DeviceError) -> Row:
    return {"host": host.name, "access": access, "key": error.message, "result": error.code}
