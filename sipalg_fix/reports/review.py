"""
A plan for a change review: per host the exact commands in their order, what encloses them, and what
undoes them. The order is that of the engine: forward, keep, save, flush, restart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from sipalg_fix.model.assessment import Assessment
from sipalg_fix.model.plan import WHOLE, HostPlan, Plan
from sipalg_fix.model.step import Disruption, Tell, commands
from sipalg_fix.reports import course
from sipalg_fix.reports.drawing import draw, table
from sipalg_fix.reports.layout import EMPTY, Line, block, entry, heading, page
from sipalg_fix.reports.text import WIDTH, named
from sipalg_fix.reports.words import count, label, visible

DISRUPTIONS: Final = {
    Disruption.NONE: "none: users notice nothing",
    Disruption.NEW_CALLS: "new calls: calls being set up may fail once, and phones register again; calls in "
    "progress go on",
    Disruption.CALLS: "calls: calls in progress may end",
    Disruption.REBOOT: "reboot: the router restarts, and everything behind it is cut off meanwhile",
}

UNGUARDED: Final = "unguarded: nothing takes the change back by itself if contact to the router is lost"

READS: Final = "Lines in brackets only read; what they find goes into the line after them."

NAMED: Final = 12
"""How many hosts of a group are named."""


def plan_text(plan: Plan) -> str:
    """The whole plan."""
    return page(_lines(plan), WIDTH)


def plan_table(plan: Plan, *, color: bool, width: int) -> str:
    """The same with an overview above it, and colours where the screen has them."""
    parts: list[RenderableType] = [_styled(line, width) for line in _title(plan)]
    if len(plan.changing) > 1:
        parts += [Text(), _overview(plan.changing, width), Text()]
    parts += [_styled(line, width) for line in _body(plan)]
    return draw(parts, color=color, width=width)


def _styled(line: Line, width: int) -> Text:
    style = ""
    match line.word.strip():
        case "objection" | "cannot" | "Objection":
            style = "bold yellow"
        case "" | "difference" if line.exact and line.text.startswith(("+", "-")):
            style = "green" if line.text.startswith("+") else "red"
        case "" if line.exact and not line.indent:
            style = "bold"
    return Text("\n".join(line.written(width)), style=style, no_wrap=True)


def _overview(hosts: Sequence[HostPlan], width: int) -> RenderableType:
    rows = []
    for host in hosts:
        remedy, guard = host.remedy, host.guard
        sent = guard.forward if guard else remedy.forward
        after = {"saves": remedy.save, "flushes": host.flush, "restarts": host.reboot}
        cells = (
            host.host.name,
            label(host.assessment.state),
            count(len(commands(sent)), "line") if sent else "nothing",
            ", ".join(word for word, steps in after.items() if steps) or "nothing",
            guard.name if guard else "unguarded" if sent else "none needed",
            ", ".join(objection.code for objection in host.objections),
        )
        rows.append([Text(visible(cell)) for cell in cells])
    headings = ("Host", "State", "Sends", "Then", "Guard", "Objections")
    return table(headings, rows, width=width, keep=range(3))


def _lines(plan: Plan) -> Iterator[Line]:
    yield from _title(plan)
    yield from _body(plan)


def _title(plan: Plan) -> Iterator[Line]:
    whole = len(plan.hosts) + len(plan.failures)
    yield from heading(f"Plan: {len(plan.changing)} of {count(whole, 'host')} would be changed", "=")


def _body(plan: Plan) -> Iterator[Line]:
    yield from _head(plan)
    for host in plan.changing:
        yield from (EMPTY, EMPTY, *_host(host, plan.accepted))
    yield from _impossible(plan)
    yield from _left_alone(plan)
    yield from _failures(plan)
    yield from (EMPTY, EMPTY, *_ending(plan))


def _head(plan: Plan) -> Iterator[Line]:
    facts = (
        ("run", plan.run),
        ("made", f"{plan.made} by {plan.by}"),
        ("tool", plan.tool),
        ("inventory", f"{plan.inventory} ({plan.inventory_digest})"),
        ("intent", f"SIP ALG {plan.intent.sip_alg}, shown in: {', '.join(sorted(plan.intent.planes))}"),
        ("settings", ", ".join(f"{name} {value}" for name, value in plan.settings)),
    )
    for word, text in facts:
        yield from entry(word, text)
    yield from block("playbook", plan.playbook.strip().splitlines())
    yield from block("batches", course.batches(plan))
    yield from entry("rollout", course.pace(plan))
    for line in course.windows(plan):
        yield from entry("window", line)
    yield from entry("calls", plan.calls.text)
    for objection in plan.objections:
        mark = " (accepted)" if objection.code in plan.accepted else ""
        yield from entry("objection", f"{objection.code}{mark}: {objection.message}")


def _host(host: HostPlan, accepted: Sequence[str]) -> Iterator[Line]:
    """One host that would be changed."""
    remedy, guard, record = host.remedy, host.guard, host.host
    seen = host.assessment
    yield from heading(named(record.name, record.site), "-")
    yield from entry("platform", f"{record.platform} {host.facts.version}".strip(), 2)
    yield from entry("state", _seen(seen), 2)
    yield from block("evidence", seen.evidence, 2)
    for finding in seen.findings:
        yield from entry("finding", f"{finding.code}: {finding.message}", 2)
    for objection in host.objections:
        mark = " (accepted)" if objection.code in accepted else ""
        yield from entry("objection", f"{objection.code}{mark}: {objection.message}", 2)
    yield from entry("disruption", DISRUPTIONS[host.disruption], 2)
    yield from entry("guard", _guard(host), 2)
    forward = commands(guard.forward if guard else remedy.forward)
    yield from block("sends", forward or ("nothing: what is in force is right already",), 2)
    yield from block("then keeps", commands(guard.keep) if guard else (), 2)
    yield from block("saves", commands(remedy.save) or ("no",), 2)
    yield from block("flushes", commands(host.flush) or ("no",), 2)
    yield from block("restarts", commands(host.reboot) or ("no",), 2)
    if record.probe is not None:
        yield from block("probes", (f"on {record.probe.name}: {record.probe.command}",), 2)
    yield from block("difference", remedy.diff, 2)
    yield from block("undone by", _undo(host), 2)
    sent = (*remedy.forward, *remedy.inverse, *remedy.save, *host.flush, *host.reboot)
    if any(not isinstance(step, Tell) for step in sent):
        yield from entry(" ", READS, 2)


def _seen(seen: Assessment) -> str:
    """State and verdict, each word once."""
    return ", ".join(dict.fromkeys((label(seen.state), label(seen.verdict))))


def _undo(host: HostPlan) -> tuple[str, ...]:
    lines = commands(host.remedy.inverse)
    resave = (f"{line}  (where it was saved)" for line in commands(host.remedy.resave))
    return (*lines, *resave) or ("nothing: there is nothing to undo",)


def _guard(host: HostPlan) -> str:
    guard = host.guard
    if guard is None:
        return UNGUARDED if host.remedy.forward else "none needed: nothing in force is changed"
    restart = ", with a restart" if guard.fires is Disruption.REBOOT else ""
    return f"{guard.name}: unconfirmed for {guard.minutes} minutes, the router undoes the change{restart}"


def _impossible(plan: Plan) -> Iterator[Line]:
    """Hosts that no command of ours can bring to the intent."""
    stuck = [host for host in plan.hosts if host.remedy.impossible]
    if stuck:
        yield from (EMPTY, EMPTY, *heading("Only a person can change these", "-"))
    for host in stuck:
        yield Line(text=named(host.host.name, host.host.site))
        yield from entry("cannot", host.remedy.impossible, 2)


def _left_alone(plan: Plan) -> Iterator[Line]:
    """Hosts to which nothing would be sent, by outcome."""
    groups: dict[str, list[str]] = {}
    for host in plan.hosts:
        if not host.changes and not host.remedy.impossible:
            seen = host.assessment
            exempt = f", exempt until {visible(seen.exempt.until)}" if seen.exempt else ""
            words = f"{_seen(seen)}{exempt}"
            groups.setdefault(words, []).append(visible(host.host.name))
    if groups:
        yield from (EMPTY, EMPTY, *heading("Left alone", "-"))
    for words, names in sorted(groups.items()):
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield Line(text=f"{count(len(names), 'host')}: {words}")
        yield from entry("", ", ".join(names[:NAMED]) + more, 2)


def _failures(plan: Plan) -> Iterator[Line]:
    if plan.failures:
        yield from (EMPTY, EMPTY, *heading("Not in the plan, because they could not be read", "-"))
    for failure in plan.failures:
        yield Line(text=visible(failure.host))
        yield from entry("", f"{failure.code}: {failure.message}", 2)


def _ending(plan: Plan) -> Iterator[Line]:
    still_open = plan.open_objections()
    weights = Counter(host.disruption for host in plan.changing)
    noticed = (f"{label(kind)}: {count(weights[kind], 'host')}" for kind in Disruption if kind in weights)
    yield from entry("Disruption", "; ".join(noticed))
    for code, hosts in still_open.items():
        yield from entry("Objection", f"{code} stands ({', '.join(hosts) or WHOLE})")
    if still_open:
        yield from entry(" ", "Nothing is carried out before each is accepted:")
        yield from block(" ", [" ".join(f"--accept {code}" for code in still_open)])
    for code in plan.accepted:
        yield from entry("Accepted", code)
    yield from entry("Fingerprint", plan.fingerprint)
