"""Killed at any row of its journal, before or after it is written: recovery settles what the run left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.recover import recover, unsettled
from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.engine.tell_again import tell_again
from sipalg_fix.engine.verify import promised
from sipalg_fix.model import journal as words
from sipalg_fix.model.change import NEXT, ChangeState, Phase
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.plan import Plan
from sipalg_fix.model.report import Report, exit_code
from sipalg_fix.model.window import DAYS, Window

from .oracle import lie, snapshot
from .toy import FOREVER, HELPERS
from .toy_ports import Killed
from .variants import VARIANTS, late, world
from .world import World

S = ChangeState
ALL = {**VARIANTS, "late": late}


def killed(made: World, plan: Plan, row: int, *, after: bool) -> str:
    """Apply, and be killed at that row of the run; the run's name."""
    made.journal.killed_at, made.journal.after = made.journal.written + row, after
    with pytest.raises(Killed):
        made.apply(plan)
    made.journal.killed_at = 0
    return made.journal.find_run("last")


def recovered(made: World) -> Report:
    """Settle all that was cut short."""
    return recover(made.ports, made.journal.cut_short(), made.told)


def rows_of(variant: str) -> int:
    """How many rows a change of this kind writes."""
    made = ALL[variant]()
    plan = made.plan()
    before = made.journal.written
    made.apply(plan)
    return made.journal.written - before


POINTS = [
    (variant, row, after)
    for variant in sorted(ALL)
    for row in range(2, rows_of(variant) + 1)
    for after in (False, True)
]


@pytest.mark.parametrize(("variant", "row", "after"), POINTS)
def test_killed_anywhere_it_ends_as_planned_or_as_it_was(variant: str, row: int, after: bool) -> None:
    """The state is true, no run stays open, the journal is whole, and a second recovery sends nothing."""
    made = ALL[variant]()
    before = snapshot(made.toy)
    plan = made.plan()
    run = killed(made, plan, row, after=after)
    report = recovered(made)
    for result in report.hosts:
        assert result.change in {S.CONFIRMED, S.ROLLED_BACK, S.REFUSED}, result
        assert lie(result, made, before) == ""
    assert made.journal.cut_short() == ()
    assert unsettled(made.journal, run) == ()
    assert made.whole() == ""
    writes, rows = made.toy.writes, len(made.journal.rows(run))
    assert recovered(made).hosts == ()
    assert (made.toy.writes, len(made.journal.rows(run))) == (writes, rows)


@pytest.mark.parametrize("variant", ["reverts", "holds", "restarts"])
def test_killed_while_it_rolls_back(variant: str) -> None:
    """At each row of a rollback: the host is as before in the end, and the journal says so."""
    made = ALL[variant]()
    made.apply()
    first = made.journal.find_run("last")
    start = made.journal.written
    rollback(made.ports, first, changed_hosts(made.journal, first), made.told)
    for row in range(2, made.journal.written - start + 1):
        again = ALL[variant]()
        before = snapshot(again.toy)
        again.apply()
        run = again.journal.find_run("last")
        again.journal.killed_at = again.journal.written + row
        with pytest.raises(Killed):
            rollback(again.ports, run, changed_hosts(again.journal, run), again.told)
        again.journal.killed_at = 0
        for result in recovered(again).hosts:
            assert result.change in {S.ROLLED_BACK, S.REFUSED}, (row, result)
            assert (snapshot(again.toy) == before) is (result.change is S.ROLLED_BACK)
        assert again.whole() == ""


def test_half_of_a_rollback_that_cannot_be_read_is_sent_again() -> None:
    """What is saved reads as nothing until all is back: what undoes the change is owed, and needs no look."""
    trial = ALL["reverts"]()
    trial.apply()
    run = trial.journal.find_run("last")
    rollback(trial.ports, run, changed_hosts(trial.journal, run), trial.told)
    rows = trial.journal.rows(trial.journal.find_run("last"))
    saving = next(row.seq for row in rows if row.payload.get("phase") == Phase.RESAVE.value)
    made = ALL["reverts"]()
    before = snapshot(made.toy)
    made.apply()
    run = made.journal.find_run("last")
    made.journal.killed_at, made.journal.after = made.journal.written + saving, True
    with pytest.raises(Killed):
        rollback(made.ports, run, changed_hosts(made.journal, run), made.told)
    made.journal.killed_at = 0
    made.toy.refuses = ("show startup",)
    told = made.toy.before_telling

    def readable_again(text: str) -> str:
        made.toy.refuses = ()
        return told(text)

    made.toy.before_telling = readable_again
    (result,) = recovered(made).hosts
    assert result.change is S.ROLLED_BACK
    assert snapshot(made.toy) == before


def sending(phase: Phase) -> int:
    """The row, counted in its run, that announces the first command sent for this."""
    trial = world(guard="revert", restarted=True)
    trial.apply()
    rows = trial.journal.rows(trial.journal.find_run("last"))
    return next(row.seq for row in rows if row.step == words.SENDING and row.payload["phase"] == phase.value)


def test_killed_twice() -> None:
    """A recovery that is killed is recovered, too."""
    for row in range(2, 14):
        made = world(guard="revert")
        before = snapshot(made.toy)
        killed(made, made.plan(), sending(Phase.FORWARD) + 2, after=True)
        made.journal.killed_at = made.journal.written + row
        with pytest.raises(Killed):
            recovered(made)
        made.journal.killed_at = 0
        report = recovered(made)
        assert made.journal.cut_short() == ()
        for result in report.hosts:
            assert lie(result, made, before) == ""
        assert snapshot(made.toy) == before
        assert made.whole() == ""


