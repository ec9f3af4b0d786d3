"""A probe and a responder on loopback: the clean case, and everything that can be wrong with the far end."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event

import pytest

from sipalg_fix.cli.main import run
from sipalg_fix.model.path import KEPT, Direction, Outcome, PathReport, Pinhole
from sipalg_fix.wire import probe as probing
from sipalg_fix.wire.book import Book
from sipalg_fix.wire.control import CONNECT_SECONDS, NotTrusted, connect
from sipalg_fix.wire.endpoint import not_bound, source_ports
from sipalg_fix.wire.kept import KeptLeg
from sipalg_fix.wire.messages import BASE, BASE_LIMIT, CANARIES, TITLE
from sipalg_fix.wire.probe import Wish, probe, probed, steps_up_to
from sipalg_fix.wire.protocol import Transport
from sipalg_fix.wire.seen import Seen
from tests.wire.far_end import FarEnd, free_ports

FAR = "127.0.0.2"


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarEnd]:
    with FarEnd(tmp_path, free_ports(FAR)) as running:
        yield running


def probed_now(far: FarEnd, **other: object) -> PathReport:
    settings: dict[str, object] = {
        "host": FAR, "port": far.responder.listening.control, "pin": far.pin, "phone_port": False, **other,
    }  # fmt: skip
    return probe(Wish(**settings), "2026-11-23T10:00:00+00:00")  # type: ignore[arg-type]  # as the tests give them


def test_a_clean_path_is_clean_and_fast(far: FarEnd) -> None:
    """Every message of every transport, both ways, in under two seconds."""
    report = probed_now(far)
    assert report.outcome is Outcome.NONE
    assert report.seconds < 2
    assert {leg.name for leg in report.legs} == {"udp", "tcp", "tls"}
    sip = far.responder.listening.sip
    for direction in (Direction.OUT, Direction.BACK):
        (told,) = [t for t in report.tested if (t.leg, t.port, t.direction) == ("udp", sip, direction)]
        assert {TITLE[kind] for kind in (*BASE, *CANARIES)} <= set(told.messages)
    assert report.nat.translated is False
    assert report.pinhole is Pinhole.OPEN_ANYWAY


def test_no_packet_of_the_responder_waits_for_another(far: FarEnd) -> None:
    """asyncio switches Nagle's algorithm off for sockets that say they are TCP; it costs 40 ms a turn."""
    assert {listener.proto for listener, _ in far.responder._listeners} == {socket.IPPROTO_TCP}


def test_a_probe_ends_within_six_seconds_by_its_own_limits() -> None:
    """However long it takes until a session stands, and whatever is lost."""
    worst = max(probing.LEGS_SECONDS, CONNECT_SECONDS + probing.LEGS_AT_LEAST)
    assert worst + probing.REPORT_SECONDS < 6


def test_what_was_not_tested_is_said(far: FarEnd) -> None:
    """Transports and ports that were left out stand in the report, with the reason."""
    report = probed_now(far, transports=(Transport.UDP,))
    assert report.outcome is Outcome.NONE
    left_out = {each.what: each.why for each in report.not_tested}
    assert left_out["TCP"] == left_out["TLS"] == "not asked for"
    assert "UDP from source port 5060" in left_out
    assert "IPv6" in left_out
    assert "connections that phones have open to their own provider" in left_out


