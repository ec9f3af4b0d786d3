"""
Which host of a lab file is which virtual router, behind which servers, and how the inventory reaches it.

A lab file has the shape of an inventory (hosts by name); what stands below ``data: lab:`` of a host are
the start options of its twin, and besides those ``switches`` (names, or one name with its value) and,
for RouterOS, ``plain: true`` for the API without TLS, or ``accesses: [ssh]`` for other doors than the
usual one (RouterOS, pfSense). Twins and servers are imported when a host needs them: a lab of EdgeRouters
loads no web server.
"""

from __future__ import annotations

import importlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

import yaml

from sipalg_fix.lab import keys
from sipalg_fix.lab.twin import Switches, Twin, User
from sipalg_fix.model.errors import SipalgError

LOOPBACK = "127.0.0.1"
WIRED = {
    "cisco_ios": "cisco_ios",
    "ubiquiti_edgeos": "edgeos",
    "ubiquiti_unifi": "unifi",
    "opnsense": "opnsense",
    "mikrotik_routeros": "routeros",
    "linux": "linux",
    "openwrt": "openwrt",
    "pfsense": "pfsense",
}
"""Platforms, and the modules in :mod:`sipalg_fix.lab.twins` that have their ``from_options``."""


class LabError(SipalgError):
    """The lab cannot do what was asked; the text says why."""

    code = "lab"


class Server(Protocol):
    """Whatever listens in front of a twin."""

    def start(self) -> tuple[str, int]:
        """Listen; gives address and port."""

    def stop(self) -> None:
        """Close, and wait for every thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One host of a lab file."""

    name: str
    platform: str
    username: str
    inventory: Mapping[str, Any]
    """What the file says of the host, without what is the lab's."""
    options: Mapping[str, Any]
    switches: Mapping[str, Any]
    plain: bool = False
    accesses: tuple[str, ...] = ()
    """Which of the doors that take each other's place are open; the usual one where none is named."""


@dataclass(slots=True, kw_only=True)
class Door:
    """One access of a running twin."""

    access: str
    server: Server
    username: str
    password: str
    secret: str = ""
    """A second password (enable), where one is asked for."""
    extras: dict[str, Any] = field(default_factory=dict)
    host_key: Any = None
    """The SSH host key, where it is SSH."""
    port: int = 0


@dataclass(slots=True, kw_only=True)
class Box:
    """A host of the lab with its twin and its doors, the main one first."""

    entry: Entry
    twin: Twin
    doors: list[Door]


def read_lab(path: Path) -> list[Entry]:
    """The hosts of a lab file; raises :class:`LabError` that names file and host."""
    try:
        hosts = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise LabError(f"{path}: cannot be read as a lab file: {error}") from None
    if not isinstance(hosts, dict) or not hosts:
        raise LabError(f"{path}: holds no hosts")
    return [_entry(path, str(name), host) for name, host in hosts.items()]


def _entry(path: Path, name: str, host: Any) -> Entry:
    if not isinstance(host, dict) or host.get("platform") not in WIRED:
        raise LabError(f"{path}: host {name} needs a platform: {', '.join(WIRED)}")
    data = dict(host.get("data") or {})
    options = dict(data.pop("lab", None) or {})
    plain = bool(options.pop("plain", False))
    accesses = tuple(str(each) for each in options.pop("accesses", None) or ())
    switches: dict[str, Any] = {}
    for item in options.pop("switches", None) or []:
        switches |= item if isinstance(item, dict) else {str(item): True}
    inventory = {key: value for key, value in host.items() if key != "data"} | (
        {"data": data} if data else {}
    )
    return Entry(
        name=name,
        platform=host["platform"],
        username=str(host.get("username") or "admin"),
        inventory=inventory,
        options=options,
        switches=switches,
        plain=plain,
        accesses=accesses,
    )


def set_switch(switches: Switches, name: str, value: Any) -> None:
    """Turn one of a twin's switches; raises :class:`LabError` for a name or a value that is none."""
    kinds = {each.name: float if each.name == "slow" else bool for each in fields(Switches)}
    kind = kinds.get(name)
    if kind is None:
        raise LabError(f"there is no switch {name!r}; there are {', '.join(kinds)}")
    if isinstance(value, str):
        value = {"on": True, "true": True, "off": False, "false": False}.get(value.lower(), value)
    try:
        setattr(switches, name, float(value) if kind is float else _truth(value))
    except (TypeError, ValueError):
        raise LabError(f"switch {name!r} cannot be {value!r}") from None


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def build(entry: Entry, directory: Path) -> Box:
    """The twin of a host, with servers that are not started; keys and certificates go to ``directory``."""
    password = secrets.token_urlsafe(12)
    twin = _twin(entry, password)
    for name, value in entry.switches.items():
        set_switch(twin.chassis.switches, name, value)
    return Box(entry=entry, twin=twin, doors=DOORS[entry.platform](entry, twin, password, directory))


def _twin(entry: Entry, password: str) -> Twin:
    """Made by its own module; the account of the inventory gets the password of this lab."""
    module = importlib.import_module(f"sipalg_fix.lab.twins.{WIRED[entry.platform]}")
    options = dict(entry.options)
    if entry.platform in ("ubiquiti_edgeos", "cisco_ios"):
        options.setdefault("users", {entry.username: {"password": password}})
    elif entry.platform == "opnsense":
        options |= {"key": entry.username, "secret": password}
    elif entry.platform in ("ubiquiti_unifi", "pfsense") and options.pop("api_key", False):
        options |= {"key": password}
    try:
        twin: Twin = module.from_options(entry.name, options)
    except (TypeError, ValueError) as error:
        raise LabError(f"host {entry.name}: {error}") from None
    users = twin.chassis.users
    known = users.get(entry.username) or next(iter(users.values()), User(password=""))
    users[entry.username] = replace(known, password=password)
    return twin


