"""An inventory's files come to hosts: what wins, what an access is, what a secret's reference is."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest
from stock_inventories import PLATFORMS, access, one, read

from sipalg_fix.inputs.inventory import read_inventory
from sipalg_fix.model.errors import InputError
from sipalg_fix.model.host import AccessSettings, Host, SecretRef

ROOT = Path(__file__).parents[2]
R1 = "r1:\n  hostname: 192.0.2.1\n  platform: edgeos\n  username: svc\n"


def test_a_platform_is_found_out_over_ssh(tmp_path: Path) -> None:
    """One access, with what belongs to it; it may be called as Nornir does."""
    host = one(
        tmp_path,
        "r1:\n  {hostname: 192.0.2.1, username: svc, password: env:PW, platform: auto, port: 2222,"
        " connection_options: {netmiko: {extras: {secret: env:ENABLE}}}}\n",
    )
    settings = AccessSettings(
        address="192.0.2.1",
        port=2222,
        username="svc",
        password=SecretRef(text="env:PW"),
        secret=SecretRef(text="env:ENABLE"),
    )
    assert (host.platform, host.accesses) == ("auto", {"ssh": settings})


@pytest.mark.parametrize("access_name", ["api", "rest"])
def test_an_api_needs_its_platform_named(tmp_path: Path, access_name: str) -> None:
    """It is told what to write, before anything is asked."""
    with pytest.raises(InputError) as caught:
        read(
            tmp_path,
            f"r1: {{hostname: h, username: u, platform: auto, connection_options: {{{access_name}: }}}}\n",
        )
    (problem,) = caught.value.problems
    assert problem.code == "E122"
    assert f"name the platform that has an access '{access_name}'" in problem.message


def test_a_host_is_all_that_stands_there(tmp_path: Path) -> None:
    """Every key has its place in the host; the platform's alias becomes its name."""
    host = one(
        tmp_path,
        """
r1:
  hostname: 192.0.2.1
  port: 2222
  username: svc
  password: env:PW
  platform: ubiquiti_edgerouter
  site: berlin
  groups: [edge]
  data: {tenant: acme, rack: 010, tags: [a, b], nested: {deep: [{x: 1}]}, none: ~}
  connection_options:
    cli:
      extras: {key_file: keys/r1, secret: file:enable, legacy_crypto: yes, seconds: 30.5}
""",
        "edge:\n",
    )
    assert host == Host(
        name="r1",
        platform="ubiquiti_edgeos",
        site="berlin",
        groups=("edge",),
        accesses={
            "cli": AccessSettings(
                address="192.0.2.1",
                port=2222,
                username="svc",
                password=SecretRef(text="env:PW"),
                key_file=str(tmp_path / "keys/r1"),
                secret=SecretRef(text=f"file:{tmp_path}/enable"),
                legacy_crypto=True,
                seconds=30.5,
            )
        },
        data={"tenant": "acme", "rack": "010", "tags": "a, b", "nested.deep.0.x": "1", "none": ""},
        source=f"{tmp_path}/hosts.yaml:2",
    )


def test_the_nearest_wins(tmp_path: Path) -> None:
    """Host, then groups in order, each with its own groups behind it, then defaults; key by key."""
    host = one(
        tmp_path,
        "r1: {hostname: 192.0.2.1, groups: [a, b], data: {k1: host}}",
        """
a: {groups: [c], data: {k1: a, k2: a}}
b: {username: b, site: b, data: {k1: b, k2: b, k3: b, k4: b}}
c: {username: c, platform: edgeos, data: {k1: c, k2: c, k3: c}}
""",
        "{username: d, port: 2222, password: env:D, data: {k5: d}}",
    )
    assert host.groups == ("a", "c", "b")
    assert host.data == {"k1": "host", "k2": "a", "k3": "c", "k4": "b", "k5": "d"}
    assert host.site == "b"
    settings = host.accesses["cli"]
    assert (settings.username, settings.port, settings.password) == ("c", 2222, SecretRef(text="env:D"))


