"""Propose: from one host's facts and the playbook's words to its plan. Pure; plan ends here."""

from __future__ import annotations

from dataclasses import replace

from sipalg_fix.model.assessment import Assessment, Verdict
from sipalg_fix.model.calls import DEFAULT_CALLS, Calls
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.facts import Facts, State
from sipalg_fix.model.host import Host
from sipalg_fix.model.pair import FOLLOWS, following
from sipalg_fix.model.plan import CALLS_UNKNOWN, GuardPlan, HostPlan
from sipalg_fix.model.playbook import GuardRule, How, RebootRule
from sipalg_fix.model.step import NOTHING, Disruption, Objection, Remedy, Step

WEIGHT = tuple(Disruption)


def propose(
    host: Host, driver: Driver, facts: Facts, assessment: Assessment, how: How, calls: Calls = DEFAULT_CALLS
) -> HostPlan:
    """What would be done to this host, with every reason not to."""
    remedy = NOTHING
    settled = assessment.verdict in (Verdict.COMPLIANT, Verdict.NOT_APPLICABLE)
    if not settled and assessment.exempt is None and assessment.state is not State.UNKNOWN:
        remedy = _where_it_lasts(driver.remedy(facts), facts)
    flush = _flush(driver, facts, remedy, how)
    reboot, objections = _reboot(driver, remedy, how)
    guard = None
    if remedy.forward and not remedy.impossible:
        guard, more = _guard(driver, facts, remedy, how)
        objections = (*objections, *more)
    weights = [remedy.disruption, Disruption.REBOOT if reboot else Disruption.NONE]
    disruption = max(weights, key=WEIGHT.index)
    return HostPlan(
        host=host,
        facts=facts,
        assessment=assessment,
        remedy=remedy,
        guard=guard,
        guard_wanted=(how.guard or GuardRule.AUTO).value,
        flush=flush,
        reboot=reboot,
        objections=(*remedy.objections, *objections, *_calls(host, driver, disruption, calls)),
        disruption=disruption,
    )


def _where_it_lasts(remedy: Remedy, facts: Facts) -> Remedy:
    """None on a router whose settings are overwritten from another; only by consent on one that may be."""
    why = following(facts)
    if not why or remedy.empty or remedy.impossible:
        return remedy
    if facts.overwritten:
        return Remedy(impossible=why)
    return replace(remedy, objections=(*remedy.objections, Objection(code=FOLLOWS, message=why)))


def _calls(host: Host, driver: Driver, disruption: Disruption, calls: Calls) -> tuple[Objection, ...]:
    """Calls that cannot be seen cannot be waited for: on no such router, or by none of its accesses."""
    if calls.wait_seconds is None or disruption not in (Disruption.CALLS, Disruption.REBOOT):
        return ()
    restarts = disruption is Disruption.REBOOT
    needed = (command.access for command in driver.asked_for_calls(restarts=restarts))
    missing = [access for access in needed if access not in host.accesses]
    if driver.shows_calls(restarts=restarts) and not missing:
        return ()
    unless = f" without the access '{missing[0]}'" if missing else ""
    seen = "all of them" if driver.shows_calls(restarts=False) and not missing else "them"
    message = f"calls in progress would be cut, and this tool cannot see {seen} on a {driver.title}{unless}"
    return (Objection(code=CALLS_UNKNOWN, message=message),)


def _flush(driver: Driver, facts: Facts, remedy: Remedy, how: How) -> tuple[Step, ...]:
    """What the remedy itself says; else, after a change, what drops SIP state: old flows stay altered."""
    if remedy.impossible:
        return ()
    if remedy.flush:
        return remedy.flush
    return driver.flush(facts) if remedy.forward and how.flush else ()


def _reboot(driver: Driver, remedy: Remedy, how: How) -> tuple[tuple[Step, ...], tuple[Objection, ...]]:
    if remedy.empty or remedy.impossible:
        return (), ()
    rule = how.reboot or RebootRule.IF_NEEDED
    if rule is not RebootRule.ALWAYS and not remedy.reboot:
        return (), ()
    if rule is RebootRule.NEVER:
        message = "the change acts only after a restart, and the playbook says 'reboot: never'"
        return (), (Objection(code="needs-reboot", message=message),)
    if not driver.reboot:
        message = f"the change is to end with a restart, and this tool does not restart a {driver.title}"
        return (), (Objection(code="needs-reboot", message=message),)
    if rule is RebootRule.ALWAYS:
        return driver.reboot, ()
    message = "the change acts only after a restart; the plan ends with one"
    return driver.reboot, (Objection(code="reboots", message=message),)


def _guard(
    driver: Driver, facts: Facts, remedy: Remedy, how: How
) -> tuple[GuardPlan | None, tuple[Objection, ...]]:
    rule = how.guard or GuardRule.AUTO
    if rule is GuardRule.OFF:
        return None, ()
    guard = driver.guard
    lacking = "the platform has no timed revert" if guard is None else guard.unavailable(facts)
    if guard is None or lacking:
        objection = Objection(code="unguarded", message=f"no timed revert encloses the change: {lacking}")
        return None, (objection,) if rule is GuardRule.REQUIRE else ()
    if rule is GuardRule.AUTO and guard.fires in (Disruption.REBOOT, Disruption.CALLS):
        return None, ()
    minutes = max(how.guard_minutes or guard.least_minutes, guard.least_minutes)
    armed = guard.arm(facts, remedy, minutes)
    plan = GuardPlan(
        name=guard.name,
        fires=guard.fires,
        minutes=minutes,
        forward=armed.forward,
        keep=armed.keep,
        held_session=guard.held_session,
    )
    if guard.fires is Disruption.REBOOT:
        message = f"unconfirmed for {minutes} minutes, {guard.name} restarts the router with calls on it"
        return plan, (Objection(code="guard-reboots", message=message),)
    return plan, ()
