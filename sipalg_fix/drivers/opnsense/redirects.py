"""
OPNsense: port forwards that send SIP to the proxy on the firewall itself.

os-siproxd makes no such rule; an administrator who made one must take it away, or phones reach a proxy
that is no longer there.
"""

from __future__ import annotations

import re
from typing import Any

from sipalg_fix.drivers._family import json_object, whole
from sipalg_fix.drivers.opnsense import probes
from sipalg_fix.model.facts import Finding, Plane, Value
from sipalg_fix.model.session import Transcript

RULE = re.compile(r"^rdr .*\bport (?:= )?(?:sip|5060)\b.* -> (?:127\.|::1\b|lo0\b).*$", re.MULTILINE)
"""As ``pfctl -sn`` prints it: ``rdr on em1 inet proto udp from any to any port = sip -> 127.0.0.1 …``"""
REDIRECTED, UNTOLD = "sip-redirected", "redirect-unread"


def redirects(seen: Transcript, running: Plane) -> tuple[Finding, ...]:
    """The forwards there are, or that it could not be told while there is a proxy to be missed."""
    found, told = _by_pf(seen)
    more, also_told = _by_api(seen)
    if lines := (*found, *more):
        message = (
            "SIP is forwarded to the proxy on this router; without the proxy it is lost, so remove the "
            f"port forward with it: {'; '.join(lines)}"
        )
        return (Finding(code=REDIRECTED, message=message),)
    if told or also_told or running.value is not Value.ON:
        return ()
    message = "whether a port forward sends SIP to the proxy could not be told; look before disabling it"
    return (Finding(code=UNTOLD, message=message),)


def _by_pf(seen: Transcript) -> tuple[tuple[str, ...], bool]:
    """(rules in force, whether that is all of them)."""
    reply = seen.get(probes.RULES)
    if reply is None or not reply.ok:
        return (), False
    return tuple(match[0] for match in RULE.finditer(reply.text)), whole(reply.text, (r"^end of rules$",))


def _by_api(seen: Transcript) -> tuple[tuple[str, ...], bool]:
    """The same of configured rules, where this version tells them."""
    reply = seen.get(probes.FORWARDS)
    rows = (json_object(reply.text) or {}).get("rows") if reply and reply.ok else None
    if not isinstance(rows, list):
        return (), False
    return tuple(_shown(row) for row in rows if isinstance(row, dict) and _to_proxy(row)), True


def _to_proxy(row: dict[str, Any]) -> bool:
    ports = {str(row.get("destination.port", "")), str(row.get("local-port", ""))}
    local = re.match(r"127\.|::1$|localhost$", str(row.get("target", "")))
    return (
        row.get("disabled") != "1"
        and row.get("nordr") != "1"
        and bool(local)
        and bool(ports & {"5060", "sip"})
    )


def _shown(row: dict[str, Any]) -> str:
    return (
        f"port forward {row.get('descr') or row.get('uuid')}: {row.get('interface')} port "
        f"{row.get('destination.port')} to {row.get('target')} port {row.get('local-port')}"
    )
