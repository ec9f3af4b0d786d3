"""Plan files: they hold exactly one meaning, and one that was touched is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from sipalg_fix.model.assessment import Exemption, Intent, assess
from sipalg_fix.model.errors import PlanError
from sipalg_fix.model.facts import Facts, Helper, off, on, unknown
from sipalg_fix.model.host import AccessSettings, Host, SecretRef
from sipalg_fix.model.plan import SCHEMA, Failure, GuardPlan, HostPlan, Plan, read_plan, write_plan
from sipalg_fix.model.session import Answer, Command
from sipalg_fix.model.step import Amend, Disruption, Find, Objection, Remedy, Tell

from .values import values

LINE = Command(access="cli", text="set sip off", answers=(Answer(question="sure", text="y"),), seconds=5.0)
STEPS = (
    Tell(command=LINE, refusals=("no",), tolerates=("gone",), expects="ok", prompt="#"),
    Find(read=LINE, pick="(?P<n>.)", then=Tell(command=LINE)),
    Amend(read=LINE, pick="a.0", patch=(("sip", '"off"'),), write=Tell(command=LINE)),
)
TELL = (Tell(command=LINE),)
FACTS = Facts(
    platform="toy",
    version="1.0",
    helpers=(
        Helper(name="sip", running=on("sip on"), startup=off(), operational=unknown("cut"), prior=("x",)),
    ),
    config=("sip on", "ntp on"),
    unsaved=True,
    notes=("a note",),
)
HOST = Host(
    name="alpha",
    platform="toy",
    site="lab",
    groups=("edge",),
    accesses={"cli": AccessSettings(address="192.0.2.1", password=SecretRef(text="env:PW"))},
    data={"rack": "7"},
    source="hosts.yaml:3",
)
OBJECTION = Objection(code="reboots", message="it restarts")
HOST_PLAN = HostPlan(
    host=HOST,
    facts=FACTS,
    assessment=assess(FACTS, Intent(), exempt=Exemption(reason="why", until="2026-12-31")),
    remedy=Remedy(
        forward=STEPS, inverse=STEPS[:1], save=STEPS[:1], diff=("-sip on",), objections=(OBJECTION,)
    ),
    guard=GuardPlan(name="g", fires=Disruption.REBOOT, minutes=5, forward=STEPS[:1], keep=STEPS[:1]),
    flush=STEPS[:1],
    reboot=STEPS[:1],
    objections=(OBJECTION,),
)
PLAN = Plan(
    tool="sipalg-fix 1", run="run-1", made="2026-11-23T10:00:00+00:00", by="me@here", inventory="inventory/",
    inventory_digest="sha256:1", playbook="name: off", intent=Intent(planes=frozenset({"running"})),
    settings=(("forks", "10"),),
    hosts=(HOST_PLAN,), failures=(Failure(host="bravo", code="timeout", message="silent"),), accepted=("a",),
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values(Plan))
def test_a_plan_survives_its_file(plan: Plan) -> None:
    """What is read is what was written, and has its fingerprint."""
    plan = replace(plan, schema=SCHEMA)
    back = read_plan(write_plan(plan))
    assert (back, back.fingerprint) == (plan, plan.fingerprint)


def places(plain: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in a plain value, but to itself."""
    inside = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, item in inside:
        yield (*way, key)
        yield from places(item, (*way, key))


def touched(way: tuple[Any, ...], change: str) -> str:
    """The plan's file with one place changed, removed or added to, its fingerprint left as it was."""
    document = json.loads(write_plan(PLAN))
    where = document["plan"]
    for key in way[:-1]:
        where = where[key]
    match change:
        case "removed":
            del where[way[-1]]
        case "another":
            where[way[-1]] = other(where[way[-1]])
        case _ if isinstance(where, list):
            where.append(where[way[-1]])
        case _:
            where["colour"] = "red"
    return json.dumps(document)


