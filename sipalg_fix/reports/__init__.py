"""
Reports: values in, a string out. Nothing here reads a device, a clock or a terminal.

Whoever prints says how wide the screen is and whether it has colours. Texts end with a line feed, but
JSON, which is exactly what ``json.dumps`` gives. Words of devices are shown with their control characters
made visible: what a router says cannot move a cursor, end a table or run in a browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.journal import Row, RunLine
from sipalg_fix.model.passive import PassiveReport, to_json
from sipalg_fix.model.plan import Plan, write_plan
from sipalg_fix.model.report import Report, audit_document

REPORT_FORMS: Final = ("table", "json", "csv", "text", "html")
PLAN_FORMS: Final = ("table", "json", "text", "ticket")
LIST_FORMS: Final = ("table", "json")
PASSIVE_FORMS: Final = ("table", "json", "csv")


def render(report: Report, form: str, *, color: bool = False, width: int = 80) -> str:
    """A run in one of ``REPORT_FORMS``; ValueError for any other. ``color`` and ``width`` are the table's."""
    match form:
        case "table":
            from sipalg_fix.reports.table import report_table

            return report_table(report, color=color, width=width)
        case "json":
            return json.dumps(audit_document(report), indent=2)
        case "csv":
            from sipalg_fix.reports.spreadsheet import report_csv

            return report_csv(report)
        case "text":
            from sipalg_fix.reports.text import report_text

            return report_text(report)
        case "html":
            from sipalg_fix.reports.page import report_page

            return report_page(report)
        case _:
            raise _no_form(form, REPORT_FORMS)


def render_plan(plan: Plan, form: str, *, color: bool = False, width: int = 80) -> str:
    """
    A plan for a change review, in one of ``PLAN_FORMS``. ``json`` is the plan file itself, so that what
    was looked at is what can be applied.
    """
    match form:
        case "table":
            from sipalg_fix.reports.review import plan_table

            return plan_table(plan, color=color, width=width)
        case "text":
            from sipalg_fix.reports.review import plan_text

            return plan_text(plan)
        case "ticket":
            from sipalg_fix.reports.ticket import plan_ticket

            return plan_ticket(plan)
        case "json":
            return write_plan(plan).removesuffix("\n")
        case _:
            raise _no_form(form, PLAN_FORMS)


def render_runs(lines: Sequence[RunLine], form: str, *, color: bool = False, width: int = 80) -> str:
    """A list of runs, in one of ``LIST_FORMS``."""
    match form:
        case "table":
            from sipalg_fix.reports.lists import runs_table

            return runs_table(lines, color=color, width=width)
        case "json":
            return json.dumps([to_plain(line) for line in lines], indent=2)
        case _:
            raise _no_form(form, LIST_FORMS)


def render_host(rows: Iterable[Row], form: str, *, color: bool = False, width: int = 80) -> str:
    """What the journal says of one host, in one of ``LIST_FORMS``."""
    match form:
        case "table":
            from sipalg_fix.reports.lists import host_table

            return host_table(rows, color=color, width=width)
        case "json":
            return json.dumps([to_plain(row) for row in rows], indent=2)
        case _:
            raise _no_form(form, LIST_FORMS)


def render_table(
    rows: Sequence[Mapping[str, Any]], form: str, *, color: bool = False, width: int = 80
) -> str:
    """Rows of plain values, all with the same keys, in one of ``LIST_FORMS``."""
    match form:
        case "table":
            from sipalg_fix.reports.lists import plain_table

            return plain_table(rows, color=color, width=width)
        case "json":
            return json.dumps(list(rows), indent=2)
        case _:
            raise _no_form(form, LIST_FORMS)


def render_passive(report: PassiveReport, form: str, *, color: bool = False, width: int = 80) -> str:
    """What was listened to, in one of ``PASSIVE_FORMS``."""
    match form:
        case "table":
            from sipalg_fix.reports.passive import passive_table

            return passive_table(report, color=color, width=width)
        case "json":
            return to_json(report)
        case "csv":
            from sipalg_fix.reports.passive import passive_csv

            return passive_csv(report)
        case _:
            raise _no_form(form, PASSIVE_FORMS)


def _no_form(form: str, forms: tuple[str, ...]) -> ValueError:
    return ValueError(f"no form {form!r}; there are {', '.join(forms)}")
