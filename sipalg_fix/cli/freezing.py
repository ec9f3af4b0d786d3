"""The verb that stops all changes, of whatever run, and lets them go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.scene import places
from sipalg_fix.cli.screen import put

if TYPE_CHECKING:
    from sipalg_fix.model.journal import Freeze


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(freeze)


def freeze(
    reason: Annotated[str, typer.Option("--reason", help="Why; whoever is stopped is told.")] = "",
    lift: Annotated[bool, typer.Option("--lift", help="Let changes be made again.")] = False,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """
    Stop all changes of all runs that share this journal; without a reason, say whether they are stopped.

    Routers that are being changed are finished or put back; no other is begun. 'recover' is not stopped.

    Examples:

        sipalg-fix freeze --reason "outage in Berlin, INC-4711"

        sipalg-fix freeze --lift
    """
    from sipalg_fix.wiring import open_journal

    if reason and not (reason.isprintable() and reason.strip()):
        raise typer.BadParameter("the reason must be one printable line")
    journal = open_journal(places())
    try:
        if lift:
            journal.freezes.end(reason)
        elif reason:
            journal.freezes.begin(reason)
        _show(journal.frozen(), output.value)
    finally:
        journal.close()
    return 0


def _show(now: Freeze | None, form: str) -> None:
    if form == "json":
        told = {"at": now.at, "by": now.by, "reason": now.reason} if now else None
        put(json.dumps({"frozen": told is not None, "freeze": told}, indent=2))
    else:
        put(f"frozen since {now.at} by {now.by}: {now.reason}" if now else "not frozen: changes may be made")
