"""One change at a time on one host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sipalg_fix.model.errors import PlanError
from sipalg_fix.store.journal import Journal
from sipalg_fix.store.owner import is_gone, this_process

Open = Callable[..., Journal]


def test_a_second_holder_is_told_who_holds_the_host_and_until_when(opened: Open) -> None:
    """Another program, and the same one: a host's change is not entered twice."""
    one, two = opened(), opened("bert@noc-1")
    first, second = one.open_run("apply", {}), two.open_run("apply", {})
    with one.lease("berlin/edge-1", first, 60):
        for journal, run in ((two, second), (one, first)):
            with pytest.raises(PlanError) as caught, journal.lease("berlin/edge-1", run, 60):
                pytest.fail("the host is held")
            assert caught.value.code == "host-busy"
            assert f"the run {first} (anna@noc-1 {os.getpid()}) until 2026-11-23T10:16:" in str(caught.value)
        with two.lease("berlin/edge-2", second, 60):
            pass
    with two.lease("berlin/edge-1", second, 60):
        pass
    assert [row.step for row in two.rows(second)] == ["run-started"]


def test_a_lease_ends_with_its_block_even_by_an_error(journal: Journal) -> None:
    """What went wrong goes on its way, and the host is free."""
    run = journal.open_run("apply", {})
    with pytest.raises(ValueError, match="the device said no"), journal.lease("edge-1", run, 60):
        raise ValueError("the device said no")
    with journal.lease("edge-1", run, 60):
        pass


def test_a_lease_that_ran_out_is_taken_over_and_both_runs_say_so(
    opened: Open, clock: Callable[[], str]
) -> None:
    """The new run's journal names from whom; the old one's, when it comes back, that it lost the host."""
    one, two = opened(), opened("bert@noc-1")
    first, second = one.open_run("apply", {}), two.open_run("apply", {})
    with one.lease("edge-1", first, 60):
        clock.ahead = 100.0  # type: ignore[attr-defined]  # the test's clock
        with two.lease("edge-1", second, 60):
            pass
        taken = two.rows(second, "edge-1")[0]
    assert taken.step == "said"
    assert taken.payload == {
        "what": "lease-taken-over",
        "why": "it ran out",
        "from_run": first,
        "from_owner": f"anna@noc-1 {os.getpid()}",
        "expires": taken.payload["expires"],
    }
    (lost,) = one.rows(first, "edge-1")
    assert (lost.step, lost.payload) == ("said", {"what": "lease-lost", "expires": taken.payload["expires"]})
    assert one.check(first) == ""
    assert two.check(second) == ""


def test_who_lost_a_lease_does_not_free_the_new_holder(opened: Open, clock: Callable[[], str]) -> None:
    """Leaving the old block leaves the new lease alone."""
    one, two = opened(), opened("bert@noc-1")
    first, second = one.open_run("apply", {}), two.open_run("apply", {})
    old = one.lease("edge-1", first, 60)
    old.__enter__()
    clock.ahead = 100.0  # type: ignore[attr-defined]  # the test's clock
    with two.lease("edge-1", second, 60):
        old.__exit__(None, None, None)
        with pytest.raises(PlanError, match=f"the run {second}"), one.lease("edge-1", first, 60):
            pytest.fail("the host is held")


def test_a_run_that_took_a_host_again_keeps_it_when_the_first_hold_ends(
    journal: Journal, clock: Callable[[], str]
) -> None:
    """A lease is known by when it ends, too: leaving the one that ran out does not give back the other."""
    run, other = journal.open_run("apply", {}), journal.open_run("apply", {})
    old = journal.lease("edge-1", run, 60)
    old.__enter__()
    clock.ahead = 100.0  # type: ignore[attr-defined]  # the test's clock
    with journal.lease("edge-1", run, 60):
        old.__exit__(None, None, None)
        with pytest.raises(PlanError, match=f"the run {run}"), journal.lease("edge-1", other, 60):
            pytest.fail("the host is held")


HOLD = """
import sys
from sipalg_fix.store.journal import Journal
journal = Journal(sys.argv[1], now=lambda: "2026-11-23T10:15:00Z", by="bert@noc-1")
run = journal.open_run("apply", {})
with journal.lease("edge-1", run, 3600):
    print(run, flush=True)
    sys.stdin.readline()
"""


def test_the_lease_of_a_dead_process_is_taken_over_at_once(journal: Journal, path: Path) -> None:
    """A crashed run does not keep its hosts for an hour; a living one does."""
    run = journal.open_run("resume", {})
    program = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    other = program.stdout.readline().strip()
    with (
        pytest.raises(PlanError, match=rf"{other} \(bert@noc-1 {program.pid}\)"),
        journal.lease("edge-1", run, 60),
    ):
        pytest.fail("the host is held")
    program.kill()
    # Not waited for yet: a process nobody has buried is dead all the same.
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    with journal.lease("edge-1", run, 60):
        pass
    (said,) = journal.rows(run, "edge-1")
    assert (said.payload["why"], said.payload["from_run"]) == ("its process has ended", other)
    program.communicate()
    assert is_gone(this_process("x").process) is False


def test_only_a_process_that_is_shown_to_have_ended_counts_as_gone() -> None:
    """Another machine's, another container's, another boot's or an unreadable mark proves nothing."""
    boot, namespace, pid, started = this_process("anna@noc-1").process.split(" ")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert is_gone(f"{boot} {namespace} {child.pid} {started}")
    assert is_gone(f"{boot} {namespace} {pid} 1"), "the number was given to another process since"
    assert not is_gone(f"{boot} {namespace} {pid} {started}")
    assert not is_gone(f"other-boot {namespace} {child.pid} {started}")
    assert not is_gone(f"{boot} pid:[1] {child.pid} {started}")
    assert not is_gone("")
