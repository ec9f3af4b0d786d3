"""
Cisco IOS configurations as lines with the lines above them, and when one is whole.

``show running-config`` and ``show startup-config`` end in ``end``. A user below level 15 is shown only what
that user may set, and ``end`` too, so that a whole one also has what every router's has.
"""

from __future__ import annotations

import re

Line = tuple[str, ...]
"""``("interface Vlan1", "ip nat inside")``: a line with those it stands below."""

ALWAYS = (r"version \S", r"hostname \S", r"interface \S", r"line (?:con|aux|vty|console|\d)")
"""Lines of every router's configuration, the last of them near its end."""

NOTICE = re.compile(r"\n{3}\x07?\*{3}\n\*{3}[^\n]*\n\*{3}\n")
"""``*** --- SHUTDOWN in 0:05:00 ---``: written into whatever is on the screen (Netspoc-Approve's driver)."""
LOG = re.compile(
    r"^(?:[*.]?(?:\d+: )*[*.]?[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?[\d:.]+[^%\n]*: )?"
    r"%[A-Z][A-Z\d_]*(?:-[A-Z\d_]+)?-\d-[A-Z\d_]+: .*\n?",
    re.MULTILINE,
)
"""A log message on the terminal: ``*Feb 15 15:56:41.528: %SYS-5-CONFIG_I: ...``."""
TEXT = re.compile(r"(?:banner \S+|aaa authentication (?:banner|fail-message)) (\^C|\S)")
"""The beginning of a text up to the next such mark; none of its lines is configuration."""
CERTIFICATE = "crypto pki certificate"
"""Written out in the running configuration, and in the startup one by the name of its file."""


def quiet(said: str) -> str:
    """The answer without what the router wrote into it for whoever looks."""
    return LOG.sub("", NOTICE.sub("", said))


def config_lines(said: str) -> tuple[Line, ...]:
    """The lines of a configuration; :class:`ValueError` says why it is not whole."""
    rows = [row.rstrip() for row in quiet(said).splitlines()]
    rows = rows[next((n for n, row in enumerate(rows) if re.match(ALWAYS[0], row)), len(rows)) :]
    while rows and not rows[-1]:
        rows.pop()
    if not rows or rows[-1] != "end":
        raise ValueError("it does not go from 'version' to 'end'")
    found = _nested(_without_texts(rows[:-1]))
    for pattern in ALWAYS:
        if not any(re.match(pattern, line[0]) for line in found):
            raise ValueError(f"it holds no line {pattern.split(' ')[0]!r}")
    return found


def _without_texts(rows: list[str]) -> list[str]:
    """Without banners, whose words may look like lines."""
    kept, mark = list[str](), ""
    for row in rows:
        if mark:
            mark = "" if mark in row else mark
        elif text := TEXT.match(row):
            mark = "" if text[1] in row[text.end() :] else text[1]
        elif row.strip() and not row.lstrip().startswith("!"):
            kept.append(row)
    if mark:
        raise ValueError("a banner does not end")
    return kept


def _nested(rows: list[str]) -> tuple[Line, ...]:
    found = list[Line]()
    above = list[tuple[int, str]]()
    for row in rows:
        indent = len(row) - len(row.lstrip())
        while above and above[-1][0] >= indent:
            above.pop()
        above.append((indent, row.strip()))
        found.append(tuple(text for _, text in above))
    return tuple(found)


def written(line: Line) -> str:
    """The line for people, with where it stands."""
    return ": ".join(line)


def others(lines: tuple[Line, ...], ours: re.Pattern[str]) -> tuple[Line, ...]:
    """What somebody may have edited: neither our lines, nor what the router itself writes."""
    return tuple(line for line in lines if not _moves_by_itself(line[0]) and not ours.fullmatch(line[0]))


def _moves_by_itself(top: str) -> bool:
    return top.startswith((CERTIFICATE, "ntp clock-period"))


def edited(said: str, ours: re.Pattern[str]) -> bool | None:
    """Does the router's own comparison show lines that are not ours? None when it shows nothing at all."""
    rows = quiet(said).splitlines()
    if not any("Contextual Config Diffs" in row or "No changes were found" in row for row in rows):
        return None
    top = ""
    for row in rows:
        sign = row.lstrip()[:1]
        text = row.lstrip().lstrip("+-").strip()
        if not row.startswith(" "):
            top = text
        told = sign in ("+", "-") and text[:1] not in ("", "!")
        if told and not ours.fullmatch(text) and not _moves_by_itself(top):
            return True
    return False
