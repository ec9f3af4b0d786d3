"""
UniFi: what the controller is asked, and, over SSH where that is configured, the gateway itself.

The setting ``usg`` of a site is for the USG and the gateways of UniFi OS alike; ``sip_module`` true is the
SIP ALG on (field list: go-unifi, made from the application's own schema). ``<prefix>`` and ``<site>`` are
filled in for each host: they depend on the controller's make and on the site. Devices: unpoller's types.
"""

from __future__ import annotations

from sipalg_fix.drivers._calls import lines, stream_lines
from sipalg_fix.model.session import Command

API, SSH = "api", "ssh"
SITE = "<prefix>/api/s/<site>"


def get(path: str) -> Command:
    """A GET below the site."""
    return Command(access=API, text=f"GET {SITE}/{path}", seconds=60)


def shell(line: str, seconds: float = 30) -> Command:
    """A command for the gateway's own shell."""
    return Command(access=SSH, text=line, seconds=seconds)


SETTING = get("get/setting/usg")
DEVICES = get("stat/device")
SYSTEM = get("stat/sysinfo")
BASIC = get("stat/device-basic")
"""The same devices with a few plain words each: what a gateway's address is picked from."""
ADDRESSES = shell("cat /sys/class/net/*/address /proc/ubnthal/system.info 2>/dev/null; echo end of addresses")
"""By which the gateway that was reached is known to be the site's: ``serialno`` there is the address, too."""
MODULES = shell("ls /sys/module && echo end of modules")
"""What is loaded, and what is built in and has parameters, as nf_conntrack and nf_conntrack_sip do."""
BOOT = shell("cat /proc/sys/kernel/random/boot_id")
CALLS, STREAMS = shell(lines(), 60), shell(stream_lines(), 60)
PROBES = (SETTING, DEVICES, SYSTEM, ADDRESSES, MODULES, BOOT)