def test_a_taken_source_port_is_not_tested_and_said(far: FarEnd) -> None:
    """A softphone that holds port 5060 makes that leg untested; alone, that is inconclusive."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as phone:
        with suppress(OSError):  # somebody may hold it already: that is the case to be tested
            phone.bind(("127.0.0.1", 5060))
        both = probed_now(far, phone_port=True, transports=(Transport.UDP,))
        alone = probed_now(far, phone_port=True, fresh_port=False, transports=(Transport.UDP,))
    assert both.outcome is Outcome.NONE
    assert "udp from port 5060" in {each.what for each in both.not_tested}
    assert alone.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("address", [FAR, "::1"])
def test_a_source_port_may_be_given(address: str, tmp_path: Path) -> None:
    """UDP and TCP come from it; where another program has it, the report says so, and nothing is clean."""
    own = "::1" if ":" in address else "127.0.0.1"
    port = free_ports(own).control
    given: dict[str, object] = {"host": address, "fresh_port": False, "phone_port": True, "source_port": port}
    family = socket.AF_INET6 if ":" in own else socket.AF_INET
    with FarEnd(tmp_path, free_ports(address)) as far:
        report = probed_now(far, **given)
        with (
            socket.socket(family, socket.SOCK_DGRAM) as phone,
            socket.create_server((own, port), family=family),
        ):
            phone.bind((own, port))
            taken = probed_now(far, transports=(Transport.UDP, Transport.TCP), **given)
    assert report.outcome is Outcome.NONE, report.reason
    assert {leg.name for leg in report.legs} == {f"udp from port {port}", f"tcp from port {port}", "tls"}
    assert report.nat.seen.endswith(f":{port}")
    assert f"TCP from source port {port}" not in {each.what for each in report.not_tested}
    assert taken.outcome is Outcome.INCONCLUSIVE
    assert taken.reason.count(f"source port {port} of {own} cannot be had: another program has it") == 2


def test_a_connection_may_be_kept_over_a_change(far: FarEnd) -> None:
    """It is used meanwhile, and all goes over it afterwards; after too long a change it is not tested."""

    async def held(alive: float, hold: float, heard: int) -> tuple[Seen, str]:
        line = await connect(FAR, far.responder.listening.control, pin=far.pin)
        book = Book(line)
        kept, enough, over = KeptLeg(book, alive=alive, hold=hold), heard + far.responder.heard, Event()
        await kept.stand(lambda: far.wait_until(lambda: over.is_set() or far.responder.heard > enough))
        try:
            await kept.run()
        except OSError as error:
            return book.seen, str(error)
        finally:
            over.set()
            line.close()
        return book.seen, ""

    seen, problem = asyncio.run(held(0.01, 600, 2 * BASE_LIMIT))
    assert (problem, set(seen.legs)) == ("", {KEPT})
    assert {each.kind for each in seen.exchanges if each.genuine(seen.key)} == {*BASE, *CANARIES}
    assert all(each.come for each in seen.reverses)
    seen, problem = asyncio.run(held(0.01, 0.02, 10**9))
    assert (seen.legs, problem) == ({}, "the change took longer than 0.02 seconds")


def test_source_ports_are_words_or_numbers() -> None:
    """Whatever else is written is refused with what is expected; an error says which port it was."""
    assert source_ports("fresh") == (True, 0)
    assert source_ports("both") == (True, 5060)
    assert source_ports("5062") == (False, 5062)
    for text in ("", "0", "65536", "-1", "\u0663", "5060.0", "phone"):
        with pytest.raises(ValueError, match="1 to 65535"):
            source_ports(text)
    denied = not_bound("192.0.2.1", 80, PermissionError(errno.EACCES, "Permission denied"))
    assert "administrator" in (denied.strerror or "")
    gone = not_bound("192.0.2.1", 0, OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address"))
    assert gone.strerror == "a source port of 192.0.2.1 cannot be had: Cannot assign requested address"


def test_sizes_are_swept_when_asked_for(far: FarEnd) -> None:
    """Messages around the longest packet, and answers as long as they are; without it they are short."""
    heard = far.responder.heard
    assert probed_now(far, sizes=True).outcome is Outcome.NONE
    swept = far.responder.heard - heard
    heard = far.responder.heard
    assert probed_now(far).outcome is Outcome.NONE
    assert swept - (far.responder.heard - heard) > 14 * BASE_LIMIT


def test_an_idle_mapping_is_timed(far: FarEnd) -> None:
    """On loopback a mapping outlives whatever time is tried."""
    report = probed_now(far, lifetime=(0.1, 0.2), transports=(Transport.UDP,))
    assert report.lifetime is not None
    assert (report.lifetime.lived, report.lifetime.gone) == (0.2, None)
    assert steps_up_to(30) == (5.0, 10.0, 20.0, 28.0)


def test_another_certificate_is_not_talked_to(far: FarEnd) -> None:
    """A wrong pin, or none for a certificate that no authority signed: an error, and not a word is said."""
    for pin in ("sha256:" + "0" * 64, ""):
        with pytest.raises(NotTrusted, match="certificate"):
            probed_now(far, pin=pin)
    assert far.responder.heard == 0
    assert not any("session" in line for line in far.told)


def test_an_authority_may_vouch_for_it(far: FarEnd, tmp_path: Path) -> None:
    """A file of authorities instead of a pin: a certificate for another name is not believed."""
    with pytest.raises(NotTrusted):
        probed_now(far, pin="", authority=str(tmp_path / "responder.pem"))


@pytest.mark.parametrize("how", ["nobody", "closes", "no TLS"])
def test_no_responder_is_unreachable(how: str) -> None:
    """Nothing there, or something that is no responder: unreachable with the reason, never clean."""
    with socket.create_server((FAR, 0)) as server:
        port = server.getsockname()[1]
        if how == "nobody":
            server.close()
        else:
            threading.Thread(target=_answer_once, args=(server, how), daemon=True).start()
        report = probe(Wish(host=FAR, port=port, pin="sha256:" + "0" * 64), "now")
    assert report.outcome is Outcome.UNREACHABLE
    assert str(port) in report.reason
    assert [each.what for each in report.not_tested] == ["everything"]


def _answer_once(server: socket.socket, how: str) -> None:
    connection, _ = server.accept()
    with connection:
        if how == "no TLS":
            connection.recv(100)
            connection.sendall(b"220 mail.example.net\r\n")


def test_a_responder_that_dies_midway_leaves_no_all_clear(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was not reported is not clean, and nobody is shown a traceback."""
    far = FarEnd(tmp_path, free_ports(FAR))
    wish = Wish(host=FAR, port=far.responder.listening.control, pin=far.pin, phone_port=False)

    async def interrupted() -> PathReport:
        work = asyncio.ensure_future(probed(wish, "now"))
        while not far.responder.heard:
            await asyncio.sleep(0)
        await asyncio.to_thread(far.__exit__)
        return await work

    report = asyncio.run(interrupted())
    gc.collect()
    assert report.outcome not in (Outcome.NONE, Outcome.ALG_REWRITES, Outcome.SIP_PROXY, Outcome.ANSWERED)
    assert "never retrieved" not in caplog.text


