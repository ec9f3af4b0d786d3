"""
UniFi: what passes the gateway, as its own kernel tracks it. No API of a controller shows that.
"""

from __future__ import annotations

from collections.abc import Callable

from sipalg_fix.drivers._calls import live_calls, live_streams
from sipalg_fix.drivers.ubiquiti_unifi.gateway import gateways, is_reached, rows
from sipalg_fix.drivers.ubiquiti_unifi.probes import ADDRESSES, CALLS, DEVICES, STREAMS
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.session import Command, Transcript

AT_GATEWAY = (DEVICES, ADDRESSES)
"""By which it is known whether what answers by SSH is the site's gateway."""
CALLS_ASKED, STREAMS_ASKED = (*AT_GATEWAY, CALLS), (*AT_GATEWAY, STREAMS)


def calls(seen: Transcript) -> int | None:
    """How many calls its SIP helper follows; None where that is not told, or by another device."""
    return _at_gateway(seen, CALLS, live_calls)


def streams(seen: Transcript) -> int | None:
    """How many streams pass it that may be calls; None where that is not told, or by another device."""
    return _at_gateway(seen, STREAMS, live_streams)


def _at_gateway(
    seen: Transcript, command: Command, count: Callable[[Transcript, Command], int | None]
) -> int | None:
    try:
        found = gateways(rows(seen, DEVICES))
    except NotUnderstood:
        return None
    return None if len(found) != 1 or is_reached(seen, found[0]) else count(seen, command)
