"""
A gateway of a site: which modules it has, when it started, and whether it has the site's settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.twin import Chassis, Timer

SIP = ("nf_conntrack_sip", "nf_nat_sip")
OTHERS = ("ip_tables", "nf_conntrack", "nf_conntrack_ftp", "nf_nat", "nf_nat_ftp")


@dataclass(slots=True, kw_only=True)
class Gateway:
    """
    ``loaded``: the SIP modules are. ``wanted`` is what was last handed out to it and has not come into force.

    ``console``: the controller runs on it. ``there`` False: the site has none.
    """

    chassis: Chassis
    mac: str
    console: bool
    there: bool
    online: bool
    seconds: float
    booted_at: float
    loaded: bool
    setting: bool = field(init=False)
    """What the site's setting says, by which it is provisioned at each start."""
    version: int = 1
    """How often the site's settings have changed."""
    known: int = 1
    """Up to which of these changes it has them."""
    told: list[Callable[[], None]] = field(default_factory=list)
    """Called when it has taken its settings."""
    _timer: Timer | None = None

    def __post_init__(self) -> None:
        self.setting = self.loaded

    @property
    def state(self) -> int:
        """0 not heard, 1 connected, 5 being provisioned."""
        if not self.online:
            return 0
        return 1 if self.known == self.version else 5

    def hand_out(self, setting: bool) -> None:
        """The site's settings have changed, or are to be handed out again: it has them after a while."""
        self.setting = setting
        self.version += 1
        if self._timer is not None:
            self._timer.cancelled = True
        self._timer = None
        if not self.online or self.chassis.switches.stay_on:
            return
        if self.seconds:
            self._timer = self.chassis.after(self.seconds, self._take)
        else:
            self._take()

    def boot(self) -> None:
        """Start: the settings are taken as they are by then."""
        self.booted_at = self.chassis.now
        self._take()

    def _take(self) -> None:
        self._timer = None
        self.known = self.version
        self.loaded = self.setting
        for tell in self.told:
            tell()

    def modules(self) -> tuple[str, ...]:
        """What stands in /sys/module."""
        return tuple(sorted((*OTHERS, *(SIP if self.loaded else ()))))

    def plain(self) -> dict[str, Any]:
        """The few words of ``stat/device-basic``."""
        kind, model = ("udm", "UDMPRO") if self.console else ("ugw", "UGW3")
        return {
            "mac": self.mac,
            "state": self.state,
            "adopted": True,
            "disabled": False,
            "type": kind,
            "model": model,
            "in_gateway_mode": True,
            "name": f"Gateway {self.mac[-5:]}",
        }

    def row(self) -> dict[str, Any]:
        """What the controller knows of it, secrets included."""
        uptime = int(self.chassis.now - self.booted_at)
        return self.plain() | {
            "_id": f"60{self.mac.replace(':', '')}0123456789",
            "ip": "192.0.2.1",
            "version": "4.1.13.18890" if self.console else "4.4.57.5578372",
            "serial": self.mac.replace(":", "").upper(),
            "cfgversion": f"c{self.version:015x}",
            "known_cfgversion": f"c{self.known:015x}",
            "startup_timestamp": int(self.booted_at),
            "uptime": uptime,
            "_uptime": uptime,
            "last_seen": int(self.chassis.now),
            "x_authkey": "canary-authkey-2d7f",
            "x_aes_gcm": True,
            "x_ssh_hostkey_fingerprint": "canary-fingerprint-91",
            "system-stats": {"cpu": "4.1", "mem": "61.2", "uptime": str(uptime)},
        }
