"""What is told of past runs: verified, told again whole, and told when they were cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.engine.tell_again import tell_again
from sipalg_fix.engine.verify import promised, verify
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent, Verdict
from sipalg_fix.model.change import ENDS, ChangeState
from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.model.report import Report, exit_code

from .toy import FOREVER, Trouble
from .variants import world
from .world import World

S = ChangeState


def against(made: World, run: str) -> Report:
    """Verified against what a run promised."""
    return verify(made.ports, made.targets, Intent(), made.told, against=promised(made.journal, run))


def codes(report: Report) -> list[str]:
    """What was found of the only host."""
    return [finding.code for finding in report.hosts[0].findings]


def test_a_change_that_still_stands_is_verified() -> None:
    """The intent of that run is met and nothing moved."""
    made = world()
    made.apply()
    report = against(made, "run-2-apply")
    assert (exit_code(report), codes(report)) == (0, [])


def test_drift_since_a_run_is_found() -> None:
    """Somebody switched it on again: noncompliant, and drifted."""
    made = world()
    made.apply()
    made.toy.edit("sip-udp", "on")
    report = against(made, "run-2-apply")
    assert (exit_code(report), codes(report)) == (2, ["drifted"])


def test_a_change_that_was_not_confirmed_is_named() -> None:
    """How the run left the host is a finding, whatever is so by now."""
    made = world()
    made.toy.refuses = ("save",)
    made.apply()
    assert codes(against(made, "run-2-apply")) == ["not-confirmed"]


def test_nobody_is_blamed_for_what_a_run_may_have_done_itself() -> None:
    """It never saw the host again after sending, so what differs may be its own change."""
    made = world()
    plan = made.plan()
    made.toy.troubles = (Trouble(what="unreachable", upon="set sip-tcp off", sessions=FOREVER),)
    made.apply(plan)
    made.toy.turned_away = ("", 0)
    assert codes(against(made, "run-2-apply")) == ["not-confirmed"]


def test_verifying_against_the_playbook() -> None:
    """Without a run the intent given is what counts, and nothing is found of the past."""
    made = world()
    report = verify(made.ports, made.targets, Intent(), made.told)
    (result,) = report.hosts
    assert result.assessment is not None
    assert result.assessment.verdict is Verdict.NONCOMPLIANT
    assert made.toy.writes == 0


@pytest.mark.parametrize("run", ["nowhere", "run-1-audit"])
def test_runs_that_promise_nothing(run: str) -> None:
    """One that is not there, and one that changed nothing."""
    made = world()
    made.audit()
    with pytest.raises(PlanError) as caught:
        promised(made.journal, run)
    assert caught.value.code == "run-unknown"


def test_a_host_of_another_run_is_not_verified() -> None:
    """It is that host's error."""
    made = world()
    report = verify(made.ports, made.targets, Intent(), made.told, against={})
    assert report.hosts[0].error is not None
    assert report.hosts[0].error.code == "run-unknown"


def planned(made: World) -> Report:
    """The report of a dry run."""
    _, report = made.dry_run()
    return report


def troubled(made: World) -> Report:
    """A run that ended badly."""
    plan = made.plan()
    made.toy.troubles = (Trouble(what="refuse", upon="set sip-tcp off"),)
    return made.apply(plan)


def taken_back(made: World) -> Report:
    """A run that was rolled back."""
    made.apply()
    plans = changed_hosts(made.journal, "run-2-apply")
    return rollback(made.ports, "run-2-apply", plans, made.told)


@pytest.mark.parametrize("verb", [World.audit, planned, World.apply, troubled, taken_back])
def test_a_report_told_again_is_the_same_report(verb: Callable[[World], Report]) -> None:
    """Every word of it is in the journal."""
    made = world(guard="revert")
    report = verb(made)
    assert tell_again(made.journal, report.run) == report


def cut_after(made: World, run: str, rows: int) -> Report:
    """The run, told from its first rows alone: its process was killed then."""
    made.journal.kept[run] = made.journal.kept[run][:rows]
    return tell_again(made.journal, run)


def test_a_run_that_was_cut_short_claims_no_more_than_its_last_state() -> None:
    """
    After each of its rows: no verdict, and stranded as soon as something may have been sent, until its end
    was recorded.
    """
    whole = world(guard="revert")
    whole.apply()
    rows = whole.journal.rows("run-2-apply")
    at_result = next(n for n, row in enumerate(rows, start=1) if row.step == words.RESULT)
    for number in range(1, at_result):
        made = world(guard="revert")
        made.apply()
        report = cut_after(made, "run-2-apply", number)
        seen = rows[:number]
        assert report.stopped
        sent = [row for row in seen if row.step == words.SENDING]
        last = [row.payload["state"] for row in seen if row.step == words.STATE][-1:]
        for result in report.hosts:
            assert result.assessment is None
            assert result.error is not None
            assert len(result.done) == len(sent)
            planned = any(row.step == words.PLANNED for row in seen)
            assert (result.site, result.platform) == (("lab", "toy") if planned else ("", ""))
            expected = S.CONFIRMED if last == ["confirmed"] else S.STRANDED if sent else None
            assert result.change is expected
        assert exit_code(report) == (6 if sent and last != ["confirmed"] else 7)


def test_an_end_that_was_recorded_is_told_although_the_run_was_cut_short() -> None:
    """A refused host is refused: nothing was sent to it."""
    made = world()
    plan = made.plan()
    made.toy.edit("sip-tcp", "off")
    made.apply(plan)
    rows = made.journal.rows("run-2-apply")
    at = next(n for n, row in enumerate(rows, start=1) if row.step == words.RESULT)
    (result,) = cut_after(made, "run-2-apply", at - 1).hosts
    assert result.change in ENDS
    assert result.change is S.REFUSED


def test_hosts_that_were_not_begun_are_not_told() -> None:
    """Nothing is known of them."""
    made = World(names=("alpha", "bravo"))
    made.audit()
    at = next(n for n, row in enumerate(made.journal.rows("run-1-audit")) if row.host == "bravo")
    assert [result.host for result in cut_after(made, "run-1-audit", at).hosts] == ["alpha"]


def test_a_run_that_is_not_there_is_named() -> None:
    """And how to find the others."""
    with pytest.raises(PlanError, match="no run nowhere"):
        tell_again(world().journal, "nowhere")


def test_a_result_of_another_version_is_the_journals_failure() -> None:
    """It cannot be read, and nothing is made of it."""
    made = world()
    made.audit()
    rows = made.journal.kept["run-1-audit"]
    rows[:] = [replace(row, payload={"x": 1}) if row.step == words.RESULT else row for row in rows]
    with pytest.raises(JournalError) as caught:
        tell_again(made.journal, "run-1-audit")
    assert caught.value.code == "journal-version"
