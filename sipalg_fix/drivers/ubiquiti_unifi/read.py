"""
UniFi: from the answers of a controller, and of its gateway where there is SSH, to facts.

The setting is what the site is to have: it is the running plane, and as it is stored when it is set, and a
gateway takes it from there at each start, there is no startup plane beside it. Whether the gateway has it is
the operational plane, and only the gateway can say: stored is not provisioned.
"""

from __future__ import annotations

import json

from sipalg_fix.drivers._family import lines, text, unread, whole
from sipalg_fix.drivers.ubiquiti_unifi.gateway import (
    OFFLINE,
    PROVISIONING,
    Row,
    boot_mark,
    gateways,
    is_reached,
    rows,
)
from sipalg_fix.drivers.ubiquiti_unifi.probes import DEVICES, MODULES, SETTING, SYSTEM
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import NO_PLANE, Facts, Finding, Helper, Plane, off, on, unknown
from sipalg_fix.model.session import Transcript

FIELD = "sip_module"
PASSING = ("_id", "site_id", "key")
GATEWAY_OFFLINE, NOT_PROVISIONED = "gateway-offline", "not-provisioned"


def parse(seen: Transcript) -> Facts:
    """What controller and gateway say; NotUnderstood when the controller does not tell."""
    settings = tuple(row for row in rows(seen, SETTING) if row.get("key") == "usg")
    devices = rows(seen, DEVICES)
    version = next((str(row["version"]) for row in rows(seen, SYSTEM) if row.get("version")), "")
    if not version:
        raise NotUnderstood(f"no version in the answer to '{SYSTEM.text}'")
    found = gateways(devices)
    setting = settings[0] if len(settings) == 1 else None
    helper = Helper(
        name=FIELD,
        running=_setting(setting),
        startup=NO_PLANE,
        operational=_operational(seen, found),
        prior=(f"{FIELD}: {json.dumps(setting[FIELD])}",) if setting and FIELD in setting else (),
    )
    # A site that lists no device at all may be a wrong one: that proves nothing.
    absent = "this site has no UniFi gateway, so its setting acts on nothing" if devices and not found else ""
    return Facts(
        platform="ubiquiti_unifi",
        version=version,
        model=", ".join(f"{row.get('model', 'gateway')} {row.get('version', '')}".strip() for row in found),
        helpers=(helper,) if found else (),
        not_applicable=absent,
        boot_mark=boot_mark(seen),
        config=tuple(
            f"usg {key}: {json.dumps(value, sort_keys=True)}"
            for key, value in sorted((setting or {}).items())
            if key not in PASSING
        ),
        findings=_findings(found),
    )


def _setting(setting: Row | None) -> Plane:
    """The site's setting; any other value than true and false is none."""
    if setting is None:
        return unknown(f"the answer to '{SETTING.text}' does not hold the one setting 'usg'")
    value = setting.get(FIELD)
    line = f'usg "{FIELD}": {json.dumps(value)}'
    if value is True:
        return on(line)
    if value is False:
        return off(line)
    return unknown(f"the setting 'usg' has no {FIELD} that is true or false")


def _operational(seen: Transcript, found: tuple[Row, ...]) -> Plane:
    """The gateway's modules, where what was reached by SSH is shown to be it."""
    if why := unread(seen, MODULES):
        return unknown(why)
    if len(found) != 1:
        return unknown(f"the site has {len(found)} gateways, and one was asked by SSH")
    if why := is_reached(seen, found[0]):
        return unknown(why)
    said = text(seen, MODULES)
    if loaded := lines(said, r"^nf_(?:nat|conntrack)_sip$"):
        return on(*(f"/sys/module: {name}" for name in loaded))
    if whole(said, (r"^nf_conntrack$", r"^end of modules$")):
        return off("/sys/module: no SIP module")
    return unknown(f"the answer to '{MODULES.text}' is not whole")


def _findings(found: tuple[Row, ...]) -> tuple[Finding, ...]:
    """What keeps a setting from reaching its gateway, as the controller knows it."""
    told = []
    for row in found:
        name = f"{row.get('name') or row.get('model') or 'the gateway'} ({row.get('mac', '')})"
        if row.get("state") == OFFLINE:
            message = f"the controller does not hear {name}: no setting reaches it before it does again"
            told.append(Finding(code=GATEWAY_OFFLINE, message=message))
        known, wanted = row.get("known_cfgversion"), row.get("cfgversion")
        if row.get("state") == PROVISIONING or (known and wanted and known != wanted):
            message = f"{name} has not taken the site's settings yet: it is being provisioned"
            told.append(Finding(code=NOT_PROVISIONED, message=message))
    return tuple(told)
