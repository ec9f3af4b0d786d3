"""
A plan as the text of a change ticket: what, why, risk, rollback, window, fingerprint.

It is for people who approve changes and need not know routers; the exact commands are in the plan, which
the fingerprint names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sipalg_fix.model.plan import HostPlan, Plan
from sipalg_fix.model.step import Disruption, commands
from sipalg_fix.reports import course
from sipalg_fix.reports.layout import EMPTY, Line, entry, heading, page
from sipalg_fix.reports.review import DISRUPTIONS
from sipalg_fix.reports.text import WIDTH, named
from sipalg_fix.reports.words import count, label, visible

WHY: Final = (
    "SIP ALG rewrites phone signalling on its way through the router and breaks calls: one-way audio, calls "
    "that drop after 32 seconds, lost registrations, failed transfers. It was found on these routers by "
    "reading them; the evidence is in the plan."
)
CHECKED: Final = (
    "Each router is read again before its change and left alone if it is not as planned. After the change a "
    "new session must show that the SIP ALG is off, else the change is taken back."
)


def plan_ticket(plan: Plan) -> str:
    """The ticket's text."""
    return page(_lines(plan), WIDTH)


def _lines(plan: Plan) -> Iterator[Line]:
    changing = plan.changing
    yield from heading(f"Switch SIP ALG off on {count(len(changing), 'router')}", "=")
    yield from _part("What", _what(plan))
    yield from _part("Why", [WHY])
    yield from _part("Risk", _risk(plan))
    yield from _part("Rollback", _rollback(plan))
    yield from _part("Window", [_window(plan)])
    yield from _part("How success is checked", [CHECKED])
    yield from _part("Approval", [_approval(plan)])
    yield from (EMPTY, *heading("Plan", "-"))
    facts = (
        ("made", f"{plan.made} by {plan.author.principal if plan.author else plan.by}"),
        ("tool", plan.tool),
        ("inventory", plan.inventory),
        ("run", plan.run),
        ("fingerprint", plan.fingerprint),
    )
    for word, text in facts:
        yield from entry(word, text)


def _part(title: str, sentences: Iterator[str] | list[str]) -> Iterator[Line]:
    yield from (EMPTY, *heading(title, "-"))
    for sentence in sentences:
        yield Line(text=visible(sentence))


def _what(plan: Plan) -> Iterator[str]:
    for host in plan.changing:
        lines = len(commands(host.guard.forward if host.guard else host.remedy.forward))
        saved = ", saved" if host.remedy.save else ""
        restart = ", then a restart" if host.reboot else ""
        sends = (
            f"{count(lines, 'line')} of configuration{saved}{restart}"
            if lines
            else "what is in force is saved"
        )
        router = f"{named(host.host.name, host.host.site)}, {host.host.platform}"
        yield f"- {router}: {label(host.assessment.state)}; {sends}"
    untouched = len(plan.hosts) - len(plan.changing)
    if untouched:
        yield f"- {count(untouched, 'other router')} read and left alone"
    if plan.failures:
        yield f"- {count(len(plan.failures), 'router')} could not be read, so not part of this change"


def _risk(plan: Plan) -> Iterator[str]:
    weights = Counter(host.disruption for host in plan.changing)
    for kind in Disruption:
        if kind in weights:
            yield f"- what users notice on {count(weights[kind], 'router')}: {DISRUPTIONS[kind]}"
    alone = [host.host.name for host in plan.changing if host.remedy.forward and host.guard is None]
    if alone:
        yield f"- no timed revert if contact is lost: {', '.join(alone)}"
    batch_lines, pace = course.batches(plan), course.pace(plan)
    if batch_lines:
        yield f"- in {len(batch_lines)} batches, one after the other{'; ' + pace if pace else ''}"
    raised = {code: name for host in plan.changing for code, name in _objections(host)}
    raised |= {objection.code: objection.message for objection in plan.objections}
    for code, message in sorted(raised.items()):
        yield f"- {'accepted' if code in plan.accepted else 'NOT YET ACCEPTED'}: {code}: {message}"


def _objections(host: HostPlan) -> Iterator[tuple[str, str]]:
    for objection in host.objections:
        yield objection.code, objection.message


def _rollback(plan: Plan) -> Iterator[str]:
    changing = plan.changing
    guarded = [host for host in changing if host.guard is not None]
    if guarded:
        minutes = sorted({host.guard.minutes for host in guarded if host.guard is not None})
        within = " or ".join(map(str, minutes))
        share = f"{len(guarded)} of {len(changing)}"
        yield f"- by the router itself within {within} minutes if contact is lost: {share}"
    yield "- by the tool at once, where the change is refused or not shown to be in force"
    yield "- by a person at any time: sipalg-fix rollback RUN puts back the settings that were found"
    sealed = plan.setting("backup_recipients", [])
    original = (
        f"the original sealed to {count(len(sealed), 'key')}" if sealed else "no original (no key for it)"
    )
    yield f"- the configuration before the change is kept in the journal: secrets redacted, {original}"


def _window(plan: Plan) -> str:
    return "; ".join(course.windows(plan)) or "The playbook names no change window: agree on one."


def _approval(plan: Plan) -> str:
    if plan.approval is None:
        return "The playbook asks for no signed approval."
    return (
        f"By {count(plan.approval.required, 'person')} other than the author, with an SSH signature over the "
        "fingerprint: sipalg-fix approve plan.json --reason … --ticket …"
    )
