"""The rules that the nouns carry: moves of a change, chains of a journal, words of a playbook, codes."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.change import ENDS, NEXT, ChangeState, move
from sipalg_fix.model.driver import another_boot
from sipalg_fix.model.errors import (
    HOST_CODES,
    JOURNAL_CODES,
    PLAN_CODES,
    DeviceError,
    InputError,
    JournalError,
    NotUnderstood,
    PlanError,
    Problem,
    Refused,
    SipalgError,
)
from sipalg_fix.model.host import Host, SecretRef
from sipalg_fix.model.journal import START, Row, broken_link, row_hash
from sipalg_fix.model.playbook import DEFAULT_HOW, GuardRule, How, Override, Playbook, RebootRule

S = ChangeState


def test_the_life_of_a_change_is_closed() -> None:
    """Every state is in the table, and every state that may follow one is."""
    assert set(NEXT) == set(S)
    assert set().union(*NEXT.values()) <= set(S)


def test_ends_have_no_successors() -> None:
    """But for the one that those who wait go on from."""
    assert {state for state in S if not NEXT[state]} == ENDS - {S.REVERTING}
    assert {S.CONFIRMED, S.ROLLED_BACK, S.REFUSED, S.STRANDED, S.UNSAVED} <= ENDS


def reachable(state: ChangeState) -> set[ChangeState]:
    """Where a change may come to from there."""
    seen, left = set[ChangeState](), [state]
    while left:
        for follower in NEXT[left.pop()] - seen:
            seen.add(follower)
            left.append(follower)
    return seen


def test_every_state_is_on_a_way_from_plan_to_end() -> None:
    """None hangs in the air, and from none that is no end is there no way out."""
    assert reachable(S.PLANNED) == set(S) - {S.PLANNED}
    assert all(reachable(state) & ENDS for state in S if NEXT[state])


def test_wherever_something_may_have_been_sent_there_is_a_way_to_stranded() -> None:
    """So that no fault of ours leaves a change between two states."""
    assert {s for s in S if NEXT[s] and S.STRANDED not in NEXT[s]} == {S.PLANNED}


@pytest.mark.parametrize(("old", "new"), list(product(S, repeat=2)), ids=lambda state: state.value)
def test_only_the_tables_moves_are_made(old: ChangeState, new: ChangeState) -> None:
    """Any other is an error of ours, told loudly."""
    if new in NEXT[old]:
        assert move(old, new) is new
        return
    with pytest.raises(SipalgError, match=f"cannot go from {old.value} to {new.value}"):
        move(old, new)


def test_confirmed_is_reached_from_met_alone() -> None:
    """Nothing is confirmed that a fresh session did not show."""
    assert [state for state in S if S.CONFIRMED in NEXT[state]] == [S.MET]


def chain(length: int) -> tuple[Row, ...]:
    """A whole chain."""
    rows: list[Row] = []
    for seq in range(1, length + 1):
        prev = rows[-1].hash if rows else START
        bare = {
            "run": "r", "host": "", "seq": seq, "at": "t", "by": "me", "step": "s", "payload": {"n": seq},
            "prev": prev,
        }  # fmt: skip
        rows.append(Row(**bare, hash=row_hash(**bare)))  # type: ignore[arg-type]  # a row's fields
    return tuple(rows)


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_whole_chain_is_whole_in_parts_too(length: int, cut: int) -> None:
    """A long run is checked a part at a time."""
    rows = chain(length)
    first, rest = rows[:cut], rows[cut:]
    assert broken_link(rows) == broken_link(first) == ""
    assert broken_link(rest, first[-1] if first else None) == ""


FIELDS = ["run", "host", "at", "by", "step"]


@pytest.mark.parametrize("at", [0, 1, 3])
@pytest.mark.parametrize("field", [*FIELDS, "payload", "prev", "hash", "seq"])
def test_a_changed_row_shows(field: str, at: int) -> None:
    """Whatever of it is changed, and wherever it stands."""
    rows = list(chain(4))
    other = {"payload": {"n": 99}, "seq": 99}.get(field, "sha256:other")
    rows[at] = replace(rows[at], **{field: other})  # type: ignore[arg-type]  # a field and its like
    assert broken_link(tuple(rows)) != ""


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_missing_or_reordered_row_shows(at: int) -> None:
    """Only at the end can a row be missed; for that the report names the last one's hash."""
    rows = chain(4)
    assert broken_link(rows[:at] + rows[at + 1 :]) == f"row {at + 1} is missing (the next is {at + 2})"
    swapped = (*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :])
    assert broken_link(swapped) != ""


