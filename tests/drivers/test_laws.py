"""Laws of every driver on replies that no router would give: it may not understand, and never guesses."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipalg_fix.drivers import discover
from sipalg_fix.model.assessment import Intent, Verdict, assess
from sipalg_fix.model.canon import from_plain, to_plain
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Reply, Transcript
from sipalg_fix.model.step import Remedy
from tests.test_evidence import CASES, driver_of, expected, transcript

SETTLED = (Verdict.COMPLIANT, Verdict.NOT_APPLICABLE)
DRIVERS = [each for driver in discover().values() for each in (driver, *driver.instead.values())]
each_driver = pytest.mark.parametrize(
    "driver", DRIVERS, ids=lambda driver: f"{driver.platform}-{driver.first_access}"
)
STATUSES = st.sampled_from(["ok", "exit 0", "exit 1", "exit 127", "http 200", "http 404", "refused", "trap"])


def facts_of(driver: Driver, seen: Transcript) -> Facts | None:
    """The facts, or nothing where the driver does not understand. Any other error is the test's failure."""
    try:
        return driver.parse(seen)
    except NotUnderstood:
        return None


def mutated(text: str, source: random.Random) -> str:
    """The reply with lines lost, doubled, shuffled, cut or overwritten."""
    lines = text.split("\n")
    match source.randrange(6):
        case 0:
            del lines[source.randrange(len(lines))]
        case 1:
            place = source.randrange(len(lines))
            lines.insert(place, lines[place])
        case 2:
            source.shuffle(lines)
        case 3:
            place = source.randrange(len(lines))
            lines[place] = lines[place][: len(lines[place]) // 2]
        case 4:
            lines.insert(source.randrange(len(lines) + 1), "\x1b[?1h " + chr(source.randrange(1, 0x3000)))
        case _:
            place = source.randrange(len(lines))
            lines[place] = lines[place].translate(str.maketrans('{}":[]-', "}{':][_"))
    return "\n".join(lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_mutated_replies_are_understood_or_refused(case: Path, seed: int) -> None:
    """Whatever happened to a reply on its way, the driver has facts or says that it has none."""
    driver, seen, source = driver_of(case), transcript(case), random.Random(seed)
    replies = list(seen.replies)
    for _ in range(source.randrange(1, 4)):
        place = source.randrange(len(replies))
        replies[place] = replace(replies[place], text=mutated(replies[place].text, source))
    facts = facts_of(driver, replace(seen, replies=tuple(replies)))
    if facts is not None:
        remedy = driver.remedy(facts)
        assert remedy.inverse or not remedy.forward
        assert not (assess(facts, Intent()).verdict in SETTLED and not remedy.empty)


@each_driver
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_garbage_is_never_compliant(driver: Driver, data: st.DataObject) -> None:
    """Text of no router proves nothing, however well it went."""
    texts = st.text(max_size=200) | st.sampled_from(
        ["", "ok", "0", "1", "[]", "{}", "null", "off", "disabled"]
    )
    replies = tuple(
        Reply(command=probe, text=data.draw(texts), status=data.draw(STATUSES)) for probe in driver.probes
    )
    facts = facts_of(driver, Transcript(replies=replies))
    assert facts is None or assess(facts, Intent()).verdict is Verdict.UNKNOWN


@each_driver
@pytest.mark.parametrize("status", ["ok", "exit 0", "http 200", "exit 1", "http 500", "trap", "refused"])
def test_silence_is_never_compliant(driver: Driver, status: str) -> None:
    """Empty answers to everything, and no answers at all, are not understood."""
    silent = tuple(Reply(command=probe, text="", status=status) for probe in driver.probes)
    for seen in (Transcript(), Transcript(replies=silent)):
        with pytest.raises(NotUnderstood):
            driver.parse(seen)


@each_driver
@pytest.mark.parametrize("said", ["", "ok", "1", "[", "{}", "null", "\n", '{"ret": ""}'])
@pytest.mark.parametrize("status", ["ok", "exit 0", "http 200", "exit 1", "trap"])
def test_a_guard_is_not_gone_because_nothing_of_it_is_read(driver: Driver, said: str, status: str) -> None:
    """Only an answer that shows its absence proves it."""
    if driver.guard is None:
        return
    replies = tuple(Reply(command=proof, text=said, status=status) for proof in driver.guard.proof)
    for seen in (Transcript(), Transcript(replies=replies)):
        assert driver.guard.pending(seen).value is not Value.OFF


@each_driver
def test_an_access_that_was_not_used_is_named(driver: Driver) -> None:
    """Whoever reads that a plane is unread must learn why."""
    unread = tuple((access, "not configured") for access in driver.accesses)
    with pytest.raises(NotUnderstood, match="not configured"):
        driver.parse(Transcript(unread=unread))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_facts_and_remedy_survive_a_plan_file(case: Path) -> None:
    """A plan holds them as JSON; what is read back is what was planned, and comes to the same remedy."""
    if "error" in expected(case):
        return
    driver = driver_of(case)
    facts = driver.parse(transcript(case))
    again = from_plain(Facts, to_plain(facts))
    assert again == facts
    assert from_plain(Remedy, to_plain(driver.remedy(again))) == driver.remedy(facts)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_unknown_planes_say_why(case: Path) -> None:
    """ "Unknown" without a reason helps nobody."""
    if "error" in expected(case):
        return
    for helper in driver_of(case).parse(transcript(case)).helpers:
        for plane in (helper.running, helper.startup, helper.operational):
            assert bool(plane.reason) is (plane.value is Value.UNKNOWN)
