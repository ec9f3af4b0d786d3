"""
Apply: the order in which a change happens, here and nowhere else.

::

    lock, look: drifted? -> REFUSED
    back up -> guarded forward -> APPLIED                   refused half-way: taken back
    fresh look: running off -> MET                          not: inverse -> ROLLED_BACK
    keep the guard's word, save, prove the guard gone, flush, look
    restart where planned, new boot, look -> CONFIRMED
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

from sipalg_fix.engine.audit import driver_of
from sipalg_fix.engine.boot import restart
from sipalg_fix.engine.life import Life, moved_besides
from sipalg_fix.engine.look import ask_all
from sipalg_fix.engine.ports import Writer
from sipalg_fix.engine.run import Ports, Told, over
from sipalg_fix.engine.steps import Hand
from sipalg_fix.engine.take_back import lost, take_back
from sipalg_fix.model import journal as words
from sipalg_fix.model.assessment import Verdict
from sipalg_fix.model.canon import to_plain
from sipalg_fix.model.change import ChangeState, Phase
from sipalg_fix.model.errors import DeviceError, PlanError, Refused
from sipalg_fix.model.facts import Value
from sipalg_fix.model.host import Host
from sipalg_fix.model.plan import HostPlan, Plan
from sipalg_fix.model.report import HostResult, Report
from sipalg_fix.model.session import Transcript

LEASE_SECONDS = 3600.0


def apply(ports: Ports, plan: Plan, told: Told) -> Report:
    """
    Carry out exactly this plan, on the hosts it would change. :class:`PlanError` ``plan-objections``
    before anything happens while an objection is not accepted.
    """
    if objections := plan.open_objections():
        lines = "; ".join(f"{code} ({', '.join(hosts)})" for code, hosts in objections.items())
        raise PlanError("plan-objections", f"objections stand against this plan: {lines}")
    by_name: Mapping[str, HostPlan] = {host_plan.host.name: host_plan for host_plan in plan.changing}

    def work(run: str, host: Host) -> HostResult:
        life = new_life(ports, run, by_name[host.name], plan)
        with ports.journal.lease(host.label, run, LEASE_SECONDS):
            live(life)
        return life.result()

    return over(ports, "apply", [host_plan.host for host_plan in plan.changing], work, told)


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
        boot_seconds=float(plan.setting("boot_seconds", 300.0)),
    )


def live(life: Life) -> None:
    """One host's change from its first look to its last."""
    payload = {"plan": to_plain(life.plan), "intent": to_plain(life.intent)}
    life.ports.journal.write(life.run, life.host.name, words.PLANNED, payload)
    if not _may_begin(life):
        return
    with ExitStack() as held:
        session = _forward(life, held)
        if not life.at(ChangeState.MET):
            return
        if not _keep(life, session):
            return
    for part in (_save, _guard_gone, _flush, _restart):
        part(life)
        if not life.at(ChangeState.MET):
            return
    _confirm(life)


def _may_begin(life: Life) -> bool:
    """Look first: only a host that is as it was planned from is touched."""
    try:
        facts = life.look()
        life.before = life.assessment
        if facts.essence == life.plan.facts.essence:
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
    life.fail(PlanError("plan-drifted", "the router is not as it was when the plan was made; plan again"))
    life.to(ChangeState.REFUSED)
    return False


def _back_up(life: Life) -> None:
    """The configuration goes off the box before the first change: redacted, and sealed with a key."""
    if not life.driver.backup:
        return
    with life.ports.connections.reader(life.host, life.driver) as reader:
        seen = ask_all(reader, life.driver, life.driver.backup, Transcript())
    for reply in seen.replies:
        payload = {
            "command": reply.command.text,
            "status": reply.status,
            "text": reply.text,
            "sealed": reply.sealed,
        }
        life.ports.journal.write(life.run, life.host.name, words.BACKUP, payload)


def _forward(life: Life, held: ExitStack) -> Writer | None:
    """Send the change; afterwards the life is MET, or at its end. The session, where the guard needs it."""
    guard = life.plan.guard
    steps = guard.forward if guard else life.plan.remedy.forward
    if not steps:
        life.to(ChangeState.MET)
        return None
    life.to(ChangeState.APPLYING)
    keeps = guard is not None and guard.held_session
    try:
        with ExitStack() as now:
            session = (held if keeps else now).enter_context(life.writer())
            life.hand.carry_out(steps, session, Phase.FORWARD)
    except Refused as error:
        life.fail(error)
        life.to(ChangeState.REFUSED_MIDWAY)
        take_back(life)
        return None
    except DeviceError as error:
        lost(life, error)
    else:
        life.to(ChangeState.APPLIED)
    if life.at(ChangeState.APPLIED):
        _shown(life)
    return session if keeps and life.at(ChangeState.MET) else None


