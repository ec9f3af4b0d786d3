"""
Apply: the order in which a change happens, here and nowhere else.

::

    lock, look: drifted? approved? -> REFUSED
    back up -> guarded forward -> APPLIED                   refused half-way: taken back
    fresh look: running off, SIP not lost -> MET            not: inverse -> ROLLED_BACK
    keep the guard's word, save, prove the guard gone, flush, look
    restart where planned, new boot, look -> CONFIRMED
"""

from __future__ import annotations

from contextlib import ExitStack

from sipalg_fix.engine.audit import driver_of
from sipalg_fix.engine.boot import restart
from sipalg_fix.engine.calls import cuts_nobody, in_the_way
from sipalg_fix.engine.gate import Gate
from sipalg_fix.engine.life import Life, moved_besides, to_its_end
from sipalg_fix.engine.look import ask_all, opened
from sipalg_fix.engine.pairs import Ended, drifted
from sipalg_fix.engine.patience import AFTER_A_CHANGE, JUST_STARTED, first_look
from sipalg_fix.engine.regression import has_time, sip_lost
from sipalg_fix.engine.rollout import course_of
from sipalg_fix.engine.run import Ports, Told, over
from sipalg_fix.engine.settle import guard_gone, keep, look_or_end, save, save_without_effect, saved
from sipalg_fix.engine.steps import Hand
from sipalg_fix.engine.take_back import contact_lost, lost, take_back
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Verdict
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, NotUnderstood, PlanError, Refused
from sipalg_fix.model.facts import Facts, Value, together
from sipalg_fix.model.host import Host
from sipalg_fix.model.pair import same_part
from sipalg_fix.model.plan import CALLS_UNKNOWN, WHOLE, HostPlan, Plan
from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.model.session import Transcript


def apply(ports: Ports, plan: Plan, told: Told) -> Report:
    """
    Carry out exactly this plan, on the hosts it would change. :class:`PlanError` ``plan-objections``
    before anything happens while an objection is not accepted, those of the approval port while the plan is
    not approved as it asks to be, and ``window-closed`` outside its windows.
    """
    if objections := plan.open_objections():
        lines = "; ".join(f"{code} ({', '.join(hosts) or WHOLE})" for code, hosts in objections.items())
        raise PlanError("plan-objections", f"objections stand against this plan: {lines}")
    gate = Gate(ports=ports, plan=plan, review=plan.review)
    if shut := gate.shut_for_all():
        raise shut
    ports.approval.check(gate.review, ports.clock.now())
    course, ended = course_of(ports, plan, gate), Ended()

    def work(run: str, host: Host) -> HostResult:
        if away := course.turned_away(host) or ended.halted(host):
            return away
        life = new_life(ports, run, course.plans[host.name], plan)
        if unsure := course.unsure.get(host.name):
            life.find(CALLS_UNKNOWN, unsure)
        return ended.note(host, to_its_end(life, lambda life: live(life, gate)))

    return over(ports, "apply", [host_plan.host for host_plan in course.plans.values()], work, told, course)


def new_life(ports: Ports, run: str, host_plan: HostPlan, plan: Plan) -> Life:
    """A change about to begin."""
    hand = Hand(journal=ports.journal, run=run, host=host_plan.host.name, done=[], phases=set())
    return Life(
        ports=ports,
        run=run,
        plan=host_plan,
        driver=driver_of(ports, host_plan.host),
        intent=plan.intent,
        hand=hand,
        terms=plan.terms,
        boot_seconds=float(plan.setting("boot_seconds", 300.0)),
    )


def live(life: Life, gate: Gate) -> None:
    """One host's change from its first look to its last; ``gate`` is of the run that it is part of."""
    life.take_up()
    if not _may_begin(life) or not cuts_nobody(life) or not gate.lets(life):
        return
    for part in (_forward, keep, save, guard_gone, flush, restart_last, confirm):
        part(life)
        if not life.at(ChangeState.MET):
            return


def _may_begin(life: Life) -> bool:
    """Look first: only a host that is as it was planned from is touched."""
    try:
        # With packets: what they show afterwards is held against it, and from port 5060 they make the very
        # connection that the router may go on altering.
        facts = life.first_look(probed=True)
        life.before = life.assessment
        planned = life.plan.facts
        if facts.essence == planned.essence and same_part(life.host, facts, planned):
            _back_up(life)
            return True
    except DeviceError as error:
        life.fail(error)
        life.to(ChangeState.REFUSED)
        return False
    if life.assessment is not None and life.assessment.verdict is Verdict.COMPLIANT:
        life.note = "already as planned; nothing was sent"
        life.to(ChangeState.MET)
        life.to(ChangeState.CONFIRMED)
        return False
    life.fail(drifted(life.host, facts, life.plan.facts))
    life.to(ChangeState.REFUSED)
    return False


