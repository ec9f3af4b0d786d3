"""
Cisco IOS: one boot from the next, by ``router uptime is 2 weeks, 3 days, 4 hours, 5 minutes``.

The line ``System restarted at`` is not used: it is reckoned from the clock, and moves when the clock is set.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers.cisco_ios.probes import VERSION
from sipalg_fix.model.session import Transcript

SECONDS = {"year": 31_536_000, "week": 604_800, "day": 86_400, "hour": 3600, "minute": 60, "second": 1}


def boot_mark(seen: Transcript) -> str:
    """``uptime N`` in seconds, exact to the minute; empty where the router does not say."""
    reply = seen.get(VERSION)
    said = reply.text if reply is not None and reply.ok else ""
    line = re.search(r"^\S+ uptime is ((?:\d+ [a-z]+(?:, )?)+)\s*$", said, re.MULTILINE)
    if line is None:
        return ""
    parts = re.findall(r"(\d+) ([a-z]+?)s?(?:,|$)", line[1].strip())
    if not parts or any(unit not in SECONDS for _, unit in parts):
        return ""
    return f"uptime {sum(int(count) * SECONDS[unit] for count, unit in parts)}"
