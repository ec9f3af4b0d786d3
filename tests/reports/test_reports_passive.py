"""What was listened to, as a table, a spreadsheet and a document that its schema describes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sipalg_fix.model.passive import SCHEMA, Caller, Noted, PassiveReport, Shown, Sign
from sipalg_fix.reports import PASSIVE_FORMS, render_passive

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs/reference/schemas/passive.json").read_text()
)
VALIDATOR = jsonschema.Draft202012Validator(
    DOCUMENT, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
REPORT = PassiveReport(
    source="pcap",
    at="2026-11-23T10:00:00+00:00",
    messages=61,
    callers=(
        Caller(
            address="203.0.113.1",
            shown=Shown.REWRITES,
            reason="The same message was seen before and after a box, and it was altered.",
            box="Linux nf_nat_sip",
            messages=40,
            flows=2,
            ports=("udp 5060", "tcp 5060"),
            users=("…56", "…"),
            first="2026-11-23T09:00:00+00:00",
            last="2026-11-23T09:59:00+00:00",
            signs=(
                Noted(
                    sign=Sign.COPIES_DIFFER,
                    count=20,
                    words="the same message was seen before and after a box, and it was altered",
                    basis="RFC 3261 16",
                    field="Via",
                    before="192.168.88.10:5060",
                    after="203.0.113.1:5060",
                ),
            ),
        ),
        Caller(
            address="2001:db8::1",
            shown=Shown.LOOKS_REWRITTEN,
            reason="Via says the public address, Contact a private one.",
            messages=20,
            flows=1,
            ports=("udp 5060",),
            users=("=cmd\x1b[31m",),
            signs=(Noted(sign=Sign.VIA_ONLY, count=1, words="Via and Contact", basis="RFC 3261", after="x"),),
        ),
        Caller(address="198.51.100.7", shown=Shown.CANNOT_SAY, reason="No private address.", messages=1),
    ),
    servers=("203.0.113.10",),
    not_read={"encrypted connections": 3},
)


def test_table_and_spreadsheet(golden: Callable[[str, str], None]) -> None:
    """Flagged addresses with their evidence; what a phone writes neither colours a screen nor computes."""
    golden("passive_100.txt", render_passive(REPORT, "table", width=100))
    text = render_passive(REPORT, "csv")
    golden("passive.csv", text)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 1 + len(REPORT.callers)
    assert "\x1b" not in text
    assert rows[2][7].startswith("'=cmd")


def test_document(golden: Callable[[str, str], None]) -> None:
    """As its schema says, which knows the model's words and no other."""
    text = render_passive(REPORT, "json")
    golden("passive.json", text)
    document = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)
    VALIDATOR.validate(document)
    assert DOCUMENT["title"] == DOCUMENT["properties"]["schema"]["const"] == SCHEMA
    assert set(document) == set(DOCUMENT["properties"]) == set(DOCUMENT["required"])
    defined = DOCUMENT["$defs"]
    for name, value in (("caller", document["callers"][0]), ("noted", document["callers"][0]["signs"][0])):
        assert set(value) == set(defined[name]["properties"]) == set(defined[name]["required"])
    assert defined["shown"]["enum"] == [shown.value for shown in Shown]
    assert defined["sign"]["enum"] == [sign.value for sign in Sign]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("schema", "x"),
        ("callers.0.shown", "bad"),
        ("callers.0.messages", -1),
        ("callers.0.signs.0.sign", "x"),
    ],
)
def test_a_wrong_document_is_refused(place: str, value: object) -> None:
    """The schema can say no."""
    document = json.loads(render_passive(REPORT, "json"))
    *way, last = place.split(".")
    inner = document
    for key in way:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value
    assert not VALIDATOR.is_valid(document)


def test_many_addresses_are_counted_and_not_listed() -> None:
    """A customer base of ten thousand is a short table."""
    quiet = tuple(
        Caller(address=f"10.0.{n // 250}.{n % 250}", shown=Shown.UNALTERED, reason="x") for n in range(9999)
    )
    report = PassiveReport(
        source="hep",
        at=REPORT.at,
        messages=9999,
        callers=(REPORT.callers[0], *quiet),
        servers=(),
        not_read={},
    )
    text = render_passive(report, "table", width=100)
    assert "Not listed: 9999 addresses" in text
    assert len(text.splitlines()) < 20


def test_forms() -> None:
    """Each form is text; an unknown one is an error."""
    assert all(render_passive(REPORT, form) for form in PASSIVE_FORMS)
    with pytest.raises(ValueError, match="no form"):
        render_passive(REPORT, "html")
