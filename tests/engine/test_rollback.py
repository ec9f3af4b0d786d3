"""Roll back: hosts are put back to what was seen before a run, by what the journal holds of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.model import journal as words
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import JournalError, PlanError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.report import HostResult, exit_code
from sipalg_fix.model.step import Remedy

from .oracle import Snapshot, lie, snapshot
from .stories import on
from .toy import FOREVER, Trouble
from .toy_driver import tell
from .variants import TROUBLES, VARIANTS, save_only, world
from .world import World

S = ChangeState


def changed(made: World, *troubles: Trouble) -> Snapshot:
    """A world in which a run changed something; what it was before."""
    before, plan = snapshot(made.toy), made.plan()
    made.toy.troubles = troubles
    made.apply(plan)
    made.toy.troubles = ()
    made.toy.turned_away = ("", 0)
    made.toy.told.clear()
    made.toy.times.clear()
    return before


def put_back(made: World, run: str = "run-2-apply", *, accepted: bool = False) -> HostResult:
    """The only router's result."""
    plans = changed_hosts(made.journal, run)
    (result,) = rollback(made.ports, run, plans, made.told, accepted=accepted).hosts
    return result


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"save-only"}))
def test_a_confirmed_change_is_put_back(variant: str) -> None:
    """Running and saved configuration are as before, and that is a success."""
    made = VARIANTS[variant]()
    before = changed(made)
    result = put_back(made)
    assert (result.change, result.error) == (S.ROLLED_BACK, None)
    assert lie(result, made, before, good=S.ROLLED_BACK) == ""


def test_a_guard_that_was_shown_to_be_gone_is_not_told_anything() -> None:
    """One that is armed by now is somebody else's, and their change must not be kept by us."""
    made = world(guard="revert")
    changed(made)
    put_back(made)
    assert made.toy.told == ["set sip-tcp on", "set sip-udp on", "save"]


def test_a_guard_that_a_run_left_is_settled() -> None:
    """After the rollback nothing fires any more."""
    made = world(guard="revert")
    made.toy.refuses = ("guard keep",)
    before = changed(made)
    assert made.toy.guard is not None
    made.toy.refuses = ()
    result = put_back(made)
    assert result.change is S.ROLLED_BACK
    assert made.toy.told[-1] == "guard keep"
    assert lie(result, made, before, good=S.ROLLED_BACK) == ""


def test_a_stranded_router_is_put_back() -> None:
    """The device is read first; what it took of the change is undone."""
    made = world()
    before = changed(made, Trouble(what="unreachable", upon="set sip-tcp off", sessions=FOREVER))
    result = put_back(made)
    assert result.change is S.ROLLED_BACK
    assert snapshot(made.toy) == before


def test_a_router_that_is_as_before_is_left_alone() -> None:
    """The second rollback sends nothing, and says so."""
    made = world()
    changed(made)
    put_back(made)
    told = list(made.toy.told)
    result = put_back(made)
    assert (result.change, result.done) == (S.ROLLED_BACK, ())
    assert result.note == "already as it was before that run; nothing was sent"
    assert made.toy.told == told


def test_what_was_sent_is_not_denied() -> None:
    """Only the saved configuration differs: it is saved again, and that is not 'nothing was sent'."""
    made = world()
    changed(made)
    for name in ("sip-tcp", "sip-udp"):
        made.toy.edit(name, "on")
    result = put_back(made, accepted=True)
    assert (result.change, result.done, result.note) == (S.ROLLED_BACK, ("save",), "")


def test_a_router_that_was_changed_since_is_refused() -> None:
    """Unless that is accepted by name, somebody else's change is not undone."""
    made = world()
    changed(made)
    made.toy.edit("sip-tcp", "on")
    result = put_back(made)
    assert (result.change, result.error and result.error.code) == (S.REFUSED, "plan-drifted")
    assert made.toy.told == []
    assert put_back(made, accepted=True).change is S.ROLLED_BACK


def test_contact_lost_while_rolling_back_a_kept_change_is_not_reverting() -> None:
    """The guard of that run is long gone: nothing brings the router back, and nobody claims so."""
    made = world(guard="revert")
    changed(made)
    made.toy.troubles = (Trouble(what="unreachable", upon="set sip-tcp on", sessions=FOREVER),)
    assert put_back(made).change is S.STRANDED


def test_a_run_that_only_saved_has_nothing_to_put_back_and_it_is_said() -> None:
    """The saved configuration was repaired by that run; no step breaks it again, and nobody claims so."""
    made = save_only()
    changed(made)
    result = put_back(made)
    assert (result.change, result.error, result.done) == (None, None, ())
    assert "save-kept" in {finding.code for finding in result.all_findings}


