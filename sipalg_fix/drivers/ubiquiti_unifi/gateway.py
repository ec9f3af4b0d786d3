"""
UniFi: the answers of a controller, and the gateway of a site as it describes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sipalg_fix.drivers._family import boot_id, json_object, unread, went_back
from sipalg_fix.drivers.ubiquiti_unifi.probes import ADDRESSES, BOOT, DEVICES
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.session import Command, Transcript

Row = Mapping[str, Any]

TYPES: Final = ("ugw", "usg", "udm", "udr", "uxg", "ucg", "udw")
"""Types of devices that can be a site's gateway; one of these in another role says ``in_gateway_mode``."""
OFFLINE, CONNECTED, PROVISIONING = 0, 1, 5
"""States of a device (aiounifi, DeviceState)."""
LATER: Final = 30
"""Seconds by which a start must be later than another to be another: uptimes are told in passing."""

_SAID: Final = {
    "api.err.NoPermission": ("not-privileged", "the account may not do this at this site"),
    "api.err.LoginRequired": ("access-denied", "the login is not accepted"),
    "api.err.NoSiteContext": ("not-understood", "it knows no such site, or not for this account: give its "
                              "short name as controller_site"),
}  # fmt: skip


def rows(seen: Transcript, command: Command) -> tuple[Row, ...]:
    """What the controller lists; NotUnderstood when it refuses, or is no UniFi controller."""
    reply = seen.get(command)
    body = json_object(reply.text) if reply else None
    meta = (body or {}).get("meta")
    if isinstance(meta, dict) and meta.get("rc") == "error":
        said = str(meta.get("msg", ""))
        code, words = _SAID.get(said, ("not-understood", "it refuses"))
        raise NotUnderstood(f"{words}: '{command.text}' is answered {said}", code=code)
    if why := unread(seen, command):
        raise NotUnderstood(why)
    data = (body or {}).get("data")
    if not isinstance(meta, dict) or meta.get("rc") != "ok" or not isinstance(data, list):
        raise NotUnderstood(f"the answer to '{command.text}' is not that of a UniFi controller")
    if not all(isinstance(row, dict) for row in data):
        raise NotUnderstood(f"the answer to '{command.text}' is not a list of objects")
    return tuple(data)


def gateways(devices: tuple[Row, ...]) -> tuple[Row, ...]:
    """The adopted gateways of a site: one, or two of a pair."""
    return tuple(
        row
        for row in devices
        if row.get("type") in TYPES
        and row.get("adopted") is not False
        and row.get("in_gateway_mode") is not False
    )


def address(gateway: Row) -> str:
    """Its MAC address in lower case; empty when it is not told as one."""
    mac = str(gateway.get("mac", "")).lower()
    return mac if re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", mac) else ""


def is_reached(seen: Transcript, gateway: Row) -> str:
    """Why what answers by SSH is not shown to be this gateway; empty when it is."""
    if why := unread(seen, ADDRESSES):
        return why
    reply = seen.get(ADDRESSES)
    said = reply.text.lower() if reply else ""
    mac = address(gateway)
    own = re.findall(r"^((?:[0-9a-f]{2}:){5}[0-9a-f]{2})$|^serialno=([0-9a-f]{12})$", said, re.MULTILINE)
    if mac and any(mac in (full, ":".join(re.findall("..", plain))) for full, plain in own):
        return ""
    return f"what answers by SSH is not shown to be the site's gateway: it has no address {mac or 'known'}"


def boot_mark(seen: Transcript) -> str:
    """The boot id by SSH; else ``booted N`` or ``uptime N``, as the controller last heard of the gateway."""
    try:
        found = gateways(rows(seen, DEVICES))
    except NotUnderstood:
        return ""
    if len(found) != 1:
        return ""
    (gateway,) = found
    if not is_reached(seen, gateway) and (mark := boot_id(seen, BOOT)):
        return mark
    if gateway.get("state") != CONNECTED:
        return ""
    for key, word in (("startup_timestamp", "booted"), ("uptime", "uptime")):
        value = gateway.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return f"{word} {int(value)}"
    return ""


def rebooted(before: str, after: str, seconds: float) -> bool:
    """Another boot id, a later start, or less uptime; marks of two kinds show nothing."""
    was, now = before.partition(" "), after.partition(" ")
    if was[0] == now[0] == "booted":
        return int(now[2]) > int(was[2]) + LATER
    if was[0] == now[0] == "uptime":
        return went_back(before, after, seconds)
    return len(was[0]) == len(now[0]) == 36 and before != after
