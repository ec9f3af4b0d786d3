"""
RouterOS: the streams that pass it and may be calls, whoever follows them, by its tables of connections.

A restart ends them all. What is listed under ``/ip firewall connection`` and, for IPv6, under ``/ipv6
firewall connection`` is one where it is assured UDP between ports that audio may have, and in use now: its
``timeout`` begins at ``udp-stream-timeout`` with each packet (manual, "Connection tracking"), and packets of
audio are some hundredths of a second apart. FastTracked packets bypass connection tracking (the same page),
so that the timeout of such a connection says nothing: as long as it is listed it counts.

Where connections are not tracked none are listed. That they are is shown by ``total-entries``: one there
always is, by which the router is asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sipalg_fix.drivers._calls import AGE_SECONDS, may_be_audio
from sipalg_fix.drivers._family import text, unread
from sipalg_fix.drivers.mikrotik_routeros.read import TRUTH
from sipalg_fix.drivers.mikrotik_routeros.wording import Wording
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.session import Command, Transcript

NO_MENU = re.compile(r"no such command or directory \(ipv6\)|bad command name ipv6\b")
"""A router without IPv6, which up to 6 is a package of its own."""

UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
PART = r"(\d+(?:\.\d+)?)(ms|us|ns|[wdhms])"
CLOCK = re.compile(r"(?:(\d+)w)?(?:(\d+)d ?)?(\d{1,2}):(\d\d):(\d\d(?:\.\d+)?)")
JOINED = re.compile(r"(\d+(?:\.\d+){3}|\[[0-9A-Fa-f:.]+(?:%\S+)?\]):(\d+)")

Key = tuple[str, int, str, int]


def seconds(said: str) -> float | None:
    """``2m59s``, ``1d00:02:59``, ``00:03:00``, ``59s980ms``; None for anything else, a bare number, too."""
    if clock := CLOCK.fullmatch(said):
        weeks, days, hours, minutes, rest = (float(part or 0) for part in clock.groups())
        return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + rest
    if not re.fullmatch(rf"(?:{PART})+", said):
        return None
    return sum(float(count) * UNITS[unit] for count, unit in re.findall(PART, said))


def live_streams(by: Wording, seen: Transcript) -> int | None:
    """
    How many there are, each counted once with the one that controls it, which has the port beside it (RFC
    3550, section 11). None where connections are not tracked, or an answer is cut, refused or not understood.
    """
    try:
        full = _stream_timeout(by, seen)
        found = {key for command in by.udp for row in _listed(by, seen, command) if (key := _key(row, full))}
    except NotUnderstood:
        return None
    return len(found)


def _stream_timeout(by: Wording, seen: Transcript) -> float:
    """In seconds, of a router that tracks connections."""
    rows = by.rows(by.tracking, text(seen, by.tracking))
    settings = {key: str(value) for key, value in rows[0].items()} if len(rows) == 1 else {}
    off = {settings.get("enabled", "no"), settings.get("active-ipv4", "yes")} & {"no", "false"}
    if off or not re.fullmatch(r"[\d ]*[1-9][\d ]*", settings.get("total-entries", "")):
        raise NotUnderstood("the router does not show that it tracks connections")
    full = seconds(settings.get("udp-stream-timeout", ""))
    if not full:
        raise NotUnderstood("the router does not show its udp-stream-timeout")
    return full


def _listed(by: Wording, seen: Transcript, command: Command) -> tuple[Mapping[str, Any], ...]:
    reply = seen.get(command)
    if command is by.udp[-1] and reply and NO_MENU.search(reply.text):
        return ()
    rows = None if unread(seen, command) else by.whole(text(seen, command))
    if rows is None:
        raise NotUnderstood(f"the answer to '{command.text}' is not whole")
    return rows


def _key(row: Mapping[str, Any], full: float) -> Key | None:
    """What a stream and the one that controls it have in common; None for a connection that is neither."""
    (source, sport), (target, dport) = _end(row, "src"), _end(row, "dst")
    if not may_be_audio(sport, dport) or not _in_use(row, full):
        return None
    return source, sport // 2, target, dport // 2


def _end(row: Mapping[str, Any], side: str) -> tuple[str, int]:
    """Address and port: of IPv6, and of later versions, each is a property; else they are one."""
    address, port = str(row.get(f"{side}-address", "")), str(row.get(f"{side}-port", ""))
    if not port and (joined := JOINED.fullmatch(address)):
        address, port = joined.groups()
    if not address or not re.fullmatch(r"\d{1,5}", port, re.ASCII):
        raise NotUnderstood(f"no port of {side}-address={address}")
    return address, int(port)


def _in_use(row: Mapping[str, Any], full: float) -> bool:
    fasttracked = TRUTH.get(str(row.get("fasttrack", "no")))
    left = seconds(str(row.get("timeout", "")))
    if fasttracked is None or left is None:
        raise NotUnderstood("a connection without its timeout")
    return fasttracked == "true" or left >= full - AGE_SECONDS
