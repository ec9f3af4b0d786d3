"""Which keys are believed: ours by name, the user's by address, and nobody else's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import pytest

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import AccessSettings
from sipalg_fix.transports.line import Deadline, Endpoint
from sipalg_fix.transports.ssh_keys import Entry, HostKey, KeyStore, pinned_key


def key(text: str, kind: str = "ssh-ed25519") -> HostKey:
    return HostKey(kind=kind, data=base64.b64encode(text.encode()).decode())


def endpoint(label: str = "berlin/r1", address: str = "192.168.1.1", port: int = 22) -> Endpoint:
    return Endpoint(
        label=label, name=label.partition("/")[2], access="cli", port=port,
        settings=AccessSettings(address=address), deadline=Deadline(10),
    )  # fmt: skip


def code(store: KeyStore, at: Endpoint, shown: HostKey) -> str:
    """The error's code; empty when the key is believed."""
    try:
        store.check(at, shown)
    except DeviceError as error:
        return error.code
    return ""


def test_a_key_is_believed_only_after_it_was_accepted(keys: KeyStore) -> None:
    """Unknown says which key it is and how to accept it; another one later is a change, and stays one."""
    with pytest.raises(DeviceError, match=r"SHA256:.*sipalg-fix hostkeys accept r1$") as caught:
        keys.check(endpoint(), key("one"))
    assert caught.value.code == "host-key-unknown"
    keys.accept("berlin/r1", "cli", key("one"))
    assert code(keys, endpoint(), key("one")) == ""
    assert code(keys, endpoint(), key("two")) == "host-key-changed"
    assert code(keys, endpoint(), key("one", "ssh-rsa")) == "host-key-changed"


def test_networks_may_overlap(keys: KeyStore) -> None:
    """Two customers' routers at one address are two devices."""
    keys.accept("berlin/r1", "cli", key("one"))
    keys.accept("paris/r1", "cli", key("two"))
    assert code(keys, endpoint("berlin/r1"), key("one")) == ""
    assert code(keys, endpoint("paris/r1"), key("two")) == ""
    assert code(keys, endpoint("paris/r1"), key("one")) == "host-key-changed"
    assert code(keys, endpoint("rome/r1"), key("one")) == "host-key-unknown"


def test_accepting_again_replaces_and_forgetting_forgets(keys: KeyStore) -> None:
    """One key for one access; others of the host and other hosts stay."""
    for access, text in (("cli", "old"), ("cli", "new"), ("api", "api")):
        keys.accept("berlin/r1", access, key(text))
    keys.accept("berlin/r 2", "cli", key("other"))
    assert keys.accepted("berlin/r1", "cli") == (key("new"),)
    assert keys.forget("berlin/r1", "cli") == 1
    assert keys.forget("berlin/r1") == 1
    assert keys.forget("berlin/r1") == 0
    assert keys.entries() == (Entry(label="berlin/r 2", access="cli", key=key("other")),)


def test_the_store_is_the_owners_alone(keys: KeyStore, tmp_path: Path) -> None:
    """Mode 0600, and no half-written file is left beside it."""
    keys.accept("berlin/r1", "cli", key("one"))
    folder = tmp_path / "state"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "host_keys": 0o600,
        "host_keys.lock": 0o600,
    }


def test_processes_may_accept_at_once(keys: KeyStore, tmp_path: Path) -> None:
    """None undoes what another one wrote."""
    program = (
        "import sys; from pathlib import Path; from sipalg_fix.transports.ssh_keys import *\n"
        "for n in range(20):\n"
        "    KeyStore(Path(sys.argv[1])).accept(f'{sys.argv[2]}/r{n}', 'cli', HostKey(kind='k', data='QQ=='))"
    )
    path = str(tmp_path / "state" / "host_keys")
    running = [subprocess.Popen([sys.executable, "-c", program, path, site]) for site in "abc"]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(keys.entries()) == 60


