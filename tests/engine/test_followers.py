"""A router that takes its configuration from another: what may be written to it, and who must say so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sipalg_fix.engine.rollback import changed_hosts, rollback
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.session import Transcript

from .toy_driver import toy_driver
from .world import REQUIRED, World

S = ChangeState
MERGED = "Merged in config (filter sections) from XMLRPC client"
OVERWRITTEN = {"standby": True, "follows": MERGED, "overwritten": True}
ALONE: dict[str, Any] = {"standby": None, "follows": "", "overwritten": None}
UNSURE = [{"standby": standby, "follows": MERGED, "overwritten": over} for standby in (True, False, None)
          for over in (None, False)]  # fmt: skip


def says(part: dict[str, Any]) -> Driver:
    """A router that says of itself what ``part`` holds at that moment."""
    driver = toy_driver(guard="revert")

    def parse(seen: Transcript) -> Facts:
        return replace(driver.parse(seen), **part)

    return replace(driver, parse=parse)


def world(part: dict[str, Any], **given: Any) -> World:
    """One such router."""
    return World(driver=says(part), how=REQUIRED, **given)


def test_what_is_overwritten_is_not_written() -> None:
    """The plan says why nothing is done here and what to change instead; nothing that is accepted helps."""
    made = world(OVERWRITTEN)
    plan = made.plan()
    (host,) = plan.hosts
    assert "change that router" in host.remedy.impossible
    assert MERGED in host.remedy.impossible
    assert plan.changing == ()
    assert plan.open_objections() == {}
    assert made.apply(plan.accepting(["follows-another"])).hosts == ()
    assert made.toy.told == []


@pytest.mark.parametrize("part", UNSURE, ids=str)
def test_what_may_be_overwritten_is_written_by_consent_only(part: dict[str, Any]) -> None:
    """Whether a change lasts could not be told, or the other must go first: a person says so by name."""
    made = world(part)
    plan, _ = made.dry_run()
    assert plan.open_objections() == {"follows-another": ("alpha",)}
    with pytest.raises(PlanError, match="follows-another"):
        made.apply(plan)
    assert made.toy.told == []
    (result,) = made.apply(plan.accepting(["follows-another"])).hosts
    assert result.change is S.CONFIRMED


@pytest.mark.parametrize("part", [OVERWRITTEN, *UNSURE], ids=str)
def test_an_audit_says_so(part: dict[str, Any]) -> None:
    """A finding that names the evidence, whatever the state is."""
    (result,) = world(part).audit().hosts
    (finding,) = (each for each in result.all_findings if each.code == "follows-another")
    assert MERGED in finding.message
    assert ("stands by" in finding.message) is (part["standby"] is True)


@pytest.mark.parametrize("part", [OVERWRITTEN, *UNSURE], ids=str)
def test_who_follows_since_the_plan_is_sent_nothing(part: dict[str, Any]) -> None:
    """It stood alone when the plan was made; consent to anything else is none to this."""
    now = dict(ALONE)
    made = world(now)
    plan = made.plan().accepting(["follows-another"])
    now.update(part)
    (result,) = made.apply(plan).hosts
    assert result.change is S.REFUSED
    assert result.error is not None
    assert result.error.code == "follows-another"
    assert made.toy.told == []


def test_who_is_overwritten_since_the_plan_is_sent_nothing() -> None:
    """Consent was to settings that might not last, not to some that are known not to."""
    now = dict(UNSURE[0])
    made = world(now)
    plan = made.plan()
    now.update(OVERWRITTEN)
    (result,) = made.apply(plan).hosts
    assert (result.change, result.error and result.error.code) == (S.REFUSED, "follows-another")
    assert made.toy.told == []


def test_a_member_that_no_longer_tells_its_part_is_sent_nothing() -> None:
    """It carried the calls when the plan was made; now it cannot be told, which is not the same."""
    now = {**ALONE, "standby": False}
    made = world(now, pairs={"alpha": "x"})
    plan = made.plan()
    now["standby"] = None
    (result,) = made.apply(plan).hosts
    assert (result.change, result.error and result.error.code) == (S.REFUSED, "plan-drifted")
    assert made.toy.told == []


@pytest.mark.parametrize(
    ("part", "accepted", "end"),
    [
        (OVERWRITTEN, False, S.REFUSED),
        (OVERWRITTEN, True, S.REFUSED),
        (UNSURE[0], False, S.REFUSED),
        (UNSURE[0], True, S.ROLLED_BACK),
    ],
)
def test_nor_is_anything_put_back_there(part: dict[str, Any], accepted: bool, end: ChangeState) -> None:
    """It was changed while it stood alone; what it was then is the other's to say by now."""
    now = dict(ALONE)
    made = world(now)
    run = made.apply().run
    made.toy.told.clear()
    now.update(part)
    plans = changed_hosts(made.journal, run)
    (result,) = rollback(made.ports, run, plans, made.told, accepted=accepted).hosts
    assert result.change is end
    assert (made.toy.told == []) is (end is S.REFUSED)
    if end is S.REFUSED:
        assert result.error is not None
        assert result.error.code == "follows-another"
