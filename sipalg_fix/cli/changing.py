"""The verbs that change routers, and the dry run before them: plan, apply, rollback, reboot."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.approving import author_of, sign_plan, told_of
from sipalg_fix.cli.looking import told
from sipalg_fix.cli.scene import scene, selected
from sipalg_fix.cli.screen import colored, put, width
from sipalg_fix.cli.support import text_of

if TYPE_CHECKING:
    from sipalg_fix.model.plan import Plan

BOOT_SECONDS = 300.0


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(plan)
    app.command()(apply)
    app.command()(rollback)
    app.command()(reboot)


def plan(  # noqa: PLR0913, PLR0917 - a command has as many parameters as it has options
    inventory: options.Inventory = Path("inventory"),
    playbook: options.PlaybookFile = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the plan file that apply takes.")
    ] = None,
    limit: options.Limit = "",
    forks: options.Forks = None,
    accept: options.Accept = None,
    boot_timeout: options.BootTimeout = BOOT_SECONDS,
    key: options.Key = None,
    name: options.Principal = "",
    ticket: Annotated[bool, typer.Option("--ticket", help="Print the text for a change ticket.")] = False,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """
    The dry run, for a change review: per router the exact commands, and what undoes them. Changes nothing.

    Examples:

        sipalg-fix plan -i inventory/ -p playbooks/disable-sip-alg.yaml -o plan.json

        sipalg-fix plan -i inventory/ --limit berlin-edge-01
    """
    from sipalg_fix.engine.planning import plan as propose
    from sipalg_fix.model.plan import write_plan
    from sipalg_fix.model.report import exit_code, worst

    with scene() as here:
        chosen = selected(here.screen, inventory, limit, playbook, forks)
        author = author_of(chosen.playbook.approval, key, name, out)
        made, report = propose(
            here.ports(
                len(chosen.targets), recipients=chosen.playbook.recipients,
                logins_per_second=chosen.playbook.logins_per_second,
            ),
            chosen.targets, chosen.playbook, chosen.told,
            inventory_digest=chosen.inventory.digest, boot_seconds=boot_timeout, author=author,
        )  # fmt: skip
        made = made.accepting(accept or ())
        if out:
            _write_private(out, write_plan(made))
            sign_plan(made, key, out)
            then = "have it approved with: sipalg-fix approve" if made.approval else ""
            here.screen.say(f"plan written to {out}; {then or 'carry it out with: sipalg-fix apply'} {out}")
    _show_plan(made, "ticket" if ticket else output.value)
    return worst([exit_code(report), 2 if made.changing else 0])


def apply(
    file: Annotated[Path, typer.Argument(help="A plan file.")],
    accept: options.Accept = None,
    yes: options.Yes = False,
    forks: options.Forks = None,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    Show a plan, ask, and carry out exactly that plan. Routers that changed since are refused.

    Examples:

        sipalg-fix apply plan.json

        sipalg-fix apply plan.json --yes --accept reboots
    """
    from sipalg_fix.engine.apply import apply as carry_out
    from sipalg_fix.engine.run import Told
    from sipalg_fix.model.plan import read_plan
    from sipalg_fix.wiring import approvals, utc_now

    made = read_plan(text_of(file)).accepting(accept or ())
    with scene() as here:
        papers = approvals(file)
        approved = papers.check(made.review, utc_now())
        if made.changing:
            _show_plan(made, "table", on_error=True)
            consent(f"Carry this out on {len(made.changing)} routers?", yes)
        recipients = made.setting("backup_recipients", [])
        ports = here.ports(
            len(made.changing), recipients=recipients,
            logins_per_second=made.setting("logins_per_second", 0),
        )  # fmt: skip
        ports = replace(ports, approval=papers)
        report = carry_out(
            ports, made,
            Told(
                inventory=made.inventory, playbook=made.playbook.partition("\n")[0],
                fingerprint=made.fingerprint, forks=forks or int(made.setting("forks", 10)),
                extra=tuple(("approved", told_of(one)) for one in approved),
            ),
        )  # fmt: skip
    return told(report, output.value)


def rollback(
    run: Annotated[str, typer.Argument(help="The run whose changes are taken back, or 'last'.")],
    limit: options.Limit = "",
    accept: options.Accept = None,
    yes: options.Yes = False,
    forks: options.Forks = None,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    Put back what was seen before a run, router by router, from the journal.

    Examples:

        sipalg-fix rollback last

        sipalg-fix rollback 20261123-101500-apply-1f3a --limit berlin-edge-01
    """
    from sipalg_fix.engine.rollback import changed_hosts
    from sipalg_fix.engine.rollback import rollback as put_back
    from sipalg_fix.engine.run import Told
    from sipalg_fix.inputs.selection import select

    with scene() as here:
        ports = here.ports(0)
        name = ports.journal.find_run(run)
        plans = {plan.host.name: plan for plan in changed_hosts(ports.journal, name)}
        hosts = select(tuple(plan.host for plan in plans.values()), limit)
        if hosts:
            consent(f"Put {', '.join(host.name for host in hosts)} back as before run {name}?", yes)
        here.screen.total = len(hosts)
        report = put_back(
            ports, name, [plans[host.name] for host in hosts],
            Told(forks=forks or 10, extra=(("of", name),)), accepted="drifted" in (accept or ()),
        )  # fmt: skip
    return told(report, output.value)


def reboot(  # noqa: PLR0913, PLR0917 - a command has as many parameters as it has options
    limit: Annotated[str, typer.Option("--limit", "-l", help="Which hosts; must be said, 'all' for all.")],
    inventory: options.Inventory = Path("inventory"),
    playbook: options.PlaybookFile = None,
    accept: options.Accept = None,
    forks: options.Forks = None,
    yes: options.Yes = False,
    boot_timeout: options.BootTimeout = BOOT_SECONDS,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    Restart routers, wait until each shows a new boot, and audit it again. Waits for calls, and is bound by
    change windows, as the playbook says.

    Examples:

        sipalg-fix reboot -i inventory/ --limit berlin-edge-01

        sipalg-fix reboot -i inventory/ -p playbook.yaml --limit all --accept window-closed
    """
    from sipalg_fix.engine.reboot import reboot as restart
    from sipalg_fix.model.plan import Terms

    with scene() as here:
        chosen = selected(here.screen, inventory, limit, playbook, forks)
        names = ", ".join(target.host.name for target in chosen.targets)
        consent(f"Restart {names}? Calls on them end.", yes)
        ports = here.ports(len(chosen.targets))
        book = chosen.playbook
        terms = Terms(calls=book.calls, windows=book.windows, accepted=tuple(accept or ()))
        report = restart(ports, chosen.targets, book.intent, chosen.told, seconds=boot_timeout, terms=terms)
    return told(report, output.value)


def consent(question: str, yes: bool) -> None:
    """Ask a person; where there is none to ask, ``--yes`` must have been said."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to be asked; say --yes to go on without asking")
    typer.confirm(question, abort=True, err=True)


def _show_plan(made: Plan, form: str, *, on_error: bool = False) -> None:
    from sipalg_fix.reports import render_plan

    text = render_plan(made, form, color=colored(), width=width())
    if on_error:
        print(text, file=sys.stderr)
    else:
        put(text)


def _write_private(file: Path, text: str) -> None:
    """Plans hold configurations: for their owner's eyes. Written whole or not at all."""
    beside = file.with_name(file.name + ".new")
    beside.touch(mode=0o600)
    beside.write_text(text)
    beside.replace(file)
