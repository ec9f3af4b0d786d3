"""The RouterOS API over real sockets, in front of the lab's router and of things that are none."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from small_devices import (
    CANARIES,
    PASSWORD,
    WRONG_REF,
    closed_port,
    connections,
    host_at,
    listening,
    refused,
    small_driver,
    stall,
    trust,
)

from sipalg_fix.lab.api_server import ApiServer, encode
from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.twins.routeros import RouterosTwin, from_options
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import Host
from sipalg_fix.model.session import Command, RouterosApi
from sipalg_fix.transports import routeros_api
from sipalg_fix.transports.ssh_keys import KeyStore

HELPER = Command(access="api", text="/ip/firewall/service-port/print ?name=sip")
NOTHING = Command(access="api", text="/ip/firewall/service-port/print ?name=nothing")
COUNT = Command(access="api", text="/ip/firewall/connection/print =count-only= ?connection-type=sip")
TAGGED = Command(access="api", text="/ip/firewall/service-port/print ?name=nothing .tag=end")
MISSING = Command(access="api", text="/no/such/menu/print")
DRIVER = small_driver([HELPER, NOTHING, COUNT, TAGGED, MISSING], accesses={"api": RouterosApi()})


def twin(**options: object) -> RouterosTwin:
    return from_options("gw-01", {"users": {"ann": (PASSWORD, "full")}, **options})


@dataclass(frozen=True)
class Certificates:
    context: ssl.SSLContext
    pin: str
    path: Path
    other: ssl.SSLContext


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")
    context, pin, path = self_signed(folder, "router")
    return Certificates(context=context, pin=pin, path=path, other=self_signed(folder, "other")[0])


@pytest.fixture
def router() -> RouterosTwin:
    return twin()


@pytest.fixture
def at(router: RouterosTwin, tls: Certificates) -> Iterator[tuple[str, int]]:
    with ApiServer(router, tls.context, other=tls.other) as server:
        yield server.address


def host(at: tuple[str, int], **more: object) -> Host:
    return host_at(at, ["api"], **more)


def test_rows_are_lines_of_json(at: tuple[str, int], keys: KeyStore) -> None:
    """Keys in order and ids as they are; no row is no line; what the end brings is a line, too."""
    trust(keys, host(at), DRIVER)
    with connections(keys).reader(host(at), DRIVER) as reader:
        replies = [reader.ask(command) for command in (HELPER, NOTHING, COUNT, TAGGED)]
    row = json.loads(replies[0].text)
    assert (row["name"], row["disabled"], row[".id"][0]) == ("sip", "false", "*")
    assert replies[0].text == json.dumps(row, sort_keys=True)
    assert [reply.text for reply in replies[1:]] == ["", '{"ret": "2"}', '{".tag": "end"}']
    assert {reply.status for reply in replies} == {"ok"}


def test_a_trap_is_a_status_and_the_line_stays_good(at: tuple[str, int], keys: KeyStore) -> None:
    """With the device's words, and the next question gets its own answer."""
    trust(keys, host(at), DRIVER)
    with connections(keys).reader(host(at), DRIVER) as reader:
        trap, helper = reader.ask(MISSING), reader.ask(HELPER)
    assert (trap.status, trap.ok, "no such command" in trap.text) == ("trap", False, True)
    assert json.loads(helper.text)["name"] == "sip"


def test_a_change_is_made_by_a_writer(router: RouterosTwin, at: tuple[str, int], keys: KeyStore) -> None:
    """Values keep their stars and equals signs."""
    trust(keys, host(at), DRIVER)
    with connections(keys).writer(host(at), DRIVER) as writer:
        number = json.loads(writer.ask(HELPER).text)[".id"]
        told = writer.tell(
            Command(access="api", text=f"/ip/firewall/service-port/set =.id={number} =disabled=yes")
        )
        assert (told.status, told.text) == ("ok", "")
        assert json.loads(writer.ask(HELPER).text)["disabled"] == "true"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("/a/print  ?name=sip", ["/a/print", "?name=sip"]),
        ('/a/add =on-event="/b set c; /d" =e=f', ["/a/add", "=on-event=/b set c; /d", "=e=f"]),
        (r'/a/set "=comment=say \"no\" to \\ "', ["/a/set", r'=comment=say "no" to \ ']),
        ('/a/set =comment=an" inch', ["/a/set", '=comment=an"', "inch"]),
        ("", []),
    ],
)
def test_words_with_blanks_stand_in_quotes(command: str, words: list[str]) -> None:
    """As the console writes them; a quote that is never closed is a character like others."""
    assert routeros_api.words(command) == words


@pytest.mark.parametrize("old", [True, False])
def test_both_ways_to_log_in(keys: KeyStore, tls: Certificates, old: bool) -> None:
    """Before RouterOS 6.43 by challenge and digest, since then in one sentence."""
    with ApiServer(twin(old_login=old), tls.context) as server:
        at = server.address
        trust(keys, host(at), DRIVER)
        with connections(keys).reader(host(at), DRIVER) as reader:
            assert reader.ask(HELPER).status == "ok"


