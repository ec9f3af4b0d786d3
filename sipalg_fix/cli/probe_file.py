"""The verb that makes the probe's one file, for a customer's PC."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sipalg_fix.cli.screen import put


def probe_file(
    file: Annotated[Path, typer.Argument(help="Where to write it; usually ends with .pyz.")],
    responder: Annotated[
        str, typer.Option("--responder", help="HOST[:PORT] of the responder that it shall ask.")
    ] = "",
    pin: Annotated[str, typer.Option("--pin", help="sha256:... as that responder prints it.")] = "",
) -> int:
    """
    Write the probe as one file that runs on any PC with Python 3.9 or newer and nothing else.

    It holds no secret: the address and the pin of a responder are no password.

        sipalg-fix probe-file probe.pyz --responder probe.example.net --pin sha256:...
    """
    from sipalg_fix.wire.bundle import write
    from sipalg_fix.wire.certificate import normal_pin
    from sipalg_fix.wire.endpoint import host_and_port
    from sipalg_fix.wire.protocol import CONTROL_PORT

    try:
        if responder:
            host_and_port(responder, CONTROL_PORT)
        normal = normal_pin(pin) if pin else ""
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if normal and not responder:
        raise typer.BadParameter("a pin belongs to a responder: give --responder as well")
    try:
        size = write(file, responder, normal)
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}") from None
    put(f"{file}: {size} bytes; it is run with: python3 {file.name}\n")
    return 0
