"""
Cisco IOS: streams that may be calls, as the table of translations shows them.

A UDP translation stays in the table for the UDP timeout (300 seconds unless set) from its last packet on, so
that whoever talks is in it. How long ago the last packet was, ``verbose`` says in three forms by release,
and no manual says how soon a forwarding processor tells: so each that is there counts, and one that has
ended counts until it is gone. Where translations are not all that may be a call (:mod:`.passing`), what
is seen counts, and nothing seen proves nothing.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._calls import may_be_audio
from sipalg_fix.drivers._family import text, unread
from sipalg_fix.drivers.cisco_ios.config import config_lines, quiet
from sipalg_fix.drivers.cisco_ios.identity import check_privileged, identity
from sipalg_fix.drivers.cisco_ios.passing import translates_all
from sipalg_fix.drivers.cisco_ios.probes import PRIVILEGE, RUNNING, STATISTICS, TRANSLATIONS, VERSION, is_xe
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.session import Transcript

STREAMS = (VERSION, PRIVILEGE, RUNNING, STATISTICS, TRANSLATIONS)

HEAD = re.compile(r"Pro\s+Inside global\s+Inside local\s+Outside local\s+Outside global")
TOTAL = re.compile(r"Total number of translations: (\d+)")
EMPTY = re.compile(r"^Total active translations: 0 \(0 static, 0 dynamic[;,] 0 extended\)\s*$", re.MULTILINE)
PART = r"(?:---|\d+(?:\.\d+){3}(?::\d+)?)"
ROW = re.compile(rf"(?P<protocol>---|[a-z\d]+) +{PART} +(?P<inside>{PART}) +{PART} +(?P<outside>{PART})")
"""Inside local and outside global are the two ends' own; inside global's port the router has chosen."""


def live_streams(seen: Transcript) -> int | None:
    """
    How many translations may carry a call, each counted once with its control connection, which has the
    port beside it (RFC 3550, section 11). None for a list that is cut, refused or does not add up, and
    for none where calls may pass that are not in it.
    """
    rows = _rows(seen)
    if rows is None:
        return None
    udp = (row for row in rows if row["protocol"] == "udp" and row["outside"] != "---")
    ends = [(*_end(row["inside"]), *_end(row["outside"])) for row in udp]
    found = {
        (inner, sport // 2, outer, dport // 2)
        for inner, sport, outer, dport in ends
        if may_be_audio(sport, dport)
    }
    return len(found) if found or _are_all(seen) else None


def _rows(seen: Transcript) -> list[re.Match[str]] | None:
    """The table; None where it is not whole. IOS-XE ends it with the total, IOS with the prompt alone."""
    reply = seen.get(TRANSLATIONS)
    if reply is None or not reply.ok or not reply.prompt:
        return None
    lines = [line.strip() for line in quiet(reply.text).splitlines() if line.strip()]
    total = TOTAL.fullmatch(lines[-1]) if lines else None
    lines = [line for line in (lines[:-1] if total else lines) if not HEAD.fullmatch(line)]
    rows = [row for row in map(ROW.fullmatch, lines) if row]
    if len(rows) != len(lines) or (total and int(total[1]) != len(rows)):
        return None
    if not rows:
        # An empty table is an empty answer, which alone proves nothing.
        return rows if not unread(seen, STATISTICS) and EMPTY.search(text(seen, STATISTICS)) else None
    return rows if total or _is_classic(seen) else None


def _is_classic(seen: Transcript) -> bool:
    try:
        identity(seen)
    except NotUnderstood:
        return False
    return not is_xe(seen)


def _end(part: str) -> tuple[str, int]:
    """Address and port; one without a port may be any."""
    address, _, port = part.partition(":")
    return address, int(port or 1024)


def _are_all(seen: Transcript) -> bool:
    """Does nothing pass this router but what it translates?"""
    try:
        check_privileged(seen)
        return translates_all(config_lines(text(seen, RUNNING)))
    except (NotUnderstood, ValueError):
        return False
