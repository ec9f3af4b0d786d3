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


LogFile = Annotated[
    list[Path] | None,
    typer.Option(
        "--kamailio-log", help="A log with the lines that the documentation has Kamailio write; or -."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(passive)


def passive(
    pcap: Pcap = None,
    kamailio_log: LogFile = None,
    hep: Annotated[
        str,
        typer.Option("--hep", help="ADDRESS:PORT to take a HEP stream at (UDP), until Ctrl-C or a bound."),
    ] = "",
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="Bound of --hep; 0: none.")] = 0,
    count: Annotated[int, typer.Option("--count", min=0, help="Messages, bound of --hep; 0: none.")] = 0,
    show_numbers: ShowNumbers = False,
    output: options.Output = options.Form.TABLE,
) -> int:
    """
    Say who sits behind an ALG, by source address, from what is heard. Nothing is sent, and nothing kept.

    Ends with 0: all came unaltered; 2: an address is flagged; 3: it could not be told; 64: not readable.

        sipalg-fix passive --pcap registrar.pcap

        sipalg-fix passive --kamailio-log /var/log/kamailio.log --output csv

        sipalg-fix passive --hep 192.0.2.10:9060 --seconds 1800
    """
    if [bool(each) for each in (pcap, kamailio_log, hep)].count(True) != 1:
        raise typer.BadParameter("one of --pcap, --kamailio-log and --hep is needed")
    if pcap:
        return from_captures(pcap, output, show_numbers=show_numbers)
    if kamailio_log:
        from sipalg_fix.wire.passive import kamailio_log as log

        files = kamailio_log
        return _listened("kamailio-log", lambda missed: log.heard_in(files, missed), output, show_numbers)
    from sipalg_fix.wire.passive import hep as stream

    address, port = _address(hep)
    where = stream.Listening(address=address, port=port, seconds=seconds, count=count)
    return _listened("hep", lambda missed: stream.heard_in(where, missed), output, show_numbers)


def from_captures(files: list[Path], output: options.Form, *, show_numbers: bool = False) -> int:
    """Listen to captures, and print what shows."""
    from sipalg_fix.wire.passive.capture import heard_in

    return _listened("pcap", lambda not_read: heard_in(files, not_read), output, show_numbers)


def _address(text: str) -> tuple[str, int]:
    """``ADDRESS:PORT`` or ``[IPV6]:PORT``."""
    from ipaddress import ip_address

    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        address = str(ip_address(host))
    except ValueError:
        address = ""
    if not address or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise typer.BadParameter(f"--hep {text}: ADDRESS:PORT or [IPV6]:PORT is expected")
    return address, int(port)


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
