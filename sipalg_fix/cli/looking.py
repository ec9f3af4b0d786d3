"""The verbs that only look: audit, verify, record."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.scene import Scene, scene, selected
from sipalg_fix.cli.screen import colored, put, width

if TYPE_CHECKING:
    from sipalg_fix.model.report import Report


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(audit)
    app.command()(verify)
    app.command()(record)


def audit(
    inventory: options.Inventory = Path("inventory"),
    limit: options.Limit = "",
    playbook: options.PlaybookFile = None,
    forks: options.Forks = None,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    Read each router and say its SIP ALG state, with evidence. Changes nothing.

    Examples:

        sipalg-fix audit -i inventory/

        sipalg-fix audit -i inventory/ --limit 'site=berlin:!lab-*' --output json

        sipalg-fix audit -i inventory/ --limit platform=auto
    """
    from sipalg_fix.engine.audit import audit as run

    with scene() as here:
        chosen = selected(here.screen, inventory, limit, playbook, forks)
        ports = here.ports(len(chosen.targets), logins_per_second=chosen.playbook.logins_per_second)
        report = run(ports, chosen.targets, chosen.playbook.intent, chosen.told)
    return told(report, output.value)


def verify(
    run: Annotated[
        str, typer.Argument(help="A run that changed something, or 'last'; its plan is the promise.")
    ] = "",
    inventory: options.Inventory = Path("inventory"),
    limit: options.Limit = "",
    playbook: options.PlaybookFile = None,
    forks: options.Forks = None,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    Look again with fresh sessions: is what was promised still so? Changes nothing.

    Examples:

        sipalg-fix verify last

        sipalg-fix verify -i inventory/ -p playbooks/disable-sip-alg.yaml
    """
    from sipalg_fix.engine.verify import verify as look_again

    with scene() as here:
        if run:
            report = _verify_run(here, run, limit)
        else:
            chosen = selected(here.screen, inventory, limit, playbook, forks)
            ports = here.ports(len(chosen.targets))
            report = look_again(ports, chosen.targets, chosen.playbook.intent, chosen.told)
    return told(report, output.value)


def _verify_run(here: Scene, run: str, limit: str) -> Report:
    from sipalg_fix.engine.rollback import changed_hosts
    from sipalg_fix.engine.run import Told
    from sipalg_fix.engine.verify import promised, verify
    from sipalg_fix.inputs.selection import select
    from sipalg_fix.model.assessment import Intent
    from sipalg_fix.model.playbook import Target

    ports = here.ports(0)
    name = ports.journal.find_run(run)
    plans = {plan.host.name: plan for plan in changed_hosts(ports.journal, name)}
    hosts = select(tuple(plan.host for plan in plans.values()), limit)
    targets = tuple(Target(host=host, exempt=plans[host.name].assessment.exempt) for host in hosts)
    return verify(
        ports, targets, Intent(), Told(extra=(("against", name),)), against=promised(ports.journal, name)
    )


def record(
    host: Annotated[str, typer.Argument(help="A host of the inventory.")],
    inventory: options.Inventory = Path("inventory"),
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; else standard output.")] = None,
) -> int:
    """
    Save what a router answers as a redacted transcript: the evidence a bug report or a new version needs.

    Read it before you share it; it looks only.
    """
    from sipalg_fix.engine.audit import met_host
    from sipalg_fix.engine.look import transcript_of
    from sipalg_fix.model.errors import NotUnderstood
    from sipalg_fix.model.session import Transcript, render_transcript
    from sipalg_fix.wiring import TOOL, utc_now

    with scene() as here:
        chosen = selected(here.screen, inventory, host, None)
        ports = here.ports(0)
        (target,) = chosen.targets[:1]
        known = met_host(ports, target.host)
        platform = ports.drivers[known.platform]
        driver = platform.over(known.accesses)
        with ports.connections.reader(known, driver) as reader:
            seen = transcript_of(reader, driver)
        try:
            version = driver.parse(seen).version
        except NotUnderstood as error:
            version = "unknown version"
            here.screen.say(f"not understood: {error}")
    origin = f"recorded {utc_now()[:10]}; {driver.title} {version}; by {TOOL}"
    text = render_transcript(Transcript(replies=seen.replies, origin=origin), platform.first_access)
    if out:
        out.write_text(text)
    else:
        put(text)
    return 0


def told(report: Report, form: str) -> int:
    """Show a run and give its exit code."""
    from sipalg_fix.model.report import exit_code
    from sipalg_fix.reports import render

    put(render(report, form, color=colored(), width=width()))
    return exit_code(report)
