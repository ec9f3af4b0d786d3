"""Cisco IOS: which release speaks, and whether it lets this session see all of its configuration."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import find, last_words, text, unread
from sipalg_fix.drivers.cisco_ios.probes import (
    ENDED,
    MODEL,
    OTHERS,
    PRIVILEGE,
    RELEASE,
    RUNNING,
    VERSION,
)
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.session import Transcript


def identity(seen: Transcript) -> tuple[str, str]:
    """Version and model; NotUnderstood for what is no IOS."""
    said = text(seen, VERSION)
    for other in OTHERS:
        if other in said:
            raise NotUnderstood(f"'{VERSION.text}' says {other}, not IOS", code="wrong-platform")
    found = (re.search(pattern, said, re.MULTILINE) for pattern in RELEASE)
    version = next((match[1] for match in found if match), "")
    if not version:
        raise NotUnderstood(f"no Cisco IOS version in the answer to '{VERSION.text}'")
    find(seen, VERSION, f"({ENDED})", "last line 'Configuration register'")
    model = MODEL.search(said)
    return version, model[1] if model else ""


def check_privileged(seen: Transcript) -> None:
    """
    NotUnderstood below level 15: there ``show running-config`` leaves out what the user may not set,
    and still ends in ``end`` (Cisco IOS Security Configuration Guide, privilege levels).
    """
    shown = "" if unread(seen, PRIVILEGE) else text(seen, PRIVILEGE)
    level = re.search(r"^Current privilege level is (\d+)\s*$", shown, re.MULTILINE)
    reply = seen.get(RUNNING)
    refused = f", '{RUNNING.text}' says {last_words(reply)!r}" if reply and not reply.ok else ""
    if level is not None and level[1] == "15" and not refused:
        return
    if level is None and not refused:
        raise NotUnderstood(
            f"the answer to '{PRIVILEGE.text}' shows no level, so the configuration may be a part"
        )
    is_so = f"the session is at privilege level {level[1]}" if level else "the session's level is not shown"
    message = f"{is_so}{refused}; only level 15 is shown all of it: give the enable password as 'secret'"
    raise NotUnderstood(message, code="not-privileged")
