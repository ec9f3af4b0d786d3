"""Whatever a file holds, it comes to a value or to an InputError in our own words; and values come back."""

from __future__ import annotations

import ipaddress
import traceback
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from stock_inventories import PLATFORMS, outcome, read

from sipalg_fix.inputs import codes
from sipalg_fix.inputs.fields import wrong_with_name
from sipalg_fix.inputs.inventory import read_inventory
from sipalg_fix.inputs.playbook import read_playbook
from sipalg_fix.model.errors import InputError
from sipalg_fix.model.host import AccessSettings, Host, SecretRef

ON_DISK = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
KEYS = st.sampled_from(
    ["hostname", "port", "username", "password", "platform", "groups", "data", "site", "connection_options",
     "cli", "api", "rest", "ssh", "netmiko", "extras", "key_file", "secret", "plain", "tls_pin", "seconds",
     "version", "name", "intent", "sip_alg", "planes", "select", "how", "overrides", "exempt", "forks",
     "reboot", "guard", "until", "reason", "r1", "g", "all"]
) | st.text(max_size=5)  # fmt: skip
WORDS = st.sampled_from(
    ["192.0.2.1", "2001:db8::1", "edgeos", "opnsense", "mikrotik_routeros", "env:X", "file:x", "ask", "g",
     "off", "1", "22", "8728", "true", "cli", "running", "2027-01-31", "site=x", "sha256:00"]
) | st.text(max_size=8)  # fmt: skip
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=5),
    max_leaves=25,
)
HOSTS = st.dictionaries(KEYS, TREES, min_size=1, max_size=4)


def check(error: InputError) -> None:
    """An error of ours: coded, placed, one line a problem."""
    assert error.problems
    for problem in error.problems:
        assert problem.code in codes.TITLES
        assert problem.line >= 1
        assert problem.message.isprintable(), problem
        assert "pydantic" not in problem.message


@ON_DISK
@given(hosts=HOSTS, groups=st.none() | HOSTS, defaults=st.none() | TREES)
def test_any_tree_is_an_inventory_or_an_input_error(
    tmp_path: Path, hosts: Any, groups: Any, defaults: Any
) -> None:
    """Known keys in all the wrong places."""
    for name, tree in (("hosts", hosts), ("groups", groups), ("defaults", defaults)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    found = outcome(lambda: read_inventory(tmp_path, PLATFORMS))
    if isinstance(found, InputError):
        check(found)
    else:
        assert all(host.accesses for host in found.hosts)


@ON_DISK
@given(text=st.text(max_size=200))
def test_any_text_is_an_inventory_and_a_playbook_or_an_input_error(tmp_path: Path, text: str) -> None:
    """Not even YAML."""
    (tmp_path / "hosts.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    for found in (
        outcome(lambda: read_inventory(tmp_path, PLATFORMS)),
        outcome(lambda: read_playbook(tmp_path / "hosts.yaml")),
    ):
        if isinstance(found, InputError):
            check(found)
        else:
            assert found is not None


@ON_DISK
@given(tree=st.dictionaries(KEYS, TREES, max_size=6), version=st.just(1) | TREES)
@example(tree={"[key]": None}, version=1)
def test_any_tree_is_a_playbook_or_an_input_error(tmp_path: Path, tree: Any, version: Any) -> None:
    """Known keys in all the wrong places."""
    file = tmp_path / "book.yaml"
    file.write_text(yaml.safe_dump({**tree, "version": version}, allow_unicode=True), encoding="utf-8")
    found = outcome(lambda: read_playbook(file))
    if isinstance(found, InputError):
        check(found)
    else:
        assert found.intent.sip_alg == "off"


CANARY = "CANARY-7f3"


@ON_DISK
@given(
    tree=HOSTS,
    secret=st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "env:", "!", "*", "'", "[", "vault:", "a: ", "\t", "&x "]),
        st.just(CANARY),
        st.sampled_from(["", ":", " #", "'", "]", "\n  b"]),
    ),
    key=st.sampled_from(["password", "secret", "connection_options", "passwort", "data"]),
)
def test_no_message_holds_a_password(tmp_path: Path, tree: Any, secret: str, key: str) -> None:
    """However wrongly it was written down, and whatever stands around it."""
    text = yaml.safe_dump({**tree, "r1": None}, allow_unicode=True).rstrip().removesuffix("r1: null")
    text += f"r1:\n  {key if key != 'secret' else 'connection_options: {cli: {extras: {secret'}: {secret}"
    (tmp_path / "hosts.yaml").write_text(text + ("}}}" if key == "secret" else "") + "\n", encoding="utf-8")
    found = outcome(lambda: read_inventory(tmp_path, PLATFORMS))
    if isinstance(found, InputError):
        assert CANARY not in "".join(traceback.format_exception(found))
        assert CANARY not in repr((found, found.__context__))
    else:
        assert CANARY not in "".join(map(str, found.warnings))
        assert key == "data" or CANARY not in repr(found)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/\\,:*?[]=!&@"),
    min_size=1,
    max_size=12,
).filter(lambda name: not wrong_with_name(name))
HARMLESS = NAMES.filter(lambda key: "s" not in key.lower())
"""Keys of data that cannot look like a secret's, with `` k`` after them."""
BROADCAST = ipaddress.ip_address("255.255.255.255")
ADDRESSES = (
    st.ip_addresses()
    .filter(lambda ip: not (ip.is_unspecified or ip.is_multicast or ip == BROADCAST))
    .map(str)
)
REFERENCES = st.sampled_from([SecretRef(text=text) for text in ("env:PW", "file:/x y", "ask:Who: you?")])
ACCESSES = st.builds(
    AccessSettings,
    address=ADDRESSES,
    port=st.integers(0, 65535),
    username=st.text("abc:#-_ü", min_size=1, max_size=8).filter(str.strip).map(str.strip),
    password=st.none()
    | st.sampled_from(["env:PW", "file:/x y", "ask:Who: you?"]).map(lambda t: SecretRef(text=t)),
    legacy_crypto=st.booleans(),
    seconds=st.integers(1, 3600).map(float),
)


FLEETS = st.dictionaries(
    NAMES, st.tuples(ACCESSES, NAMES, st.dictionaries(HARMLESS, NAMES, max_size=3)), min_size=1, max_size=5
)


@ON_DISK
@given(FLEETS)
def test_what_is_written_is_what_is_read(
    tmp_path: Path, fleet: dict[str, tuple[AccessSettings, str, dict[str, str]]]
) -> None:
    """Hosts written by another YAML library come back whole."""
    document = {
        name: {
            "hostname": settings.address,
            "port": settings.port or None,
            "username": settings.username,
            "password": settings.password and settings.password.text,
            "platform": "edgeos",
            "site": site,
            "data": {f"{key} k": value for key, value in data.items()},
            "connection_options": {
                "cli": {"extras": {"legacy_crypto": settings.legacy_crypto, "seconds": settings.seconds}}
            },
        }
        for name, (settings, site, data) in fleet.items()
    }
    inventory = read(tmp_path, yaml.safe_dump(document, allow_unicode=True, sort_keys=False))
    assert [
        Host(name=host.name, platform=host.platform, site=host.site, accesses=host.accesses, data=host.data)
        for host in inventory.hosts
    ] == [
        Host(
            name=name,
            platform="ubiquiti_edgeos",
            site=site,
            accesses={"cli": settings},
            data={f"{key} k": value for key, value in data.items()},
        )
        for name, (settings, site, data) in fleet.items()
    ]
