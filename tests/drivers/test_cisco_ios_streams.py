"""Cisco IOS: translations that may carry a call, and when a router that shows none has none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.drivers.cisco_ios.probes import PRIVILEGE, RUNNING, STATISTICS, TRANSLATIONS, VERSION
from sipalg_fix.drivers.cisco_ios.streams import live_streams
from sipalg_fix.model.session import Reply, Transcript

CLASSIC = (
    "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.7(3)M2, RELEASE SOFTWARE (fc2)\n"
    "Configuration register is 0x2102\n"
)
XE = "Cisco IOS XE Software, Version 17.09.04a\nConfiguration register is 0x2102\n"
LEVEL = "Current privilege level is 15\n"
FLAT = """version 15.7
hostname edge-01
interface Loopback0
 ip address 10.255.0.1 255.255.255.255
interface GigabitEthernet0
 vrf forwarding Mgmt-intf
 ip address 10.0.0.5 255.255.255.0
interface GigabitEthernet0/0
 ip address dhcp
 ip nat outside
 ip virtual-reassembly in
 duplex auto
interface GigabitEthernet0/1
 ip address 192.168.10.1 255.255.255.0
 ip nat inside
interface GigabitEthernet0/2
 no ip address
 ip nat inside
 shutdown
ip nat inside source list 10 interface GigabitEthernet0/0 overload
ip nat inside source static udp 192.168.10.5 16384 interface GigabitEthernet0/0 16384
no ip nat service sip udp port 5060
ip route 0.0.0.0 0.0.0.0 203.0.113.1
ip route vrf Mgmt-intf 0.0.0.0 0.0.0.0 10.0.0.1
access-list 10 remark all
access-list 10 permit 192.168.8.0 0.0.7.255
line vty 0 4
end
"""
"""A router through which there is one way."""
DSL = (
    FLAT.replace(
        " ip address dhcp\n ip nat outside\n ip virtual-reassembly in\n",
        " no ip address\n pppoe enable group global\n pppoe-client dial-pool-number 1\n",
    )
    .replace(
        "ip nat inside source list 10 interface GigabitEthernet0/0",
        "interface Dialer1\n ip address negotiated\n ip mtu 1492\n ip nat outside\n encapsulation ppp\n"
        " dialer pool 1\nip nat inside source list LAN interface Dialer1",
    )
    .replace("203.0.113.1", "Dialer1")
    .replace("access-list 10 remark all\n", "ip access-list extended LAN\n 10 remark all\n")
    .replace("access-list 10 permit 192.168.8.0 0.0.7.255", " 20 permit ip 192.168.10.0 0.0.0.255 any")
)

HEAD = "Pro Inside global         Inside local          Outside local         Outside global\n"
NONE = "Total active translations: 0 (0 static, 0 dynamic; 0 extended)\nOutside interfaces:\n"
SOME = NONE.replace(": 0 (0 static, 0 dynamic; 0", ": 5 (1 static, 4 dynamic; 4")


def row(inside: int, outside: int, protocol: str = "udp", host: int = 20, taken: int = 1031) -> str:
    """A translation between these ports."""
    far = f"198.51.100.9:{outside}"
    return f"{protocol} {f'203.0.113.2:{taken}':<21} {f'192.168.10.{host}:{inside}':<21} {far:<21} {far}\n"


RULES = (
    "--- 203.0.113.9           192.168.10.9          ---                   ---\n"
    "udp 203.0.113.2:16384     192.168.10.5:16384    ---                   ---\n"
)
PHONE, WEB = row(5060, 5060, taken=5060), row(50604, 443, "tcp") + row(52000, 443)
MEDIA, CONTROL = row(11780, 20000), row(11781, 20001)


def seen(
    rows: str, *, running: str = FLAT, statistics: str = SOME, version: str = CLASSIC, **table: str
) -> Transcript:
    """What a router has answered."""
    said = {VERSION: version, PRIVILEGE: LEVEL, RUNNING: running, STATISTICS: statistics}
    replies = [Reply(command=command, text=text, prompt="edge-01#") for command, text in said.items()]
    listed = Reply(command=TRANSLATIONS, text=rows, **({"prompt": "edge-01#"} | table))
    return Transcript(replies=(*replies, listed))


def total(rows: str) -> str:
    """The table as IOS-XE ends it."""
    return f"{HEAD}{rows}Total number of translations: {len(rows.splitlines())}\n\n"


@pytest.mark.parametrize(
    ("rows", "streams"),
    [
        *[(RULES, 0), (PHONE + WEB, 0), (row(40000, 4500), 0), (row(51820, 51820), 0), (row(500, 40000), 0)],
        *[(MEDIA, 1), (CONTROL, 1), (MEDIA + CONTROL, 1), (RULES + PHONE + MEDIA + WEB + CONTROL, 1)],
        *[(MEDIA + row(11780, 20000, host=21), 2), (MEDIA + row(11784, 20000), 2), (MEDIA * 2, 1)],
        # The port that the router has chosen says nothing.
        *[(row(11780, 20000, taken=4500), 1), (row(11780, 20000, taken=1023), 1)],
    ],
)
def test_each_stream_counts_once(rows: str, streams: int) -> None:
    """With its control connection; signalling, tunnels, the web and rules are none."""
    assert live_streams(seen(HEAD + rows)) == streams
    assert live_streams(seen(total(rows), version=XE)) == streams
    assert live_streams(seen(total(rows), version=XE, prompt="")) is None
    assert live_streams(seen(HEAD + rows, status="refused")) is None


@pytest.mark.parametrize("version", [CLASSIC, XE])
def test_an_empty_table_is_one_by_the_statistics_alone(version: str) -> None:
    """It is an empty answer, which proves nothing."""
    for empty in ("", HEAD, "Total number of translations: 0\n"):
        assert live_streams(seen(empty, version=version, statistics=NONE)) == 0
        for statistics in (SOME, "", NONE[:50], "% Invalid input detected at '^' marker.\n"):
            assert live_streams(seen(empty, version=version, statistics=statistics)) is None
    assert live_streams(Transcript(replies=())) is None


OTHER_WAYS = {
    "calls end here": ("hostname", "voice service voip\nhostname"),
    "a dial peer": ("hostname", "dial-peer voice 1 voip\nhostname"),
    "phones are its own": ("hostname", "telephony-service\nhostname"),
    "routing": ("hostname", "router ospf 1\nhostname"),
    "no inside": (" ip nat inside\nint", "int"),
    "no outside": (" ip nat outside\n", ""),
    "a VPN": (" duplex auto", " crypto map VPN"),
    "a tunnel": ("Loopback0", "Tunnel0"),
    "IPv6": (" duplex auto", " ipv6 address dhcp"),
    "two networks": (" duplex auto", " ip address 192.0.2.1 255.0.0.0 secondary"),
    "a switch": ("Loopback0", "Vlan1"),
    "a VRF": ("Mgmt-intf\n ip", "VOICE\n ip"),
    "another inside": (" shutdown\n", ""),
    "neither side": ("interface Loopback0", "interface GigabitEthernet0/1.20"),
    "a bridge": (" ip nat inside\n shutdown\n", " pvc 0/1\n  shutdown\n bridge-group 1\n"),
    "cut": ("end", ""),
    "a list of other hosts": (" 0.0.7.255", " 0.0.0.255"),
    "a list with holes": (" 0.0.7.255", " 0.0.7.253"),
    "a list of one": ("permit ", "permit host "),
    "a list but for one": ("remark all", "deny 192.168.10.7"),
    "no list": ("source list 10", "source list 11"),
    "a route map": ("list 10", "route-map LAN"),
    "no overload": (" overload", ""),
    "a rule of a VRF": ("16384\n", "16384 vrf A\n"),
    "no flows": ("no ip nat service", "no ip nat create flow-entries\nno ip nat service"),
    "carrier grade": ("no ip nat service", "ip nat settings mode cgn\nno ip nat service"),
    "out by the inside": ("203.0.113.1\n", "192.168.10.254\n"),
    "out by its name": ("203.0.113.1\n", "GigabitEthernet0/1\n"),
    "a router inside": ("203.0.113.1\n", "203.0.113.1\nip route 10.9.0.0 255.255.0.0 192.168.10.254\n"),
    "no address": ("192.168.10.1 ", "192.168.10.x "),
}


@pytest.mark.parametrize("way", OTHER_WAYS)
def test_none_seen_is_not_none_where_calls_may_pass_without_a_translation(way: str) -> None:
    """What is seen counts all the same."""
    running = FLAT.replace(*OTHER_WAYS[way])
    assert running != FLAT
    assert live_streams(seen(HEAD + PHONE, running=running)) is None
    assert live_streams(seen("", running=running, statistics=NONE)) is None
    assert live_streams(seen(HEAD + MEDIA, running=running)) == 1


@pytest.mark.parametrize(
    "running",
    [
        *[FLAT, DSL, FLAT.replace("permit 192.168.8.0 0.0.7.255", "permit any")],
        FLAT.replace("203.0.113.1\n", "203.0.113.1\nip route 10.0.0.0 255.0.0.0 Null0\n"),
    ],
)
def test_one_way_through_a_router_is_seen(running: str) -> None:
    """There, no translation is no call."""
    assert live_streams(seen(HEAD + PHONE, running=running)) == 0


@given(st.data())
def test_no_part_of_a_table_is_taken_for_the_whole(data: st.DataObject) -> None:
    """Cut anywhere, of either kind: IOS' session ends without a prompt, IOS-XE's table without its total."""
    rows = "".join(data.draw(st.lists(st.sampled_from([RULES, PHONE, WEB, MEDIA, CONTROL]), max_size=6)))
    classic, xe = HEAD + rows, total(rows).rstrip()
    at = data.draw(st.integers(0, len(classic)))
    assert live_streams(seen(classic[:at], prompt="")) is None
    at = data.draw(st.integers(0, len(xe) - 1))
    if not xe[:at].endswith(f"translations: {len(rows.splitlines())}"):
        assert live_streams(seen(xe[:at], version=XE)) is None
    lines = xe.splitlines(keepends=True)
    if rows:
        gone = data.draw(st.integers(1, len(lines) - 2))
        assert live_streams(seen("".join(lines[:gone] + lines[gone + 1 :]), version=XE)) is None


@given(st.text(), st.text(), st.text(), st.sampled_from([CLASSIC, XE]))
def test_anything_is_read_without_a_fault(table: str, running: str, statistics: str, version: str) -> None:
    """Whatever is said."""
    for rows in (table, HEAD + table, total(table)):
        found = live_streams(seen(rows, running=running, statistics=statistics, version=version))
        assert found is None or found > 0


@given(st.data())
def test_any_configuration_is_read_without_a_fault(data: st.DataObject) -> None:
    """With a line that says something else."""
    lines = FLAT.splitlines()
    lines[data.draw(st.integers(0, len(lines) - 1))] += data.draw(st.text(max_size=12))
    assert live_streams(seen(HEAD + PHONE, running="\n".join(lines))) in (None, 0)
