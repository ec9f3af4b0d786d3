"""The verb that listens: who sits behind an ALG, told from traffic that is there anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import options
from sipalg_fix.cli.screen import colored, put, width

if TYPE_CHECKING:
    from sipalg_fix.wire.passive.heard import Heard, NotRead

Pcap = Annotated[
    list[Path] | None,
    typer.Option(
        "--pcap", help="A capture (pcap, pcapng, gzipped); several are put in order; - is standard input."
    ),
]
ShowNumbers = Annotated[bool, typer.Option("--show-numbers", help="Users' names and numbers in full.")]


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(passive)


def passive(
    pcap: Pcap = None,
    show_numbers: ShowNumbers = False,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    Say who sits behind an ALG, by source address, from a capture. Nothing is sent, and nothing kept.

    Ends with 0: all came unaltered; 2: an address is flagged; 3: it could not be told; 64: not readable.

        sipalg-fix passive --pcap registrar.pcap
    """
    if not pcap:
        raise typer.BadParameter("what shall be listened to? --pcap FILE")
    return from_captures(pcap, output, show_numbers=show_numbers)


def from_captures(files: list[Path], output: options.Form, *, show_numbers: bool = False) -> int:
    """Listen to captures, and print what shows."""
    from sipalg_fix.wire.passive.capture import heard_in

    return _listened("pcap", lambda not_read: heard_in(files, not_read), output, show_numbers)


def _listened(
    source: str, reader: Callable[[NotRead], Iterator[Heard]], output: options.Form, show_numbers: bool
) -> int:
    from sipalg_fix.model.passive import exit_code
    from sipalg_fix.reports import render_passive
    from sipalg_fix.wire.passive.heard import NotRead
    from sipalg_fix.wire.passive.watch import Watch
    from sipalg_fix.wiring import utc_now

    not_read = NotRead()
    watch = Watch(not_read)
    for heard in reader(not_read):
        watch.take(heard)
    report = watch.report(source, utc_now(), show_names=show_numbers)
    put(render_passive(report, output.value, color=colored(), width=width()))
    return exit_code(report)
