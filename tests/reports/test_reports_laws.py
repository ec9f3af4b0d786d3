"""What holds for every report: nothing is cut, nothing acts, and nothing is claimed that was not shown."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable

import pytest
import report_samples as samples
from hypothesis import HealthCheck, given, settings
from report_values import reports, results
from rich.cells import cell_len

from sipalg_fix.model.assessment import Verdict
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Finding
from sipalg_fix.model.report import ORDER, HostResult, Report, audit_document
from sipalg_fix.reports import (
    LIST_FORMS,
    PLAN_FORMS,
    REPORT_FORMS,
    render,
    render_host,
    render_plan,
    render_runs,
    render_table,
)
from sipalg_fix.reports.spreadsheet import COLUMNS, FORMULA, harmless
from sipalg_fix.reports.words import (
    CHANGES,
    EXITS,
    SETTLED,
    UNSETTLED,
    Bucket,
    bucket,
    by_weight,
    for_calls,
    visible,
)

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SGR = re.compile(r"\x1b\[[0-9;]*m")


def acting(text: str) -> set[str]:
    """Characters that do something to a terminal, an editor or a browser; a line's end is none."""
    return {
        char
        for char in text
        if char != "\n" and not char.isprintable() and unicodedata.category(char) != "Zs"
    }


@few
@given(report=reports)
def test_json_is_the_document_and_nothing_else(report: Report) -> None:
    """Machines get exactly what the model says, in letters that every terminal can show."""
    text = render(report, "json")
    assert text == json.dumps(audit_document(report), indent=2)
    assert text.isascii()
    assert not acting(text)


@few
@given(report=reports)
def test_no_text_of_a_device_acts(report: Report) -> None:
    """No form holds a control character, turns the direction of writing, or fails to have bytes."""
    for form in ("table", "text", "html"):
        text = render(report, form)
        assert not acting(text), form
        assert text.encode()
        assert text.endswith("\n")
    assert not acting(render(report, "csv").replace("\r\n", "\n"))
    assert not acting(SGR.sub("", render(report, "table", color=True)))


@few
@given(report=reports)
def test_colour_adds_no_meaning(report: Report) -> None:
    """Without colours the table holds the same words in the same places."""
    for width in (60, 200):
        plain = render(report, "table", width=width)
        colored = SGR.sub("", render(report, "table", width=width, color=True))
        assert [line.rstrip() for line in colored.splitlines()] == plain.splitlines()


@few
@given(report=reports)
def test_a_table_is_no_wider_than_the_screen(report: Report) -> None:
    """Down to 40 columns; what is longer wraps."""
    for width in (40, 80, 132):
        for line in render(report, "table", width=width).splitlines():
            assert cell_len(line) <= width


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("report", [samples.AUDIT, samples.APPLY], ids=["audit", "apply"])
def test_a_table_cuts_nothing(report: Report, width: int) -> None:
    """Every host, version, state and error is there as a whole, and findings from their first word on."""
    text = " ".join(render(report, "table", width=width).split())
    for result in report.hosts:
        assert {result.host, result.site, result.platform} <= set(text.split())
        assert result.version in text
        if result.error:
            assert result.error.message in text
        elif result.all_findings:
            assert any(finding.message in text for finding in result.all_findings)


def test_a_big_fleet_is_told_by_what_is_wrong_in_it() -> None:
    """Hundreds of routers of which there is nothing to say are one line; each other one is listed."""
    lines = render(samples.fleet(4000), "table", width=80).splitlines()
    assert len(lines) < 50
    assert "4001 hosts: disabled, compliant" in lines
    for result in samples.AUDIT.hosts:
        listed = any(line.startswith(result.host) for line in lines)
        assert listed == (bucket(result) not in (Bucket.COMPLIANT, Bucket.NOT_APPLICABLE, Bucket.EXEMPT))
    every = render(samples.fleet(4000), "csv")
    assert every.count("\r\n") == 4010


@settings(max_examples=500, deadline=None)
@given(result=results)
def test_no_host_is_filed_as_good_without_a_look_that_counts(result: HostResult) -> None:
    """Neither by a look from before its change ended, nor by none at all."""
    good = bucket(result) in (Bucket.COMPLIANT, Bucket.NOT_APPLICABLE)
    if good:
        assert result.assessment is not None
        assert result.assessment.verdict in (Verdict.COMPLIANT, Verdict.NOT_APPLICABLE)
        assert result.change in SETTLED
    if result.change in UNSETTLED:
        assert bucket(result) is Bucket.PERSON
    calm = ("leaves calls alone", "went through this router unaltered", "There is no SIP ALG on this router")
    if any(words in for_calls(result) for words in calm):
        assert result.change in SETTLED
        assert result.assessment is not None
        assert result.assessment.verdict in (Verdict.COMPLIANT, Verdict.NOT_APPLICABLE)


def test_every_end_has_its_words() -> None:
    """Each state of a change, and each exit code."""
    assert set(CHANGES) == set(ChangeState)
    assert set(EXITS) == set(ORDER)
    assert UNSETTLED.isdisjoint(SETTLED)


