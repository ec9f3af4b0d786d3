"""
The probe as one file, for a customer's PC: its command line, with the standard library only.

Everything that this module imports is put into the file by :mod:`sipalg_fix.wire.bundle`, and runs on Python
3.9 and newer on Linux, macOS and Windows.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import NoReturn

from sipalg_fix.model.path import Outcome, PathReport, exit_code, to_json
from sipalg_fix.wire.certificate import normal_pin
from sipalg_fix.wire.control import NotTrusted
from sipalg_fix.wire.endpoint import host_and_port, source_ports
from sipalg_fix.wire.handing import hand_over
from sipalg_fix.wire.probe import Wish, ask_for_change, probe
from sipalg_fix.wire.protocol import CONTROL_PORT, SIP_PORT
from sipalg_fix.wire.server import ServerWish, ask
from sipalg_fix.wire.systems import holds_window
from sipalg_fix.wire.telling import tell
from sipalg_fix.wire.trace import TraceWish, trace

USAGE = 64
NOT_TRUSTED = 4


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Bad usage has a code of its own: 2 says that a box acts on SIP."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def _parser(responder: str, pin: str) -> _Parser:
    parser = _Parser(
        description="Send SIP to a responder outside and say what became of it on the way.",
        epilog="Ends with 0: nothing acts on SIP; 2: something does; 3: it cannot be told; 4: no responder.",
    )
    whom = parser.add_mutually_exclusive_group()
    whom.add_argument("--responder", default=responder, help=f"HOST[:PORT] of a responder{_usual(responder)}")
    whom.add_argument("--server", default="", help="SIPSERVER[:PORT] of your provider instead")
    whom.add_argument("--trace", default="", help="HOST[:PORT]: which router on the way alters SIP (Linux)")
    parser.add_argument("--pin", default="", help=f"sha256:... as the responder prints it{_usual(pin)}")
    parser.add_argument(
        "--source-port", default="both", help="fresh, both (fresh and 5060), or a number: only from there"
    )
    parser.add_argument(
        "--hold", action="store_true", help="keep a TCP connection, wait for Enter, and test it as well"
    )
    parser.add_argument("--json", action="store_true", help="print the report for machines")
    parser.add_argument(
        "--save", type=Path, metavar="FILE", help="also write the report for machines to a file"
    )
    parser.add_argument("--send", action="store_true", help="hand the report to the responder's owner")
    parser.add_argument("--label", default="", help="a word on whose report it is, for --send (a ticket)")
    return parser


def _usual(value: str) -> str:
    return f" ({value})" if value else ""


def started(
    words: Sequence[str],
    responder: str,
    pin: str,
    system: str = sys.platform,
    wait: Callable[[str], object] = input,
) -> int:
    """What the file does: :func:`main`, and a window that closes with it stays until somebody has read it."""
    try:
        return main(words, responder, pin)
    finally:
        if holds_window(words, system):
            wait("Press Enter to close this window. ")


def main(words: Sequence[str], responder: str = "", pin: str = "") -> int:
    """Run with these words; ``responder`` and ``pin`` are what the file was made with."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # consoles that cannot show every sign
            stream.reconfigure(errors="backslashreplace")
    parser = _parser(responder, pin)
    given = parser.parse_args(words)
    if given.responder != responder and not given.pin:
        pin = ""  # it was another responder's
    try:
        return _run(parser, given, normal_pin(given.pin) if given.pin else pin)
    except ValueError as error:
        parser.error(str(error))
    except NotTrusted as error:
        print(error, file=sys.stderr)
        return NOT_TRUSTED


def _run(parser: _Parser, given: argparse.Namespace, pin: str) -> int:
    at = datetime.now(timezone.utc).replace(microsecond=0).isoformat()  # noqa: UP017 - "UTC" is of 3.11
    fresh, own_port = source_ports(given.source_port)
    phone, source = bool(own_port), own_port or SIP_PORT
    if given.send and (given.server or given.trace):
        parser.error("--send needs a responder: there is nobody else to send to")
    if given.hold and (given.server or given.trace):
        parser.error("--hold needs a responder")
    if given.trace:
        host, port = host_and_port(given.trace, SIP_PORT)
        return _told(given, trace(TraceWish(host=host, port=port), at))
    if given.server:
        host, port = host_and_port(given.server, SIP_PORT)
        server = ServerWish(host=host, port=port, fresh_port=fresh, phone_port=phone, source_port=source)
        return _told(given, ask(server, at))
    if not given.responder:
        parser.error("one of --responder, --server and --trace is needed")
    host, port = host_and_port(given.responder, CONTROL_PORT)
    wish = Wish(host=host, port=port, pin=pin, fresh_port=fresh, phone_port=phone, source_port=source)
    report = probe(wish, at, ask_for_change if given.hold else None)
    code = _told(given, report)
    if given.send:
        _send(wish, report, given.label)
    return code


def _told(given: argparse.Namespace, report: PathReport) -> int:
    print(to_json(report) if given.json else tell(report), end="", flush=True)
    if given.save is not None:
        try:
            given.save.write_text(to_json(report), encoding="utf-8")
        except OSError as error:
            print(f"not saved: {error}", file=sys.stderr)
    return exit_code(report.outcome)


def _send(wish: Wish, report: PathReport, label: str) -> None:
    if report.outcome is Outcome.UNREACHABLE:
        print("not sent: the responder cannot be reached", file=sys.stderr)
        return
    problem = hand_over(wish, report, label)
    print(
        f"not sent: {problem}" if problem else f"The report was sent to {wish.responder}.",
        file=sys.stderr,
    )