def _shown(life: Life) -> None:
    """Only a session opened after the change may say that it is in force."""
    try:
        facts = life.look_again()
    except DeviceError as error:
        life.fail(error)
        take_back(life)
        return
    if facts is None:
        life.to(ChangeState.REVERTING if life.plan.guard else ChangeState.STRANDED)
    elif life.running_off(facts):
        life.to(ChangeState.MET)
    else:
        life.fail(Refused("the commands were accepted, but the SIP ALG is still on", reply=""))
        take_back(life)


def _keep(life: Life, session: Writer | None) -> bool:
    """Tell the guard that all is well. Whether it believed us is asked of the device later."""
    guard = life.plan.guard
    if guard is None or not life.hand.done:
        return True
    try:
        with ExitStack() as now:
            writer = session or now.enter_context(life.writer())
            life.hand.carry_out(guard.keep, writer, Phase.KEEP)
    except DeviceError as error:
        life.fail(error)
        life.find("guard-left", f"{guard.name} may still fire within {guard.minutes} minutes: {error}")
        life.to(ChangeState.GUARD_LEFT)
        return False
    return True


def _save(life: Life) -> None:
    if not life.plan.remedy.save:
        return
    life.to(ChangeState.SAVING)
    try:
        with life.writer() as writer:
            life.hand.carry_out(life.plan.remedy.save, writer, Phase.SAVE)
    except Refused as error:
        life.fail(error)
        life.find("not-saved", f"in force now, but the next boot loses it: {error}")
        _look_or_stay(life, ChangeState.UNSAVED)
        return
    except DeviceError as error:
        life.fail(error)
        _look_or_stay(life, ChangeState.UNSAVED)
        return
    life.to(ChangeState.MET)


def _look_or_stay(life: Life, otherwise: ChangeState) -> None:
    """After a failure that took nothing away: end in a state that a look supports, or stranded."""
    try:
        facts = life.look_again()
    except DeviceError:
        facts = None
    life.to(otherwise if facts is not None else ChangeState.STRANDED)


def _guard_gone(life: Life) -> None:
    if life.plan.guard is None or not life.hand.done:
        return
    try:
        pending = life.guard_pending()
    except DeviceError as error:
        life.fail(error)
        pending = Value.UNKNOWN
    if pending is not Value.OFF:
        words_ = "is still armed" if pending is Value.ON else "could not be shown to be gone"
        life.find("guard-left", f"{life.plan.guard.name} {words_}; it may still take the change back")
        life.to(ChangeState.GUARD_LEFT)


def _flush(life: Life) -> None:
    if not life.plan.flush:
        return
    life.to(ChangeState.FLUSHING)
    try:
        with life.writer() as writer:
            life.hand.carry_out(life.plan.flush, writer, Phase.FLUSH)
    except DeviceError as error:
        life.find("not-flushed", f"flows the router knew before may still be altered: {error}")
    life.to(ChangeState.MET)


def _restart(life: Life) -> None:
    if not life.plan.reboot:
        return
    life.to(ChangeState.REBOOTING)
    try:
        restart(life.ports, life.host, life.driver, life.hand, life.plan.reboot, life.boot_seconds)
    except DeviceError as error:
        life.fail(error)
        _look_or_stay(life, ChangeState.NOT_SHOWN)
        return
    life.to(ChangeState.MET)


def _confirm(life: Life) -> None:
    """The last word is the device's, in a session opened after everything else."""
    try:
        facts = life.look_again()
    except DeviceError as error:
        life.fail(error)
        life.to(ChangeState.NOT_SHOWN)
        return
    if facts is None:
        life.to(ChangeState.STRANDED)
        return
    for line in moved_besides(life):
        life.find("other-lines-changed", f"not in the plan: {line}")
    met = life.assessment is not None and life.assessment.verdict in (
        Verdict.COMPLIANT,
        Verdict.NOT_APPLICABLE,
    )
    life.to(ChangeState.CONFIRMED if met else ChangeState.NOT_SHOWN)
