"""
What the console prints: items with their flags, the menus of one item, and how values are written there.

Source: prints of routers on the net (``/ip firewall service-port print detail``, ``/system resource
print``) and the MikroTik manual, page "Console". Truth is yes and no; texts stand in quotes; ``disabled``,
``invalid``, ``dynamic`` and what a connection is or is not are letters before an item, explained above the
first. Those of connections have a place each, as on the net: ``0  SAC Fs  protocol=tcp src-address=…``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from sipalg_fix.lab.twins.routeros.box import Row

WIDTH = 80
"""Of a console without a terminal."""
FLAGS = {
    "disabled": "X",
    "invalid": "I",
    "dynamic": "D",
    "expected": "E",
    "seen-reply": "S",
    "assured": "A",
    "confirmed": "C",
    "dying": "D",
    "fasttrack": "F",
    "srcnat": "s",
    "dstnat": "d",
}
TEXTS = frozenset({"name", "comment", "on-event", "source", "owner"})
HIDDEN = frozenset({".id"})


def value(name: str, text: str) -> str:
    """As it stands after ``name=``."""
    if name in TEXTS:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return {"true": "yes", "false": "no"}.get(text, text)


def items(all_rows: Iterable[Row], shown: list[tuple[int, Row]]) -> list[str]:
    """``print detail`` of some items with their numbers; the legend has the flags that the menu has."""
    rows = list(all_rows)
    has = [flag for flag in FLAGS if any(flag in row for row in rows)]
    legend = "Flags: " + ", ".join(f"{FLAGS[flag]} - {flag}" for flag in has)
    lines = [f"{line} " for line in textwrap.wrap(legend, WIDTH)] if has else []
    places = "assured" in has  # many flags have a place each
    for number, row in shown:
        letters = "".join(FLAGS[flag] if row.get(flag) == "true" else " " * places for flag in has)
        words = [f"{n}={value(n, t)}" for n, t in row.items() if n not in FLAGS and n not in HIDDEN]
        head = f"{number:>2} {letters or ' ':<1} "
        lines += [
            f"{line} "
            for line in textwrap.wrap(
                " ".join(words), WIDTH, initial_indent=head, subsequent_indent=" " * 6,
                break_long_words=False, break_on_hyphens=False,
            )
        ]  # fmt: skip
        lines.append("")
    return lines


def single(row: Row) -> list[str]:
    """A menu of one item: names to the right, values to the left."""
    width = max((len(name) for name in row), default=0) + 2
    return [f"{name:>{width}}: {amount(name, text)}" for name, text in row.items()]


def amount(name: str, text: str) -> str:
    """Memory, frequencies and shares with their units; truth as everywhere on the console."""
    if name.endswith(("-memory", "-space")):
        size = int(text) / 1024
        return f"{size:.1f}KiB" if size < 4096 else f"{size / 1024:.1f}MiB"
    if name == "cpu-frequency":
        return f"{text}MHz"
    if name in ("cpu-load", "bad-blocks"):
        return f"{text}%"
    return {"true": "yes", "false": "no"}.get(text, text)