@pytest.mark.parametrize("old", [True, False])
def test_a_wrong_password_is_refused(keys: KeyStore, tls: Certificates, old: bool) -> None:
    """With the router's own words."""
    with ApiServer(twin(old_login=old), tls.context) as server:
        at = server.address
        wrong = host(at, password=WRONG_REF)
        trust(keys, wrong, DRIVER)
        error = refused(keys, wrong, DRIVER, HELPER)
    assert error.code == "access-denied"
    assert ("cannot log in" if old else "invalid user name or password") in error.message


def test_plain_is_for_the_host_to_say(keys: KeyStore) -> None:
    """Then there is no certificate to ask for, and the usual port is another one."""
    with ApiServer(twin()) as server:
        at = server.address
        plain = host(at, plain=True)
        assert connections(keys).scan(plain, DRIVER) == ()
        with connections(keys).reader(plain, DRIVER) as reader:
            assert reader.ask(HELPER).status == "ok"
        # TLS said to a server that waits for words: what it makes of our random bytes differs each time.
        code = refused(keys, host(at, seconds=0.5), DRIVER, HELPER).code
        assert code in ("timeout", "not-understood", "unreachable")


def test_a_certificate_is_believed_by_pin_by_name_or_by_authority(
    at: tuple[str, int], tls: Certificates, keys: KeyStore
) -> None:
    """And by nothing else: the message says which it is and how to accept it."""
    error = refused(keys, host(at), DRIVER, HELPER)
    assert (error.code, f"sha256:{tls.pin}" in error.message) == ("certificate-unknown", True)
    assert error.message.endswith("sipalg-fix hostkeys accept r1")
    for settings in ({"tls_pin": f"SHA256:{tls.pin.upper()}"}, {"tls_ca": str(tls.path)}):
        with connections(keys).reader(host(at, **settings), DRIVER) as reader:
            assert reader.ask(HELPER).status == "ok"
    trust(keys, host(at), DRIVER)
    with connections(keys).reader(host(at), DRIVER) as reader:
        assert reader.ask(HELPER).status == "ok"


@pytest.mark.parametrize("how", ["pin", "name"])
def test_another_certificate_is_a_change(
    router: RouterosTwin, at: tuple[str, int], tls: Certificates, keys: KeyStore, how: str
) -> None:
    """Nobody who only has another certificate hears the password."""
    pinned = host(at, tls_pin=f"sha256:{tls.pin}" if how == "pin" else "")
    trust(keys, pinned, DRIVER)
    router.chassis.switches.new_host_key = True
    error = refused(keys, pinned, DRIVER, HELPER)
    assert (error.code, "Nothing was sent" in error.message) == ("certificate-changed", True)


def test_no_login_goes_to_a_device_that_is_not_believed(tls: Certificates, keys: KeyStore) -> None:
    """After the handshake not one byte is sent."""
    heard: list[bytes] = []

    def serve(wire: socket.socket) -> None:
        with tls.other.wrap_socket(wire, server_side=True) as secured:
            heard.append(secured.recv(4096))

    with listening(serve) as at:
        pinned = host(at, tls_pin=f"sha256:{tls.pin}")
        assert refused(keys, pinned, DRIVER, HELPER).code == "certificate-changed"
    assert heard == [b""]


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"tls_pin": "sha256:abc"}, "tls_pin"), ({"tls_ca": "/no/such/file"}, "/no/such/file")],
)
def test_settings_that_prove_nothing_open_nothing(
    at: tuple[str, int], keys: KeyStore, settings: dict[str, str], words: str
) -> None:
    """A pin that is none and a CA file that is not there are said."""
    error = refused(keys, host(at, **settings), DRIVER, HELPER)
    assert (error.code, words in error.message) == ("certificate-unknown", True)


@pytest.mark.parametrize(
    ("switch", "code"),
    [("half_reply", "timeout"), ("hang_up", "connection-lost"), ("garbage", "not-understood")],
)
def test_half_an_answer_is_an_error_and_in_time(
    router: RouterosTwin, at: tuple[str, int], keys: KeyStore, switch: str, code: str
) -> None:
    """Never fewer rows than there are."""
    trust(keys, host(at), DRIVER)
    setattr(router.chassis.switches, switch, True)
    began = time.monotonic()
    assert refused(keys, host(at, seconds=1.0), DRIVER, HELPER).code == code
    assert time.monotonic() - began < 3


def test_a_box_that_is_going_down_is_unreachable(
    router: RouterosTwin, at: tuple[str, int], keys: KeyStore
) -> None:
    """Its port accepts and resets."""
    trust(keys, host(at), DRIVER)
    router.chassis.power_cycle(resets=1)
    assert refused(keys, host(at), DRIVER, HELPER).code == "unreachable"
    assert refused(keys, host(closed_port()), DRIVER, HELPER).code == "unreachable"