def test_what_is_said_of_an_access_by_name_goes_first(tmp_path: Path) -> None:
    """As in Nornir: even the defaults' words about an access win over the host's about itself."""
    host = one(
        tmp_path,
        "r1: {hostname: 192.0.2.1, platform: opnsense, username: host, groups: [g]}",
        "g: {connection_options: {rest: {username: g, extras: {seconds: 7}}}}",
        "connection_options: {rest: {username: d, password: ask, extras: {seconds: 9, tls_ca: ca.pem}}}",
    )
    assert host.accesses["rest"] == AccessSettings(
        address="192.0.2.1",
        username="g",
        password=SecretRef(text="ask:password of the defaults, rest"),
        seconds=7.0,
        tls_ca=str(tmp_path / "ca.pem"),
    )


def test_further_accesses_only_when_named(tmp_path: Path) -> None:
    """A second access takes the host's address and login, but not its port."""
    base = (
        "r1:\n  hostname: 192.0.2.1\n  port: 8443\n  platform: opnsense\n  username: u\n  password: env:P\n"
    )
    assert set(one(tmp_path, base).accesses) == {"rest"}
    accesses = one(tmp_path, base + "  connection_options: {ssh: {username: root}}\n").accesses
    assert accesses["rest"].port == 8443
    assert accesses["ssh"] == AccessSettings(
        address="192.0.2.1", username="root", password=SecretRef(text="env:P")
    )
    assert "ssh" in one(tmp_path, base + "  connection_options: {ssh: }\n").accesses


@pytest.mark.parametrize(
    ("host", "group", "defaults", "used"),
    [
        ("", "", "", "api"),
        ("ssh: ", "", "", "ssh"),
        ("netmiko: ", "", "", "ssh"),
        ("rest: {extras: {seconds: 7}}", "", "", "rest"),
        ("api: , ssh: ", "", "", "api"),
        ("rest: , ssh: ", "", "", "ssh"),
        ("", "ssh: ", "api: ", "ssh"),
        ("api: ", "ssh: ", "ssh: ", "api"),
        ("", "", "rest: ", "rest"),
        ("", "", "cli: , ssh: ", "ssh"),
    ],
)
def test_accesses_that_take_each_others_place(
    tmp_path: Path, host: str, group: str, defaults: str, used: str
) -> None:
    """One is used, by the nearest that names any of them; the host's own port and login are for that one."""
    r2 = "r2: {hostname: 192.0.2.2, platform: edgeos, username: u}\n"
    made = read(
        tmp_path,
        f"r1: {{hostname: 192.0.2.1, platform: mikrotik_routeros, username: u, port: 4443, groups: [g], "
        f"connection_options: {{{host}}}}}\n{r2}",
        f"g: {{connection_options: {{{group}}}}}",
        f"connection_options: {{{defaults}}}",
    ).hosts[0]
    assert set(made.accesses) == {used}
    assert (made.accesses[used].port, made.accesses[used].username) == (4443, "u")


def test_an_access_of_another_platform_is_not_used(tmp_path: Path) -> None:
    """Groups may hold routers of several platforms; each takes of the settings what fits it."""
    hosts = read(
        tmp_path,
        "a: {hostname: 192.0.2.1, platform: edgeos}\nb: {hostname: 192.0.2.2, platform: mikrotik_routeros}\n",
        defaults="username: u\nconnection_options:\n"
        "  api: {extras: {plain: true}}\n  cli: {extras: {seconds: 5}}\n",
    ).hosts
    assert [set(host.accesses) for host in hosts] == [{"cli"}, {"api"}]
    assert (hosts[0].accesses["cli"].seconds, hosts[1].accesses["api"].plain) == (5.0, True)


def test_nornirs_name_for_ssh_is_the_platforms_ssh_access(tmp_path: Path) -> None:
    """``netmiko`` is the first access over SSH; a platform without one has no such access."""
    settings = access(
        tmp_path, R1 + "  connection_options: {netmiko: {port: 2022, extras: {secret: env:E}}}\n"
    )
    assert (settings.port, settings.secret) == (2022, SecretRef(text="env:E"))


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("2001:db8::1", "2001:db8::1"),
        ("'[2001:db8::1]'", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("'[fe80::1%eth0.5]'", "fe80::1%eth0.5"),
        ("192.0.2.1", "192.0.2.1"),
        ("edge-1.example.net", "edge-1.example.net"),
        ("edge-1.example.net.", "edge-1.example.net."),
        ("localhost", "localhost"),
        ("xn--bro-hoa.example", "xn--bro-hoa.example"),
    ],
)
def test_addresses_as_people_write_them(tmp_path: Path, written: str, address: str) -> None:
    """Brackets go, zones stay; brackets without quotes are a list in YAML and are read as meant."""
    assert access(tmp_path, R1.replace("192.0.2.1", written)).address == address


