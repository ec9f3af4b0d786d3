"""
OpenWrt: connections that the SIP helper works on now, by ``conntrack`` or by what the kernel shows itself.

The package conntrack is not installed by default. Without it the kernel lists connections without their
helper; but a helper makes expectations under its name, and keeps its connections for an hour
(nf_conntrack_sip.c, sip_timeout) where others are forgotten after the stream timeout.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import unread, whole
from sipalg_fix.drivers.linux.planes import missing
from sipalg_fix.drivers.openwrt import probes
from sipalg_fix.drivers.openwrt.kernel import MODULE, modules
from sipalg_fix.model.facts import Plane, off, on, unknown
from sipalg_fix.model.session import Transcript

TIMEOUT = re.compile(r"^ipv[46]\s+\d+\s+(?:udp|tcp)\s+\d+\s+(\d+)\s")


def no_tool(seen: Transcript) -> bool:
    """Is there no conntrack command?"""
    reply = seen.get(probes.FLOWS)
    return reply is not None and "shown" not in reply.text and "not found" in reply.text


def flows(seen: Transcript) -> Plane:
    """Without the module there can be none; else what the tool says, or the kernel."""
    reply = seen.get(probes.FLOWS)
    said = reply.text if reply else ""
    if found := re.findall(r"^.*\bhelper=sip(?:-\d+)?(?=\s|$).*$", said, re.MULTILINE):
        return on(*(line.strip() for line in found))
    shown = len(re.findall(r"entries have been shown", said)) == 2 and whole(said, ("^end of flows$",))
    if reply and reply.ok and shown:
        return off("conntrack: no connection has the helper sip")
    loaded = modules(seen)
    if loaded is not None and MODULE not in loaded:
        return off(f"{MODULE} is not loaded")
    if no_tool(seen):
        return _by_kernel(seen)
    return unknown(
        unread(seen, probes.FLOWS) or f"conntrack did not list the connections: {said.strip()[:80]}"
    )


def _by_kernel(seen: Transcript) -> Plane:
    expected = seen.get(probes.EXPECTED)
    if expected and (found := re.findall(r"^.*\bsip(?:-\d+)?/.*$", expected.text, re.MULTILINE)):
        return on(*(line.strip() for line in found))
    tracked = seen.get(probes.TRACKED)
    if tracked is None or not tracked.ok or not whole(tracked.text, ("^end of connections$",)):
        return unknown(unread(seen, probes.TRACKED) or "the kernel did not list its connections")
    lines = [line for line in tracked.text.splitlines() if TIMEOUT.match(line)]
    if kept := [line for line in lines if _timeout(line) > _stream(seen) and " udp " in line]:
        return on(*kept)
    if len(lines) != len(tracked.text.strip().splitlines()) - 1:
        return unknown("the kernel's list of connections was not understood")
    if lines:
        why = f"{len(lines)} connections to port 5060, of which only the package conntrack shows the helper"
        return unknown(why, *lines)
    if expected is None or not whole(expected.text, ("^end of expectations$",)) or not expected.ok:
        if missing(seen, probes.EXPECTED):
            return off("the kernel tracks no connection to port 5060")
        return unknown(unread(seen, probes.EXPECTED) or "the kernel did not list its expectations")
    return off("the kernel tracks no connection to port 5060, and expects none of SIP")


def _timeout(line: str) -> int:
    match = TIMEOUT.match(line)
    return int(match[1]) if match else 0


def _stream(seen: Transcript) -> int:
    """How long a connection without helper is kept; the longest that is sensible where it is not said."""
    reply = seen.get(probes.STREAM)
    return int(reply.text) if reply and reply.ok and re.fullmatch(r"\d+\s*", reply.text) else 3600
