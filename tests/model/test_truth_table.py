"""The truth table: what a router's planes come to, for every combination of what they may say."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.assessment import PLANES, Assessment, Exemption, Intent, Verdict, assess
from sipalg_fix.model.facts import (
    NO_PLANE,
    Facts,
    Finding,
    Helper,
    Plane,
    State,
    Value,
    off,
    on,
    together,
    unknown,
)
from sipalg_fix.model.packets import Packets

ANY = "on off unknown none"
TABLE = (
    # running    startup        operational   state       verdict         findings
    ("on",       ANY,           ANY,          "enabled",  "noncompliant", ""),
    ("off",      "on",          "on",         "disabled", "noncompliant", "not-saved still-running"),
    ("off",      "on",          "off none",   "disabled", "noncompliant", "not-saved"),
    ("off",      "on",          "unknown",    "disabled", "noncompliant", "not-read not-saved"),
    ("off",      "off none",    "on",         "partial",  "noncompliant", "still-running"),
    ("off",      "unknown",     "on",         "partial",  "noncompliant", "not-read still-running"),
    ("off",      "off none",    "off none",   "disabled", "compliant",    ""),
    ("off",      "off none",    "unknown",    "disabled", "unknown",      "not-read"),
    ("off",      "unknown",     "off none",   "disabled", "unknown",      "not-read"),
    ("off",      "unknown",     "unknown",    "disabled", "unknown",      "not-read"),
    ("unknown",  ANY,           ANY,          "unknown",  "unknown",      ""),
    ("none",     ANY,           ANY,          "unknown",  "unknown",      ""),
)  # fmt: skip
"""The whole of it for one helper, under an intent that asks for all planes."""

COMBINATIONS = list(product(Value, repeat=3))


def plane(value: Value) -> Plane:
    """A plane with that value, its line or its reason."""
    return {Value.ON: on("on"), Value.OFF: off("off"), Value.UNKNOWN: unknown("cut"), Value.NONE: NO_PLANE}[
        value
    ]


def helper(running: Value, startup: Value, operational: Value, *, name: str = "sip") -> Helper:
    """A helper with these planes."""
    return Helper(name=name, running=plane(running), startup=plane(startup), operational=plane(operational))


def facts(*helpers: Helper, not_applicable: str = "") -> Facts:
    """A router with these helpers."""
    return Facts(platform="toy", version="1", helpers=helpers, not_applicable=not_applicable)


def rows_for(values: tuple[Value, ...]) -> list[tuple[str, ...]]:
    """The rows of the table that speak of such a helper."""
    return [
        row for row in TABLE if all(v.value in cell.split() for v, cell in zip(values, row[:3], strict=True))
    ]


@pytest.mark.parametrize("values", COMBINATIONS, ids=lambda values: "-".join(v.value for v in values))
def test_one_helper(values: tuple[Value, Value, Value]) -> None:
    """Exactly one row speaks of each combination, and what it says is so."""
    ((_, _, _, state, verdict, findings),) = rows_for(values)
    found = assess(facts(helper(*values)), Intent())
    codes = sorted({finding.code for finding in found.findings})
    assert (found.state.value, found.verdict.value, " ".join(codes)) == (state, verdict, findings)


def test_each_row_speaks_of_something() -> None:
    """No row is there for nothing."""
    spoken = [row for values in COMBINATIONS for row in rows_for(values)]
    assert (len(spoken), set(spoken)) == (len(COMBINATIONS), set(TABLE))


ONE_EACH = {
    State.ENABLED: helper(Value.ON, Value.ON, Value.ON),
    State.DISABLED: helper(Value.OFF, Value.OFF, Value.OFF),
    State.PARTIAL: helper(Value.OFF, Value.OFF, Value.ON),
    State.UNKNOWN: helper(Value.UNKNOWN, Value.OFF, Value.OFF),
}
TOGETHER = {
    frozenset({State.ENABLED, State.DISABLED}): State.PARTIAL,
    frozenset({State.ENABLED, State.PARTIAL}): State.PARTIAL,
    frozenset({State.ENABLED, State.UNKNOWN}): State.PARTIAL,
    frozenset({State.DISABLED, State.PARTIAL}): State.PARTIAL,
    frozenset({State.PARTIAL, State.UNKNOWN}): State.PARTIAL,
    frozenset({State.DISABLED, State.UNKNOWN}): State.UNKNOWN,
    **{frozenset({state}): state for state in ONE_EACH},
}


@pytest.mark.parametrize(("one", "other"), list(product(ONE_EACH, repeat=2)), ids=lambda state: state.value)
def test_two_helpers(one: State, other: State) -> None:
    """One off and another on is partial; off does not outvote what is not known."""
    seen = facts(ONE_EACH[one], ONE_EACH[other])
    assert seen.state is TOGETHER[frozenset({one, other})]
    compliant = assess(seen, Intent()).verdict is Verdict.COMPLIANT
    assert compliant == (one is other is State.DISABLED)


@pytest.mark.parametrize("helpers", [(), (ONE_EACH[State.ENABLED],), (ONE_EACH[State.UNKNOWN],)])
def test_not_applicable(helpers: tuple[Helper, ...]) -> None:
    """No such feature, or no NAT for it to act in: nothing is asked of it, and nothing found."""
    found = assess(facts(*helpers, not_applicable="no NAT"), Intent())
    assert (found.state, found.verdict, found.findings) == (
        State.NOT_APPLICABLE, Verdict.NOT_APPLICABLE, (),
    )  # fmt: skip


def test_a_router_that_shows_no_helper_is_unknown() -> None:
    """That nothing was found is not that nothing is there."""
    assert assess(facts(), Intent()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("unread", "asked"), list(product(PLANES[1:], repeat=2)))
def test_a_plane_that_is_not_asked_for_may_be_unread(unread: str, asked: str) -> None:
    """It is a finding all the same; what the intent asks for must be shown."""
    values = [Value.UNKNOWN if name == unread else Value.OFF for name in PLANES]
    found = assess(facts(helper(*values)), Intent(planes=frozenset({"running", asked})))
    assert found.verdict is (Verdict.UNKNOWN if asked == unread else Verdict.COMPLIANT)
    assert [finding.code for finding in found.findings] == ["not-read"]
    assert found.findings[0].message == f"{unread} could not be told: cut"


def test_packets_that_are_asked_for_must_be_shown() -> None:
    """Not probed is not clean."""
    seen = facts(ONE_EACH[State.DISABLED])
    asking = Intent(planes=frozenset({*PLANES, "packets"}))
    assert assess(seen, asking).verdict is Verdict.UNKNOWN
    assert (
        assess(seen, asking, packets=Packets(plane=off("nothing was rewritten"))).verdict is Verdict.COMPLIANT
    )


def test_packets_that_are_altered_count_whatever_the_router_says() -> None:
    """Even where nobody asked for them."""
    found = assess(facts(ONE_EACH[State.DISABLED]), Intent(), packets=Packets(plane=on("Via was rewritten")))
    assert (found.verdict, [f.code for f in found.findings]) == (Verdict.NONCOMPLIANT, ["alg-in-packets"])


@given(
    st.lists(st.tuples(*[st.sampled_from(Value)] * 3), min_size=1, max_size=3),
    st.integers(0, 2),
    st.integers(0, 2),
)
def test_what_is_not_read_never_makes_a_router_compliant(
    planes: list[tuple[Value, Value, Value]], which: int, blinded: int
) -> None:
    """Take any plane of any helper away: the verdict does not become compliant by it."""
    whole = facts(*(helper(*values, name=f"h{n}") for n, values in enumerate(planes)))
    cut = [list(values) for values in planes]
    cut[which % len(cut)][blinded] = Value.UNKNOWN
    less = facts(*(helper(*values, name=f"h{n}") for n, values in enumerate(cut)))
    if assess(less, Intent()).verdict is Verdict.COMPLIANT:
        assert assess(whole, Intent()).verdict is Verdict.COMPLIANT
        assert planes[which % len(planes)][blinded] is Value.UNKNOWN


@pytest.mark.parametrize(
    ("values", "result"),
    [
        ((), Value.NONE),
        ((Value.NONE, Value.NONE), Value.NONE),
        ((Value.NONE, Value.OFF), Value.OFF),
        ((Value.OFF, Value.UNKNOWN), Value.UNKNOWN),
        ((Value.UNKNOWN, Value.ON), Value.ON),
        ((Value.OFF, Value.ON, Value.UNKNOWN), Value.ON),
    ],
)
def test_planes_of_many_helpers(values: tuple[Value, ...], result: Value) -> None:
    """On if any is, and unknown before off."""
    assert together(tuple(map(plane, values))).value is result


def test_the_evidence_is_each_line_once() -> None:
    """In the order of the planes, of all helpers."""
    seen = facts(
        Helper(name="a", running=off("x", "y"), startup=off("x"), operational=off("z")),
        Helper(name="b", running=off("y"), startup=off("w"), operational=off()),
    )
    assert assess(seen, Intent()).evidence == ("x", "y", "w", "z")


TODAY = date(2026, 11, 23)


def exempted(until: str) -> Assessment:
    """A router with its SIP ALG on, exempt until then."""
    exempt = Exemption(reason="a PBX needs it", until=until)
    return assess(facts(ONE_EACH[State.ENABLED]), Intent(), exempt=exempt, today=TODAY)


def test_an_exemption_holds_on_its_last_day() -> None:
    """The verdict stays what it is; that it is excused stands beside it."""
    found = exempted("2026-11-23")
    assert (found.verdict, found.exempt is not None) == (Verdict.NONCOMPLIANT, True)


def test_an_exemption_that_ended_is_a_finding() -> None:
    """And excuses nothing any more."""
    found = exempted("2026-11-22")
    assert found.exempt is None
    assert found.findings == (
        Finding(code="exemption-expired", message="the exemption ended on 2026-11-22: a PBX needs it"),
    )


BASE = helper(Value.ON, Value.ON, Value.ON)


@pytest.mark.parametrize(
    ("other", "essence", "settings"),
    [
        (facts(BASE), True, True),
        (facts(helper(Value.ON, Value.ON, Value.OFF)), True, True),
        (facts(helper(Value.OFF, Value.ON, Value.ON)), False, False),
        (facts(helper(Value.ON, Value.OFF, Value.ON)), False, False),
        (facts(BASE, BASE), False, False),
        (Facts(platform="toy", version="2", helpers=(BASE,)), False, True),
        (Facts(platform="toy", version="1", helpers=(BASE,), notes=("x",)), False, True),
        (Facts(platform="toy", version="1", helpers=(BASE,), boot_mark="7", config=("a",)), True, True),
        (
            facts(Helper(name="sip", running=on("other line"), startup=on(), operational=on())),
            True,
            True,
        ),
        (
            facts(Helper(name="sip", running=on(), startup=on(), operational=on(), prior=("set sip on",))),
            False,
            False,
        ),
    ],
)
def test_what_a_plan_is_made_from(other: Facts, essence: bool, settings: bool) -> None:
    """What drifts, and what a rollback must bring back: not evidence lines, boots, or other configuration."""
    assert (other.essence == facts(BASE).essence) is essence
    assert (other.settings == facts(BASE).settings) is settings


def test_what_runs_counts_where_the_configuration_says_off() -> None:
    """There the remedy differs: still running is to be unloaded."""
    quiet, live = ONE_EACH[State.DISABLED], ONE_EACH[State.PARTIAL]
    assert facts(quiet).essence != facts(live).essence
