"""
A run as one HTML file that needs nothing else: no script at all, styles inside, light, dark and on paper.

Every value that is printed is escaped, and made visible before that. A content security policy in the
page forbids scripts, images and connections, should a router's words ever get through all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from sipalg_fix.model.assessment import Assessment
from sipalg_fix.model.facts import Value
from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.reports import words
from sipalg_fix.reports.words import BUCKETS, Bucket, bucket, visible

PLANES: Final = (
    ("running", "In force now", "the running configuration"),
    ("startup", "After a restart", "the saved configuration"),
    ("operational", "Really running", "modules, services, live connections"),
    ("packets", "Test packets", "what went in against what came out"),
)
"""The model's name, what it is called here, and where it is read."""

VALUES: Final = {
    Value.ON: "SIP ALG on",
    Value.OFF: "off",
    Value.UNKNOWN: "not known",
    Value.NONE: "no such plane",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneRow:
    """One plane of one host: what was read now and, after a change, before it."""

    title: str
    source: str
    now: dict[str, Any]
    before: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPart:
    """One host, ready to be printed."""

    anchor: str
    result: HostResult
    bucket: str
    bucket_words: str
    state: str
    verdict: str
    change: str
    became: str
    calls: str
    first: str
    error: str
    planes: tuple[PlaneRow, ...]
    looked: str
    findings: tuple[Any, ...]


def report_page(report: Report) -> str:
    """The whole file."""
    tiles = _tiles(report)
    hosts = [_host(number, result) for number, result in enumerate(report.hosts, start=1)]
    return _template().render(
        report=report,
        title=words.title(report.verb),
        headline=headline(report),
        date=_date(report.started),
        hosts=hosts,
        tiles=tiles,
        kinds=[tile for tile in tiles if tile[2]],
        changes=Counter(words.label(result.change) for result in report.hosts if result.change),
        facts=_facts(report),
    )


@cache
def _template() -> Template:
    """The page, compiled once."""
    environment = Environment(
        loader=PackageLoader("sipalg_fix.reports", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2")


def headline(report: Report) -> str:
    """What the run comes to, for somebody who reads one sentence."""
    found = Counter(bucket(result) for result in report.hosts)
    if not report.hosts:
        return "No router was looked at."
    dark = found[Bucket.ERROR] + found[Bucket.UNKNOWN]
    settled = (Bucket.COMPLIANT, Bucket.EXEMPT, Bucket.NOT_APPLICABLE)
    wrong = sum(result.error is not None and bucket(result) in settled for result in report.hosts)
    parts = [
        (found[Bucket.PERSON], "needs a person to look", "need a person to look"),
        (found[Bucket.NONCOMPLIANT], "is not as agreed", "are not as agreed"),
        (dark, "could not be checked as a whole", "could not be checked as a whole"),
        (wrong, "ended with an error", "ended with an error"),
    ]
    told = [f"{number} {one if number == 1 else many}" for number, one, many in parts if number]
    whole = words.count(len(report.hosts), "router")
    if told:
        return f"Of {whole}, {', '.join(told)}."
    exempt = f", {found[Bucket.EXEMPT]} of them by exemption" if found[Bucket.EXEMPT] else ""
    return f"{'The router is' if len(report.hosts) == 1 else f'All {whole} are'} as agreed{exempt}."


def _shown(value: object) -> object:
    """Applied to each printed value; escaping follows."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _tiles(report: Report) -> list[tuple[str, str, int]]:
    """(bucket, words, count): the four that always count, and the others where there is one."""
    found = [bucket(result) for result in report.hosts]
    always = (Bucket.NONCOMPLIANT, Bucket.COMPLIANT)
    return [
        (kind.value, name, found.count(kind))
        for kind, name in BUCKETS.items()
        if kind in found or kind in always
    ]


def _facts(report: Report) -> Sequence[tuple[str, str, bool]]:
    """(word, text, is it a literal?) of the run, where there is something to say."""
    facts = (
        ("Run", report.run, True),
        ("Started (UTC)", _date(report.started), False),
        ("Ended (UTC)", _date(report.ended) if report.ended else "no end", False),
        ("By", report.by, False),
        ("Tool", report.tool, False),
        ("Inventory", report.inventory, True),
        ("Playbook", report.playbook, True),
        ("Plan fingerprint", report.fingerprint, True),
        ("Journal head", report.head, True),
        *((word, text, True) for word, text in report.extra),
        ("Ended with", words.exit_words(report), False),
    )
    return [fact for fact in facts if fact[1]]


def _date(text: str) -> str:
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text


def _host(number: int, result: HostResult) -> HostPart:
    kind = bucket(result)
    seen = result.assessment
    return HostPart(
        anchor=f"host-{number}",
        result=result,
        bucket=kind.value,
        bucket_words=BUCKETS[kind],
        state=words.label(seen.state) if seen else "unknown",
        verdict=words.verdict(result),
        change=words.label(result.change) if result.change else "",
        became=words.became(result),
        calls=words.for_calls(result),
        first=words.first_finding(result),
        error=words.error_line(result.error) if result.error else "",
        planes=_planes(result.before if result.before != seen else None, seen) if seen else (),
        looked="After" if result.change in words.SETTLED else "Last look",
        findings=words.by_weight(result.all_findings),
    )


def _planes(before: Assessment | None, now: Assessment) -> tuple[PlaneRow, ...]:
    return tuple(
        PlaneRow(
            title=title,
            source=source,
            now=_plane(now, name),
            before=_plane(before, name) if before else None,
        )
        for name, title, source in PLANES
    )


def _plane(seen: Assessment, name: str) -> dict[str, Any]:
    plane = getattr(seen.planes, name)
    return {
        "value": plane.value.value,
        "words": VALUES[plane.value],
        "reason": plane.reason,
        "evidence": plane.evidence,
    }
