"""The verbs over backups: which there are, what they show, and the original for who has its key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.scene import places
from sipalg_fix.cli.screen import colored, put, width

if TYPE_CHECKING:
    from sipalg_fix.store.backups import Backup

backup = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The configurations that were kept before changes."
)
Run = Annotated[str, typer.Argument(help="A run's name or its beginning, or 'last'.")]
Host = Annotated[str, typer.Argument(help="A host's inventory name.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.add_typer(backup, name="backup")


@backup.command("list")
def list_(
    host: Annotated[str, typer.Argument(help="Only of this host.")] = "",
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """Which configurations the journal holds, oldest first, and whether their originals were kept."""
    from sipalg_fix.reports import render_table
    from sipalg_fix.store.backups import backups
    from sipalg_fix.wiring import open_journal

    rows = [
        {
            "host": found.host,
            "run": found.run,
            "at": found.at,
            "replies": len(found.parts),
            "refused": sum(not part.ok for part in found.parts),
            "characters": sum(len(part.text) for part in found.parts),
            "original": found.original,
        }
        for found in backups(open_journal(places()), host=host)
    ]
    put(render_table(rows, output.value, color=colored(), width=width()))
    return 0


@backup.command("show")
def show(run: Run, host: Host) -> int:
    """
    Print what was kept of a router before its change, secrets redacted.

    Example:

        sipalg-fix backup show last berlin-edge-01
    """
    found = _found(run, host)
    put(_text(found, [part.text for part in found.parts]))
    return 0


@backup.command("open")
def open_(
    run: Run,
    host: Host,
    identity: Annotated[
        Path, typer.Option("--identity", help="The file with the secret key, as age-keygen writes it.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to, for your eyes only; else standard output.")
    ] = None,
) -> int:
    """
    Print the original of a backup, with its secrets. Only who has the secret key can.

    Example:

        sipalg-fix backup open last berlin-edge-01 --identity ~/sipalg-backup.key -o config.boot
    """
    from sipalg_fix.cli.support import text_of
    from sipalg_fix.model.errors import PlanError
    from sipalg_fix.sealing.age import opened

    found = _found(run, host)
    if found.original != "sealed":
        message = (
            f"of {host} in the run {found.run} no original was kept: no recipient was configured when it "
            "ran. 'backup show' has what there is, secrets redacted"
        )
        raise PlanError("backup-unsealed", message)
    secret = text_of(identity)
    text = _text(found, [opened(part.sealed, secret) for part in found.parts])
    if out is None:
        put(text)
    else:
        _private(out, text)
    return 0


def _found(run: str, host: str) -> Backup:
    from sipalg_fix.model.errors import PlanError
    from sipalg_fix.store.backups import backups
    from sipalg_fix.wiring import open_journal

    journal = open_journal(places())
    name = journal.find_run(run)
    for found in backups(journal, host=host, run=name):
        return found
    raise PlanError(
        "backup-missing", f"the run {name} kept no backup of {host}; see 'sipalg-fix backup list'"
    )


def _text(found: Backup, texts: list[str]) -> str:
    """One reply as it is, so that it can be used as a file; several each below its command."""
    if len(texts) == 1 and found.parts[0].ok:
        return texts[0]
    lines = []
    for part, text in zip(found.parts, texts, strict=True):
        lines += [f">>> {part.command}", *([] if part.ok else [f"<<< {part.status}"]), text]
    return "\n".join(lines)


def _private(file: Path, text: str) -> None:
    """A new file for its owner's eyes; one that is there may be open to others, and is left alone."""
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as error:
        raise typer.BadParameter(f"--out: {file}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        stream.write(text)
