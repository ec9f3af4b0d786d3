"""The verb that settles what was cut short: recover."""

from __future__ import annotations

from typing import Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.changing import consent
from sipalg_fix.cli.looking import told
from sipalg_fix.cli.scene import scene


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(recover)


def recover(
    run: Annotated[
        str, typer.Argument(help="A run that was cut short, or 'last'; without it, all of them.")
    ] = "",
    yes: options.Yes = False,
    forks: options.Forks = None,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    After a crash or a kill: settle what runs left open. Each router is read first, then gone on with to
    the end of its plan, or put back to what it was. One that is settled is not touched again.

    Examples:

        sipalg-fix recover

        sipalg-fix recover 20261123-101500-apply-1f3a --yes
    """
    from sipalg_fix.engine.recover import recover as settle
    from sipalg_fix.engine.recover import restarted, unsettled
    from sipalg_fix.engine.run import Told

    with scene() as here:
        ports = here.ports(0, warn=False)
        runs = (ports.journal.find_run(run),) if run else ports.journal.cut_short()
        hosts = sorted({plan.host.name for name in runs for plan in unsettled(ports.journal, name)})
        if hosts:
            consent(f"Settle {', '.join(hosts)}, from {', '.join(runs)}?", yes)
        for name, host in restarted(ports.journal, runs):
            here.screen.say(f"{host}: run {name} told it to restart and did not see it again; audit it")
        here.screen.total = len(hosts)
        report = settle(ports, runs, Told(forks=forks or 10, extra=(("of", " ".join(runs)),)))
    return told(report, output.value)