def _ssh(entry: Entry, twin: Any, access: str, login: tuple[str, str], directory: Path) -> Door:
    from sipalg_fix.lab.ssh_server import SshServer

    key = keys.kept_host_key(directory / f"{entry.name}.ssh")
    other = keys.kept_host_key(directory / f"{entry.name}.other.ssh")
    server = SshServer(twin, key, other, LOOPBACK)
    return Door(access=access, server=server, username=login[0], password=login[1], host_key=key)


def _cisco(entry: Entry, twin: Any, password: str, directory: Path) -> list[Door]:
    door = _ssh(entry, twin, "cli", (entry.username, password), directory)
    if twin.enable_secret:
        # Like every password of the lab it is made anew; what the file says is only that there is one.
        door.secret = twin.enable_secret = secrets.token_urlsafe(12)
    return [door]


def _edgeos(entry: Entry, twin: Any, password: str, directory: Path) -> list[Door]:
    return [_ssh(entry, twin, "cli", (entry.username, password), directory)]


def _linux(entry: Entry, twin: Any, password: str, directory: Path) -> list[Door]:
    return [_ssh(entry, twin, "ssh", (entry.username, password), directory)]


def _web(entry: Entry, twin: Any, access: str, login: tuple[str, str], directory: Path) -> Door:
    from sipalg_fix.lab.certificates import self_signed
    from sipalg_fix.lab.https_server import HttpsServer

    certificate, pin, _ = self_signed(directory, entry.name)
    other, _, _ = self_signed(directory, f"{entry.name}.other")
    server = HttpsServer(twin, certificate, other, LOOPBACK)
    extras = {"tls_pin": f"sha256:{pin}"}
    return Door(access=access, server=server, username=login[0], password=login[1], extras=extras)


def _opnsense(entry: Entry, twin: Any, password: str, directory: Path) -> list[Door]:
    rest = _web(entry, twin, "rest", (entry.username, password), directory)
    root = secrets.token_urlsafe(12)
    twin.chassis.users["root"] = replace(twin.chassis.users["root"], password=root)
    return [rest, _ssh(entry, twin, "ssh", ("root", root), directory)]


def _unifi(entry: Entry, twin: Any, password: str, directory: Path) -> list[Door]:
    from sipalg_fix.lab.certificates import self_signed
    from sipalg_fix.lab.https_server import HttpsServer

    certificate, pin, _ = self_signed(directory, entry.name)
    other, _, _ = self_signed(directory, f"{entry.name}.other")
    extras: dict[str, Any] = {"tls_pin": f"sha256:{pin}", "controller_site": twin.controller.own}
    if twin.sessions.key:
        extras["login"] = "api_key"
    api = Door(
        access="api",
        server=HttpsServer(twin, certificate, other, LOOPBACK),
        username=entry.username,
        password=password,
        extras=extras,
    )
    root = secrets.token_urlsafe(12)
    twin.chassis.users["root"] = User(password=root, level="shell")
    return [api, _ssh(entry, twin, "ssh", ("root", root), directory)]


def _pfsense(entry: Entry, twin: Any, password: str, directory: Path) -> list[Door]:
    login = (entry.username, password)
    doors = []
    for access in entry.accesses or ("ssh",):
        match access:
            case "ssh":
                doors.append(_ssh(entry, twin, access, login, directory))
            case "rest":
                door = _web(entry, twin, access, login, directory)
                if twin.options.key:
                    door.extras["login"] = "api_key"
                doors.append(door)
            case _:
                raise LabError(f"host {entry.name}: there is no access {access!r}; there are ssh, rest")
    return doors


def _routeros(entry: Entry, twin: Any, password: str, directory: Path) -> list[Door]:
    login = (entry.username, password)
    doors = []
    for access in entry.accesses or ("api",):
        match access:
            case "api":
                doors.append(_routeros_api(entry, twin, password, directory))
            case "ssh":
                doors.append(_ssh(entry, twin, access, login, directory))
            case "rest":
                doors.append(_web(entry, twin, access, login, directory))
            case _:
                raise LabError(f"host {entry.name}: there is no access {access!r}; there are api, ssh, rest")
    return doors


def _routeros_api(entry: Entry, twin: Any, password: str, directory: Path) -> Door:
    from sipalg_fix.lab.api_server import ApiServer

    extras: dict[str, Any] = {"plain": True}
    if entry.plain:
        server = ApiServer(twin, None, LOOPBACK)
    else:
        from sipalg_fix.lab.certificates import self_signed

        certificate, pin, _ = self_signed(directory, entry.name)
        other, _, _ = self_signed(directory, f"{entry.name}.other")
        server = ApiServer(twin, certificate, LOOPBACK, other=other)
        extras = {"tls_pin": f"sha256:{pin}"}
    return Door(access="api", server=server, username=entry.username, password=password, extras=extras)


DOORS: dict[str, Callable[[Entry, Any, str, Path], list[Door]]] = {
    "cisco_ios": _cisco,
    "ubiquiti_edgeos": _edgeos,
    "ubiquiti_unifi": _unifi,
    "opnsense": _opnsense,
    "mikrotik_routeros": _routeros,
    "linux": _linux,
    "openwrt": _linux,
    "pfsense": _pfsense,
}
"""How each platform is reached: its accesses by the names its driver gives them, the main one first."""