def test_nothing_is_claimed_of_a_change_that_sent_nothing() -> None:
    """A router that was as planned already was not changed."""
    text = render(samples.report("apply", samples.APPLY.hosts[2:3]), "text")
    assert "Nothing had to be sent" in text
    assert "The change was made" not in text


@few
@given(report=reports)
def test_csv_is_one_line_a_host_and_no_formula(report: Report) -> None:
    """As RFC 4180 has it, and as text in any spreadsheet, whatever a router calls itself."""
    text = render(report, "csv")
    assert text.endswith("\r\n")
    assert text.count("\r\n") == len(report.hosts) + 1
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head == list(COLUMNS)
    assert [len(row) for row in rows] == [len(COLUMNS)] * len(report.hosts)
    for result, row in zip(report.hosts, rows, strict=True):
        assert not any(cell.strip(" ")[:1] in FORMULA for cell in row if cell.strip(" "))
        named = dict(zip(COLUMNS, row, strict=True))
        assert named["host"].removeprefix("'") == visible(result.host).removeprefix("'")


@pytest.mark.parametrize("cell", ["=1+1", "+49 30", "-2", "@a", " =1+1", "\t=1", "\n-1", "＝1"])
def test_a_cell_that_begins_like_a_formula_is_text(cell: str) -> None:
    """Blanks before it do not help; what only holds such a letter further on is left alone."""
    assert harmless(cell) == "'" + visible(cell)
    assert harmless(f"a{cell}") == visible(f"a{cell}")


def test_visible_shows_what_acts_and_leaves_the_rest() -> None:
    """Letters of any script stay; what moves a cursor, hides or turns does not."""
    assert visible("Größe 漢字 ☎ no\u00a0break") == "Größe 漢字 ☎ no\u00a0break"
    assert visible("\x1b[2J\x07\x7f\x9b\x00") == "\\x1b[2J\\x07\\x7f\\x9b\\x00"
    assert (
        visible("a\nb\r\u2028\u202e\u200b\ud800\U000e0041")
        == "a\\nb\\r\\u2028\\u202e\\u200b\\ud800\\U000e0041"
    )
    assert visible("a\tb") == "a       b"


def test_nothing_is_asked_of_the_terminal_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Width and colours are those that were handed in."""
    before = render(samples.AUDIT, "table", width=90), render(samples.AUDIT, "table", width=90, color=True)
    for name, value in (("COLUMNS", "33"), ("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    after = render(samples.AUDIT, "table", width=90), render(samples.AUDIT, "table", width=90, color=True)
    assert after == before
    assert "\x1b[" not in after[0]
    assert "\x1b[" in after[1]


def test_a_form_that_is_not_there_is_said() -> None:
    """With those that are."""
    acts: tuple[tuple[tuple[str, ...], Callable[[], str]], ...] = (
        (REPORT_FORMS, lambda: render(samples.AUDIT, "pdf")),
        (PLAN_FORMS, lambda: render_plan(samples.PLAN, "pdf")),
        (LIST_FORMS, lambda: render_runs(samples.RUNS, "pdf")),
        (LIST_FORMS, lambda: render_host(samples.rows(), "pdf")),
        (LIST_FORMS, lambda: render_table([], "pdf")),
    )
    for forms, act in acts:
        with pytest.raises(ValueError, match=f"no form 'pdf'; there are {', '.join(forms)}"):
            act()


def test_lists_of_nothing_are_sentences() -> None:
    """And empty lists for machines."""
    assert render_runs((), "table") == "No runs yet.\n"
    assert render_host((), "table") == "Nothing is recorded of this host.\n"
    assert render_table([], "table") == "Nothing to list.\n"
    assert render_runs((), "json") == render_host((), "json") == render_table([], "json") == "[]"


def test_rows_of_a_host_are_whole_for_machines() -> None:
    """Payload, hash and all."""
    rows = json.loads(render_host(samples.rows(), "json"))
    assert [row["hash"] for row in rows] == [row.hash for row in samples.rows()]
    assert rows[6]["payload"]["text"] == "\x1b[7m[edit]\n"
    assert not acting(render_host(samples.rows(), "table"))


def test_the_package_alone_loads_no_drawing_library() -> None:
    """Help and JSON come without them."""
    code = (
        "import sys, sipalg_fix.reports as r;"
        "from sipalg_fix.model.report import Report;"
        "r.render(Report(tool='', run='', verb='', started='', ended=''), 'json');"
        "sys.exit(not {'rich', 'jinja2'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_matters_most_is_said_first() -> None:
    """What stands against the intent, who else writes there; advice and how it is known at the end."""
    codes = ("platform-detected", "advice-scrub", "ha-role", "follows-another", "not-saved", "ha-pair")
    ordered = by_weight(tuple(Finding(code=code, message="m") for code in codes))
    assert [each.code for each in ordered] == [
        "not-saved", "follows-another", "ha-role", "ha-pair", "advice-scrub", "platform-detected",
    ]  # fmt: skip