def test_a_pin_is_taken_as_openssl_prints_it(tmp_path: Path) -> None:
    """Upper case and colons are put right."""
    printed = "sha256:" + ":".join(["AB"] * 32)
    text = "r1: {hostname: h, platform: opnsense, connection_options: {rest: {extras: {tls_pin: PIN}}}}"
    assert access(tmp_path, text.replace("PIN", f"'{printed}'")).tls_pin == "sha256:" + "ab" * 32


def test_the_site_may_stand_among_the_data(tmp_path: Path) -> None:
    """As Nornir inventories have it; at each level."""
    assert one(tmp_path, R1 + "  data: {site: berlin}\n").site == "berlin"
    assert one(tmp_path, R1 + "  groups: [g]\n", "g: {data: {site: bonn}}").site == "bonn"
    assert one(tmp_path, R1 + "  site: x\n  data: {site: x}\n").label == "x/r1"


@pytest.mark.parametrize(
    ("keys", "reference"),
    [
        ("password: env:PW", "env:PW"),
        ("password: file:/run/secrets/pw", "file:/run/secrets/pw"),
        ("password: ask", "ask:password of host r.1"),
        ("password: 'ask:Berlin, please'", "ask:Berlin, please"),
        ("password: CANARY", "inventory:{file}#hosts.r%2E1.password"),
        ("password: plain:env:CANARY", "inventory:{file}#hosts.r%2E1.password"),
        ("password: ''", "inventory:{file}#hosts.r%2E1.password"),
        ("connection_options: {cli: {password: CANARY}}",
         "inventory:{file}#hosts.r%2E1.connection_options.cli.password"),
    ],
)  # fmt: skip
def test_a_host_holds_a_reference_and_never_a_secret(tmp_path: Path, keys: str, reference: str) -> None:
    """Whatever is written, the host says where the secret is."""
    text = f"r.1:\n  hostname: 192.0.2.1\n  platform: edgeos\n  username: u\n  {keys}\n"
    inventory = read(tmp_path, text)
    (host,) = inventory.hosts
    password = host.accesses["cli"].password
    assert password is not None
    assert password.text == reference.format(file=tmp_path / "hosts.yaml")
    assert "CANARY" not in repr(inventory)


def test_a_literal_is_warned_of_once_however_many_inherit_it(tmp_path: Path) -> None:
    """The warning is the file's, not each host's."""
    hosts = "".join(f"r{n}: {{hostname: 192.0.2.{n}, platform: edgeos, groups: [g]}}\n" for n in range(1, 9))
    inventory = read(tmp_path, hosts, "g: {username: u, password: CANARY}")
    assert [(w.code, w.line) for w in inventory.warnings] == [("E125", 1)]
    assert {host.accesses["cli"].password for host in inventory.hosts} == {
        SecretRef(text=f"inventory:{tmp_path}/groups.yaml#groups.g.password")
    }


def test_data_that_look_secret_are_left_out(tmp_path: Path) -> None:
    """Reports show data; references to secrets are none themselves."""
    host = one(tmp_path, R1 + "  data: {snmp: {community: CANARY}, db_password: CANARY, api_token: env:T}\n")
    assert host.data == {"api_token": "env:T"}


def test_the_digest_is_over_the_files_as_they_are(tmp_path: Path) -> None:
    """It can be checked by hand with sha256sum, and changes with any byte of any file."""
    first = read(tmp_path, R1, "g: {}\n").digest
    lines = "".join(
        f"{hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("hosts.yaml", "groups.yaml")
    )
    assert first == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()
    assert read(tmp_path, R1, "g: {}\n").digest == first
    assert read(tmp_path, R1 + "#\n", "g: {}\n").digest != first
    assert read(tmp_path, R1, "g: {}\n", "# nothing\n").digest != first


def test_a_file_by_another_name_has_the_same_neighbours(tmp_path: Path) -> None:
    """``-i berlin.yaml`` reads groups.yaml and defaults.yaml beside it, and .yml as well."""
    (tmp_path / "berlin.yaml").write_text("r1: {hostname: 192.0.2.1, groups: [g]}")
    (tmp_path / "groups.yml").write_text("g: {platform: edgeos}")
    (tmp_path / "defaults.yaml").write_text("username: u")
    inventory = read_inventory(tmp_path / "berlin.yaml", PLATFORMS)
    assert [Path(file).name for file in inventory.files] == ["berlin.yaml", "groups.yml", "defaults.yaml"]
    assert inventory.hosts[0].accesses["cli"].username == "u"


