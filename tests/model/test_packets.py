"""What an answer of a probe point says, and what is never believed of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.assessment import NOT_PROBED, Intent, Verdict, assess
from sipalg_fix.model.facts import Facts, Helper, Value, off, on
from sipalg_fix.model.packets import NO_PACKETS, Packets, packets_of, read_answer
from sipalg_fix.model.path import (
    Direction,
    Evidence,
    Leg,
    NotTested,
    Outcome,
    PathReport,
    exit_code,
    to_json,
)

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
VIA = Evidence(
    leg="udp",
    port=5060,
    direction=Direction.OUT,
    message="REGISTER",
    outcome=Outcome.ALG_REWRITES,
    words="Via was altered",
)


def legs(**outcomes: Outcome) -> tuple[Leg, ...]:
    """Legs by a short name."""
    names = {"udp": "udp", "phone": "udp from port 5060", "tcp": "tcp", "tls": "tls"}
    return tuple(Leg(name=names[short], outcome=each, reason="") for short, each in outcomes.items())


CLEAN = PathReport(
    outcome=Outcome.NONE,
    reason="every message came through unaltered",
    responder="probe.example.net:17800",
    at="2026-11-23T10:00:00+00:00",
    seconds=0.3,
    legs=legs(udp=Outcome.NONE, phone=Outcome.NONE, tcp=Outcome.NONE),
)
ALTERED = replace(
    CLEAN,
    outcome=Outcome.ALG_REWRITES,
    legs=legs(udp=Outcome.ALG_REWRITES, phone=Outcome.ALG_REWRITES, tcp=Outcome.ALG_REWRITES),
    evidence=(VIA,),
)
STALE = replace(ALTERED, legs=legs(udp=Outcome.NONE, phone=Outcome.ALG_REWRITES, tcp=Outcome.NONE))


def answer(report: PathReport, status: int | None = None, **keys: Any) -> Packets:
    """What is read where a probe ended with this report, with some keys of its JSON changed."""
    text = json.dumps({**json.loads(to_json(report)), **keys})
    return read_answer(text, exit_code(report.outcome) if status is None else status, NOW, NOW)


@pytest.mark.parametrize(
    ("report", "plane", "new", "old"),
    [
        (CLEAN, Value.OFF, Value.OFF, Value.OFF),
        (ALTERED, Value.ON, Value.ON, Value.ON),
        (STALE, Value.ON, Value.OFF, Value.ON),
    ],
)
def test_an_answer_is_read(report: PathReport, plane: Value, new: Value, old: Value) -> None:
    """Clean, altered, and gone for new connections only."""
    seen = answer(report)
    assert (seen.plane.value, seen.new, seen.old, seen.told) == (plane, new, old, True)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_what_is_shown_clean_is_off(outcome: Outcome) -> None:
    """Every other outcome is on or unknown; blocked SIP is told as such."""
    report = replace(CLEAN, outcome=outcome, legs=legs(udp=outcome, phone=outcome, tcp=outcome))
    seen = answer(report)
    assert (seen.plane.value is Value.OFF) == (outcome is Outcome.NONE)
    assert (seen.plane.value is Value.ON) == (exit_code(outcome) == 2)
    assert seen.blocked == (outcome in (Outcome.BLOCKED, Outcome.REPLIES_BLOCKED))


@pytest.mark.parametrize(
    "tested",
    [
        legs(udp=Outcome.NONE, tcp=Outcome.NONE),
        legs(phone=Outcome.NONE, tcp=Outcome.NONE),
        legs(tcp=Outcome.NONE),
    ],
)
def test_clean_needs_a_fresh_port_and_a_used_one(tested: tuple[Leg, ...]) -> None:
    """A router goes on altering what it tracks, so that one of them says nothing about the other."""
    missing = NotTested(what="udp from port 5060", why="Address already in use")
    seen = packets_of(replace(CLEAN, legs=tested, not_tested=(missing,)))
    assert seen.plane.value is Value.UNKNOWN
    assert "was not tested (udp from port 5060: Address already in use)" in seen.plane.reason


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (answer(CLEAN, status=2), "the exit code 2"),
        (answer(ALTERED, status=0), "the exit code 0"),
        (answer(CLEAN, schema="sipalg-fix/path/2"), "schema"),
        (answer(CLEAN, colour="blue"), "unknown key colour"),
        (answer(CLEAN, seconds="fast"), "float is expected"),
        (answer(CLEAN, at="yesterday"), "when it was made"),
        (answer(replace(CLEAN, at="2026-11-22T10:00:00+00:00")), "not of now"),
        (answer(replace(CLEAN, at="2026-11-23T10:30:00+00:00")), "not of now"),
        (answer(replace(CLEAN, legs=())), "contradicts itself"),
        (answer(replace(CLEAN, evidence=(VIA,))), "contradicts itself"),
        (answer(replace(CLEAN, legs=STALE.legs)), "contradicts itself"),
        (answer(replace(ALTERED, legs=CLEAN.legs)), "contradicts itself"),
        (read_answer("", 127, NOW, NOW), "it is empty"),
        (read_answer("sh: sipalg-fix: not found", 127, NOW, NOW), "(exit code 127): it is not JSON"),
        (read_answer(to_json(CLEAN) * 2, 0, NOW, NOW), "it is not JSON, or not all of it"),
        (read_answer("[" * 100_000, 0, NOW, NOW), "it is n"),
        (read_answer('{"a": 1, "a": 2}', 0, NOW, NOW), "twice"),
        (read_answer('{"a": NaN}', 0, NOW, NOW), "NaN is no number"),
        (read_answer("[]", 0, NOW, NOW), "schema"),
        (read_answer(" " * 5_000_000, 0, NOW, NOW), "too long"),
    ],
)
def test_what_is_not_clear_is_unknown_with_its_reason(seen: Packets, words: str) -> None:
    """Never off, and never on."""
    assert seen.plane.value is Value.UNKNOWN
    assert words in seen.plane.reason
    assert not seen.told


@given(st.integers(0, len(to_json(CLEAN)) - 2))
def test_a_cut_answer_is_unknown(length: int) -> None:
    """Wherever it is cut, whatever the exit code says."""
    assert read_answer(to_json(CLEAN)[:length], 0, NOW, NOW).plane.value is Value.UNKNOWN


@given(st.text(), st.integers(-1, 255))
def test_rubbish_is_unknown(text: str, status: int) -> None:
    """No text at all is more than that, and none is an error."""
    assert read_answer(text, status, NOW, NOW).plane.value is Value.UNKNOWN


def test_a_report_may_be_as_old_as_its_command() -> None:
    """A long probe says when it began; clocks may differ by two minutes."""
    text = to_json(replace(CLEAN, at="2026-11-23T10:00:00Z"))
    assert read_answer(text, 0, NOW, NOW + timedelta(minutes=10)).plane.value is Value.OFF
    assert read_answer(text, 0, NOW + timedelta(seconds=110), NOW).plane.value is Value.OFF


# What it comes to beside the configuration

HELPER = Helper(name="nf_nat_sip", running=off(), startup=off(), operational=off())
OFF = Facts(platform="toy", version="1", helpers=(HELPER,))
ON = Facts(platform="toy", version="1", helpers=(replace(HELPER, running=on()),))
RUNS = Facts(platform="toy", version="1", helpers=(replace(HELPER, operational=on()),))
NO_SUCH = Facts(platform="toy", version="1", not_applicable="it translates no addresses")


@pytest.mark.parametrize(
    ("facts", "packets", "code", "causes"),
    [
        (
            OFF,
            packets_of(STALE),
            "stale-flows",
            ("gone for new connections, still", "Flush", "restart"),
        ),
        (RUNS, packets_of(STALE), "stale-flows", ("gone for new connections",)),
        (OFF, packets_of(ALTERED), "alg-in-packets", ("new connections, too", "upstream", "another router")),
        (OFF, Packets(plane=on()), "alg-in-packets", ("flush", "upstream", "--trace", "another router")),
        (NO_SUCH, packets_of(ALTERED), "alg-in-packets", ("no SIP ALG here", "upstream", "another router")),
        (ON, packets_of(CLEAN), "clean-packets", ("another router", "other ports or directions")),
        (ON, packets_of(replace(ALTERED, outcome=Outcome.BLOCKED)), "sip-blocked", ("does not get through",)),
        (ON, answer(CLEAN, status=1), "not-read", ("could not be told",)),
    ],
)
def test_contradictions_are_findings_with_their_cause(
    facts: Facts, packets: Packets, code: str, causes: tuple[str, ...]
) -> None:
    """The likely ones, and no other."""
    (finding,) = [each for each in assess(facts, Intent(), packets=packets).findings if each.code == code]
    for cause in causes:
        assert cause in finding.message


def test_old_flows_are_not_blamed_where_new_ones_are_altered() -> None:
    """Flushing would be in vain."""
    found = assess(OFF, Intent(), packets=packets_of(ALTERED))
    assert not any("flush them" in each.message for each in found.findings)


def test_packets_as_the_configuration_says_are_no_finding() -> None:
    """On and altered, off and clean, or not probed at all."""
    for facts, packets in ((ON, packets_of(ALTERED)), (OFF, packets_of(CLEAN)), (OFF, NO_PACKETS)):
        assert [each for each in assess(facts, Intent(), packets=packets).findings if each.code] == []
    assert assess(OFF, Intent(), packets=NO_PACKETS).planes.packets == NOT_PROBED


def test_stale_flows_are_not_compliant() -> None:
    """Phones go on being altered."""
    assert assess(OFF, Intent(), packets=packets_of(STALE)).verdict is Verdict.NONCOMPLIANT
