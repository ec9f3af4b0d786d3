"""A router that takes its configuration from another, over the real protocols: no write reaches it."""

from __future__ import annotations

from typing import Any

import pytest

from sipalg_fix.engine.apply import apply
from sipalg_fix.engine.run import Told
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.errors import PlanError
from tests.laws.conftest import Device, Make

CORE = {"pfsense": "virtualip, filter, nat", "opnsense": "OPNsense,virtualip,nat"}
"""What one node writes into the other without being told to: siproxd's settings are not among it."""
PLATFORMS = sorted(CORE)


def part(router: Device) -> Any:
    """Where the twin keeps who it is, and takes what another node writes."""
    return getattr(router.box.twin, "box", None) if router.host.platform == "opnsense" else router.box.twin


def codes(router: Device) -> dict[str, str]:
    """What an audit says of the part: message by code."""
    line = router.audit()
    return {each.code: each.message for each in line.all_findings}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_standby_that_replicates_is_not_written(device: Make, platform: str) -> None:
    """The audit says what it is; a plan for it is carried out by nobody who has not said so by name."""
    router = device(platform, carp=["BACKUP", "BACKUP"], merged=CORE[platform])
    before, writes = router.kept, router.writes
    told = codes(router)
    assert told["ha-role"].startswith("it stands by")
    assert "change that router first" in told["follows-another"]
    made = router.plan()
    assert "follows-another" in made.open_objections()
    with pytest.raises(PlanError, match="follows-another"):
        apply(router.ports(), made, Told())
    assert (router.kept, router.writes) == (before, writes)


def test_nothing_helps_where_these_very_settings_are_overwritten(device: Make) -> None:
    """They came from the other node: whatever is accepted, they are changed there."""
    router = device("pfsense", carp=["BACKUP"], merged="siproxdsettings")
    before, writes = router.kept, router.writes
    made = router.plan()
    assert made.changing == ()
    assert "change that router" in made.hosts[0].remedy.impossible
    assert (router.kept, router.writes) == (before, writes)


@pytest.mark.parametrize(
    ("platform", "then", "now"),
    [
        *(("pfsense", then, "siproxdsettings") for then in ("", CORE["pfsense"])),
        ("opnsense", "", CORE["opnsense"]),
    ],
)
def test_a_part_taken_on_since_the_plan_stops_it(device: Make, platform: str, then: str, now: str) -> None:
    """Another node began to write here, or to write these settings, after somebody looked."""
    router = device(platform, carp=["MASTER"], merged=then)
    made = router.plan()
    part(router).carp = ("BACKUP",)
    part(router).merge(now)
    before, writes = router.kept, router.writes
    line = router.apply(made)
    assert (line.change, line.error and line.error.code) == (ChangeState.REFUSED, "follows-another")
    assert (router.kept, router.writes) == (before, writes)


@pytest.mark.long
@pytest.mark.parametrize("platform", PLATFORMS)
def test_who_carries_the_calls_is_changed_like_any_other(device: Make, platform: str) -> None:
    """The primary of a pair is what is to be changed."""
    router = device(platform, carp=["MASTER", "MASTER"])
    assert codes(router)["ha-role"].startswith("it carries the calls")
    assert router.apply(router.plan()).change is ChangeState.CONFIRMED
