"""
A run as CSV (RFC 4180): one line a host, always the same columns.

What a spreadsheet would take for a formula is given an apostrophe before it (OWASP, CSV injection):
a router's own words must not become a program on somebody's desk.
"""

from __future__ import annotations

import csv
import io
from typing import Final

from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.reports.words import bucket, visible

COLUMNS: Final = (
    "host",
    "site",
    "platform",
    "version",
    "state",
    "verdict",
    "running",
    "startup",
    "operational",
    "packets",
    "filed_as",
    "findings",
    "finding_messages",
    "evidence",
    "exempt_reason",
    "exempt_until",
    "error",
    "error_message",
    "change",
    "sent",
    "note",
    "seconds",
    "run",
)
"""New ones may be added at the end."""

BETWEEN: Final = " | "
"""Between several things in one cell."""

FORMULA: Final = frozenset("=+-@＝＋－＠\t\r\n")


def report_csv(report: Report) -> str:
    """Header and one line a host, each with a carriage return and a line feed at its end."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for result in report.hosts:
        cells = _cells(result, report.run)
        writer.writerow([harmless(cells[column]) for column in COLUMNS])
    return file.getvalue()


def harmless(cell: str) -> str:
    """The cell as text in any spreadsheet, on one line."""
    return "'" + visible(cell) if cell.lstrip(" ")[:1] in FORMULA and cell.strip(" ") else visible(cell)


def _cells(result: HostResult, run: str) -> dict[str, str]:
    seen = result.assessment
    exempt = seen.exempt if seen else None
    planes = ("running", "startup", "operational", "packets")
    return {
        "host": result.host,
        "site": result.site,
        "platform": result.platform,
        "version": result.version,
        "state": seen.state.value if seen else "unknown",
        "verdict": seen.verdict.value if seen else "unknown",
        **{name: getattr(seen.planes, name).value.value if seen else "unknown" for name in planes},
        "filed_as": bucket(result).value,
        "findings": BETWEEN.join(finding.code for finding in result.all_findings),
        "finding_messages": BETWEEN.join(finding.message for finding in result.all_findings),
        "evidence": BETWEEN.join(seen.evidence) if seen else "",
        "exempt_reason": exempt.reason if exempt else "",
        "exempt_until": exempt.until if exempt else "",
        "error": result.error.code if result.error else "",
        "error_message": result.error.message if result.error else "",
        "change": result.change.value if result.change else "",
        "sent": BETWEEN.join(result.done),
        "note": result.note,
        "seconds": f"{result.seconds:.3f}",
        "run": run,
    }
