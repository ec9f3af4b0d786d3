"""A run as plain text, whole: every host with what was seen, what was done and what it means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipalg_fix.model.assessment import Assessment
from sipalg_fix.model.facts import Plane, Value
from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.reports.layout import EMPTY, Line, block, entry, heading, page
from sipalg_fix.reports.words import (
    BUCKETS,
    SETTLED,
    became,
    bucket,
    by_weight,
    count,
    error_line,
    exit_words,
    for_calls,
    label,
    title,
    verdict,
    visible,
)

WIDTH: Final = 100
"""Where sentences wrap."""

ALL_PLANES: Final = ("running", "startup", "operational", "packets")


def report_text(report: Report) -> str:
    """The run, what it comes to, then each host."""
    lines = [*_head(report), EMPTY, *_summary(report)]
    for result in report.hosts:
        lines += [EMPTY, EMPTY, *_host(result)]
    return page(lines, WIDTH)


def _head(report: Report) -> Iterator[Line]:
    yield from heading(title(report.verb), "=")
    facts = (
        ("run", report.run),
        ("time", f"{report.started} to {report.ended or 'no end'}"),
        ("by", report.by),
        ("tool", report.tool),
        ("inventory", report.inventory),
        ("playbook", report.playbook),
        ("fingerprint", report.fingerprint),
        ("journal head", report.head),
        ("signed with", report.signed.key if report.signed else ""),
        ("signature", report.signed.signature if report.signed else ""),
        *report.extra,
    )
    for word, text in facts:
        yield from entry(word, text)


def _summary(report: Report) -> Iterator[Line]:
    found = [bucket(result) for result in report.hosts]
    yield Line(text=f"{count(len(found), 'host')}:")
    for kind, words in BUCKETS.items():
        if kind in found:
            yield Line(text=f"{found.count(kind):>5} {words}", exact=True)
    if report.stopped:
        yield Line(text=f"Stopped: {visible(report.stopped)}")
    if report.interrupted:
        yield Line(text="Interrupted: hosts that are not listed were not begun.")
    yield Line(text=f"{exit_words(report).capitalize()}.")


def _host(result: HostResult) -> Iterator[Line]:
    seen = result.assessment
    yield from heading(named(result.host, result.site), "-")
    yield from entry("platform", f"{result.platform} {result.version}".strip())
    yield from entry("state", label(seen.state) if seen else "unknown")
    yield from entry("verdict", verdict(result))
    yield from entry("for calls", for_calls(result))
    if result.change:
        yield from entry("change", f"{label(result.change)}. {became(result)}")
    if result.error:
        yield from entry("error", error_line(result.error))
    yield from entry("note", result.note)
    for finding in by_weight(result.all_findings):
        yield from entry("finding", f"{finding.code}: {finding.message}")
    if result.before and result.before != seen:
        yield from _planes("before", result.before)
        yield from _planes("now" if result.change in SETTLED else "last look", seen)
    else:
        yield from _planes("planes", seen)
    yield from block("sent", result.done)
    yield from block("difference", result.diff)


def named(host: str, site: str) -> str:
    """``host (site)``."""
    return f"{visible(host)} ({visible(site)})" if site else visible(host)


def _planes(word: str, seen: Assessment | None) -> Iterator[Line]:
    if seen is None:
        return
    lines: list[str] = []
    for name in ALL_PLANES:
        plane: Plane = getattr(seen.planes, name)
        lines.append(f"{name:<12} {_told(plane)}")
        lines += [f"{'':<12} | {line}" for line in plane.evidence]
    yield from block(word, lines)


def _told(plane: Plane) -> str:
    """A plane's value, and for one that could not be told, why."""
    match plane.value:
        case Value.UNKNOWN if plane.reason:
            return f"unknown: {plane.reason}"
        case Value.NONE:
            return "none: the platform has no such plane"
        case value:
            return str(value.value)
