"""The JSON Schema of audit documents is true, whole, and knows the model's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import report_samples as samples
from hypothesis import HealthCheck, given, settings
from report_values import reports

from sipalg_fix.model.assessment import Verdict
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import HOST_CODES, PLAN_CODES
from sipalg_fix.model.facts import State, Value
from sipalg_fix.model.report import AUDIT_SCHEMA, ORDER, Report, audit_document
from sipalg_fix.reports import render

PATH = Path(__file__).parents[2] / "docs/reference/schemas/audit.json"
SCHEMA: dict[str, Any] = json.loads(PATH.read_text())
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def test_the_schema_is_one() -> None:
    """Of the version it names."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] == SCHEMA["properties"]["schema"]["const"] == AUDIT_SCHEMA


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(report=reports)
def test_every_report_has_a_valid_document(report: Report) -> None:
    """Whatever the report, and with no key that the schema does not describe."""
    document = json.loads(render(report, "json"))
    VALIDATOR.validate(document)
    assert set(document) == set(SCHEMA["properties"]) == set(SCHEMA["required"])
    described = SCHEMA["$defs"]["host"]
    for host in document["hosts"]:
        assert set(host) == set(described["properties"]) == set(described["required"])
    assert set(document["summary"]) == set(SCHEMA["$defs"]["summary"]["properties"])


def test_the_schema_has_all_the_words_and_no_other() -> None:
    """A word that is new in the model is new here."""
    words = SCHEMA["$defs"]
    for name, kind in (("state", State), ("verdict", Verdict), ("plane", Value), ("change", ChangeState)):
        assert words[name]["enum"] == [member.value for member in kind]
    assert words["error_code"]["enum"] == [*HOST_CODES, *PLAN_CODES]
    assert set(words["summary"]["properties"]["exit_code"]["enum"]) == set(ORDER) - {64}


WRONG: dict[str, Any] = {
    "schema": "sipalg-fix/audit/2",
    "started": "yesterday",
    "ended": "2026-11-23 10:15",
    "stopped": 7,
    "hosts": {},
    "hosts.0.state": "off",
    "hosts.0.verdict": "fixed",
    "hosts.0.planes.running": "maybe",
    "hosts.0.planes": {"running": "on"},
    "hosts.0.error": {"code": "oops", "message": ""},
    "hosts.0.change": "done",
    "hosts.0.findings": ["text"],
    "hosts.0.seconds": -1,
    "summary.exit_code": 64,
    "summary.verdicts": {"good": 1},
    "summary.errors": {"unreachable": 0},
}


@pytest.mark.parametrize("place", WRONG)
def test_a_wrong_document_is_refused(place: str) -> None:
    """Each enum, type and bound of the schema can say no."""
    document = json.loads(json.dumps(audit_document(samples.AUDIT)))
    VALIDATOR.validate(document)
    *way, last = place.split(".")
    inner = document
    for key in way:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = WRONG[place]
    assert not VALIDATOR.is_valid(document)
    del inner[last]
    assert not VALIDATOR.is_valid(document), f"{place} is not required"