def test_a_row_that_was_changed_and_hashed_anew_shows_in_the_next() -> None:
    """The chain covers the row before."""
    rows = list(chain(3))
    bare = {name: getattr(rows[1], name) for name in (*FIELDS, "seq", "prev")} | {"payload": {"n": 99}}
    rows[1] = Row(**bare, hash=row_hash(**bare))
    assert broken_link(tuple(rows)) == "row 3 is not chained to the one before it"


def test_words_of_an_override_are_over_those_under_it() -> None:
    """What it does not say is inherited; a False is said."""
    over = How(reboot=RebootRule.NEVER, flush=False).over(DEFAULT_HOW)
    assert over == How(reboot=RebootRule.NEVER, guard=GuardRule.AUTO, guard_minutes=5, flush=False)
    assert How().over(DEFAULT_HOW) == DEFAULT_HOW


def test_later_overrides_win() -> None:
    """Of those whose pattern matches the host."""
    book = Playbook(
        name="x",
        overrides=(
            Override(select="a", how=How(guard=GuardRule.OFF, guard_minutes=9)),
            Override(select="b", how=How(guard=GuardRule.REQUIRE)),
            Override(select="c", how=How(guard_minutes=1)),
        ),
    )
    both = book.how_for(frozenset({"a", "b"}))
    assert (both.guard, both.guard_minutes) == (GuardRule.REQUIRE, 9)
    assert book.how_for(frozenset()) == DEFAULT_HOW


def test_every_code_has_a_number_of_its_own() -> None:
    """Its docs page; the hundreds say who must act."""
    numbers = [*HOST_CODES.values(), *PLAN_CODES.values(), *JOURNAL_CODES.values()]
    assert len(set(numbers)) == len(numbers)
    assert {code[:2] for code in HOST_CODES.values()} == {"E3"}
    assert {code[:2] for code in PLAN_CODES.values()} == {"E4"}
    assert {code[:2] for code in JOURNAL_CODES.values()} == {"E5"}


def test_the_tree_of_errors() -> None:
    """Two kinds of device error are device errors, and all of them are ours."""
    assert issubclass(NotUnderstood, DeviceError)
    assert issubclass(Refused, DeviceError)
    for kind in (DeviceError, InputError, PlanError, JournalError):
        assert issubclass(kind, SipalgError)
        assert not issubclass(
            kind, (set[type]({DeviceError, InputError, PlanError, JournalError}) - {kind}).pop()
        )
    assert NotUnderstood("x").number == "E309"
    assert Refused("x", reply="y").number == "E308"


def test_problems_of_a_file_are_told_in_line_order() -> None:
    """All at once, as compilers write them."""
    later, sooner = (Problem(file="h.yaml", line=n, code="E101", message="no") for n in (10, 9))
    assert str(InputError((later, sooner))) == "h.yaml:9: E101 no\nh.yaml:10: E101 no"


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [("a", "b", True), ("a", "a", False), ("", "b", False), ("a", "", False), ("", "", False)],
)
def test_another_boot_is_shown_by_another_mark(before: str, after: str, other: bool) -> None:
    """No mark proves nothing."""
    assert another_boot(before, after, 30.0) is other


@pytest.mark.parametrize(
    ("text", "scheme", "place"),
    [
        ("env:PW", "env", "PW"),
        ("file:/a:b", "file", "/a:b"),
        ("ask", "ask", ""),
        ("inventory:h#a.b", "inventory", "h#a.b"),
    ],
)
def test_a_reference_to_a_secret(text: str, scheme: str, place: str) -> None:
    """Only the first colon tells scheme from place."""
    reference = SecretRef(text=text)
    assert (reference.scheme, reference.place) == (scheme, place)


def test_a_host_is_its_name_and_site() -> None:
    """Customers' networks overlap."""
    assert Host(name="gw", platform="toy", site="berlin").label == "berlin/gw"
