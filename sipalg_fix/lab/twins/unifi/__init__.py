"""
A virtual UniFi controller with the gateways of its sites; one of them is reached by SSH, too.

Written from what clients of the controller rely on (go-unifi, Art-of-WiFi UniFi-API-client, aiounifi,
unpoller) and from the objects published with them. What a setting says, what the controller has handed out,
and which modules a gateway has loaded are three things; the second follows the first after a while, and the
third follows the second.

Switches: ``locked`` and ``refuse_writes`` refuse what would change anything, with ``save_fails`` a setting is
said to be stored and is not, with ``stay_on`` no gateway is provisioned before its next start, with
``reboot_fails`` a restart is accepted. The gateway's own shell refuses root nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.twin import START, Chassis, Exec, Request, Response, User
from sipalg_fix.lab.twins.unifi.api import serve
from sipalg_fix.lab.twins.unifi.gateway import Gateway
from sipalg_fix.lab.twins.unifi.sessions import Sessions
from sipalg_fix.lab.twins.unifi.shell import Root
from sipalg_fix.lab.twins.unifi.site import Controller, Site

__all__ = ["Options", "UnifiTwin", "from_options"]

KINDS = ("classic", "unifi_os")
LONG_UP = 3_456_000.0
"""Seconds that gateways have been up when a twin begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    What kind of controller it is, and in which state somebody left it.

    ``kind`` is classic (an application of its own) or unifi_os (a console; the site's gateway is the console
    itself). ``sip`` is what the setting of every site says, ``loaded`` whether the gateways have the modules
    (None: as the setting says). ``site`` is the one whose gateway is reached by SSH, ``sites`` are further
    ones. ``provisioning`` is how many seconds a gateway takes to have a setting; ``logins`` how many are
    taken within 45 seconds, 0 for any number. ``key`` is an API key (a console's only). ``gateway`` False is
    a site with access points only, ``online`` False a gateway that the controller does not hear. ``users``
    are names with their ``password`` and ``level``: admin, read, or shell for SSH alone.
    """

    kind: str = "unifi_os"
    version: str = "9.0.114"
    sip: bool = True
    loaded: bool | None = None
    site: str = "default"
    sites: Sequence[str] = ()
    provisioning: float = 0.0
    logins: int = 0
    key: str = ""
    gateway: bool = True
    online: bool = True
    users: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: {
            "admin": {"password": "unifi"},
            "root": {"password": "unifi", "level": "shell"},
        }
    )


class UnifiTwin:
    """A controller with two doors: HTTPS, and SSH to the gateway of one of its sites."""

    banner = ""

    def __init__(self, chassis: Chassis, controller: Controller, sessions: Sessions) -> None:
        self.chassis = chassis
        self.controller = controller
        self.sessions = sessions
        self.root = Root(chassis, controller.sites[controller.own].gateway)
        chassis.on_down.append(self._down)

    def serve(self, request: Request) -> Response:
        """Answer one request."""
        return serve(self.controller, self.sessions, request)

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run one command line on the gateway; an account of the controller has no shell there."""
        if self.chassis.users[user].level != "shell":
            return Exec(stdout="This account is currently not available.\n", status=1)
        return self.root.exec(command, stdin)

    def snapshot(self) -> dict[str, Any]:
        """The settings of every site, and what its gateway has of them."""
        return self.controller.snapshot() | {"boots": self.chassis.boots}

    def _down(self) -> None:
        """The gateway lost its power; on a console the application and its sessions went with it."""
        self.controller.sites[self.controller.own].gateway.boot()
        if self.controller.console:
            self.sessions.forget()


def from_options(name: str, options: Mapping[str, Any]) -> UnifiTwin:
    """A controller of this name; the options are those of :class:`Options`, TypeError for any other."""
    given = Options(**options)
    if given.kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}, not {given.kind!r}")
    users = {user: User(**word) for user, word in given.users.items()}
    chassis = Chassis(name=name, users=users, booted_at=START - LONG_UP, identification="SSH-2.0-dropbear")
    names = (given.site, *given.sites)
    sites = {each: _site(chassis, each, number, given) for number, each in enumerate(names)}
    console = given.kind == "unifi_os"
    controller = Controller(
        chassis=chassis, version=given.version, console=console, own=given.site, sites=sites
    )
    sessions = Sessions(
        chassis=chassis, console=console, key=given.key if console else "", limit=given.logins
    )
    return UnifiTwin(chassis, controller, sessions)


def _site(chassis: Chassis, name: str, number: int, given: Options) -> Site:
    gateway = Gateway(
        chassis=chassis,
        mac=f"74:ac:b9:{number >> 8:02x}:{number & 255:02x}:01",
        console=given.kind == "unifi_os",
        there=given.gateway,
        online=given.online,
        seconds=given.provisioning,
        booted_at=chassis.booted_at,
        loaded=given.sip if given.loaded is None else given.loaded,
    )
    return Site(name=name, gateway=gateway, sip=given.sip)
