"""CARP addresses of the virtual OPNsense, by ifconfig(8) and by the API (InterfaceController.php)."""

from __future__ import annotations

from typing import Any

from sipalg_fix.lab.twins.opnsense.box import Box

FLAGS = "UP,BROADCAST,RUNNING,PROMISC,SIMPLEX,MULTICAST,LOWER_UP"


def by_ifconfig(box: Box) -> str:
    """The interface they are on; each one's state stands below the address itself."""
    text = f"em1: flags=1008943<{FLAGS}> metric 0 mtu 1500\n"
    for number, state in enumerate(box.carp, 1):
        text += f"\tinet 192.168.1.{255 - number} netmask 0xffffff00 vhid {number}\n"
        text += f"\tcarp: {state} vhid {number} advbase 1 advskew {100 if state == 'BACKUP' else 0}\n"
        text += "\t      peer 224.0.0.18 peer6 ff02::12\n"
    return text


def by_api(box: Box) -> dict[str, Any]:
    """The same as rows. Without its backend daemon it takes them all for disabled."""
    states = box.carp if box.configd else ("DISABLED",) * len(box.carp)
    known = {"interface": "LAN", "advbase": "1", "advskew": "0", "mode": "carp"}
    rows = [
        {**known, "vhid": str(number), "subnet": f"192.168.1.{255 - number}", "status": state}
        for number, state in enumerate(states, 1)
    ]
    carp = {"demotion": "0", "allow": "1", "maintenancemode": False} if box.configd else []
    return {"total": len(rows), "rowCount": len(rows), "current": 1, "rows": rows, "carp": carp}
