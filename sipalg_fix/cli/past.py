"""The verbs over the journal: runs, report, host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.scene import places
from sipalg_fix.cli.screen import colored, put, width

if TYPE_CHECKING:
    from sipalg_fix.store.journal import Journal


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(runs)
    app.command()(report)
    app.command()(host)


def runs(
    limit: Annotated[int, typer.Option("--last", min=1, help="How many, newest first.")] = 20,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """List what was run, newest first."""
    from sipalg_fix.reports import render_runs

    put(render_runs(_journal().runs(limit), output.value, color=colored(), width=width()))
    return 0


def report(
    run: Annotated[str, typer.Argument(help="A run's name or its beginning, or 'last'.")],
    output: Annotated[
        options.ReportForm, typer.Option("--output", help="How it is told.")
    ] = options.ReportForm.TEXT,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where to; else standard output.")] = None,
) -> int:
    """
    Tell a run again, from the journal.

    Example:

        sipalg-fix report last --output html -o report.html
    """
    from sipalg_fix.engine.tell_again import tell_again
    from sipalg_fix.reports import render

    journal = _journal()
    text = render(tell_again(journal, journal.find_run(run)), output.value, color=colored(), width=width())
    if out:
        out.write_text(text)
    else:
        put(text)
    return 0


def host(
    name: Annotated[str, typer.Argument(help="A host's inventory name.")],
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """What happened to one router, over all runs."""
    from sipalg_fix.reports import render_host

    rows = _journal().host_rows(name)
    if not rows:
        raise typer.BadParameter(f"the journal knows no host {name!r}")
    put(render_host(rows, output.value, color=colored(), width=width()))
    return 0


def _journal() -> Journal:
    from sipalg_fix.wiring import open_journal

    return open_journal(places())
