"""Packets: when a probe point is asked, and what is made of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import NOT_PROBED, Intent, Verdict
from sipalg_fix.model.canon import from_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Plane, State, Value, off, on, unknown
from sipalg_fix.model.host import AccessSettings, Host, ProbePoint, SecretRef
from sipalg_fix.model.plan import HostPlan, Plan, read_plan, write_plan

from .oracle import lie, snapshot
from .toy import FOREVER
from .toy_ports import ToyProber
from .variants import world
from .world import World

S = ChangeState
POINT = ProbePoint(
    command="sipalg-fix probe --responder probe.example.net --output json",
    ssh=AccessSettings(address="192.0.2.20", username="probe", password=SecretRef(text="env:PROBE")),
)
ASKED = Intent(planes=frozenset({"running", "packets"}))


@dataclass(slots=True, kw_only=True)
class Watching(ToyProber):
    """A probe point that remembers what the routers had been told when it was asked, and for which host."""

    made: World
    asked: list[tuple[str, ...]] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)

    def packets(self, host: Host) -> Plane:
        """What it was told to say."""
        self.asked.append(tuple(self.made.toy.told))
        self.hosts.append(host)
        return self.plane


def watched(plane: Plane) -> tuple[World, Watching]:
    """A router behind which somebody watches."""
    made = world(guard="revert")
    watching = Watching(made=made)
    watching.plane = plane
    made.prober = watching
    return made, watching


def planned(made: World, *, intent: Intent | None = None) -> Plan:
    """A plan whose host stands before a probe point, as it is read from its file."""
    plan = made.plan()
    hosts = tuple(replace(each, host=replace(each.host, probe=POINT)) for each in plan.hosts)
    return read_plan(write_plan(replace(plan, hosts=hosts, intent=intent or plan.intent)))


def test_a_change_asks_once_and_last() -> None:
    """A probe takes its time: it is asked when everything was sent, and at no look before."""
    made, watching = watched(off("nothing was rewritten"))
    plan = planned(made)
    watching.asked.clear()
    before = snapshot(made.toy)
    (result,) = made.apply(plan).hosts
    assert result.change is S.CONFIRMED
    assert watching.asked == [tuple(made.toy.told)]
    assert made.toy.told
    assert result.assessment is not None
    assert result.assessment.planes.packets == off("nothing was rewritten")
    assert lie(result, made, before) == ""


def test_a_plan_file_holds_the_probe_point() -> None:
    """Applying it needs neither playbook nor inventory, and verifying the run needs the journal alone."""
    made, watching = watched(off())
    plan = planned(made)
    assert plan.hosts[0].host.probe == POINT
    made.apply(plan)
    assert watching.hosts[-1].probe == POINT
    run = next(run for run in reversed(made.journal.kept) if "apply" in run)
    row = next(row for row in made.journal.rows(run, "alpha") if row.step == words.PLANNED)
    assert from_plain(HostPlan, row.payload["plan"]).host.probe == POINT


@pytest.mark.parametrize(("intent", "ends"), [(ASKED, S.NOT_SHOWN), (Intent(), S.CONFIRMED)])
def test_a_probe_that_cannot_tell_is_never_a_clean_one(intent: Intent, ends: ChangeState) -> None:
    """Where the intent asks for packets, the change is not shown; else the reason is told beside it."""
    made, _ = watched(unknown("the probe point did not answer within 20 seconds"))
    (result,) = made.apply(planned(made, intent=intent)).hosts
    assert result.change is ends
    told = [finding.message for finding in result.all_findings if finding.code == "not-read"]
    assert told == ["packets could not be told: the probe point did not answer within 20 seconds"]
    assert result.assessment is not None
    assert result.assessment.planes.packets.value is Value.UNKNOWN


def test_an_intent_with_packets_is_not_met_without_a_probe_point() -> None:
    """Nobody sent any: unknown."""
    made, _ = watched(NOT_PROBED)
    (result,) = made.apply(planned(made, intent=ASKED)).hosts
    assert result.change is S.NOT_SHOWN
    assert result.assessment is not None
    assert result.assessment.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("plane", "ends"), [(on("Via was rewritten"), S.REFUSED), (off("nothing was rewritten"), S.CONFIRMED)]
)
def test_what_somebody_else_changed_is_confirmed_by_packets_too(plane: Plane, ends: ChangeState) -> None:
    """Already off when the change is due: packets are asked before that is called as planned."""
    made, watching = watched(plane)
    plan = planned(made)
    made.apply(plan)
    watching.asked.clear()
    (result,) = made.apply(plan).hosts
    assert result.change is ends
    assert len(watching.asked) == 1


def test_packets_that_are_altered_name_the_likely_causes() -> None:
    """Off in the configuration and altered on the wire: old flows, another ALG, or another router."""
    made, watching = watched(off())
    made.apply(planned(made))
    watching.plane = on("Via was rewritten")
    (result,) = made.audit().hosts
    (finding,) = [finding for finding in result.all_findings if finding.code == "alg-in-packets"]
    for cause in ("flush", "upstream", "--trace", "another router"):
        assert cause in finding.message


def test_packets_that_are_clean_behind_a_router_that_says_on_are_a_contradiction() -> None:
    """Nothing is made of it but a finding: the router says on, and on it is."""
    made, _ = watched(off("nothing was rewritten"))
    (result,) = made.audit().hosts
    assert result.assessment is not None
    assert (result.assessment.state, result.assessment.verdict) == (State.ENABLED, Verdict.NONCOMPLIANT)
    assert "clean-packets" in {finding.code for finding in result.all_findings}


def test_a_router_that_cannot_be_read_is_not_probed() -> None:
    """Packets prove the configuration; alone they prove nothing of this router."""
    made, watching = watched(off())
    made.toy.turned_away = ("unreachable", FOREVER)
    (result,) = made.audit().hosts
    assert result.assessment is None
    assert watching.asked == []
