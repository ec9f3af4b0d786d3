"""
How replies are read without guessing: what the drivers share.

A reply that is refused, empty or cut proves nothing. That a line is absent counts only in a reply that
shows what it must hold: something every such reply has, and an end mark where the device gives no other
proof that it said all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import Plane, off, on, unknown
from sipalg_fix.model.session import Command, Reply, SshExec, Transcript

BOOT_ID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.MULTILINE)
"""/proc/sys/kernel/random/boot_id (Linux, proc(5)): a UUID made anew at each boot."""

BY_SH = SshExec(wrap="/bin/sh -c '<command>'")
"""
Lines for sh, whatever the login shell is: a csh takes ``2>&1`` for a file named 1, and makes one even for
what only looks, should the router be another than it is taken for.
"""


def unread(seen: Transcript, command: Command) -> str:
    """Why nothing can be read from the reply to this command; empty when it was answered."""
    reply = seen.get(command)
    if reply is None:
        why = seen.why_unread(command.access) or f"'{command.text}' was not asked"
        return f"not read: {why}"
    if not reply.ok:
        return f"'{command.text}' was refused: {last_words(reply)} ({reply.status})"
    return ""


def text(seen: Transcript, command: Command) -> str:
    """The text of an answered command; NotUnderstood when it was not answered."""
    reply = seen.get(command)
    if why := unread(seen, command):
        raise NotUnderstood(why)
    return reply.text if reply else ""


def find(seen: Transcript, command: Command, pattern: str, what: str) -> str:
    """The first group of the pattern, which the reply must hold; NotUnderstood names what is missing."""
    match = re.search(pattern, text(seen, command), re.MULTILINE)
    if match is None:
        raise NotUnderstood(f"no {what} in the answer to '{command.text}'")
    return match[1].strip()


def lines(said: str, pattern: str) -> tuple[str, ...]:
    """The lines in which the pattern is found, without blanks around them, each once."""
    found = (line.strip() for line in said.splitlines() if re.search(pattern, line))
    return tuple(dict.fromkeys(found))


def whole(said: str, must_hold: tuple[str, ...]) -> bool:
    """Does the reply show all that it must hold, so that what is absent is absent on the device?"""
    return all(re.search(pattern, said, re.MULTILINE) for pattern in must_hold)


def on_if(
    seen: Transcript, command: Command, pattern: str, *, must_hold: tuple[str, ...], absent: str
) -> Plane:
    """On by the lines that match; off, in the words ``absent``, only in a reply that is whole."""
    if why := unread(seen, command):
        return unknown(why)
    said = text(seen, command)
    if found := lines(said, pattern):
        return on(*found)
    return off(absent) if whole(said, must_hold) else cut(command)


def off_if(
    seen: Transcript, command: Command, pattern: str, *, must_hold: tuple[str, ...], absent: str
) -> Plane:
    """Off by the lines that match; on, in the words ``absent``, only in a reply that is whole."""
    if why := unread(seen, command):
        return unknown(why)
    said = text(seen, command)
    if found := lines(said, pattern):
        return off(*found)
    return on(absent) if whole(said, must_hold) else cut(command)


def cut(command: Command) -> Plane:
    """The plane of a reply that does not show what it must hold."""
    return unknown(f"the answer to '{command.text}' is not whole")


def boot_id(seen: Transcript, command: Command) -> str:
    """The boot id, or nothing when there is none in the reply."""
    reply = seen.get(command)
    match = BOOT_ID.search(reply.text) if reply is not None and reply.ok else None
    return match[0] if match else ""


def went_back(before: str, after: str, seconds: float) -> bool:
    """
    For marks ``uptime N``: within one boot it only grows, so a smaller one is another boot.

    Where the router had been up for less time than its restart takes this is not shown, and stays so.
    """
    del seconds
    was, now = (re.fullmatch(r"uptime (\d+)", mark) for mark in (before, after))
    return was is not None and now is not None and int(now[1]) < int(was[1])


def last_words(reply: Reply) -> str:
    """What a person would quote of a refusal: the last line that says something."""
    said = [line.strip() for line in reply.text.splitlines() if line.strip()]
    return said[-1] if said else "without a word"


def json_object(said: str) -> Mapping[str, Any] | None:
    """A JSON object from a reply; None when it is none, or not all of it is there."""
    try:
        value = json.loads(said)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def json_rows(said: str) -> tuple[Mapping[str, Any], ...] | None:
    """JSON objects one a line; None when a line is none."""
    rows = [json_object(line) for line in said.splitlines() if line.strip()]
    found = tuple(row for row in rows if row is not None)
    return found if len(found) == len(rows) else None


def port_numbers(said: str) -> tuple[int, ...]:
    """The ports in ``5060,5061``, ``{ 5060, 5080 }`` or ``5060-5062``, sorted; long ranges by their ends."""
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", said):
        low, high = int(first), int(last or first)
        found |= set(range(low, high + 1)) if high - low < 100 else {low, high}
    return tuple(sorted(port for port in found if 0 < port < 65536))
