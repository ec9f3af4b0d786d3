"""What strangers can do with a responder on real sockets: nothing, and honest probes do not notice."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.model.path import Outcome
from sipalg_fix.wire import protocol
from sipalg_fix.wire.certificate import pinning_context
from sipalg_fix.wire.limits import Limits
from sipalg_fix.wire.messages import Kind, Place, compose
from sipalg_fix.wire.probe import Wish, probe
from sipalg_fix.wire.protocol import Hello, Refusal, Session
from tests.wire.far_end import FarEnd, free_ports

FAR, STRANGER = "127.0.0.2", "127.0.0.3"
PATIENCE = 5.0


@pytest.fixture
def far(tmp_path: Path) -> Iterator[FarEnd]:
    """A responder on loopback whose patience is short."""
    limits = Limits(per_minute_address=10_000, per_minute_prefix=10_000, patience=0.5, life=5)
    with FarEnd(tmp_path, free_ports(FAR), limits) as running:
        yield running


@dataclass
class Line:
    """A control connection of an honest probe's."""

    secured: ssl.SSLSocket
    session: Session

    def message(self, seq: int, kind: Kind = Kind.OPTIONS) -> bytes:
        place = Place(transport="UDP", own="127.0.0.1", own_port=9, far=FAR, far_port=5060)
        token = protocol.token(bytes.fromhex(self.session.key), self.session.sid, seq)
        return compose(kind, place, token, media_port=20000)


def greet(far: FarEnd, first: bytes) -> tuple[ssl.SSLSocket, bytes]:
    """A control connection, and what the responder said to the first bytes on it."""
    plain = socket.create_connection((FAR, far.responder.listening.control), PATIENCE)
    secured = pinning_context().wrap_socket(plain)
    secured.sendall(first)
    said = b""
    while not said.endswith(b"\n") and (more := secured.recv(65536)):
        said += more
    return secured, said


@contextmanager
def line_to(far: FarEnd) -> Iterator[Line]:
    secured, said = greet(far, protocol.to_line(Hello(v=1)))
    with secured:
        session = protocol.from_line(said)
        assert isinstance(session, Session)
        yield Line(secured, session)


def udp(far: FarEnd, own: str = "127.0.0.1") -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((own, 0))
    made.settimeout(PATIENCE)
    made.connect((FAR, far.responder.listening.sip))
    return made


def honest(far: FarEnd) -> Outcome:
    """What a whole probe says just now."""
    listening = far.responder.listening
    wish = Wish(host=FAR, port=listening.control, pin=far.pin, phone_port=False)
    return probe(wish, "now").outcome


SCANNER = (
    b"OPTIONS sip:100@127.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport\r\nCSeq: 1 OPTIONS\r\n\r\n"
)


def test_only_a_live_token_is_answered(far: FarEnd) -> None:
    """A scanner, a forged token, a dead session's token and an oversize message get nothing, not one byte."""
    with line_to(far) as dead:
        buried = dead.message(1)
    with line_to(far) as line, udp(far) as sock:
        forged = line.message(1).replace(line.session.sid.encode(), b"0" * 16)
        wrong = line.message(1)[::-1]
        for data in (SCANNER, forged, wrong, buried, line.message(1) + b"." * 5000, b"", b"\r\n\r\n"):
            sock.send(data)
        # Datagrams on loopback keep their order: what answers comes before the answer to the last one.
        sock.send(line.message(2))
        assert protocol.token(bytes.fromhex(line.session.key), line.session.sid, 2).encode() in sock.recv(
            65535
        )
    assert far.responder.sent < len(line.message(2))


