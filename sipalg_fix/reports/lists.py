"""Lists on a screen: runs, what happened to one host, and rows of plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from sipalg_fix.model import journal as steps
from sipalg_fix.model.journal import Row, RunLine
from sipalg_fix.reports.drawing import draw, natural, table
from sipalg_fix.reports.words import EXITS, visible

NO_END: Final = "no end: under way, or cut short"

WIDEST: Final = 8
"""Columns that each heading of a plain table may cost beside its cells before it becomes blocks."""

STYLES: Final = {0: "green", 2: "bold red", 3: "yellow", 4: "yellow", 6: "bold magenta"}


def runs_table(lines: Sequence[RunLine], *, color: bool, width: int) -> str:
    """Newest first, as they come."""
    if not lines:
        return "No runs yet.\n"
    rows = []
    for line in lines:
        code = line.exit_code
        said = NO_END if code is None else f"{code}: {EXITS.get(code, '')}"
        style = "yellow" if code is None else STYLES.get(code, "")
        cells = (line.run, _took(line), line.by, str(line.hosts))
        rows.append([*(Text(visible(cell)) for cell in cells), Text(said, style=style)])
    headings = ("Run (UTC)", "Took", "By", "Hosts", "Exit code")
    return draw([table(headings, rows, width=width, keep=(0, 1, 3))], color=color, width=width)


def host_table(rows: Iterable[Row], *, color: bool, width: int) -> str:
    """Run by run, in order: when, and what."""
    parts: list[RenderableType] = []
    for run, of_run in groupby(rows, key=lambda row: row.run):
        own = list(of_run)
        cells = [[Text(_moment(row.at)), Text(visible(row.step)), Text(told(row))] for row in own]
        head = Text(f"{visible(run)}  by {visible(own[0].by)}", style="bold")
        parts += [Text(), head, table(("At (UTC)", "Step", "What"), cells, width=width, keep=(0, 1))]
    return draw(parts[1:] or [Text("Nothing is recorded of this host.")], color=color, width=width)


def told(row: Row) -> str:
    """A row in a few words. What is not known here is shown by its plain members."""
    payload = row.payload
    match row.step:
        case steps.STATE:
            words = [payload.get("state"), payload.get("why")]
        case steps.SENDING:
            words = [payload.get("phase"), payload.get("command")]
        case steps.REPLIED:
            first = str(payload.get("text") or "").strip().partition("\n")[0].strip()
            words = [payload.get("phase"), payload.get("error") or payload.get("status"), first]
        case steps.LOOKED | steps.RESULT:
            words = [_assessed(payload), _error(payload)]
        case steps.PLANNED:
            words = ["the plan as it was carried out, from", _assessed(_object(payload.get("plan")))]
            return visible(" ".join(filter(None, words)))
        case steps.BACKUP:
            words = [payload.get("command")]
        case _:
            words = [f"{key} {value}" for key, value in payload.items() if isinstance(value, str | int)]
    return visible(": ".join(str(word) for word in words if word))


def plain_table(rows: Sequence[Mapping[str, Any]], *, color: bool, width: int) -> str:
    """One line a row where that fits the screen, else one block a row."""
    if not rows:
        return "Nothing to list.\n"
    headings = [str(name).replace("_", " ") for name in rows[0]]
    cells = [[_cell(row.get(name)) for name in rows[0]] for row in rows]
    texts = [[Text(cell) for cell in row] for row in cells]
    if sum(natural([[Text(name) for name in headings], *texts])[:-1]) + WIDEST * len(headings) > width:
        return draw(_blocks(headings, cells, width), color=color, width=width)
    drawn = table([heading.capitalize() for heading in headings], texts, width=width)
    return draw([drawn], color=color, width=width)


def _blocks(headings: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[RenderableType]:
    """The first cell as a heading, the others below each other; empty ones are left out."""
    parts: list[RenderableType] = []
    for row in cells:
        named = list(zip(headings, row, strict=True))[1:]
        rows = [[Text(f"  {heading}", style="dim"), Text(cell)] for heading, cell in named if cell]
        parts += [Text(), Text(row[0], style="bold"), table(("", ""), rows, width=width, keep=(0,))]
    return parts[1:]


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{visible(str(key))} {_cell(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else visible(str(value))


def _moment(text: str) -> str:
    """``2026-11-23 10:15:00``; as it is, where it is no date."""
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return visible(text)


def _took(line: RunLine) -> str:
    try:
        took = datetime.fromisoformat(line.ended) - datetime.fromisoformat(line.started)
    except ValueError:
        return ""
    minutes, seconds = divmod(int(took.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _assessed(payload: Mapping[str, Any]) -> str:
    seen = _object(payload.get("assessment"))
    words = (payload.get("change"), seen.get("state"), seen.get("verdict"))
    return ", ".join(str(word).replace("_", " ") for word in words if word)


def _error(payload: Mapping[str, Any]) -> str:
    error = _object(payload.get("error"))
    return ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
