"""The life of a change: every move from state to state happens, and only those that the table has."""

from __future__ import annotations

import pytest

from sipalg_fix.model.change import ENDS, NEXT, ChangeState
from sipalg_fix.model.journal import STATE

from .stories import EDGES, NOT_EXERCISED, STORIES, FaultOfOurs, router, told
from .toy import SECRET, Trouble
from .toy_ports import Edge
from .variants import world
from .world import World

S = ChangeState


def name(edge: object) -> str | None:
    """What a state is called in a test's name."""
    return edge.value if isinstance(edge, ChangeState) else None


def ends_of(made: World) -> set[ChangeState]:
    """The last state of each run that has one."""
    runs = (made.journal.rows(run) for run in made.journal.kept)
    states = ([row for row in rows if row.step == STATE] for rows in runs)
    return {ChangeState(rows[-1].payload["state"]) for rows in states if rows}


@pytest.mark.parametrize(("old", "new"), EDGES, ids=name)
def test_each_move_happens(old: ChangeState, new: ChangeState) -> None:
    """A story takes this move, and ends where a change may end, with its journal whole."""
    edge: Edge = (old, new)
    assert edge in STORIES, f"no story moves from {old.value} to {new.value}: {NOT_EXERCISED.get(edge, '')}"
    made = STORIES[edge]()
    assert edge in made.journal.edges()
    assert ends_of(made) <= ENDS
    assert made.whole() == ""


def test_no_story_is_about_a_move_that_the_table_does_not_have() -> None:
    """The stories are the table's moves, but for those that are excused with a reason; none is."""
    assert set(STORIES) | set(NOT_EXERCISED) == set(EDGES)
    assert not set(STORIES) & set(NOT_EXERCISED)
    assert NOT_EXERCISED == {}


def test_each_state_is_reached() -> None:
    """Every state but the first stands at the end of a move that a story shows."""
    assert {new for _, new in STORIES} == set(S) - {S.PLANNED}


WHERE_SOMETHING_WAS_SENT = [
    state for state in S if S.STRANDED in NEXT[state] and state not in (S.PLANNED, S.REVERTING)
]
WAY_THERE = {
    S.REFUSED_MIDWAY: (Trouble(what="refuse", upon="set sip-tcp off"),),
    S.ROLLING_BACK: (Trouble(what="refuse", upon="set sip-tcp off"),),
}


@pytest.mark.parametrize("state", WHERE_SOMETHING_WAS_SENT, ids=name)
def test_a_fault_of_ours_after_something_was_sent_strands_the_host(state: ChangeState) -> None:
    """Wherever it comes, it is named, without its text, and the host is one for a person to look at."""
    made = world(guard="revert", restarted=True)
    plan = made.plan()
    made.toy.troubles = WAY_THERE.get(state, ())
    made.progress = FaultOfOurs(state)
    (result,) = made.apply(plan).hosts
    sent = state is not S.APPLYING
    assert result.change is (S.STRANDED if sent else S.REFUSED)
    codes = {result.error.code if result.error else "", *(finding.code for finding in result.findings)}
    assert "internal" in codes
    assert "a fault of ours" not in repr(result)
    assert made.whole() == ""


def test_a_fault_of_ours_before_anything_was_sent_refuses_the_host() -> None:
    """Nothing was sent, so that is what is said."""
    made = told(router(), Trouble(what="crash", upon="show running"))()
    (row,) = [row for row in made.journal.rows("run-2-apply") if row.step == "result"]
    assert row.payload["change"] == "refused"
    assert row.payload["error"]["code"] == "internal"
    assert SECRET not in repr(made.journal.kept)
    assert made.toy.told == []