def test_replay_and_spoofing_gain_nothing(far: FarEnd) -> None:
    """A thousand copies bring no more bytes out than in; another address gets a cookie, and a short one."""
    with line_to(far) as line, udp(far) as sock, udp(far, STRANGER) as stranger:
        data = line.message(1)
        stranger.send(data)
        challenge = stranger.recv(65535)
        assert protocol.COOKIE.search(challenge)
        assert len(challenge) <= len(data)
        for _ in range(1000):
            sock.send(data)
        token = protocol.token(bytes.fromhex(line.session.key), line.session.sid, 2).encode()
        replies, reply = 0, b""
        sock.settimeout(0.2)
        while token not in reply:
            # The flood may have filled a buffer: what an honest probe does about that is to send again.
            sock.send(line.message(2))
            with suppress(TimeoutError):
                reply = sock.recv(65535)
                replies += 1
        assert replies <= far.responder.limits.answers + 1
    assert far.responder.sent <= far.responder.heard


def test_a_session_that_spoofs_sources_reaches_them_a_few_times_only(far: FarEnd) -> None:
    """Thousands of its messages seem to come from somebody else: who gets a few cookies, and no more."""
    with line_to(far) as line, udp(far) as sock, udp(far, STRANGER) as victim:
        for number in range(3000):
            victim.send(line.message(1 + number % 100))
        token = protocol.token(bytes.fromhex(line.session.key), line.session.sid, 200).encode()
        reply = b""
        sock.settimeout(0.2)
        while token not in reply:
            sock.send(line.message(200))
            with suppress(TimeoutError):
                reply = sock.recv(65535)
        victim.setblocking(False)
        got = []
        with suppress(BlockingIOError):
            while True:
                got.append(victim.recv(65535))
    assert len(got) <= far.responder.limits.challenges
    assert all(protocol.COOKIE.search(each) for each in got)
    assert sum(map(len, got)) < 100 * len(got)


def test_a_flood_at_the_same_time_is_no_alg(far: FarEnd) -> None:
    """A probe whose messages drown in junk may be unable to tell; it never takes that for an ALG."""
    over = threading.Event()

    def flood() -> None:
        with udp(far) as sock:
            while not over.is_set():
                sock.send(SCANNER)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        outcome = honest(far)
    finally:
        over.set()
        thread.join()
    # The flood, the responder and the probe share one processor here, perhaps.
    assert outcome in (Outcome.NONE, Outcome.INCONCLUSIVE, Outcome.UNREACHABLE)
    assert honest(far) is Outcome.NONE


def test_a_hundred_thousand_junk_datagrams_change_nothing(far: FarEnd) -> None:
    """No byte is answered, memory stays where it was, and a probe right after it is as good as ever."""
    assert honest(far) is Outcome.NONE
    before, memory = far.responder.sent, resident()
    junk = [SCANNER, b"SAP" * 400, b"\xff" * 1200, protocol.token(b"x", "0" * 16, 1).encode() * 20]
    with udp(far) as sock:
        for number in range(100_000):
            sock.send(junk[number % 4])
    assert far.responder.sent == before
    assert honest(far) is Outcome.NONE
    assert resident() - memory < 8 * 1024 * 1024
    far.wait_until(lambda: not far.responder.sessions.kept)


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_amplification_of_a_whole_probe_is_below_one(far: FarEnd) -> None:
    """All that a probe is sent, answers and requests from outside together, is less than it sends."""
    assert honest(far) is Outcome.NONE
    assert 0 < far.responder.sent <= far.responder.heard


PLACE = Place(transport="UDP", own="127.0.0.1", own_port=9, far=FAR, far_port=5060)
ASKED: dict[str, Any] = {
    **{kind.value: {"kind": kind, "media_port": 20000} for kind in Kind},
    "long": {"kind": Kind.SIZED, "size": 1478},
}


@pytest.mark.parametrize("case", ["bare token", "token and a blank", *ASKED])
def test_no_message_is_answered_with_more_than_itself(case: str, far: FarEnd) -> None:
    """Each kind of message, the shortest that holds a token, and the longest: no more bytes go back."""
    with line_to(far) as line, udp(far) as sock:
        key, sid = bytes.fromhex(line.session.key), line.session.sid
        token = protocol.token(key, sid, 1)
        shortest = token.encode() + b" " * (case != "bare token")
        data = shortest if case not in ASKED else compose(place=PLACE, token=token, **ASKED[case])
        before = far.responder.sent
        sock.send(data)
        # What comes after it is answered after it: then all that it brought has been sent.
        sock.send(line.message(2))
        while protocol.token(key, sid, 2).encode() not in (reply := sock.recv(65535)):
            assert len(reply) <= len(data)
        assert far.responder.sent - before - len(reply) <= len(data)


