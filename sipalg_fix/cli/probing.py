"""The verbs about packets: the probe behind a router, and the responder outside that it talks with."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sipalg_fix.cli import listening, options
from sipalg_fix.cli.probe_file import probe_file
from sipalg_fix.cli.screen import put
from sipalg_fix.model.errors import DeviceError

if TYPE_CHECKING:
    import asyncio

    from sipalg_fix.model.path import PathReport
    from sipalg_fix.wire.responder import Responder


class Over(StrEnum):
    """A transport to probe."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(probe)
    app.command()(responder)
    app.command("probe-file")(probe_file)


def probe(  # noqa: PLR0913, PLR0917 - a command's options
    responder: Annotated[str, typer.Option("--responder", help="HOST[:PORT] of a responder outside.")] = "",
    server: Annotated[
        str, typer.Option("--server", help="SIPSERVER[:PORT] of your provider, where there is no responder.")
    ] = "",
    trace: Annotated[
        str, typer.Option("--trace", help="HOST[:PORT]: which router on the way there alters SIP (Linux).")
    ] = "",
    pin: Annotated[str, typer.Option("--pin", help="sha256:... as the responder prints it.")] = "",
    ca: Annotated[Path | None, typer.Option("--ca", help="Authorities to believe, instead of a pin.")] = None,
    source_port: Annotated[
        str,
        typer.Option(
            "--source-port", help="fresh, both (fresh, and UDP from 5060 too), or a number: only from there."
        ),
    ] = "both",
    transport: Annotated[
        list[Over] | None, typer.Option("--transport", help="Only these; all when not said.")
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold", help="Keep a TCP connection, wait for Enter, and test it as well.")
    ] = False,
    sizes: Annotated[
        bool, typer.Option("--sizes", help="Also messages as long as one packet takes.")
    ] = False,
    lifetime: Annotated[
        float,
        typer.Option("--lifetime", min=0, max=600, help="Measure how long idle mappings live, up to this."),
    ] = 0,
    pcap: listening.Pcap = None,
    output: options.ListOutput = options.ListForm.TABLE,
) -> int:
    """
    Send SIP to a responder and say what became of it on the way. Run it behind the router.

    Without a responder, --server asks your own provider's server, and --trace the routers on the way: that
    can show an ALG, and not that there is none.
    Ends with 0: nothing acts on SIP; 2: something does; 3: it could not be told; 4: no responder.

        sipalg-fix probe --responder probe.example.net --pin sha256:...

        sipalg-fix probe --responder probe.example.net --pin sha256:... --source-port 5062

        sipalg-fix probe --server sip.example.net

    With --pcap nothing is sent: see `sipalg-fix passive`.
    """
    if [bool(each) for each in (responder, server, trace, pcap)].count(True) != 1:
        raise typer.BadParameter("one of --responder, --server, --trace and --pcap is needed")
    if hold and not responder:
        raise typer.BadParameter("--hold needs a responder")
    if pcap:
        return listening.from_captures(pcap, options.Form(output.value))
    if server:
        return _asked_server(server, source_port, output)
    if trace:
        return _traced(trace, output)
    from sipalg_fix.wire import probe as probing
    from sipalg_fix.wire.control import NotTrusted
    from sipalg_fix.wire.protocol import CONTROL_PORT, SIP_PORT, Transport
    from sipalg_fix.wiring import utc_now

    if hold and transport and Over.TCP not in transport:
        raise typer.BadParameter("--hold keeps a TCP connection: --transport tcp is needed")
    host, port = _address(responder, CONTROL_PORT)
    fresh, own_port = _source_ports(source_port)
    wish = probing.Wish(
        host=host,
        port=port,
        pin=_pin(pin),
        authority=str(ca or ""),
        transports=tuple(Transport(each.value) for each in transport or tuple(Over)),
        fresh_port=fresh,
        phone_port=bool(own_port),
        source_port=own_port or SIP_PORT,
        sizes=sizes,
        lifetime=probing.steps_up_to(lifetime),
    )
    try:
        report = probing.probe(wish, utc_now(), probing.ask_for_change if hold else None)
    except NotTrusted as error:
        raise DeviceError("certificate-changed" if pin else "certificate-unknown", str(error)) from None
    return _told(report, output)


def _told(report: PathReport, output: options.ListForm) -> int:
    from sipalg_fix.model.path import exit_code, to_json
    from sipalg_fix.wire.telling import tell

    put(to_json(report) if output is options.ListForm.JSON else tell(report))
    return exit_code(report.outcome)


