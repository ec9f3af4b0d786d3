"""
Cisco IOS: by its configuration, does nothing pass a router but what its NAT translates?

So it is where there is one way through it: from one inside interface with one network to one outside
interface, under a rule that translates all of that network. Elsewhere calls pass, or end, that are in no
table of translations: between two VLANs or ports of a switch, over a VPN, by IPv6, in a VRF, on the router
itself. What is not known here is taken for another way.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from sipalg_fix.drivers.cisco_ios.config import Line

BESIDE = re.compile(
    r"(?:bridge|call-manager-fallback|ccm-manager|connect|crypto vpn|dial-peer|ip mobile|l2vpn|mgcp$|router|"
    r"sccp$|telephony-service|voice register|voice service|webvpn)(?: |$)"
)
"""What ends calls on the router, or has them pass in another way; routing protocols tell of more networks."""
NAT = re.compile(
    r"(?:no )?ip nat service .+|ip nat (?:inside source (?:list|static)|log|pool|translation) .+"
)
NOT_IN_TABLE = re.compile(r" (?:stateless|vrf|match-in-vrf)\b")
RULE = re.compile(r"ip nat inside source list (\S+) (?:interface|pool) \S+ overload")
ROUTE = re.compile(r"ip route \d\S+ \d\S+ (.+)")
LIST = re.compile(r"ip access-list (?:standard|extended) (\S+)")

PORT = re.compile(r"interface (?:Loopback|\w*Ethernet|Dialer|Serial|ATM)[\d/.]+(?: point-to-point)?")
MANAGEMENT = ("interface GigabitEthernet0", "vrf forwarding Mgmt-intf")
OWN_ROUTE = "ip route vrf Mgmt-intf "
"""IOS-XE's own port for it, alone in its VRF."""
HARMLESS = re.compile(
    r"no .+|(?:arp timeout|bandwidth|carrier-delay|cdp|clock|delay|description|dialer|dialer-group|dsl|"
    r"duplex|fair-queue|hold-queue|keepalive|lldp|load-interval|logging|mac-address|media-type|mtu|"
    r"negotiation|ntp|ppp|pppoe|pppoe-client|pvc|service-policy|snmp|speed|tx-ring-limit|zone-member|"
    r"encapsulation (?:ppp|dot1Q \d+|aal5\w+)|"
    r"ip (?:access-group|address|dhcp|flow|helper-address|inspect|mtu|nat (?:inside|outside)$|nbar|"
    r"tcp adjust-mss|verify|virtual-reassembly))(?: .*)?"
)
"""Lines of an interface that open no other way."""


def translates_all(lines: tuple[Line, ...]) -> bool:
    """Is that sure? :class:`ValueError` for addresses that are none."""
    tops = {line[0] for line in lines}
    if any(BESIDE.match(top) or not _is_nat_known(top) for top in tops):
        return False
    name, inside = _inside(lines)
    routes = (top for top in tops if top.startswith("ip route ") and not top.startswith(OWN_ROUTE))
    if inside is None or not all(_leads_out(route, name, inside) for route in routes):
        return False
    rules = (RULE.fullmatch(top) for top in tops)
    return any(_permits(lines, rule[1], inside) for rule in rules if rule)


def _is_nat_known(top: str) -> bool:
    if not top.removeprefix("no ").startswith("ip nat "):
        return True
    return NAT.fullmatch(top) is not None and not NOT_IN_TABLE.search(top)


def _leads_out(top: str, name: str, inside: IPv4Network) -> bool:
    """Not back to the inside, to a router there: calls between the two would pass, too."""
    route = ROUTE.fullmatch(top)
    if route is None:
        return False
    addresses = (IPv4Address(word) for word in route[1].split() if re.fullmatch(r"\d+(?:\.\d+){3}", word))
    return name not in route[1].split() and not any(address in inside for address in addresses)


def _inside(lines: tuple[Line, ...]) -> tuple[str, IPv4Network | None]:
    """The one inside interface and its network; none where there is another way."""
    sides = {"ip nat inside": list[str](), "ip nat outside": list[str]()}
    for head in {line[0] for line in lines if line[0].startswith("interface ")}:
        below = [line[-1] for line in lines if line[0] == head and len(line) > 1]
        if head.startswith("interface Vlan"):
            return "", None
        if (head, "shutdown") in lines or head.startswith("interface Loopback"):
            continue
        if head == MANAGEMENT[0] and MANAGEMENT[1] in below:
            continue
        addresses = [line for line in below if line.startswith("ip address ")]
        side = [line for line in below if line in sides]
        if not PORT.fullmatch(head) or not all(HARMLESS.fullmatch(line) for line in below):
            return "", None
        if len(addresses) != len(side) or len(side) > 1 or not (side or "no ip address" in below):
            return "", None
        for line in side:
            sides[line].append(f"{head.split()[1]} {addresses[0]}")
    inside, outside = sides.values()
    if len(inside) != 1 or len(outside) != 1:
        return "", None
    match = re.fullmatch(r"(\S+) ip address (\d\S+) (\d\S+)", inside[0])
    return (match[1], IPv4Interface(f"{match[2]}/{match[3]}").network) if match else ("", None)


def _permits(lines: tuple[Line, ...], name: str, inside: IPv4Network) -> bool:
    """Is every packet from this network one of this list's?"""
    entries = []
    for line in lines:
        named = LIST.fullmatch(line[0])
        if line[0].startswith(f"access-list {name} "):
            entries.append(line[0].removeprefix(f"access-list {name} "))
        elif named and named[1] == name and len(line) == 2:
            entries.append(re.sub(r"^\d+ ", "", line[1]))
    entries = [entry for entry in entries if not entry.startswith("remark")]
    if not all(entry.startswith("permit ") for entry in entries):
        return False
    permitted = (_network(entry) for entry in entries)
    return any(network is not None and inside.subnet_of(network) for network in permitted)


def _network(entry: str) -> IPv4Network | None:
    """From which sources an entry permits all; None where it does not, or not simply."""
    match = re.fullmatch(r"permit (?:(\d\S+) (\d\S+)|ip (\d\S+) (\d\S+) any|any|ip any any)(?: log)?", entry)
    if match is None:
        return None
    if entry.startswith(("permit any", "permit ip any")):
        return IPv4Network("0.0.0.0/0")
    address, wildcard = (int(IPv4Address(part)) for part in match.groups() if part)
    if wildcard & (wildcard + 1):
        return None
    return IPv4Network((address & ~wildcard, 32 - wildcard.bit_length()))