@pytest.mark.parametrize("first", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", SCANNER, b"SAP" * 2000])
def test_a_tcp_stranger_is_hung_up_on(far: FarEnd, first: bytes) -> None:
    """Silent, slow or wrong: within the responder's patience it is gone, and has not been sent a byte."""
    with socket.create_connection((FAR, far.responder.listening.sip), PATIENCE) as sock:
        sock.sendall(first)
        with suppress(ConnectionResetError):
            assert sock.recv(65535) == b""
    assert far.responder.sent == 0


def test_slow_tcp_is_cut_off_and_others_do_not_wait(far: FarEnd) -> None:
    """A hundred connections that dribble hold nobody up; no more than a share of them is let in at all."""
    target = (FAR, far.responder.listening.sip)
    slow = [socket.create_connection(target, PATIENCE) for _ in range(100)]
    try:
        for each in slow:
            each.send(b"O")
        assert honest(far) in (Outcome.NONE, Outcome.INCONCLUSIVE)
        for each in slow:
            try:
                assert each.recv(1) == b""
            except ConnectionResetError:
                continue
    finally:
        for each in slow:
            each.close()
    assert honest(far) is Outcome.NONE


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (b"\n", "Expecting value"),
        (b'{"op":"report","since":0}\n', "hello is expected"),
        (b'{"op":"hello","v":99}\n', "version 1"),
        (b"x" * 200_000 + b"\n", ""),
    ],
)
def test_wrong_words_on_the_control_channel_are_refused(far: FarEnd, first: bytes, reason: str) -> None:
    """With a reason, and without a session."""
    try:
        secured, said = greet(far, first)
    except (ConnectionError, ssl.SSLError):
        assert reason == ""
        return
    with secured:
        refusal = protocol.from_line(said)
        assert isinstance(refusal, Refusal)
        assert reason in refusal.reason
    far.wait_until(lambda: not len(far.responder.sessions))


def test_one_address_gets_so_many_sessions(tmp_path: Path) -> None:
    """The eleventh within a minute is refused in words, and the probe says unreachable with them."""
    with FarEnd(tmp_path, free_ports(FAR), Limits()) as far:
        for _ in range(10):
            with line_to(far):
                pass
        wish = Wish(host=FAR, port=far.responder.listening.control, pin=far.pin)
        report = probe(wish, "now")
    assert report.outcome is Outcome.UNREACHABLE
    assert "too many sessions" in report.reason


def test_a_probe_that_leaves_takes_its_session_along(far: FarEnd) -> None:
    """Closing the control connection frees the session's memory at once."""
    with line_to(far) as line, udp(far) as sock:
        sock.send(line.message(1))
        sock.recv(65535)
        assert far.responder.sessions.kept > 0
    far.wait_until(lambda: not len(far.responder.sessions))
    assert (len(far.responder.sessions), far.responder.sessions.kept) == (0, 0)


def test_what_the_log_says_names_nobody(far: FarEnd) -> None:
    """No address, no message, no token in what the responder tells."""
    assert honest(far) is Outcome.NONE
    assert far.told
    assert not any("127.0.0" in line or "SAP" in line for line in far.told)


def test_junk_over_tls_is_as_silent(far: FarEnd) -> None:
    """The TLS port asks for a token as the others do."""
    plain = socket.create_connection((FAR, far.responder.listening.tls), PATIENCE)
    with pinning_context().wrap_socket(plain) as secured:
        secured.sendall(SCANNER)
        with suppress(ssl.SSLError, ConnectionError):
            assert secured.recv(1) == b""
    assert far.responder.sent == 0