def _asked_server(server: str, source_port: str, output: options.ListForm) -> int:
    from sipalg_fix.wire.protocol import SIP_PORT
    from sipalg_fix.wire.server import ServerWish, ask
    from sipalg_fix.wiring import utc_now

    host, port = _address(server, SIP_PORT)
    fresh, own_port = _source_ports(source_port)
    wish = ServerWish(
        host=host,
        port=port,
        fresh_port=fresh,
        phone_port=bool(own_port),
        source_port=own_port or SIP_PORT,
    )
    return _told(ask(wish, utc_now()), output)


def _traced(target: str, output: options.ListForm) -> int:
    from sipalg_fix.wire.protocol import SIP_PORT
    from sipalg_fix.wire.trace import TraceWish, trace
    from sipalg_fix.wiring import utc_now

    host, port = _address(target, SIP_PORT)
    return _told(trace(TraceWish(host=host, port=port), utc_now()), output)


def responder(  # noqa: PLR0913, PLR0917 - a command's options
    bind: Annotated[
        list[str] | None, typer.Option("--bind", help="An IP address to listen on; all when not said.")
    ] = None,
    cert: Annotated[Path | None, typer.Option("--cert", help="A certificate (PEM) of your own.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="Its key.")] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", envvar="STATE_DIRECTORY", help="Where its own certificate is kept."),
    ] = None,
    control_port: Annotated[int, typer.Option("--control-port", min=1, max=65535, help="TLS.")] = 17800,
    other_ports: Annotated[
        str, typer.Option("--other-ports", help="Ports that are no SIP ports, for comparison.")
    ] = "17810-17825",
    per_minute: Annotated[
        int, typer.Option("--per-minute", min=1, help="Probes that one address may begin within a minute.")
    ] = 10,
    reports: Annotated[
        Path | None, typer.Option("--reports", help="Keep reports that probes hand over in this folder.")
    ] = None,
) -> int:
    """
    Be the far end for probes, on a host outside, until stopped. Keeps no messages.

    Needs UDP and TCP 5060 and the other ports, TCP 5061 and the control port; no root.

        sipalg-fix responder --bind 203.0.113.10
    """
    import asyncio

    numbers = (control_port, other_ports, per_minute)
    running, what = _made(bind or _everywhere(), cert, key, state, numbers, reports)
    asyncio.run(_served(running, what))
    return 0


def _made(
    addresses: list[str],
    cert: Path | None,
    key: Path | None,
    state: Path | None,
    numbers: tuple[int, str, int],
    reports: Path | None,
) -> tuple[Responder, str]:
    import ssl

    from sipalg_fix.cli.scene import places
    from sipalg_fix.wire.certificate import own_certificate, server_context
    from sipalg_fix.wire.keeping import Keeper
    from sipalg_fix.wire.limits import Limits
    from sipalg_fix.wire.responder import Listening, Responder

    control, others, per_minute = numbers
    if (cert is None) != (key is None):
        raise typer.BadParameter("--cert and --key belong together")
    try:
        files = (cert, key) if cert and key else own_certificate(state or places().state / "responder")
        context, pin = server_context(*files)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise typer.BadParameter(f"the certificate cannot be used: {error}") from None
    listening = Listening(addresses=tuple(addresses), control=control, others=_ports(others))
    limits = Limits(per_minute_address=per_minute, per_minute_prefix=5 * per_minute)
    try:
        keeper = Keeper(reports, limits) if reports else None
        made = Responder(listening, context, limits, _say, keeper)
    except OSError as error:
        raise typer.BadParameter(error.strerror or str(error)) from None
    return made, f"listening on {', '.join(addresses)}, control port {control}; probes give --pin {pin}"


def _everywhere() -> list[str]:
    """All addresses, as far as this machine has the families."""
    import socket

    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tried:
            tried.bind(("::", 0))
    except OSError:
        return ["0.0.0.0"]
    return ["0.0.0.0", "::"]


async def _served(running: Responder, what: str) -> None:
    import asyncio
    import signal

    stop: asyncio.Event = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    _say(what)
    await running.run(stop)


def _say(line: str) -> None:
    typer.echo(f"responder: {line}", err=True)


def _address(text: str, default: int) -> tuple[str, int]:
    from sipalg_fix.wire.endpoint import host_and_port

    try:
        return host_and_port(text, default)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _source_ports(text: str) -> tuple[bool, int]:
    from sipalg_fix.wire.endpoint import source_ports

    try:
        return source_ports(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _pin(text: str) -> str:
    from sipalg_fix.wire.certificate import normal_pin

    try:
        return normal_pin(text) if text else ""
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _ports(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise typer.BadParameter(f"--other-ports {text}: FIRST-LAST is expected")
    ports = tuple(range(int(first), int(last or first) + 1))
    if not 2 <= len(ports) <= 256 or ports[0] < 1 or ports[-1] > 65535:
        raise typer.BadParameter(f"--other-ports {text}: 2 to 256 ports are needed")
    return ports
