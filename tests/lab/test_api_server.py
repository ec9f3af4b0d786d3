"""The RouterOS API server itself: words on the wire, tags, and the ways in which it can be awkward."""

from __future__ import annotations

import io
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import librouteros
import librouteros.exceptions
import pytest
import routeros_api.base_api
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.lab.api_server import LONGEST, ApiServer, encode, encode_length, read_sentence
from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.twins.routeros import RouterosTwin, from_options

LOGIN = ["/login", "=name=admin", "=password=admin"]

GONE = (OSError, librouteros.exceptions.LibRouterosError)


def twin() -> RouterosTwin:
    return from_options("gw-01", {})


def dial(where: tuple[str, int]) -> socket.socket:
    return socket.create_connection(where, timeout=5)


def resource(where: tuple[str, int]) -> list[object]:
    """What a whole session of librouteros gives."""
    api = librouteros.connect(where[0], "admin", "admin", port=where[1], timeout=5)
    return list(api("/system/resource/print"))


@given(st.lists(st.text(min_size=1, max_size=400), max_size=8))
def test_sentences_come_back_as_they_went(words: list[str]) -> None:
    """Encoding and reading are each other's inverse, for any text."""
    assert read_sentence(io.BytesIO(encode(words))) == words


@given(st.integers(min_value=0, max_value=0x0FFF_FFFF))
def test_lengths_are_coded_as_an_independent_client_codes_them(length: int) -> None:
    """RouterOS-api's own coder is the witness, over all five sizes but the last."""
    assert encode_length(length) == routeros_api.base_api.encode_length(length)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05abc",
        b"\x80",
        b"\xf8\x00",
        b"\xff",
        encode(["/login"])[:-1],
        encode_length(LONGEST + 1) + b"x",
    ],
)
def test_what_is_no_sentence_is_the_end(data: bytes) -> None:
    """Cut off, reserved, or longer than anybody needs: nothing is waited for and nothing is guessed."""
    assert read_sentence(io.BytesIO(data)) is None


def test_a_tag_comes_back_on_every_reply() -> None:
    """Clients tell their replies apart by it, those of the login and the refusals too."""
    with ApiServer(twin()) as server, dial(server.address) as wire, wire.makefile("rb") as stream:
        wire.sendall(encode([*LOGIN, ".tag=a"]) + encode([]) + encode([".tag=7", "/nosuch"]))
        replies = [read_sentence(stream) for _ in range(3)]
    assert replies == [
        ["!done", ".tag=a"],
        ["!trap", "=category=0", "=message=no such command", ".tag=7"],
        ["!done", ".tag=7"],
    ]


@pytest.mark.parametrize(
    ("sentence", "word"),
    [(["/system/resource/print"], "not logged in"), (["/quit"], "session terminated on request")],
)
def test_a_fatal_reply_ends_the_connection(sentence: list[str], word: str) -> None:
    """After ``!fatal`` nothing more comes."""
    with ApiServer(twin()) as server, dial(server.address) as wire, wire.makefile("rb") as stream:
        wire.sendall(encode(sentence))
        assert (read_sentence(stream), stream.read()) == (["!fatal", word], b"")


def test_a_challenge_is_good_for_one_answer() -> None:
    """On an old box a wrong answer uses the challenge up, and no challenge at all is no way in."""
    old = from_options("gw-01", {"old_login": True})
    with ApiServer(old) as server, dial(server.address) as wire, wire.makefile("rb") as stream:
        for sentence in (["/login", "=name=admin", "=response=00"], ["/login", "=name=admin", "=response="]):
            wire.sendall(encode(sentence))
            replies = [read_sentence(stream), read_sentence(stream)]
            assert replies == [["!trap", "=message=cannot log in"], ["!done"]]


@pytest.mark.parametrize("switch", ["garbage", "hang_up", "refuse_login"])
def test_an_awkward_box_is_seen_as_one(switch: str) -> None:
    """Garbage, a line cut in mid reply and a refused login each end in an error of the client."""
    box = twin()
    setattr(box.chassis.switches, switch, True)
    with ApiServer(box) as server, pytest.raises(GONE):
        resource(server.address)


def test_half_a_reply_and_then_nothing() -> None:
    """After login half of a reply comes, and no more, for as long as the client cares to wait."""
    box = twin()
    box.chassis.switches.half_reply = True
    whole = encode(["!re", "=name=gw-01"]) + encode(["!done"])
    with ApiServer(box) as server, dial(server.address) as wire:
        wire.sendall(encode(LOGIN) + encode(["/system/identity/print"]) + encode(["/system/clock/print"]))
        wire.settimeout(0.3)
        expected = encode(["!done"]) + whole[: len(whole) // 2]
        got = b""
        while len(got) < len(expected):
            got += wire.recv(100)
        with pytest.raises(TimeoutError):
            wire.recv(100)
    assert got == expected


def test_a_slow_box_does_not_hold_up_the_end() -> None:
    """A reply that is an hour away is not waited for when the server stops."""
    box = twin()
    box.chassis.switches.slow = 3600.0
    server = ApiServer(box)
    with dial(server.start()) as wire:
        wire.sendall(encode(LOGIN))
        server.stop()
    assert [thread for thread in threading.enumerate() if thread.name.startswith("lab-")] == []


def test_another_certificate_is_shown_when_told_to(tmp_path: Path) -> None:
    """The switch for a new host key changes the certificate of the next connection, and back again."""
    box = twin()
    first, mark, _ = self_signed(tmp_path, "first")
    second, other, _ = self_signed(tmp_path, "second")
    seen = []
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with ApiServer(box, first, other=second) as server:
        for new in (False, True, False):
            box.chassis.switches.new_host_key = new
            with dial(server.address) as wire, context.wrap_socket(wire) as secure:
                seen.append(secure.getpeercert(binary_form=True))
    assert [ssl.DER_cert_to_PEM_cert(der or b"").strip() for der in seen] == [
        (tmp_path / f"{name}.pem").read_text().strip() for name in ("first", "second", "first")
    ]
    assert len({mark, other}) == 2


def test_a_client_that_speaks_no_tls_harms_nobody(tmp_path: Path) -> None:
    """Its connection ends; the next one is served; nothing is printed and no thread is left."""
    context, _, pem = self_signed(tmp_path, "gw-01")
    with ApiServer(twin(), context) as server:
        with dial(server.address) as wire:
            wire.sendall(encode(LOGIN))
            with suppress(ConnectionResetError):  # it may come as an alert, an end, or a reset
                assert b"!done" not in wire.recv(100)
        with (
            dial(server.address) as wire,
            ssl.create_default_context(cafile=pem).wrap_socket(wire, server_hostname="127.0.0.1") as secure,
        ):
            secure.sendall(encode(LOGIN))
            assert secure.recv(100) == encode(["!done"])
    assert [thread for thread in threading.enumerate() if thread.name.startswith("lab-")] == []


def test_power_lost_from_outside_drops_everybody() -> None:
    """The box goes down while a client waits: the client is not left waiting."""
    box = twin()
    with ApiServer(box) as server, dial(server.address) as wire:
        wire.sendall(encode(LOGIN))
        assert wire.recv(100) == encode(["!done"])
        with box.chassis.lock:
            box.chassis.power_cycle(resets=0)
        with pytest.raises(ConnectionResetError):
            wire.recv(100)
        with dial(server.address) as again:
            again.sendall(encode(LOGIN))
            assert again.recv(100) == encode(["!done"])
