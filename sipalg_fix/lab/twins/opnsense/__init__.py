"""
OPNsense as a virtual router, by its REST API and by root's SSH.

OPNsense has no SIP ALG; what works as one is the plugin os-siproxd, a proxy that phones come to when a
port forward sends them there. Enabled in the configuration, written to rc.conf.d, running as a daemon,
and fed by pf are four things, and each can be otherwise than the one before it.

Switches: ``locked`` is a 500 for what would store, ``refuse_writes`` a 403 for what would change
anything, with ``save_fails`` a change is said to be saved and is not, with ``stay_on`` the daemon is
told to stop and runs on until the next boot, with ``reboot_fails`` a reboot is accepted. By SSH only
``save_fails``, ``stay_on`` and ``reboot_fails`` mean anything: root is refused nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.twin import Chassis, Exec, Request, Response, User
from sipalg_fix.lab.twins.opnsense import model, web
from sipalg_fix.lab.twins.opnsense.box import Box, Daemon
from sipalg_fix.lab.twins.opnsense.config import Config, Settings
from sipalg_fix.lab.twins.opnsense.pf import Filter, Forward
from sipalg_fix.lab.twins.opnsense.requests import SHELL
from sipalg_fix.lab.twins.opnsense.system import System

PROXY = "5f0c8c39-5c0b-4d7e-9f53-0b6f6f1f5060"
WEB = "0b7a0d0c-8d7f-4e57-9d1a-7f2f3c1e8443"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    What kind of box it is.

    ``plugin`` is whether os-siproxd is installed; ``enabled`` what its settings say and what was generated
    from them; ``running`` whether the daemon runs (None: as enabled); ``interfaces`` False for settings
    nobody ever completed. ``port_forward`` sends the phones' port 5060 to the proxy. The API key ``key``
    has ``privileges``, names as OPNsense has them with commas between (``page-all`` for everything, the
    empty text for nothing); ``users`` adds keys, each (secret, privileges). ``root`` is root's password by
    SSH. ``configd`` False is a box whose backend daemon has died. ``phones`` are their addresses. ``carp`` is
    the state of each CARP address (MASTER, BACKUP, INIT), and ``merged`` what another node wrote into its
    configuration, section names with commas between.
    """

    version: str = "26.7.4"
    plugin: bool = True
    enabled: bool = True
    running: bool | None = None
    interfaces: bool = True
    port_forward: bool = True
    key: str = "key1"
    secret: str = "secret1"
    privileges: str = "page-all"
    users: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    root: str = "opnsense"
    configd: bool = True
    phones: tuple[str, ...] = ("192.168.1.21", "192.168.1.22")
    carp: tuple[str, ...] | list[str] = ()
    merged: str = ""


@dataclass(slots=True, kw_only=True)
class OpnsenseTwin:
    """A firewall with two doors: HTTPS, and SSH with an exec channel."""

    chassis: Chassis
    box: Box
    system: System

    def serve(self, request: Request) -> Response:
        """Answer one request to the API. (A real box takes two seconds over a wrong secret.)"""
        return web.serve(self.box, request)

    def exec(self, user: str, command: str, stdin: str) -> Exec:
        """Run a command line as root; any other account has no shell."""
        if self.chassis.users[user].level != SHELL:
            return Exec(stdout="This account is currently not available.\n", status=1)
        return self.system.exec(command, stdin)

    def register(self) -> None:
        """The phones register again; those that have a state keep what they have."""
        self.box.register()

    def snapshot(self) -> dict[str, Any]:
        """Configuration, what is generated from it, what runs, and what waits."""
        return {**self.box.snapshot(), "jobs": self.system.jobs}


def from_options(name: str, options: Mapping[str, Any]) -> OpnsenseTwin:
    """A box of this name; the options are those of :class:`Options`, TypeError for any other."""
    given = Options(**options)
    accounts = {
        "root": User(password=given.root, level=SHELL),
        given.key: User(password=given.secret, level=given.privileges),
    }
    accounts |= {key: User(password=word, level=may) for key, (word, may) in given.users.items()}
    chassis = Chassis(name=name, users=accounts)
    config = Config(host=name, settings=_settings(given))
    earlier = "/firewall_nat.php made changes"
    config.save(now=chassis.now - 3600, user="root@192.168.1.10", token="", description=earlier)
    box = Box(
        chassis=chassis,
        config=config,
        daemon=Daemon(chassis=chassis),
        filter=Filter(),
        version=given.version,
        plugin=given.plugin,
        configd=given.configd,
        phones=tuple(given.phones),
        carp=tuple(given.carp),
    )
    if given.merged:
        box.merge(given.merged)
    box.boot()
    running = given.enabled if given.running is None else given.running
    if given.plugin and running != (box.daemon.pid is not None):
        box.daemon.rc("onestart" if running else "onestop")
    box.register()
    somebody = {"protocol": "tcp", "status": "ESTABLISHED:ESTABLISHED"}
    box.filter.add("192.168.1.40:51544", "203.0.113.80:443", **somebody)
    twin = OpnsenseTwin(chassis=chassis, box=box, system=System(box=box))
    chassis.writes = 0
    return twin


def _settings(given: Options) -> Settings:
    siproxd = model.defaults() | {"enabled": str(int(given.enabled))}
    if not given.interfaces:
        siproxd |= {"if_inbound": "", "if_outbound": ""}
    server: dict[str, Any] = {"target": "192.168.1.80", "target_port": "443", "interface": "wan"}
    rules = [Forward(uuid=WEB, sequence=100, description="Web server", port="8443", protocol="tcp", **server)]
    if given.port_forward:
        rules.append(Forward(uuid=PROXY, sequence=200, description="SIP to the proxy"))
    return Settings(siproxd=siproxd if given.plugin else None, forwards=rules)