def test_lines_that_are_none_are_passed_over(keys: KeyStore, tmp_path: Path) -> None:
    """A comment, an empty line, a line too many or too few words in."""
    keys.accept("berlin/r1", "cli", key("one"))
    path = tmp_path / "state" / "host_keys"
    path.write_text(path.read_text() + "\n# note\nhalf a\nb/r2 cli ssh-rsa QQ== more\n")
    assert keys.accepted("berlin/r1", "cli") == (key("one"),)
    assert len(keys.entries()) == 1


def hashed(name: str) -> str:
    salt = b"salt"
    digest = hmac.digest(salt, name.encode(), hashlib.sha1)
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("names", "address", "port", "believed"),
    [
        ("192.168.1.1", "192.168.1.1", 22, True),
        ("router,192.168.1.1", "192.168.1.1", 22, True),
        ("192.168.1.1", "192.168.1.1", 2222, False),
        ("[192.168.1.1]:2222", "192.168.1.1", 2222, True),
        ("192.168.*", "192.168.1.1", 22, True),
        ("192.168.*,!192.168.1.1", "192.168.1.1", 22, False),
        ("Router.Example", "router.example", 22, True),
        (hashed("192.168.1.1"), "192.168.1.1", 22, True),
        (hashed("[192.168.1.1]:2222"), "192.168.1.1", 2222, True),
        (hashed("192.168.1.2"), "192.168.1.1", 22, False),
        ("|1|broken", "192.168.1.1", 22, False),
        ("@cert-authority 192.168.1.1", "192.168.1.1", 22, False),
    ],
)
def test_the_users_own_file_is_asked_by_address(
    keys: KeyStore, tmp_path: Path, names: str, address: str, port: int, believed: bool
) -> None:
    """known_hosts as sshd(8) describes it: several names, ports, wildcards, hashes, markers."""
    (tmp_path / "known_hosts").write_text(f"# mine\n{names} ssh-ed25519 {key('one').data} me@home\n")
    expected = "" if believed else "host-key-unknown"
    assert code(keys, endpoint(address=address, port=port), key("one")) == expected


def test_what_was_accepted_by_name_counts_more_than_the_users_file(keys: KeyStore, tmp_path: Path) -> None:
    """There the address may be another customer's router; without a name of ours it is a change."""
    (tmp_path / "known_hosts").write_text(f"192.168.1.1 ssh-ed25519 {key('other').data}\n")
    assert code(keys, endpoint(), key("mine")) == "host-key-changed"
    keys.accept("berlin/r1", "cli", key("mine"))
    assert code(keys, endpoint(), key("mine")) == ""
    assert code(keys, endpoint(), key("other")) == "host-key-changed"


def test_a_revoked_key_is_never_believed(keys: KeyStore, tmp_path: Path) -> None:
    """Not even when it was accepted by name."""
    keys.accept("berlin/r1", "cli", key("stolen"))
    (tmp_path / "known_hosts").write_text(f"@revoked * ssh-ed25519 {key('stolen').data}\n")
    assert code(keys, endpoint(), key("stolen")) == "host-key-changed"


def test_fingerprints_are_those_of_openssh(tmp_path: Path) -> None:
    """What ``ssh-keygen -l`` prints is what a person compares."""
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    kind, data, *_ = path.with_suffix(".pub").read_text().split()
    printed = subprocess.run(["ssh-keygen", "-lf", path], check=True, capture_output=True, text=True).stdout
    assert HostKey(kind=kind, data=data).fingerprint == printed.split()[1]


def test_pins_are_read_as_people_write_them() -> None:
    """With colons, in capitals, with the prefix or without; anything else is no pin."""
    digest = "ab" * 32
    for text in (digest, f"sha256:{digest}", ":".join(["AB"] * 32), f"SHA256:{digest} "):
        assert pinned_key(text) == HostKey(kind="tls", data=f"sha256:{digest}")
    for text in ("", "ab" * 31, "sha1:" + "ab" * 20, "ab" * 33, f"xx{digest}"):
        with pytest.raises(ValueError, match="not the SHA-256"):
            pinned_key(text)
