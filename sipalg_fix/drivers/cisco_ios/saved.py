"""Cisco IOS: what the next boot loads, what nobody has saved, and whether a revert timer runs."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import last_words, text, unread
from sipalg_fix.drivers.cisco_ios.config import Line, config_lines, edited, others, quiet
from sipalg_fix.drivers.cisco_ios.probes import ANY_SIP, DIFFERENCES, NO_TIMER, STARTUP, TIMER, UNKNOWN_LINE
from sipalg_fix.model.facts import Plane, Value, off, on, unknown
from sipalg_fix.model.session import Transcript


def startup_lines(seen: Transcript, running: tuple[Line, ...]) -> tuple[Line, ...] | str:
    """
    The saved configuration, empty where there is none; a text says why it is not known: also where a
    revert timer may run and is not seen, for what it brings back may be saved by the next who saves.
    """
    if archived(running) and timer(seen).value is Value.UNKNOWN:
        return f"whether a revert timer runs could not be told: {timer(seen).reason}"
    if why := unread(seen, STARTUP):
        return why
    said = text(seen, STARTUP)
    if re.search(r"^startup-config is not present\s*$", said, re.MULTILINE):
        return ()
    try:
        return config_lines(said)
    except ValueError as why_not:
        return f"the answer to '{STARTUP.text}' is not whole: {why_not}"


def archived(running: tuple[Line, ...]) -> bool:
    """Is there a place for copies of the configuration? Without one no revert timer can be started."""
    return any(line[0] == "archive" and line[-1].startswith("path ") for line in running)


def unsaved(seen: Transcript, running: tuple[Line, ...], startup: tuple[Line, ...] | str) -> bool | None:
    """
    Do running and startup differ in more than our lines? None: it could not be told.

    The router's own comparison sees what is redacted here, such as a changed password.
    """
    if isinstance(startup, str):
        return None
    if others(running, ANY_SIP) != others(startup, ANY_SIP):
        return True
    return None if unread(seen, DIFFERENCES) else edited(text(seen, DIFFERENCES), ANY_SIP)


def timer(seen: Transcript) -> Plane:
    """
    Does a revert timer run, so that the configuration may go back by itself? Not where the release has
    no such command, which a session of level 15 is told.
    """
    reply = seen.get(TIMER)
    if reply is not None and not reply.ok and UNKNOWN_LINE.search(reply.text):
        return off(last_words(reply))
    if why := unread(seen, TIMER):
        return unknown(why)
    said = quiet(text(seen, TIMER))
    if NO_TIMER in said:
        return off(f"%{NO_TIMER}")
    if running := re.search(r"^Timer value: ?\S.*$", said, re.MULTILINE):
        return on(running[0])
    return unknown(f"'{TIMER.text}' says {last_words(reply)!r}" if reply else f"'{TIMER.text}' was not asked")
