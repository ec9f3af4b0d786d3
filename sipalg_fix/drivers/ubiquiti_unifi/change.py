"""
UniFi: the setting is read afresh, changed in one field and written whole; the controller provisions it.

Whole, because a field that is left out may come back as false. The write says ``ok`` before any gateway has
heard of it, so where the gateway can be seen the change waits for it, and a look decides.
"""

from __future__ import annotations

import json

from sipalg_fix.drivers.ubiquiti_unifi.gateway import TYPES
from sipalg_fix.drivers.ubiquiti_unifi.probes import API, BASIC, SETTING, SITE, shell
from sipalg_fix.drivers.ubiquiti_unifi.read import FIELD, GATEWAY_OFFLINE
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import NOTHING, Amend, Disruption, Find, Objection, Remedy, Step, Tell

REFUSALS = (r"(?P<not_privileged>api\.err\.NoPermission)", r'"rc"\s*:\s*"error"')
OK = r'"rc"\s*:\s*"ok"'


def tell(method: str, path: str, body: str, *, cuts: bool = False) -> Tell:
    """A request that changes something."""
    command = Command(access=API, text=f"{method} {SITE}/{path} {body}", seconds=60)
    return Tell(command=command, refusals=REFUSALS, expects=OK, cuts=cuts)


def amend(value: bool) -> Amend:
    """The site's setting with this value."""
    return Amend(
        read=SETTING,
        pick="data.key=usg",
        patch=((FIELD, json.dumps(value)),),
        write=tell("PUT", "set/setting/usg", "<object>"),
    )


def at_gateway(order: str, *, cuts: bool = False) -> Find:
    """An order for the site's gateway, which must be the only one: a pair is not ours to restart."""
    kinds = "|".join(TYPES)
    pick = (
        rf'\{{(?=[^{{}}]*"type"\s*:\s*"(?:{kinds})")(?=[^{{}}]*"adopted"\s*:\s*true)'
        r'(?![^{}]*"in_gateway_mode"\s*:\s*false)'
        r'[^{}]*?"mac"\s*:\s*"(?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2}){5})"'
    )
    return Find(read=BASIC, pick=pick, then=tell("POST", "cmd/devmgr", order, cuts=cuts))


PROVISION = at_gateway('{"cmd":"force-provision","macs":["<mac>"]}')
REBOOT: tuple[Step, ...] = (at_gateway('{"cmd":"restart","macs":["<mac>"],"reboot_type":"soft"}', cuts=True),)
WAIT: Step = Tell(
    command=shell(
        "n=0; while [ $n -lt 18 ] && ls /sys/module | grep -q '^nf_conntrack_sip$'; "
        "do sleep 5; n=$((n+1)); done; echo waited",
        110,
    ),
    expects="^waited$",
)
"""At most 90 seconds, until the gateway has taken the setting. It ends well in any case: a look decides."""


def remedy(facts: Facts) -> Remedy:
    """
    Write the setting; where only the gateway lags behind, have it provisioned again. What unloads the
    modules takes the helper off the flows they had, so that nothing is flushed.
    """
    if facts.not_applicable or not facts.helpers:
        return NOTHING
    (sip,) = facts.helpers
    seen = sip.operational.value is not Value.UNKNOWN
    if sip.running.value is Value.ON:
        return Remedy(
            forward=(amend(False),),
            inverse=(amend(True),),
            flush=(WAIT,) if seen else (),
            disruption=Disruption.NEW_CALLS,
            diff=(f"-usg {FIELD}: true", f"+usg {FIELD}: false"),
            objections=_objections(facts),
        )
    if sip.running.value is Value.OFF and sip.operational.value is Value.ON:
        return Remedy(flush=(PROVISION, WAIT), disruption=Disruption.CALLS, objections=_objections(facts))
    return NOTHING


def _objections(facts: Facts) -> tuple[Objection, ...]:
    return tuple(
        Objection(code=finding.code, message=finding.message)
        for finding in facts.findings
        if finding.code == GATEWAY_OFFLINE
    )