def test_a_router_that_cannot_be_read_is_refused() -> None:
    """Nothing is sent to what cannot be seen."""
    made = world()
    changed(made)
    made.toy.refuses = ("show running",)
    result = put_back(made)
    assert (result.change, result.error and result.error.code) == (S.REFUSED, "not-understood")
    assert made.toy.told == []


def test_a_busy_router_is_refused() -> None:
    """Another run holds its lock."""
    made = world()
    changed(made)
    made.journal.leases["lab/alpha"] = "run-of-somebody"
    result = put_back(made)
    assert (result.change, result.error and result.error.code) == (S.REFUSED, "host-busy")


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("variant", ["bare", "reverts-amend", "holds-find", "strict"])
def test_trouble_at_any_command_of_a_rollback_ends_in_a_state_that_is_true(
    variant: str, trouble: str
) -> None:
    """At each command in turn, as for a change."""
    peaceful = VARIANTS[variant]()
    changed(peaceful)
    first = peaceful.toy.heard
    put_back(peaceful)
    for number in range(first + 1, peaceful.toy.heard + 1):
        made = VARIANTS[variant]()
        before = changed(made)
        after = snapshot(made.toy)
        made.toy.troubles = (replace(TROUBLES[trouble], at=number),)
        result = put_back(made)
        origin = after if result.change is S.REFUSED else before
        assert lie(result, made, origin, good=S.ROLLED_BACK) == "", f"{trouble} at command {number}"


def told_in_two() -> World:
    """What undoes a change is a setting, and a service that is to be told of it."""
    made = world(saves=False)
    driver = made.driver

    def remedy(facts: Facts) -> Remedy:
        plain = driver.remedy(facts)
        return replace(plain, inverse=(*plain.inverse, tell("flush")))

    made.driver = replace(driver, remedy=remedy)
    return made


def test_half_of_a_rollback_does_not_count_as_all_of_it() -> None:
    """The settings read as before, and the service was refused: it is told again, or there is no rollback."""
    made = told_in_two()
    before = changed(made)
    made.toy.troubles = (on("flush", "refuse"),)
    result = put_back(made)
    assert (result.change, result.error) == (S.ROLLED_BACK, None)
    assert made.toy.told.count("flush") == 2
    assert lie(result, made, before, good=S.ROLLED_BACK) == ""
    made = told_in_two()
    changed(made)
    made.toy.refuses = ("flush",)
    result = put_back(made)
    assert result.change is S.STRANDED
    assert "rollback-refused" in {finding.code for finding in result.findings}


def test_a_run_that_is_not_there() -> None:
    """It is named, and how to find the others."""
    with pytest.raises(PlanError, match="no run nowhere") as caught:
        changed_hosts(world().journal, "nowhere")
    assert caught.value.code == "run-unknown"


def test_a_run_that_sent_nothing_has_no_changed_hosts() -> None:
    """A refused host was not changed, so there is nothing of it to be put back."""
    made = world()
    plan = made.plan()
    made.toy.edit("sip-tcp", "off")
    made.apply(plan)
    assert changed_hosts(made.journal, "run-2-apply") == ()


def test_a_rollback_is_not_rolled_back() -> None:
    """It has no plan of its own: its rows hold that of the run which it took back."""
    made = world()
    changed(made)
    put_back(made)
    with pytest.raises(PlanError, match="took run run-2-apply back"):
        changed_hosts(made.journal, "run-3-rollback")


def test_a_journal_of_another_version_is_named() -> None:
    """Its rows cannot be read: that is the journal's failure, and not a fault of ours."""
    made = world()
    changed(made)
    rows = made.journal.kept["run-2-apply"]
    at = next(n for n, row in enumerate(rows) if row.step == words.PLANNED)
    rows[at] = replace(rows[at], payload={**rows[at].payload, "plan": {"of": "another version"}})
    with pytest.raises(JournalError) as caught:
        changed_hosts(made.journal, "run-2-apply")
    assert caught.value.code == "journal-version"


def test_the_exit_code_of_a_rollback() -> None:
    """Put back: 0. Refused: 4. Stranded: 6."""
    made = world()
    changed(made)
    plans = changed_hosts(made.journal, "run-2-apply")
    made.toy.refuses = ("show running",)
    assert exit_code(rollback(made.ports, "run-2-apply", plans, made.told)) == 4
    made.toy.refuses = ()
    assert exit_code(rollback(made.ports, "run-2-apply", plans, made.told)) == 0
