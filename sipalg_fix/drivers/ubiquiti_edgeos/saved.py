"""EdgeOS: what the next boot loads."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import last_words, text, unread
from sipalg_fix.drivers.ubiquiti_edgeos.config import Path, boot_paths, secretless
from sipalg_fix.drivers.ubiquiti_edgeos.probes import CONFIRM_JOB, DISABLE, SIP, STARTUP
from sipalg_fix.model.facts import Plane, Value, off, on, unknown
from sipalg_fix.model.session import Transcript


def job_pending(seen: Transcript) -> Plane:
    """Is a commit-confirm running? Its job's number stands in a file until it is confirmed or fires."""
    reply = seen.get(CONFIRM_JOB)
    if reply is None:
        return unknown(unread(seen, CONFIRM_JOB))
    if re.search(r"^/var/run/confirm\.job\s*$", reply.text, re.MULTILINE):
        return on("/var/run/confirm.job")
    return off(last_words(reply)) if "No such file" in reply.text else unknown(last_words(reply))


def saved(seen: Transcript, running: tuple[Path, ...]) -> tuple[Plane, bool | None]:
    """The startup plane, and whether anything but SIP was left unsaved (None: cannot be told)."""
    if why := unread(seen, STARTUP):
        return unknown(why), None
    try:
        paths = boot_paths(text(seen, STARTUP))
    except ValueError as why:
        return unknown(f"config.boot is not whole: {why}"), None
    if not any(path[:2] == ("system", "host-name") for path in paths):
        return unknown("config.boot is not whole: it holds no host-name"), None
    plane = on("config.boot: no 'modules sip disable'")
    if DISABLE in paths:
        plane = off("config.boot: " + " ".join(DISABLE))
    pending = job_pending(seen)
    if pending.value is Value.ON:
        plane = unknown("a commit-confirm is pending: unconfirmed, it puts an older config.boot back")
    elif pending.value is Value.UNKNOWN:
        plane = unknown(f"whether a commit-confirm is pending could not be told: {pending.reason}")
    return plane, _others(running) != _others(paths) if running else None


def _others(paths: tuple[Path, ...]) -> frozenset[Path]:
    """All but SIP, and but the nodes that are there only to hold it."""
    return secretless(tuple(path for path in paths if path[:4] != SIP and path != SIP[: len(path)]))
