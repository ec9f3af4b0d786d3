"""
OpenWrt's firewall: from the configuration to the rules that it loads, by fw4 (nftables) or fw3 (iptables).

Which helpers a zone gets, and what fw4 makes of what it cannot read, is as in fw4.uc (parse_zone, parse_rule)
and in fw3's zones.c and helpers.c. Of all other options only what these rules need is understood.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sipalg_fix.lab.twins.openwrt.package import Package, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class HelperKind:
    """A helper as /usr/share/firewall4/helpers describes it. ``family`` is any or ipv4."""

    name: str
    description: str
    module: str
    protocol: str
    port: int
    family: str = "any"


HELPERS = (
    HelperKind(
        name="amanda",
        description="Amanda backup and archiving proto",
        module="nf_conntrack_amanda",
        protocol="udp",
        port=10080,
    ),
    HelperKind(
        name="ftp",
        description="FTP passive connection tracking",
        module="nf_conntrack_ftp",
        protocol="tcp",
        port=21,
    ),
    HelperKind(
        name="RAS", description="RAS proto tracking", module="nf_conntrack_h323", protocol="udp", port=1719
    ),
    HelperKind(
        name="Q.931",
        description="Q.931 proto tracking",
        module="nf_conntrack_h323",
        protocol="tcp",
        port=1720,
    ),
    HelperKind(
        name="irc",
        description="IRC DCC connection tracking",
        module="nf_conntrack_irc",
        protocol="tcp",
        port=6667,
        family="ipv4",
    ),
    HelperKind(
        name="pptp",
        description="PPTP VPN connection tracking",
        module="nf_conntrack_pptp",
        protocol="tcp",
        port=1723,
        family="ipv4",
    ),
    HelperKind(
        name="sip",
        description="SIP VoIP connection tracking",
        module="nf_conntrack_sip",
        protocol="udp",
        port=5060,
    ),
    HelperKind(
        name="snmp",
        description="SNMP monitoring connection tracking",
        module="nf_conntrack_snmp",
        protocol="udp",
        port=161,
        family="ipv4",
    ),
    HelperKind(
        name="tftp",
        description="TFTP connection tracking",
        module="nf_conntrack_tftp",
        protocol="udp",
        port=69,
    ),
)


@dataclass(slots=True, kw_only=True)
class Zone:
    """A zone as it is loaded: its helpers, and rules of the administrator that set one (port, name)."""

    name: str
    device: str
    policies: tuple[str, str, str]
    masquerades: bool
    clamps: bool
    helpers: list[HelperKind] = field(default_factory=list)
    own: list[tuple[str, str, HelperKind]] = field(default_factory=list)
    """(rule's name, port, helper)."""


@dataclass(slots=True, kw_only=True)
class Loaded:
    """What the firewall has loaded. ``available`` are the helpers whose module is there."""

    available: list[HelperKind] = field(default_factory=list)
    policies: tuple[str, str, str] = ("drop", "drop", "drop")
    zones: list[Zone] = field(default_factory=list)
    forwards: list[tuple[str, str]] = field(default_factory=list)

    def sip_ports(self) -> list[str]:
        """The ports at which the SIP helper is set, for whatever comes from a zone."""
        return [
            port
            for zone in self.zones
            for port in [
                *(str(each.port) for each in zone.helpers if each.name == "sip"),
                *(port for _, port, each in zone.own if each.name == "sip"),
            ]
        ]


def loaded(package: Package, modules: frozenset[str], old: bool) -> tuple[Loaded, list[str]]:
    """The rules of a configuration, and what is said about what was left out. ``old`` is fw3."""
    available = [helper for helper in HELPERS if helper.module in modules]
    said: list[str] = []
    defaults = next((section for section in package.sections if section.kind == "defaults"), None)
    policies = _policies(defaults, ("drop", "drop", "drop"))
    result = Loaded(available=available, policies=policies)
    automatic = defaults is None or _truth(defaults, "auto_helper", True)
    places: dict[str, int] = {}
    for section in package.sections:
        place = places[section.kind] = places.get(section.kind, -1) + 1
        if section.kind == "zone":
            zone = _zone(section, place, available, policies, bool(automatic), old, said)
            result.zones += [zone] if zone else []
    names = {zone.name: zone for zone in result.zones}
    for section in package.sections:
        if section.kind == "forwarding" and {_text(section, "src"), _text(section, "dest")} <= names.keys():
            result.forwards.append((_text(section, "src"), _text(section, "dest")))
        if section.kind == "rule" and _text(section, "target").lower() == "helper":
            helper = next((each for each in available if each.name == _text(section, "set_helper")), None)
            zone = names.get(_text(section, "src"))
            if helper and zone and _truth(section, "enabled", True):
                port = _text(section, "dest_port") or str(helper.port)
                zone.own.append((_text(section, "name"), port, helper))
    return result, said


def _zone(
    section: Section,
    place: int,
    available: list[HelperKind],
    policies: tuple[str, str, str],
    automatic: bool,
    old: bool,
    said: list[str],
) -> Zone | None:
    name, enabled = _text(section, "name"), _truth(section, "enabled", True)
    wanted = _list(section, "helper")
    known = {helper.name for helper in HELPERS}
    auto = _truth(section, "auto_helper", True)
    if bad := [each for each in wanted if each not in known]:
        what = f"Section @zone[{place}] ({name})"
        said.append(f"[!] {what} option 'helper' specifies invalid value '{bad[0]}'")
        if not old:
            said.append(f"[!] {what} skipped due to invalid options")
            return None
    if not enabled or not name or auto is None:
        return None
    masquerades = bool(_truth(section, "masq", False))
    hidden = masquerades or (not old and bool(_truth(section, "masq6", False)))
    zone = Zone(
        name=name,
        device=_text(section, "device") or f"br-{name}",
        policies=_policies(section, policies),
        masquerades=masquerades,
        clamps=bool(_truth(section, "mtu_fix", False)),
    )
    if wanted:
        zone.helpers = [helper for each in wanted for helper in available if helper.name == each]
    elif automatic and auto and not hidden:
        zone.helpers = list(available)
    return zone


def _policies(section: Section | None, default: tuple[str, str, str]) -> tuple[str, str, str]:
    if section is None:
        return default
    names = ("input", "output", "forward")
    found = [_text(section, name).lower() or default[place] for place, name in enumerate(names)]
    return (found[0], found[1], found[2])


def _text(section: Section, name: str) -> str:
    value = section.options.get(name, "")
    return " ".join(value) if isinstance(value, list) else value


def _list(section: Section, name: str) -> list[str]:
    return _text(section, name).split()


def _truth(section: Section, name: str, default: bool) -> bool | None:
    text = _text(section, name)
    if not text:
        return default
    return (
        True if text in ("1", "on", "true", "yes") else False if text in ("0", "off", "false", "no") else None
    )
