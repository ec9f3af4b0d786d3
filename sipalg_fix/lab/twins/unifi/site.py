"""
Sites of a controller: their settings and devices, and what a change of a setting does.

A whole setting is expected: fields of connection tracking that are left out come back as false, as is known
of the real one from clients that sent part of it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.twin import Chassis
from sipalg_fix.lab.twins.unifi.gateway import Gateway

MODULES = ("ftp_module", "gre_module", "h323_module", "pptp_module", "sip_module", "tftp_module")


def usg_setting(site: str, sip: bool) -> dict[str, Any]:
    """The setting ``usg`` as it is for a site of which nobody changed anything else."""
    identity = uuid.uuid5(uuid.NAMESPACE_URL, site).hex[:24]
    known: dict[str, Any] = {"_id": identity, "site_id": "5f" * 12, "key": "usg"}
    rest: dict[str, Any] = {
        "geo_ip_filtering_enabled": False,
        "syn_cookies": True,
        "broadcast_ping": False,
        "receive_redirects": False,
        "send_redirects": True,
        "dns_verification": {"setting_preference": "auto", "domain": "ui.com"},
        "upnp_enabled": False,
        "mss_clamp": "auto",
        "offload_sch": True,
        "udp_stream_timeout": 180,
        "udp_other_timeout": 30,
        "tcp_established_timeout": 7440,
        "timeout_setting_preference": "auto",
        "unbind_wan_monitors": False,
    }
    return known | rest | dict.fromkeys(MODULES, True) | {"sip_module": sip}


@dataclass(slots=True, kw_only=True)
class Site:
    """One site: its gateway and its settings by key."""

    name: str
    gateway: Gateway
    sip: bool
    settings: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.gateway.setting = self.sip
        mgmt = {"_id": "a" * 24, "key": "mgmt", "x_ssh_username": "root", "x_ssh_password": "canary-ssh-4be1"}
        self.settings = {"mgmt": mgmt, "usg": usg_setting(self.name, self.sip)}

    def devices(self) -> list[dict[str, Any]]:
        """An access point, and the gateway where there is one."""
        access_point: dict[str, Any] = {
            "mac": f"80:2a:a8{self.gateway.mac[8:]}",
            "state": 1,
            "adopted": True,
            "disabled": False,
            "type": "uap",
            "model": "U7PG2",
            "in_gateway_mode": False,
            "name": "AP {lobby}",
        }
        return [access_point, self.gateway.row()] if self.gateway.there else [access_point]

    def basic(self) -> list[dict[str, Any]]:
        """The same devices in a few words each."""
        few = self.gateway.plain()
        return [{key: row[key] for key in few} for row in self.devices()]


@dataclass(slots=True, kw_only=True)
class Controller:
    """All sites. ``own`` is the one whose gateway is reached by SSH, and on a console the console itself."""

    chassis: Chassis
    version: str
    console: bool
    own: str
    sites: dict[str, Site]

    def store(self, site: Site, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Store a setting and hand it out; gives what it says is stored."""
        self.chassis.wrote()
        new = site.settings[key] | body
        if key == "usg":
            new |= {name: False for name in MODULES if name not in body}
        if self.chassis.switches.save_fails:
            return new
        site.settings[key] = new
        if key == "usg" and site.gateway.there:
            site.gateway.hand_out(bool(new["sip_module"]))
        return new

    def order(self, site: Site, order: str, macs: list[str]) -> bool:
        """Restart or provision the device of this address; False when there is no such order or device."""
        if (
            order not in ("restart", "force-provision")
            or macs != [site.gateway.mac]
            or not site.gateway.there
        ):
            return False
        self.chassis.wrote()
        if order == "force-provision":
            site.gateway.hand_out(bool(site.settings["usg"]["sip_module"]))
        elif not self.chassis.switches.reboot_fails:
            self._restart(site)
        return True

    def _restart(self, site: Site) -> None:
        """On a console the controller goes down with the gateway; else only the gateway's own boot is new."""
        if site.name == self.own and self.console:
            self.chassis.power_cycle()
            return
        if site.name == self.own:
            self.chassis.boots += 1
            self.chassis.booted_at = self.chassis.now
        site.gateway.boot()

    def snapshot(self) -> dict[str, Any]:
        """Settings, and what the gateways have of them."""
        return {
            "sites": {
                name: {
                    "usg": dict(site.settings["usg"]),
                    "modules": list(site.gateway.modules()),
                    "provisioned": site.gateway.known == site.gateway.version,
                }
                for name, site in self.sites.items()
            }
        }