def other(value: Any) -> Any:
    """Another value of the same type, or a likely one."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return value + "x"
        case None:
            return "x"
        case list():
            return [*value, *value] if value else ["x"]
        case _:
            return {}


WAYS = sorted(set(places(json.loads(write_plan(PLAN))["plan"])), key=repr)


@pytest.mark.parametrize("change", ["another", "removed", "added"])
def test_a_plan_that_was_touched_anywhere_is_refused(change: str) -> None:
    """Whatever is changed, removed or added, at any place of the file: not one command of it is believed."""
    assert len(WAYS) > 200
    believed = {way: plan for way in WAYS if (plan := believed_of(touched(way, change))) is not None}
    # What means the same as before may pass: a default that is not written out.
    assert [way for way, plan in believed.items() if plan != PLAN] == []
    assert change == "removed" or not believed


def believed_of(text: str) -> Plan | None:
    """The plan, or None when it is refused for what it is."""
    try:
        return read_plan(text)
    except PlanError as error:
        return None if error.code in ("plan-tampered", "plan-version") else pytest.fail(error.code)


def test_what_stands_for_a_default_may_be_left_out() -> None:
    """It is the same plan, with the same fingerprint."""
    way = ("hosts", 0, "host", "accesses", "cli", "legacy_crypto")
    assert read_plan(touched(way, "removed")).fingerprint == PLAN.fingerprint


@pytest.mark.parametrize(
    "field",
    ["tool", "run", "made", "by", "inventory", "inventory_digest", "playbook", "accepted", "hosts", "intent"],
)
def test_the_fingerprint_is_over_every_field(field: str) -> None:
    """Approval of one plan is no approval of another."""
    plain = json.loads(touched((field,), "another"))["plan"]
    written = json.dumps({"fingerprint": PLAN.fingerprint, "plan": plain})
    with pytest.raises(PlanError):
        read_plan(written)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "plan-tampered"),
        ("[]", "plan-tampered"),
        ("{}", "plan-tampered"),
        ('{"plan": []}', "plan-tampered"),
        ('{"plan": {}}', "plan-tampered"),
        ("name: a playbook", "plan-tampered"),
        ('{"plan": {"schema": "sipalg-fix/plan/9"}}', "plan-version"),
        ('{"plan": {"schema": "sipalg-fix/plan/1"}}', "plan-tampered"),
    ],
)
def test_what_is_no_plan_of_this_version_is_refused(text: str, code: str) -> None:
    """With a code that says which of the two it is."""
    with pytest.raises(PlanError) as caught:
        read_plan(text)
    assert caught.value.code == code


def test_a_plan_without_its_fingerprint_is_refused() -> None:
    """It was never approved."""
    document = json.loads(write_plan(PLAN))
    del document["fingerprint"]
    with pytest.raises(PlanError, match="fingerprint does not fit"):
        read_plan(json.dumps(document))


def test_objections_stand_until_they_are_accepted_by_name() -> None:
    """The accepted ones are inside the fingerprint."""
    assert PLAN.open_objections() == {"reboots": ("alpha",)}
    accepted = PLAN.accepting(["reboots"])
    assert accepted.open_objections() == {}
    assert accepted.accepted == ("a", "reboots")
    assert accepted.fingerprint != PLAN.fingerprint
    assert accepted.accepting(["a"]) == accepted


def test_objections_to_what_is_not_done_do_not_stand() -> None:
    """A host with nothing to send, or that no command can help, is not in the way of the others."""
    idle = replace(HOST_PLAN, remedy=Remedy(), flush=(), reboot=())
    hopeless = replace(HOST_PLAN, remedy=replace(HOST_PLAN.remedy, impossible="by hand"))
    plan = replace(PLAN, hosts=(idle, hopeless))
    assert plan.changing == ()
    assert plan.open_objections() == {}


@pytest.mark.parametrize(
    ("remedy", "flush", "reboot", "changes"),
    [
        (Remedy(forward=TELL), (), (), True),
        (Remedy(save=TELL), (), (), True),
        (Remedy(), TELL, (), True),
        (Remedy(), (), TELL, True),
        (Remedy(inverse=TELL, resave=TELL), (), (), False),
        (Remedy(), (), (), False),
        (Remedy(forward=TELL, impossible="by hand"), TELL, TELL, False),
    ],
)
def test_anything_to_send_is_a_change(
    remedy: Remedy, flush: tuple[Tell, ...], reboot: tuple[Tell, ...], changes: bool
) -> None:
    """A save, a flush or a restart alone, too; what would undo it is not."""
    plan = HostPlan(
        host=HOST, facts=FACTS, assessment=HOST_PLAN.assessment, remedy=remedy, flush=flush, reboot=reboot
    )
    assert plan.changes is changes


def test_settings_are_plain_values() -> None:
    """What the playbook said of how, or the default."""
    assert (PLAN.setting("forks", 1), PLAN.setting("boot_seconds", 300.0)) == (10, 300.0)