def test_a_host_that_answers_no_more_is_told_as_last_known() -> None:
    """With a guard it reverts by itself; without one nobody can tell."""
    for guard in ("revert", ""):
        made = world(guard=guard)
        killed(made, made.plan(), sending(Phase.FORWARD) + 2, after=True)
        made.toy.turned_away = ("unreachable", FOREVER)
        (result,) = recovered(made).hosts
        assert result.change is S.STRANDED
        assert exit_code(recovered(made)) == 0, "it is settled: nobody can do more than look"


def test_an_armed_guard_is_waited_for() -> None:
    """A host that does not answer at first is waited for as long as its guard may take, and then seen to."""
    made = world(guard="revert")
    before = snapshot(made.toy)
    killed(made, made.plan(), sending(Phase.FORWARD) + 2, after=True)
    made.toy.turned_away = ("unreachable", 40)
    (result,) = recovered(made).hosts
    assert result.change is S.ROLLED_BACK
    assert snapshot(made.toy) == before


def test_what_somebody_works_on_is_left_alone() -> None:
    """A host whose lease another run holds is busy, and its run stays open."""
    made = world(guard="revert")
    run = killed(made, made.plan(), sending(Phase.FORWARD) + 2, after=True)
    (target,) = made.targets
    rows, writes = made.journal.rows(run), made.toy.writes
    with made.journal.lease(target.host.label, "another", 60.0):
        (result,) = recovered(made).hosts
    assert result.error is not None
    assert result.error.code == "host-busy"
    assert (made.journal.rows(run), made.toy.writes) == (rows, writes)
    assert made.journal.cut_short() == (run,)


def test_a_run_that_somebody_works_on_is_not_cut_short() -> None:
    """It has no end and a lock."""
    made = world()
    run = killed(made, made.plan(), 3, after=True)
    with made.journal.lease(f"{words.RUN_LEASE}{run}", run, 60.0):
        assert made.journal.cut_short() == ()
    assert made.journal.cut_short() == (run,)


def test_a_host_that_a_later_run_changed_is_that_runs() -> None:
    """Nothing is sent to it, and nothing is claimed of it."""
    made = world(guard="")
    killed(made, made.plan(), sending(Phase.FORWARD) + 3, after=True)
    made.clock.pause(5.0)
    made.apply()
    now, writes = snapshot(made.toy), made.toy.writes
    (result,) = recovered(made).hosts
    assert result.error is not None
    assert (result.error.code, result.change) == ("superseded", None)
    assert (snapshot(made.toy), made.toy.writes) == (now, writes)
    assert made.journal.cut_short() == ()


@pytest.mark.parametrize("phase", [Phase.FLUSH, Phase.SAVE])
def test_switched_on_again_meanwhile(phase: Phase) -> None:
    """Somebody else did that after it was kept: it is not shown, and not taken back from them."""
    made = world(guard="revert", restarted=True)
    killed(made, made.plan(), sending(phase), after=True)
    for name in HELPERS:
        made.toy.edit(name, "on")
    writes = made.toy.writes
    (result,) = recovered(made).hosts
    assert (result.change, made.toy.writes) == (S.NOT_SHOWN, writes)


def test_a_router_is_not_restarted_twice() -> None:
    """Killed after the restart was told: the new boot is recognised."""
    made = world(guard="revert", restarted=True)
    killed(made, made.plan(), sending(Phase.REBOOT) + 1, after=False)
    boots = made.toy.boot
    (result,) = recovered(made).hosts
    assert (result.change, made.toy.boot) == (S.CONFIRMED, boots)


def test_a_restart_that_was_never_heard_is_told_again() -> None:
    """Killed before its first byte: the same boot answers long after, so it is told once more."""
    made = world(guard="revert", restarted=True)
    killed(made, made.plan(), sending(Phase.REBOOT), after=True)
    boots = made.toy.boot
    (result,) = recovered(made).hosts
    assert (result.change, made.toy.boot) == (S.CONFIRMED, boots + 1)


def test_the_run_tells_what_became_of_it() -> None:
    """The run that was cut short, told again, has the end that recovery gave it."""
    made = world(guard="revert")
    run = killed(made, made.plan(), sending(Phase.SAVE), after=True)
    report = recovered(made)
    again = tell_again(made.journal, run)
    assert report.run in again.stopped
    assert exit_code(again) == 7
    (result,) = again.hosts
    assert result.change is S.CONFIRMED
    ((_, settings, state),) = promised(made.journal, run).values()
    assert (state, bool(settings)) == (S.CONFIRMED, True)
    assert tell_again(made.journal, report.run) == report


def test_moves_of_a_resumed_change_are_moves_of_the_table() -> None:
    """Each pair of states that follow each other in the run is one that may."""
    made = world(guard="revert")
    killed(made, made.plan(), sending(Phase.SAVE), after=True)
    recovered(made)
    assert all(new in NEXT[old] for old, new in made.journal.edges())


def test_no_such_run() -> None:
    """It is said."""
    with pytest.raises(PlanError, match="no run nowhere"):
        recover(world().ports, ["nowhere"], world().told)


@pytest.mark.parametrize("late", [False, True])
def test_settling_is_not_bound_by_windows(late: bool) -> None:
    """What was sent outside of the windows of the change is said to have been."""
    made = world(guard="revert")
    window = Window(days=DAYS, begins=10 * 60, ends=11 * 60, zone="UTC")
    made.book = replace(made.book, windows=(window,))
    killed(made, made.plan(), sending(Phase.FORWARD) + 1, after=True)
    made.clock.pause(3600.0 if late else 0.0)
    (result,) = recovered(made).hosts
    assert result.change in {S.CONFIRMED, S.ROLLED_BACK}
    assert ("window-closed" in {finding.code for finding in result.findings}) is late
