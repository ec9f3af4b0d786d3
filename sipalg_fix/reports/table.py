"""A run as a table on a screen: a line or three for each host that matters, and what they come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from sipalg_fix.model.assessment import PLANES
from sipalg_fix.model.report import HostResult, Report, host_code
from sipalg_fix.reports.drawing import GAP, draw, fitting, natural, table
from sipalg_fix.reports.words import (
    Bucket,
    bucket,
    count,
    exit_words,
    first_finding,
    label,
    outcome,
    verdict,
    visible,
)

GROUP_OVER: Final = 30
"""With more hosts than this, those of which there is nothing to say are counted and not listed."""

HEADINGS: Final = (
    "Host", "Site", "Platform", "Version", "State", "Verdict", "Change", "Planes", "First finding",
)  # fmt: skip
STATE_COLUMNS: Final = (4, 5, 6)

Row = tuple[str, str, str, str, str, str, str, str, str]
"""One host's cells, as ``HEADINGS`` names them."""

FINDING_WIDTH: Final = 30
"""The least that the last column needs beside others."""

STYLES: Final = {
    Bucket.PERSON: "bold magenta",
    Bucket.NONCOMPLIANT: "bold red",
    Bucket.ERROR: "yellow",
    Bucket.UNKNOWN: "yellow",
    Bucket.EXEMPT: "cyan",
    Bucket.COMPLIANT: "green",
    Bucket.NOT_APPLICABLE: "dim",
}


def report_table(report: Report, *, color: bool, width: int) -> str:
    """The hosts in the order of the report, then one line for each outcome, then the run's own."""
    listed = [result for result in report.hosts if len(report.hosts) <= GROUP_OVER or not quiet(result)]
    parts: list[RenderableType] = []
    if listed:
        parts += [*_hosts(listed, width), Text(), _legend()]
    if len(listed) < len(report.hosts):
        rest = count(len(report.hosts) - len(listed), "host")
        parts.append(
            Text(f"Not listed: {rest} of which there is nothing to say; json, csv and text name all.")
        )
    parts += [Text(), *_outcomes(report), *_ending(report)]
    return draw(parts, color=color, width=width)


def quiet(result: HostResult) -> bool:
    """Is there nothing to say of this host: no finding, no change, no error, and all as it shall be?"""
    said = result.all_findings or result.error or result.change or result.note
    return not said and host_code(result) == 0


def _hosts(results: Sequence[HostResult], width: int) -> list[RenderableType]:
    rows = [_cells(result) for result in results]
    flat = [[Text(cell) for cell in row[:-1]] for row in rows]
    fits = sum(natural(flat)) + GAP * len(HEADINGS) + FINDING_WIDTH <= width
    return _flat(results, rows, width) if fits else _stacked(results, rows, width)


def _cells(result: HostResult) -> Row:
    seen = result.assessment
    planes = [getattr(seen.planes, name).value.value if seen else "unknown" for name in PLANES]
    return (
        visible(result.host),
        visible(result.site),
        visible(result.platform),
        visible(result.version),
        label(seen.state) if seen else "unknown",
        verdict(result),
        label(result.change) if result.change else "",
        " ".join(planes),
        first_finding(result),
    )


def _flat(results: Sequence[HostResult], rows: Sequence[Row], width: int) -> list[RenderableType]:
    """One line a host, and more only for its finding."""
    changed = any(result.change for result in results)
    shown = [n for n, heading in enumerate(HEADINGS) if heading != "Change" or changed]
    cells = [
        [Text(row[n], style=STYLES[bucket(result)] if n in STATE_COLUMNS else "") for n in shown]
        for result, row in zip(results, rows, strict=True)
    ]
    return [table([HEADINGS[n] for n in shown], cells, width=width, keep=range(len(shown) - 1))]


def _stacked(results: Sequence[HostResult], rows: Sequence[Row], width: int) -> list[RenderableType]:
    """
    Where the screen is too narrow: site below host, version below platform, verdict below state, and the
    finding on lines of its own, as wide as the screen.
    """
    head = ("Host\nsite", "Platform\nversion", "State\nverdict", "Planes")
    cells = [
        (
            Text(_lines(host, site)),
            Text(_lines(platform, version)),
            Text(_lines(state, said, change), style=STYLES[bucket(result)]),
            Text(planes),
        )
        for result, (host, site, platform, version, state, said, change, planes, _) in zip(
            results, rows, strict=True
        )
    ]
    # Each host is a table of its own, so that its finding may stand below it; all have the same columns.
    widths = fitting(natural([[Text(word) for word in head], *cells]), width)
    parts: list[RenderableType] = [_one(head, [], widths)]
    for row, first in zip(cells, (row[-1] for row in rows), strict=True):
        parts.append(_one(("",) * len(head), [row], widths))
        if first:
            parts.append(Padding(Text(first, overflow="fold"), (0, 0, 0, 4)))
    return parts


def _one(head: Sequence[str], cells: Sequence[Sequence[Text]], widths: Sequence[int]) -> RenderableType:
    drawn = table(head, cells, width=sum(widths) + GAP * len(widths))
    for column, column_width in zip(drawn.columns, widths, strict=True):
        column.width = column_width
    return drawn


def _lines(*words: str) -> str:
    return "\n".join(word for word in words if word)


def _legend() -> Text:
    return Text("Planes: running, startup, operational.", style="dim")


def _outcomes(report: Report) -> list[Text]:
    """One line an outcome, worst first."""
    groups = Counter((list(Bucket).index(bucket(result)), outcome(result)) for result in report.hosts)
    digits = len(str(max(groups.values(), default=0)))
    return [
        Text(f"{n:>{digits}} {'host' if n == 1 else 'hosts'}: {words}", style=STYLES[list(Bucket)[place]])
        for (place, words), n in sorted(groups.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    ]


def _ending(report: Report) -> list[Text]:
    lines = [] if report.hosts else [Text("No hosts.")]
    if report.stopped:
        lines.append(Text(f"Stopped: {visible(report.stopped)}", style="bold"))
    if report.interrupted:
        lines.append(Text("Interrupted: hosts that are not listed were not begun.", style="bold"))
    lines.append(Text(f"Run {visible(report.run)}, {exit_words(report)}."))
    return lines