def test_a_reboot_cuts_the_connection(router: RouterosTwin, at: tuple[str, int], keys: KeyStore) -> None:
    """Either the router says that it is done and goes, or it just goes; afterwards it is another boot."""
    trust(keys, host(at), DRIVER)
    with connections(keys).writer(host(at), DRIVER) as writer:
        try:
            outcome = writer.tell(Command(access="api", text="/system/reboot")).status
        except DeviceError as error:
            outcome = error.code
    assert outcome in ("ok", "connection-lost")
    assert router.chassis.boots == 2


@pytest.mark.parametrize(
    ("sentences", "code"),
    [
        ([["!fatal", "too many sessions"]], "connection-lost"),
        ([["!done", "=ret=not hex"]], "not-understood"),
        ([["!done", "=ret=00ff"], ["!trap", "=message=cannot log in"], ["!done"]], "access-denied"),
        ([["!trap"], ["!done"]], "access-denied"),
        ([["!what"]], "not-understood"),
        ([["!done", "rubbish"]], "not-understood"),
        ([["!done"], ["!re", "=name=sip"]], "connection-lost"),
        ([["!done"], ["!re", "=a\xff=b"], ["!done"]], ""),
        ([["!done"], ["!empty"], ["!done"]], ""),
    ],
)
def test_odd_sentences(keys: KeyStore, sentences: list[list[str]], code: str) -> None:
    """What a server may answer to the login and to the first question."""

    def serve(wire: socket.socket) -> None:
        wire.recv(4096)
        wire.sendall(b"".join(encode(sentence) for sentence in sentences))
        wire.shutdown(socket.SHUT_WR)
        stall(wire)

    with listening(serve) as at:
        plain = host(at, plain=True)
        if code:
            assert refused(keys, plain, DRIVER, HELPER).code == code
        else:
            with connections(keys).reader(plain, DRIVER) as reader:
                assert reader.ask(HELPER).status == "ok"


def test_a_word_of_any_length_is_not_waited_for(keys: KeyStore) -> None:
    """Four bytes could announce gigabytes."""

    def serve(wire: socket.socket) -> None:
        wire.sendall(b"\xf0\x40\x00\x00\x00" + b"x" * 1000)
        stall(wire)

    with listening(serve) as at:
        assert refused(keys, host(at, plain=True), DRIVER, HELPER).code == "not-understood"


def test_an_answer_may_not_grow_without_end(keys: KeyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted for each answer: many of moderate size are a long session, one of any size is no answer."""
    monkeypatch.setattr(routeros_api, "MOST", 1000)
    rows = [["!re", f"=name={'x' * 100}"]] * 6 + [["!done"]]

    def serve(wire: socket.socket) -> None:
        answers = iter(([["!done"]], rows, rows, rows[:6] * 2 + rows))
        while wire.recv(4096):
            wire.sendall(b"".join(map(encode, next(answers))))

    with listening(serve) as at, connections(keys).reader(host(at, plain=True), DRIVER) as reader:
        assert [len(reader.ask(HELPER).text.splitlines()) for _ in range(2)] == [6, 6]
        with pytest.raises(DeviceError) as caught:
            reader.ask(HELPER)
    assert caught.value.code == "not-understood"


def test_what_the_router_says_is_redacted(keys: KeyStore) -> None:
    """A password in a row, with the quotes that JSON writes in another way, and one in a trap."""
    answers = [["!done"], ["!re", f"=comment=pw {PASSWORD}"], ["!done"]]
    answers += [["!trap", f"=message=bad {PASSWORD}"], ["!done"]]

    def serve(wire: socket.socket) -> None:
        wire.sendall(b"".join(map(encode, answers)))
        stall(wire)

    with listening(serve) as at, connections(keys).reader(host(at, plain=True), DRIVER) as reader:
        texts = [reader.ask(HELPER).text, reader.ask(MISSING).text]
    assert texts == ['{"comment": "pw <redacted>"}', "bad <redacted>"]
    assert not any(canary in text for canary in CANARIES for text in texts)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_tls_is_refused_unless_the_host_says_so(keys: KeyStore, tls: Certificates) -> None:
    """TLS 1.1 and before."""
    context, _, _ = self_signed(tls.path.parent, "aged")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with ApiServer(twin(), context) as server:
        at = server.address
        error = refused(keys, host(at), DRIVER, HELPER)
        assert (error.code, "legacy_crypto: true" in error.message) == ("crypto-refused", True)
        old = host(at, legacy_crypto=True)
        trust(keys, old, DRIVER)
        with connections(keys).reader(old, DRIVER) as reader:
            assert reader.ask(HELPER).status == "ok"


def test_it_is_another_driver_without_the_access(at: tuple[str, int], keys: KeyStore) -> None:
    """An access that the driver does not know is none, whatever the inventory says."""
    driver: Driver = small_driver([HELPER])
    assert refused(keys, host(at), driver, HELPER).code == "no-access"
