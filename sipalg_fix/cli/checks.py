"""Checks: what `doctor` looks at. Each row says what was looked at, how it is, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sipalg_fix.model.errors import DeviceError, InputError, JournalError
from sipalg_fix.model.host import Host
from sipalg_fix.wiring import Places, open_journal

PACKAGES = ("netmiko", "paramiko", "RouterOS-api", "PyYAML", "httpx", "SQLAlchemy", "cryptography")
CONNECT_SECONDS = 3.0


def check_all(places: Places, inventory: Path | None) -> list[dict[str, Any]]:
    """Rows of check, result (``ok``, or what is wrong) and advice."""
    rows = [_row("Python", "ok", platform.python_version())]
    rows.extend(_packages())
    rows.append(_state(places))
    rows.append(_journal(places))
    if inventory is not None:
        rows.extend(_inventory(inventory))
    return rows


def _row(check: str, result: str, advice: str = "") -> dict[str, Any]:
    return {"check": check, "result": result, "detail": advice}


def _packages() -> Iterator[dict[str, Any]]:
    for name in PACKAGES:
        try:
            yield _row(name, "ok", importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield _row(name, "missing", f"pip install {name}")


def _state(places: Places) -> dict[str, Any]:
    folder = places.state
    if not folder.exists():
        return _row("state folder", "ok", f"{folder} will be made")
    if not os.access(folder, os.W_OK):
        return _row("state folder", "not writable", f"chown {folder}, or set SIPALG_FIX_STATE")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return _row("state folder", "open to others", f"chmod 700 {folder}")
    return _row("state folder", "ok", str(folder))


def _journal(places: Places) -> dict[str, Any]:
    if not places.state.exists() and places.journal.startswith("sqlite"):
        return _row("journal", "ok", "none yet")
    try:
        journal = open_journal(places)
        runs = journal.runs(1)
        broken = journal.check(runs[0].run) if runs else ""
    except JournalError as error:
        return _row("journal", error.code, str(error))
    if broken:
        return _row("journal", "journal-broken", f"run {runs[0].run}: {broken}")
    return _row("journal", "ok", f"last run {runs[0].run}" if runs else "no runs yet")


def _inventory(inventory: Path) -> Iterator[dict[str, Any]]:
    from sipalg_fix.cli.scene import platform_shapes
    from sipalg_fix.inputs.inventory import read_inventory

    try:
        stock = read_inventory(inventory, platform_shapes())
    except InputError as error:
        yield _row(str(inventory), "cannot be used", str(error))
        return
    yield _row(str(inventory), "ok", f"{len(stock.hosts)} hosts")
    for warning in stock.warnings:
        yield _row(str(inventory), "warning", str(warning))
    for host in stock.hosts:
        yield from _host(host)


def _host(host: Host) -> Iterator[dict[str, Any]]:
    """Are its secrets to be had, and does anything listen? Nothing is sent."""
    from sipalg_fix.wiring import Secrets, driver_for

    secrets = Secrets()
    for name, access in host.accesses.items():
        label = f"{host.name} [{name}]"
        try:
            for reference in filter(None, (access.password, access.secret)):
                if reference.scheme != "ask":
                    secrets.resolve(reference)
        except DeviceError as error:
            yield _row(label, error.code, error.message)
            continue
        kind = driver_for(host).accesses[name]
        port = access.port or (getattr(kind, "plain_port", 0) if access.plain else 0) or kind.port
        try:
            socket.create_connection((access.address, port), CONNECT_SECONDS).close()
            yield _row(label, "ok", f"{access.address} port {port} answers")
        except OSError as error:
            yield _row(label, "unreachable", f"{access.address} port {port}: {error.strerror or error}")
