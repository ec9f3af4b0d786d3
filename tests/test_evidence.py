"""
Support is what the evidence shows: every transcript reads as its neighbour ``.expected.yaml`` says.

A case is two files and no code. What is not in the expectation is not compared; what must be is checked.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sipalg_fix.drivers import discover
from sipalg_fix.model.assessment import PLANES, Intent, Verdict, assess
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import Facts, State
from sipalg_fix.model.pair import following
from sipalg_fix.model.session import Transcript, read_transcript, render_transcript
from sipalg_fix.model.step import Remedy, commands

FOLDER = Path(str(importlib.resources.files("sipalg_fix"))) / "evidence"
CASES = sorted(FOLDER.glob("*/*.transcript"))
PLATFORMS = sorted(discover())
SETTLED = (Verdict.COMPLIANT, Verdict.NOT_APPLICABLE)
MUST_SAY = {"verdict", "state", "version", "planes", "findings", "forward", "inverse"}

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")


def driver_of(case: Path) -> Driver:
    """The platform is the folder; where a platform has several main accesses, the replies say which."""
    return discover()[case.parent.name].over({reply.command.access for reply in transcript(case).replies})


@cache
def transcript(case: Path) -> Transcript:
    """The case, read."""
    return read_transcript(case.read_text(), discover()[case.parent.name].first_access)


def expected(case: Path) -> dict[str, Any]:
    """What a person has checked."""
    wanted = yaml.safe_load(case.with_suffix(".expected.yaml").read_text())
    assert isinstance(wanted, dict)
    return wanted


def told(facts: Facts, remedy: Remedy) -> dict[str, Any]:
    """All that an expectation may speak of."""
    assessment = assess(facts, Intent())
    return {
        "verdict": assessment.verdict.value,
        "state": assessment.state.value,
        "version": facts.version,
        "model": facts.model,
        "planes": {name: getattr(assessment.planes, name).value.value for name in PLANES},
        "findings": [finding.code for finding in assessment.findings],
        "forward": list(commands(remedy.forward)),
        "inverse": list(commands(remedy.inverse)),
        "save": list(commands(remedy.save)),
        "resave": list(commands(remedy.resave)),
        "flush": list(commands(remedy.flush)),
        "reboot": remedy.reboot,
        "impossible": remedy.impossible,
        "objections": [objection.code for objection in remedy.objections],
        "not_applicable": facts.not_applicable,
        "unsaved": facts.unsaved,
        "standby": facts.standby,
        "follows": facts.follows,
        "overwritten": facts.overwritten,
        "boot_mark": facts.boot_mark,
    }


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_evidence(platform: str) -> None:
    """A driver without transcripts is a claim without proof."""
    assert list((FOLDER / platform).glob("*.transcript")), f"no transcripts for {platform}"


def test_evidence_is_of_platforms_there_are() -> None:
    """A folder that no driver reads is a name misspelt."""
    assert {case.parent.name for case in CASES} <= set(PLATFORMS)


@each_case
def test_says_where_it_is_from(case: Path) -> None:
    """Recorded, documentation, derived or synthetic: the reader must know how far to trust it."""
    kind, _, rest = transcript(case).origin.partition(";")
    assert kind.split()[0] in ("recorded", "documentation", "derived", "synthetic")
    assert rest.strip(), "an origin says what and where from"


@each_case
def test_asks_only_what_the_driver_asks(case: Path) -> None:
    """A transcript of commands that are never sent proves nothing of the driver."""
    driver, seen = driver_of(case), transcript(case)
    asked = {reply.command for reply in seen.replies}
    assert asked <= {*driver.probes, *driver.more_probes(seen)}


@each_case
def test_is_written_as_a_recorder_writes_it(case: Path) -> None:
    """Reading and writing a transcript is a round trip."""
    assert render_transcript(transcript(case), discover()[case.parent.name].first_access) == case.read_text()


@each_case
def test_reads_as_expected(case: Path) -> None:
    """Verdict, state, planes, findings and commands are those that a person has checked."""
    driver, wanted = driver_of(case), expected(case)
    if "error" in wanted:
        with pytest.raises(NotUnderstood) as raised:
            driver.parse(transcript(case))
        assert raised.value.code == wanted["error"]
        return
    facts = driver.parse(transcript(case))
    actual = told(facts, driver.remedy(facts))
    evidence = wanted.pop("evidence", [])
    assert set(wanted) >= MUST_SAY
    assert {name: actual[name] for name in wanted} == wanted
    assert set(evidence) <= set(assess(facts, Intent()).evidence)
    assert facts.boot_mark == driver.boot_mark(transcript(case))


def cuts(seen: Transcript) -> Iterator[Transcript]:
    """Every transcript that lost something: its end, or all or the end of one reply, at any line."""
    for index, reply in enumerate(seen.replies):
        before, after = seen.replies[:index], seen.replies[index + 1 :]
        yield replace(seen, replies=(*before, *after))
        yield replace(seen, replies=before)
        lines = reply.text.split("\n")
        shorter = ["\n".join(lines[:count]) for count in range(len(lines))]
        halves = [reply.text[: len(reply.text) // 2], reply.text[:-1]]
        for text in (*shorter, *halves):
            short = replace(reply, text=text)
            yield replace(seen, replies=(*before, short))
            yield replace(seen, replies=(*before, short, *after))


def verdict(driver: Driver, seen: Transcript) -> Verdict:
    """The verdict on a transcript; what is not understood is unknown."""
    try:
        return assess(driver.parse(seen), Intent()).verdict
    except NotUnderstood:
        return Verdict.UNKNOWN


@each_case
def test_no_cut_reads_as_more_compliant_than_the_whole(case: Path) -> None:
    """A lost line is never a reason to call a router fixed."""
    driver, seen = driver_of(case), transcript(case)
    whole = verdict(driver, seen)
    for short in cuts(seen):
        less = verdict(driver, short)
        assert less not in SETTLED or less is whole, render_transcript(short, driver.first_access)[-400:]


def part_told(facts: Facts, remedy: Remedy) -> bool:
    """Is it said that another router writes here, or that this could not be told?"""
    return bool(following(facts)) or "role-unread" in {objection.code for objection in remedy.objections}


@each_case
def test_no_cut_hides_a_part_in_a_pair(case: Path) -> None:
    """A router that follows another is not written to because an answer that shows it was lost or cut."""
    driver, seen = driver_of(case), transcript(case)
    if "error" in expected(case) or not following(driver.parse(seen)):
        return
    for short in cuts(seen):
        if sum(reply not in short.replies for reply in seen.replies) > 1:
            continue
        try:
            facts = driver.parse(short)
        except NotUnderstood:
            continue
        remedy = driver.remedy(facts)
        told = remedy.empty or remedy.impossible or part_told(facts, remedy)
        assert told, render_transcript(short, driver.first_access)[-400:]


@each_case
def test_a_refused_reply_reads_as_no_more_compliant(case: Path) -> None:
    """A command that failed proves nothing, whatever was printed before it did."""
    driver, seen = driver_of(case), transcript(case)
    whole = verdict(driver, seen)
    for index, reply in enumerate(seen.replies):
        refused = replace(reply, status="exit 1")
        less = verdict(
            driver, replace(seen, replies=(*seen.replies[:index], refused, *seen.replies[index + 1 :]))
        )
        assert less not in SETTLED or less is whole, reply.command.text


@each_case
def test_compliant_is_left_alone_and_every_change_can_be_taken_back(case: Path) -> None:
    """Nothing is sent to a router that is as it should be, and nothing that has no way back."""
    driver = driver_of(case)
    if "error" in expected(case):
        return
    facts = driver.parse(transcript(case))
    remedy = driver.remedy(facts)
    if assess(facts, Intent()).verdict in SETTLED or facts.state in (State.UNKNOWN, State.NOT_APPLICABLE):
        assert remedy.empty
    if remedy.forward:
        assert remedy.inverse
