"""Packets: when a probe point is asked, and what is made of its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Intent, Verdict
from sipalg_fix.model.canon import from_plain
from sipalg_fix.model.change import ChangeState
from sipalg_fix.model.facts import Plane, State, Value, off, on, unknown
from sipalg_fix.model.host import AccessSettings, Host, ProbePoint, SecretRef
from sipalg_fix.model.packets import NO_PACKETS, NOT_PROBED, Packets
from sipalg_fix.model.plan import HostPlan, Plan, read_plan, write_plan
from sipalg_fix.model.report import host_code

from .oracle import lie, snapshot
from .test_rollback import put_back
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
    says: Callable[[tuple[str, ...]], Packets] | None = None
    """By what the routers had been told; else always the same."""

    def packets(self, host: Host) -> Packets:
        """What it was told to say."""
        told = tuple(self.made.toy.told)
        self.asked.append(told)
        self.hosts.append(host)
        return self.says(told) if self.says else Packets(plane=self.plane)


def watched(plane: Plane) -> tuple[World, Watching]:
    """A router behind which somebody watches."""
    made = world(guard="revert")
    watching = Watching(made=made)
    watching.plane = plane
    made.prober = watching
    return made, watching


def planned(made: World, *, intent: Intent | None = None, seconds: float = 20.0) -> Plan:
    """A plan whose host stands before a probe point, as it is read from its file."""
    plan = made.plan()
    point = replace(POINT, seconds=seconds)
    hosts = tuple(replace(each, host=replace(each.host, probe=point)) for each in plan.hosts)
    return read_plan(write_plan(replace(plan, hosts=hosts, intent=intent or plan.intent)))


def test_a_change_asks_before_it_once_it_acts_and_last() -> None:
    """A probe takes its time: it is asked when something follows from it, and at no other look."""
    made, watching = watched(off("nothing was rewritten"))
    plan = planned(made)
    watching.asked.clear()
    before = snapshot(made.toy)
    (result,) = made.apply(plan).hosts
    assert result.change is S.CONFIRMED
    first, middle, last = watching.asked
    assert first == ()
    assert 0 < len(middle) < len(last)
    assert last == tuple(made.toy.told)
    assert result.assessment is not None
    assert result.assessment.planes.packets == off("nothing was rewritten")
    assert result.before is not None
    assert result.before.planes.packets == off("nothing was rewritten")
    assert lie(result, made, before) == ""


def test_a_guard_is_not_kept_waiting_for_a_slow_probe() -> None:
    """It would fire, and take back what is well: packets are asked when it is gone."""
    made, watching = watched(off("nothing was rewritten"))
    plan = planned(made, seconds=300.0)
    watching.asked.clear()
    (result,) = made.apply(plan).hosts
    assert result.change is S.CONFIRMED
    assert watching.asked == [(), tuple(made.toy.told)]


BLOCKED = Packets(plane=unknown("nothing comes back from port 5060"), blocked=True, told=True)
CLEAN = Packets(plane=off("nothing was rewritten"), told=True)
ALTERED = Packets(plane=on("Via was rewritten"), new=Value.ON, old=Value.ON, told=True)


@pytest.mark.parametrize("before", [CLEAN, ALTERED])
@pytest.mark.parametrize("kept", [False, True])
def test_sip_that_a_change_blocks_is_a_regression(before: Packets, kept: bool) -> None:
    """It got through, altered or not, and does not any more: taken back, whether it shows early or late."""
    made, watching = watched(off())
    plan = planned(made, seconds=300.0 if kept else 20.0)
    found = snapshot(made.toy)
    watching.says = lambda told: BLOCKED if told and made.toy.running != found.running else before
    (result,) = made.apply(plan).hosts
    assert result.change is S.ROLLED_BACK
    assert result.error is not None
    assert result.error.code == "packets-regressed"
    assert made.toy.running == found.running
    assert made.toy.startup == found.startup
    assert host_code(result) == 5
    assert result.assessment is not None
    assert result.assessment.planes.packets == before.plane
    assert lie(result, made, found) == ""


def test_a_regression_is_asked_for_twice() -> None:
    """Once is a hiccup of the network: nothing is taken back for it."""
    made, watching = watched(off())
    answers = iter([CLEAN, BLOCKED, CLEAN, CLEAN])
    plan = planned(made)
    watching.says = lambda told: next(answers)
    (result,) = made.apply(plan).hosts
    assert (result.change, result.error) == (S.CONFIRMED, None)


@pytest.mark.parametrize(
    "before", [BLOCKED, NO_PACKETS, Packets(plane=unknown("the responder is unreachable"), told=True)]
)
def test_sip_that_was_not_seen_to_work_is_no_regression(before: Packets) -> None:
    """Blocked before, or not known: a finding, and the change stays."""
    made, watching = watched(before.plane)
    watching.says = lambda told: before
    plan = planned(made)
    watching.says = lambda told: BLOCKED if told else before
    (result,) = made.apply(plan).hosts
    assert result.change is S.CONFIRMED
    assert "sip-blocked" in {finding.code for finding in result.all_findings}


def test_sip_that_is_still_altered_is_a_finding() -> None:
    """It is off in the configuration, and stays so: look on."""
    made, watching = watched(off())
    plan = planned(made)
    watching.says = lambda told: ALTERED
    (result,) = made.apply(plan).hosts
    assert result.change is S.NOT_SHOWN
    assert "alg-in-packets" in {finding.code for finding in result.all_findings}


def test_a_rollback_says_what_packets_say_after_it() -> None:
    """As before: altered."""
    made, watching = watched(on("Via was rewritten"))
    watching.says = lambda told: ALTERED if len(told) < 1 else CLEAN
    made.apply(planned(made))
    watching.says = lambda told: ALTERED
    result = put_back(made)
    assert result.change is S.ROLLED_BACK
    assert result.assessment is not None
    assert result.assessment.planes.packets == on("Via was rewritten")


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