def _back_up(life: Life) -> None:
    """The configuration goes off the box before the first change: redacted, and sealed with a key."""
    if not life.driver.backup:
        return

    def ask(host: Host) -> Transcript:
        with opened(life.ports.connections.reader(host, life.driver)) as reader:
            return ask_all(reader, life.driver, life.driver.backup, Transcript())

    seen = first_look(life.ports, life.host, ask)
    for access, why in seen.unread:
        life.find("not-backed-up", f"over {access}, the configuration could not be kept: {why}")
    for reply in seen.replies:
        if not reply.ok:
            life.find("not-backed-up", f"{reply.command.text!r} was answered with {reply.status}")
        payload = {"command": reply.command.text, "status": reply.status, "text": reply.text}
        payload["sealed"] = reply.sealed
        life.ports.journal.write(life.run, life.host.name, words.BACKUP, payload)


def _forward(life: Life) -> None:
    """Send the change; afterwards the life is MET, or at its end."""
    guard = life.plan.guard
    steps = guard.forward if guard else life.plan.remedy.forward
    if not steps:
        life.to(ChangeState.MET)
        return
    life.to(ChangeState.APPLYING)
    life.armed = guard is not None
    keeps = guard is not None and guard.held_session
    try:
        with ExitStack() as now:
            session = (life.open if keeps else now).enter_context(life.writer())
            life.held = session if keeps else None
            life.hand.carry_out(steps, session, Phase.FORWARD)
    except DeviceError as error:
        _not_taken(life, error)
    else:
        life.to(ChangeState.APPLIED)
    if life.at(ChangeState.APPLIED):
        shown(life)


def _not_taken(life: Life, error: DeviceError) -> None:
    """The device did not take the whole change, or nobody knows whether it did."""
    if not life.hand.done:
        life.fail(error)
        life.to(ChangeState.REFUSED)
    elif isinstance(error, Refused):
        life.fail(error)
        life.to(ChangeState.REFUSED_MIDWAY)
        take_back(life)
    else:
        lost(life, error)


def shown(life: Life) -> None:
    """Only a session opened after the change may say that it is in force."""
    try:
        facts = life.look_again(probed=has_time(life))
    except DeviceError as error:
        life.fail(error)
        take_back(life)
        return
    if facts is None:
        contact_lost(life)
    elif sip_lost(life):
        take_back(life)
    elif life.running_off(facts):
        life.to(ChangeState.MET)
    else:
        life.fail(not_off(facts, "the commands were accepted"))
        take_back(life)


def not_off(facts: Facts, so_far: str) -> DeviceError:
    """Why a look does not show the change: on, or not to be told."""
    running = together(tuple(helper.running for helper in facts.helpers))
    if running.value is Value.ON:
        return Refused(f"{so_far}, but the SIP ALG is on", reply="")
    return NotUnderstood(f"{so_far}, but whether the SIP ALG is off could not be read: {running.reason}")


def flush(life: Life) -> None:
    """Drop the flows that were made before; what goes wrong with it is a finding."""
    if not life.plan.flush:
        return
    if why := in_the_way(life, sure=False):
        life.find("not-flushed", f"flows the router knew before may still be altered: {why}")
        return
    life.to(ChangeState.FLUSHING)
    try:
        with life.writer() as writer:
            life.hand.carry_out(life.plan.flush, writer, Phase.FLUSH)
    except DeviceError as error:
        life.find("not-flushed", f"flows the router knew before may still be altered: {error}")
    life.to(ChangeState.MET)


def restart_last(life: Life) -> None:
    """The restart that the plan ends with."""
    if not life.plan.reboot or not _will_stay(life):
        return
    if why := in_the_way(life, sure=True, restarts=True):
        life.fail(PlanError(why.code, f"the change is in force, and the router was not restarted: {why}"))
        if look_or_end(life) is not None:
            life.to(ChangeState.NOT_SHOWN)
        return
    life.to(ChangeState.REBOOTING)
    try:
        restart(life.ports, life.host, life.driver, life.hand, life.plan.reboot, life.boot_seconds)
    except DeviceError as error:
        life.fail(error)
        if look_or_end(life) is not None:
            life.to(ChangeState.NOT_SHOWN)
        return
    life.to(ChangeState.MET)


def _will_stay(life: Life) -> bool:
    """Calls are not cut for a restart that would bring the SIP ALG back: the save must have acted."""
    if not life.plan.remedy.save:
        return True
    facts = look_or_end(life)
    if facts is None:
        return False
    if not life.running_off(facts):
        life.fail(not_off(facts, "the change was saved and the router is not restarted"))
        life.to(ChangeState.NOT_SHOWN)
    elif saved(facts) is Value.ON:
        save_without_effect(life)
    return life.at(ChangeState.MET)


def confirm(life: Life) -> None:
    """The last word is the device's, in a session opened after everything else."""
    facts = look_or_end(life, JUST_STARTED if life.plan.reboot else AFTER_A_CHANGE, probed=True)
    if facts is None:
        return
    if sip_lost(life):
        take_back(life)
        return
    for line in moved_besides(life):
        life.find("other-lines-changed", f"not in the plan: {line}")
    met = life.assessment is not None and life.assessment.verdict in (
        Verdict.COMPLIANT,
        Verdict.NOT_APPLICABLE,
    )
    if met:
        life.to(ChangeState.CONFIRMED)
    elif life.plan.remedy.save and life.running_off(facts) and saved(facts) is Value.ON:
        save_without_effect(life)
    else:
        life.find("not-shown", "carried out and kept, yet the last look does not show it: see the planes")
        life.to(ChangeState.NOT_SHOWN)