def test_hosts_keep_the_order_of_the_file(tmp_path: Path) -> None:
    """Reports and rollouts follow it."""
    names = ["z", "a", "m"]
    text = "".join(f"{name}: {{hostname: {name}.example, platform: edgeos, username: u}}\n" for name in names)
    assert [host.name for host in read(tmp_path, text).hosts] == names


def test_what_follows_from_an_error_is_not_told_besides(tmp_path: Path) -> None:
    """A misspelt group does not also make its hosts lack all that the group would have said."""
    with pytest.raises(InputError) as caught:
        read(
            tmp_path,
            "r1: {hostname: 192.0.2.1, groups: [berln]}\n",
            "berlin: {platform: edgeos, username: u}",
        )
    assert [problem.code for problem in caught.value.problems] == ["E118"]


def test_what_groups_inherit_from_each_other_reaches_the_host(tmp_path: Path) -> None:
    """Through a diamond, each group once."""
    host = one(
        tmp_path,
        "r1: {hostname: 192.0.2.1, groups: [a, b]}",
        "a: {groups: [top]}\nb: {groups: [top]}\ntop: {platform: edgeos, username: top}",
    )
    assert host.groups == ("a", "top", "b")
    assert host.accesses["cli"].username == "top"


def test_the_example_is_an_inventory_without_a_flaw() -> None:
    """What newcomers copy has two sites, no warning, and no secret in it."""
    inventory = read_inventory(ROOT / "inventory", PLATFORMS)
    assert inventory.warnings == ()
    assert {host.site for host in inventory.hosts} == {"berlin", "hamburg"}
    references = [access.password for host in inventory.hosts for access in host.accesses.values()]
    assert all(ref is not None and ref.scheme in ("env", "file", "ask") for ref in references)


def test_five_thousand_hosts_are_read_in_seconds(tmp_path: Path) -> None:
    """The size of a large fleet takes about one second; the bound is loose, for slow machines."""
    text = "".join(
        f"r{n}: {{hostname: r{n}.example, groups: [g{n % 50}, edge], data: {{rack: {n}}}}}\n"
        for n in range(5000)
    )
    groups = "edge: {platform: edgeos, username: u, password: env:P}\n" + "".join(
        f"g{n}: {{site: s{n}}}\n" for n in range(50)
    )
    begun = time.monotonic()
    inventory = read(tmp_path, text, groups)
    assert time.monotonic() - begun < 20
    assert len(inventory.hosts) == 5000
    assert {host.site for host in inventory.hosts} == {f"s{n}" for n in range(50)}


def test_two_sites_of_one_controller_are_two_hosts(tmp_path: Path) -> None:
    """They are reached at one address, and told apart by the controller's own name for each site."""
    hosts = """
a:
  hostname: 192.0.2.1
  platform: opnsense
  password: env:KEY
  connection_options:
    rest: {extras: {login: api_key, controller_site: x4k2l9ab}}
b:
  hostname: 192.0.2.1
  platform: opnsense
  password: env:KEY
  connection_options:
    rest: {extras: {login: api_key, controller_site: default}}
"""
    found = read(tmp_path, hosts)
    settings = [host.accesses["rest"] for host in found.hosts]
    assert [(each.login, each.controller_site) for each in settings] == [
        ("api_key", "x4k2l9ab"),
        ("api_key", "default"),
    ]
    assert found.warnings == ()
    (same,) = read(tmp_path, hosts.replace("x4k2l9ab", "default")).warnings
    assert same.code == "E126"


def test_pairs_are_named_at_hosts_and_groups(tmp_path: Path) -> None:
    """A pair is a name that its members share; who stands by is said at the member, and may be left open."""
    hosts = read(
        tmp_path,
        """
a: {hostname: 192.0.2.1, platform: edgeos, username: svc, groups: [fw]}
b: {hostname: 192.0.2.2, platform: edgeos, username: svc, pair: fw, standby: yes}
c: {hostname: 192.0.2.3, platform: edgeos, username: svc}
""",
        "fw: {pair: fw}\n",
    ).hosts
    assert [(host.pair, host.standby) for host in hosts] == [("fw", None), ("fw", True), ("", None)]
