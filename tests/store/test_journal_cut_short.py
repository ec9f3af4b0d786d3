"""Which runs were cut short: they have no end, and nobody works on them any more."""

from __future__ import annotations

from sipalg_fix.model.journal import RUN_ENDED, RUN_LEASE
from sipalg_fix.store.journal import Journal
from tests.store.conftest import Clock, Open


def test_a_run_is_cut_short_when_it_has_no_end_and_no_holder(journal: Journal) -> None:
    """Not while somebody holds it, and not once it has its end."""
    run = journal.open_run("apply", {})
    with journal.lease(f"{RUN_LEASE}{run}", run, 60.0):
        assert journal.cut_short() == ()
    assert journal.cut_short() == (run,)
    journal.write(run, "", RUN_ENDED, {})
    assert journal.cut_short() == ()


def test_oldest_first_and_one_with_an_end_of_a_host_only_is_open(journal: Journal) -> None:
    """A row of a host is no end of the run, whatever it is called."""
    first, second = journal.open_run("apply", {}), journal.open_run("audit", {})
    journal.write(first, "router", RUN_ENDED, {})
    assert journal.cut_short() == (first, second)


def test_a_hold_that_ran_out_holds_nothing(opened: Open, clock: Clock) -> None:
    """A process on another machine may be gone; after its time the run counts as cut short."""
    journal = opened()
    run = journal.open_run("apply", {})
    with journal.lease(f"{RUN_LEASE}{run}", run, 60.0):
        clock.ahead = 3600.0
        assert opened("ben@noc-2").cut_short() == (run,)


def test_rows_of_one_host_come_in_the_order_of_the_runs(journal: Journal) -> None:
    """What recovery asks: was this host changed by a later run?"""
    first, second = journal.open_run("apply", {}), journal.open_run("apply", {})
    journal.write(second, "router", "sending", {})
    journal.write(first, "router", "sending", {})
    assert [row.run for row in journal.host_rows("router")] == [first, second]
