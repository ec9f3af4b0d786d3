"""What was listened to, on a screen and as a spreadsheet: first what a person should look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from sipalg_fix.model.passive import FLAGGED, Caller, Noted, PassiveReport, Shown
from sipalg_fix.reports.drawing import draw, table
from sipalg_fix.reports.spreadsheet import BETWEEN, harmless
from sipalg_fix.reports.words import count, visible

LISTED: Final = 200
"""Addresses that a table lists; csv and json have all."""

QUIET_OVER: Final = 30
"""With more addresses than this, those that are not flagged are counted and not listed."""

COLUMNS: Final = (
    "address", "shown", "reason", "box", "messages", "flows", "ports", "users", "first", "last", "signs",
    "evidence",
)  # fmt: skip
"""Of the spreadsheet; new ones may be added at the end."""

STYLES: Final = {
    Shown.REWRITES: "bold red",
    Shown.PROXY: "bold red",
    Shown.LOOKS_REWRITTEN: "yellow",
    Shown.UNALTERED: "green",
    Shown.CANNOT_SAY: "dim",
}
HEADLINE: Final = {
    Shown.REWRITES: "a box alters SIP, proven",
    Shown.PROXY: "a SIP proxy sends for phones behind it",
    Shown.LOOKS_REWRITTEN: "messages look rewritten",
    Shown.UNALTERED: "messages came unaltered, as far as was heard",
    Shown.CANNOT_SAY: "it cannot be told",
}


def passive_table(report: PassiveReport, *, color: bool, width: int) -> str:
    """Flagged addresses with their evidence, then the others, then how many there are of each kind."""
    every = len(report.callers) <= QUIET_OVER
    listed = [caller for caller in report.callers if every or caller.shown in FLAGGED][:LISTED]
    parts: list[RenderableType] = []
    if listed:
        head = ("Address", "Shown", "Box", "Messages", "Ports", "Users")
        cells = [
            [Text(cell, style=STYLES[c.shown] if n == 1 else "") for n, cell in enumerate(_row(c))]
            for c in listed
        ]
        parts += [table(head, cells, width=width, keep=(0, 1, 3)), Text()]
        for caller in listed:
            parts.append(Text(visible(caller.address), style="bold"))
            parts += [Padding(Text(line, overflow="fold"), (0, 0, 0, 4)) for line in _why(caller)]
        parts.append(Text())
    if len(listed) < len(report.callers):
        rest = count(len(report.callers) - len(listed), "address", "addresses")
        parts.append(Text(f"Not listed: {rest}; --output csv and json name all."))
    parts += [Text(line) for line in _ending(report)]
    return draw(parts, color=color, width=width)


def passive_csv(report: PassiveReport) -> str:
    """One line an address."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for caller in report.callers:
        cells = (
            caller.address, caller.shown.value, caller.reason, caller.box, str(caller.messages),
            str(caller.flows), BETWEEN.join(caller.ports), BETWEEN.join(caller.users), caller.first,
            caller.last,
            BETWEEN.join(noted.sign.value for noted in caller.signs),
            BETWEEN.join(_evidence(noted) for noted in caller.signs),
        )  # fmt: skip
        writer.writerow([harmless(cell) for cell in cells])
    return file.getvalue()


def _row(caller: Caller) -> tuple[str, ...]:
    return (
        visible(caller.address),
        caller.shown.value,
        caller.box or "",
        str(caller.messages),
        ", ".join(caller.ports),
        visible(", ".join(caller.users)),
    )


def _why(caller: Caller) -> Iterator[str]:
    yield visible(caller.reason)
    if caller.shown in FLAGGED:
        for noted in caller.signs:
            yield f"- {_evidence(noted)} ({noted.basis})"


def _evidence(noted: Noted) -> str:
    """One line of what was seen."""
    what = f"{noted.field}: " if noted.field else ""
    if noted.before and noted.after:
        what += f"{noted.before} against {noted.after}"
    else:
        what += noted.after or noted.before or noted.words
    times = f", {noted.count} times" if noted.count > 1 else ""
    return visible(f"{noted.sign.value}: {what}{times}")


def _ending(report: PassiveReport) -> Iterator[str]:
    for shown, number in report.counts.items():
        if number:
            yield f"{count(number, 'address', 'addresses')}: {HEADLINE[shown]} [{shown.value}]"
    if not report.callers:
        yield "No SIP request was heard: nothing can be told."
    for what, number in report.not_read.items():
        yield f"Not read: {visible(what)}: {number}"
    yield f"{count(report.messages, 'SIP message')} from {report.source}, {report.at}."
