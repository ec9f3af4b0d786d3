"""The verbs over the journal itself: is it whole, what leaves it, and the key that vouches for it."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.scene import places
from sipalg_fix.cli.screen import colored, put, width

if TYPE_CHECKING:
    from sipalg_fix.store.checking import Checked, Checker

journal = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The journal: is it whole, and what leaves it."
)
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="The public key of another machine whose runs are in this journal."),
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(journal, name="journal")


@journal.command("verify")
def verify(
    run: Annotated[str, typer.Argument(help="A run's name or its beginning, 'last', or 'all'.")] = "all",
    report: Annotated[
        Path | None, typer.Option("--report", help="A JSON report of the run: its head must be there.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option("--export", help="Check an exported run instead of the journal.")
    ] = None,
    key: Keys = None,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """
    See whether runs are in the journal as they were written, to their last row.

    Ends with 0 when all are whole, 2 when something was changed, taken away or cut off, and 3 when nothing
    is wrong with what is there, but nothing shows that it is all there: a run without an end, or without a
    signature of a known key.

    Examples:

        sipalg-fix journal verify

        sipalg-fix journal verify 20261123-101500-apply-1f3a --report apply.json
    """
    from sipalg_fix.store.checking import INCONCLUSIVE

    if export is not None:
        found = [_export(export, key)]
    elif report is not None:
        found = [_reported(report, key)]
    else:
        checker = _checker(key)
        found = list(checker.all()) if run == "all" else [checker.run(checker.journal.find_any(run))]
    _show(found, output.value)
    if any(checked.broken for checked in found):
        return 2
    return 3 if any(checked.result in INCONCLUSIVE for checked in found) else 0


@journal.command("export")
def export_(
    run: Annotated[str, typer.Argument(help="A closed run's name or its beginning, or 'last'.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; never written over.")],
    key: Keys = None,
) -> int:
    """
    Write a closed run as JSON lines with its signed head, to be checked without this journal.

    Example:

        sipalg-fix journal export last -o apply.jsonl
    """
    from sipalg_fix.store.exports import write_export
    from sipalg_fix.store.pruning import Pruner

    pruner = Pruner(checker=_checker(key))
    name = pruner.journal.find_run(run)
    digest = write_export(out, pruner.export(name))
    put(f"{name} is in {out} ({digest})")
    return 0


@journal.command("prune")
def prune(
    older_than: Annotated[str, typer.Option("--older-than", help="Days since a run was closed: 400d.")],
    export: Annotated[Path, typer.Option("--export", help="The folder for the runs that are taken out.")],
    yes: options.Yes = False,
    key: Keys = None,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """
    Take old runs out of the journal: each is exported to a file first, and its signed head stays.

    A run that is open, or not as it was written, stays where it is.

    Example:

        sipalg-fix journal prune --older-than 400d --export /srv/archive/sipalg
    """
    from sipalg_fix.cli.changing import consent
    from sipalg_fix.store.pruning import Pruner
    from sipalg_fix.wiring import utc_now

    days = re.fullmatch(r"([1-9][0-9]{0,4})d", older_than)
    if days is None:
        raise typer.BadParameter(f"--older-than: {older_than!r} is not like 400d")
    if not export.is_dir():
        raise typer.BadParameter(f"--export: there is no folder {export}")
    pruner = Pruner(checker=_checker(key))
    runs = pruner.older_than(timedelta(days=int(days[1])), utc_now())
    if not runs:
        put("no run is that old")
        return 0
    consent(f"Take {len(runs)} runs out of the journal, to {export}?", yes)
    found = list(pruner.prune(runs, export))
    _show(found, output.value)
    return 0 if all(checked.result == "pruned" for checked in found) else 2


@journal.command("key")
def key_() -> int:
    """Print the public key that the runs of this machine are signed with."""
    from sipalg_fix.wiring import notary

    put(notary(places()).public)
    return 0


def _checker(keys: list[str] | None) -> Checker:
    from sipalg_fix.store.checking import Checker
    from sipalg_fix.wiring import notary, open_journal

    here = places()
    own = notary(here)
    known = {*(keys or ()), *([own.public] if own.key_file.exists() else [])}
    return Checker(journal=open_journal(here), keys=known, remembered=own.remembered())


def _reported(file: Path, keys: list[str] | None) -> Checked:
    """The run of a JSON report, with the head that it names."""
    from sipalg_fix.cli.support import text_of

    try:
        document = json.loads(text_of(file))
        run, head = str(document["run"]), str(document["head"])
    except (ValueError, KeyError, TypeError):
        raise typer.BadParameter(f"{file} is no JSON report of a run with its head") from None
    return _checker(keys).run(run, reported=head)


def _export(file: Path, keys: list[str] | None) -> Checked:
    from sipalg_fix.cli.support import text_of
    from sipalg_fix.model.errors import JournalError
    from sipalg_fix.store.checking import UNKNOWN_KEY, WHOLE, Checked
    from sipalg_fix.store.exports import read_export
    from sipalg_fix.wiring import notary

    own = notary(places())
    known = {*(keys or ()), *([own.public] if own.key_file.exists() else [])}
    try:
        run, _, heads = read_export(text_of(file))
    except JournalError as error:
        return Checked(run=str(file), result=error.code, detail=str(error))
    strange = [head.key for head in heads if head.key not in known]
    detail = f"signed with {strange[0]}: if that is one of yours, name it with --key" if strange else ""
    return Checked(run=run, result=UNKNOWN_KEY if strange else WHOLE, detail=detail)


def _show(found: list[Checked], form: str) -> None:
    """For people: what is not whole, and a count; for machines all of it."""
    from sipalg_fix.reports import render_table

    told = found if form == "json" or len(found) == 1 else [one for one in found if one.result != "whole"]
    rows: list[dict[str, Any]] = [
        {"run": one.run, "result": one.result, "detail": one.detail} for one in told
    ]
    if rows or form == "json":
        put(render_table(rows, form, color=colored(), width=width()))
    if form != "json":
        counts = Counter(one.result for one in found)
        put(
            f"{len(found)} runs: "
            + (", ".join(f"{n} {word}" for word, n in sorted(counts.items())) or "none")
        )
