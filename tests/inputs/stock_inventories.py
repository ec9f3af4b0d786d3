"""What tests of the operator's files share: platforms to read inventories with, and hosts by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sipalg_fix.inputs.inventory import Inventory, PlatformShape, read_inventory
from sipalg_fix.model.errors import InputError
from sipalg_fix.model.host import AccessSettings, Host

T = TypeVar("T")
EDGEOS = PlatformShape(name="ubiquiti_edgeos", accesses=(("cli", "SshCli"),))
ROUTEROS = PlatformShape(
    name="mikrotik_routeros",
    accesses=(("api", "RouterosApi"), ("ssh", "SshExec"), ("rest", "HttpsJson")),
    instead=("ssh", "rest"),
)
OPNSENSE = PlatformShape(name="opnsense", accesses=(("rest", "HttpsJson"), ("ssh", "SshExec")))
FOUND_OUT = PlatformShape(name="auto", accesses=(("ssh", "SshExec"),))
PLATFORMS = {
    "edgeos": EDGEOS,
    "ubiquiti_edgerouter": EDGEOS,
    **{shape.name: shape for shape in (EDGEOS, ROUTEROS, OPNSENSE, FOUND_OUT)},
}


def read(folder: Path, hosts: str, groups: str = "", defaults: str = "") -> Inventory:
    """The inventory of these files' texts, written to a folder; a file of no text is not written."""
    for name, text in (("hosts", hosts), ("groups", groups), ("defaults", defaults)):
        if text:
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return read_inventory(folder, PLATFORMS)


def one(folder: Path, hosts: str, groups: str = "", defaults: str = "") -> Host:
    """The only host of such an inventory."""
    (host,) = read(folder, hosts, groups, defaults).hosts
    return host


def access(
    folder: Path, hosts: str, groups: str = "", defaults: str = "", *, name: str = ""
) -> AccessSettings:
    """One access of the only host, the main one if not named."""
    accesses = one(folder, hosts, groups, defaults).accesses
    return accesses[name or next(iter(accesses))]


def outcome(reader: Callable[[], T]) -> T | InputError:
    """What a reader gives: a value, or the error it ends with; anything else is the test's failure."""
    try:
        return reader()
    except InputError as error:
        return error
