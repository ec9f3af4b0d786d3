"""
OpenWrt: what was set and not committed (``uci changes``), and whose it is.

The firewall takes staged changes in whenever it is reloaded (libuci loads them with the configuration), and a
commit stores all of a package, whoever staged it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from sipalg_fix.drivers._family import unread, whole
from sipalg_fix.drivers.openwrt import probes
from sipalg_fix.drivers.openwrt.config import ABSENT, Section, Setting
from sipalg_fix.model.session import Transcript

LINE = re.compile(
    r"(?P<gone>-?)firewall\.(?P<section>[\w-]+)\.(?P<option>\w+)(?:(?P<how>[+-]?=)(?P<text>.*))?"
)
OURS = ("auto_helper", "helper", "set_helper")
"""Options that say which helper is attached, whatever section they are in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """Lines as printed: those about helpers, and all others. ``why`` they could not be read; else empty."""

    helpers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    why: str = ""


def staged(seen: Transcript, sections: list[Section]) -> Staged:
    """What ``uci changes`` shows."""
    reply = seen.get(probes.CHANGES)
    if reply is None or not reply.ok or not whole(reply.text, (r"^end of changes$",)):
        return Staged(why=unread(seen, probes.CHANGES) or "the list of uncommitted changes is not whole")
    lines = [line for line in reply.text.splitlines() if line and line != "end of changes"]
    helpers = tuple(line for line in lines if _about_helpers(line, sections))
    return Staged(helpers=helpers, others=tuple(line for line in lines if line not in helpers))


def _about_helpers(line: str, sections: list[Section]) -> bool:
    match = LINE.fullmatch(line)
    if match is None:
        return False
    section = _section(match["section"], sections)
    disables = match["option"] == "enabled" and section is not None and "set_helper" in section.options
    return match["option"] in OURS or disables


def _section(name: str, sections: list[Section]) -> Section | None:
    """By name, or ``cfgNNxxxx``: the NNth of the file, in hex (libuci, list.c)."""
    number = re.fullmatch(r"cfg([0-9a-f]{2,})[0-9a-f]{4}", name)
    for section in sections:
        if section.name == name or (number and section.number == int(number[1], 16) and not section.name):
            return section
    return None


def applied(lines: tuple[str, ...], sections: list[Section]) -> dict[tuple[str, str], Setting]:
    """
    What these lines make of the options they speak of, by section and option. :class:`ValueError` for a line
    about a section that is not in the file.
    """
    found: dict[tuple[str, str], Setting] = {}
    for line in lines:
        match = LINE.fullmatch(line)
        section = _section(match["section"], sections) if match else None
        if match is None or section is None:
            raise ValueError(f"a change of a section that is not stored: {line}")
        key = (section.ref, match["option"])
        now = found.get(key, section.options.get(match["option"], ABSENT))
        text = tuple(shlex.split(match["text"] or ""))
        match match["how"]:
            case "+=":
                found[key] = Setting(values=(*now.values, *text), several=True)
            case "-=":
                left = tuple(value for value in now.values if value not in text)
                found[key] = Setting(values=left, several=now.several)
            case "=":
                found[key] = Setting(values=text)
            case _:
                found[key] = ABSENT
    return found