def test_the_command_line_says_the_same(far: FarEnd, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON and text, exit code 0 when clean; distrust and nobody there are 4, bad words 64."""
    where = f"{FAR}:{far.responder.listening.control}"
    words = ["probe", "--responder", where, "--pin", far.pin.upper().replace("SHA256", "sha256")]
    words += ["--source-port", "fresh"]
    assert run([*words, "--output", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "none"
    assert run(words) == 0
    assert capsys.readouterr().out.startswith("No SIP ALG shows")
    assert run(["probe", "--responder", where]) == 4
    assert "--pin" in capsys.readouterr().err
    assert run(["probe", "--responder", "127.0.0.3:1"]) == 4
    assert run(["probe", "--server", "127.0.0.3:1"]) == 4
    assert "server 127.0.0.3:1" in capsys.readouterr().out
    assert run(["probe", "--trace", "127.0.0.3:1"]) == 3
    assert "127.0.0.3       received it unaltered" in capsys.readouterr().out
    both = ["--trace", where, "--server", where]
    for wrong in (
        [],
        both,
        ["--server", "a:b"],
        ["--responder", ""],
        ["--responder", "a:b"],
        ["--responder", where, "--pin", "x"],
        ["--responder", where, "--source-port", "x"],
        ["--server", where, "--source-port", "0"],
        ["--server", where, "--hold"],
        ["--responder", where, "--hold", "--transport", "udp"],
    ):
        assert run(["probe", *wrong]) == 64


def test_the_responder_is_a_command(tmp_path: Path) -> None:
    """It prints its pin, keeps it over a restart, and ends quietly when it is told to."""
    ports = free_ports(FAR)
    pins = set()
    for _ in range(2):
        words = [
            sys.executable, "-m", "sipalg_fix", "responder", "--bind", FAR, "--state", str(tmp_path),
            "--control-port", str(ports.control), "--other-ports", f"{ports.others[0]}-{ports.others[-1]}",
        ]  # fmt: skip
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as running:
            assert running.stderr is not None
            first = running.stderr.readline()
            if "listening on" in first:
                running.send_signal(signal.SIGTERM)
            running.wait(20)
        if "cannot listen" in first and "5060" in first:
            pytest.fail("port 5060 of 127.0.0.2 is held by somebody else")
        pins.add(first.partition("--pin ")[2].strip())
        assert running.returncode == 0
    assert len(pins) == 1
    assert (tmp_path / "responder.key").stat().st_mode & 0o077 == 0
    assert ssl.PEM_cert_to_DER_cert((tmp_path / "responder.pem").read_text())


@pytest.mark.parametrize(
    "words",
    [
        ["--cert", "/nonexistent"],
        ["--other-ports", "5"],
        ["--other-ports", "x"],
        ["--bind", "192.0.2.1"],
        ["--reports", "/proc/nowhere"],
    ],
)
def test_a_responder_that_cannot_be_says_why(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bad usage is a sentence and exit code 64."""
    assert run(["responder", "--state", str(tmp_path), *words]) == 64
    assert "Traceback" not in capsys.readouterr().err
