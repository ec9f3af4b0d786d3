"""How SSH is spoken: with keys of the user's, with old devices, and with peers that would waste our time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from paramiko.message import Message
from small_devices import (
    PASSWORD,
    PASSWORD_REF,
    SHOW,
    SmallBox,
    connections,
    host_at,
    listening,
    refused,
    small_driver,
    trust,
)

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.transports import ssh_client
from sipalg_fix.transports.ssh_groups import GROUPS
from sipalg_fix.transports.ssh_keys import KeyStore

HOST_KEY = new_host_key()
USER_KEY = paramiko.ECDSAKey.generate()


@pytest.fixture
def server() -> Iterator[SshServer]:
    with SshServer(SmallBox(), HOST_KEY, authorized=[USER_KEY]) as running:
        yield running


@pytest.mark.parametrize("passphrase", [None, PASSWORD])
def test_a_key_file_lets_in(
    server: SshServer, keys: KeyStore, tmp_path: Path, passphrase: str | None
) -> None:
    """Encrypted by the password, or plain whatever the password is for; no password is sent."""
    path = tmp_path / "id"
    USER_KEY.write_private_key_file(str(path), password=passphrase)
    host = host_at(server.address, key_file=str(path), password=PASSWORD_REF if passphrase else None)
    trust(keys, host, small_driver())
    with connections(keys).reader(host, small_driver()) as reader:
        assert reader.ask(SHOW).status == "ok"


def test_the_right_kind_of_key_is_asked_for_first(keys: KeyStore) -> None:
    """A device with several host keys is known by the one that was accepted, as with ssh."""
    rsa = paramiko.RSAKey.generate(2048)

    def serve(wire: socket.socket) -> None:
        old_server(wire, [HOST_KEY, rsa], {})

    with listening(serve) as address:
        host, driver = host_at(address, ["cli"]), small_driver()
        ((_, first),) = connections(keys).scan(host, driver)
        assert first.kind == "ecdsa-sha2-nistp256"
        keys.accept(host.label, "cli", type(first)(kind="ssh-rsa", data=rsa.get_base64()))
        ((_, second),) = connections(keys).scan(host, driver)
    assert second.kind == "ssh-rsa"


@pytest.mark.parametrize("what", ["missing", "rubbish", "encrypted"])
def test_a_key_file_that_cannot_be_used_is_said_before_connecting(
    keys: KeyStore, tmp_path: Path, what: str
) -> None:
    """The device need not hear of it: nothing listens here, and the error is not about that."""
    path = tmp_path / "id"
    if what == "rubbish":
        path.write_text("no key")
    if what == "encrypted":
        USER_KEY.write_private_key_file(str(path), password="something else")
    error = refused(keys, host_at(("127.0.0.1", 1), key_file=str(path)), small_driver())
    assert (error.code, str(path) in error.message) == ("no-secret", True)


def test_a_key_that_is_not_known_there_is_denied(server: SshServer, keys: KeyStore, tmp_path: Path) -> None:
    """And no password is tried after it."""
    path = tmp_path / "id"
    paramiko.ECDSAKey.generate().write_private_key_file(str(path))
    host = host_at(server.address, key_file=str(path))
    trust(keys, host, small_driver())
    error = refused(keys, host, small_driver())
    assert (error.code, "with this key" in error.message) == ("access-denied", True)


def old_server(wire: socket.socket, host_keys: list[Any], disabled: dict[str, list[str]]) -> None:
    """The key exchange of a server with these keys and without these algorithms."""
    transport = paramiko.Transport(wire, disabled_algorithms=disabled)
    transport.set_log_channel("sipalg_fix.tests.server")
    for key in host_keys:
        transport.add_server_key(key)
    transport.start_server(event=threading.Event(), server=paramiko.ServerInterface())
    transport.join(10)


MODERN = {
    # paramiko's server offers group exchange and cannot do it without a file of primes.
    "kex": [
        name
        for name in paramiko.Transport._preferred_kex  # type: ignore[attr-defined]  # not in the stubs
        if not name.endswith("sha1") or "exchange" in name
    ],
    "keys": ["rsa-sha2-512", "rsa-sha2-256"],
    "ciphers": ["aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"],
}


@pytest.mark.parametrize("kind", ["kex", "keys", "ciphers"])
def test_old_cryptography_is_refused_unless_the_host_says_so(keys: KeyStore, kind: str) -> None:
    """SHA-1 in key exchange and signatures, and CBC, each alone; the message says how to allow it."""
    rsa = paramiko.RSAKey.generate(2048)

    def serve(wire: socket.socket) -> None:
        old_server(wire, [rsa], {kind: MODERN[kind]})

    with listening(serve) as address:
        error = refused(keys, host_at(address), small_driver())
        assert (error.code, "legacy_crypto: true" in error.message) == ("crypto-refused", True)
        host = host_at(address, ["cli"], legacy_crypto=True)
        ((_, key),) = connections(keys).scan(host, small_driver())
    assert key.data == rsa.get_base64()


@pytest.mark.parametrize("name", [name for name in GROUPS if "exchange" not in name])
def test_the_groups_of_old_devices_are_spoken(keys: KeyStore, name: str) -> None:
    """With a short exponent of ours; the server cannot tell."""
    others = [kex for kex in paramiko.Transport._preferred_kex if kex != name]  # type: ignore[attr-defined]  # not in the stubs

    def serve(wire: socket.socket) -> None:
        old_server(wire, [HOST_KEY], {"kex": others})

    with listening(serve) as address:
        host = host_at(address, ["cli"], legacy_crypto=True)
        ((_, key),) = connections(keys).scan(host, small_driver())
    assert key.data == HOST_KEY.get_base64()


def test_what_is_preferred_is_the_best_there_is() -> None:
    """Elliptic curves, groups that both know, then one to be chosen; SHA-1 last."""
    preferred = ssh_client._Transport._preferred_kex
    assert sorted(preferred) == sorted(paramiko.Transport._preferred_kex)  # type: ignore[attr-defined]  # not in the stubs
    assert [name for name in preferred if name.endswith("sha1")] == list(preferred[-3:])
    assert preferred[0] == "curve25519-sha256@libssh.org"


def test_a_peer_cannot_choose_a_group_of_any_size() -> None:
    """8192 bits are 2.4 seconds of CPU before anything is known of the peer."""
    message = Message()
    message.add_mpint((1 << 8191) + 1)
    message.add_mpint(2)
    message.rewind()
    exchange = GROUPS["diffie-hellman-group-exchange-sha256"](None)
    with pytest.raises(paramiko.SSHException, match="8192 bits"):
        exchange._parse_kexdh_gex_group(message)
