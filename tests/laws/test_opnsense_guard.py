"""A guard over one access and a change over another: OPNsense's, over the real protocols."""

from __future__ import annotations

import pytest

from sipalg_fix.model.change import ChangeState
from tests.laws.conftest import Make


@pytest.mark.parametrize("switch", ["locked", "refuse_writes"])
def test_a_guard_armed_around_a_change_that_is_refused_is_settled_at_once(device: Make, switch: str) -> None:
    """The API takes nothing, so there is nothing to put back: the timer is ended and not waited for."""
    router = device("opnsense")
    made, before = router.plan(), router.kept
    assert made.hosts[0].guard is not None
    setattr(router.box.twin.chassis.switches, switch, True)
    line = router.apply(made)
    assert (line.change, router.kept) == (ChangeState.ROLLED_BACK, before)
    assert "guard-left" not in {finding.code for finding in line.all_findings}
