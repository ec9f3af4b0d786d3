"""
Which configuration paths an EdgeOS router knows: the part of its templates that a home or office uses.

A line of :data:`PATHS` is one path; ``name:`` is a tag node (followed by its tag), ``name=type`` a leaf,
``name=*type`` a leaf of several values, ``name!`` a node without a value, and a bare name a container.
The words for a wrong path or value are those of EdgeOS' vyatta-cfg (cstore.cpp, cli_new.c in
github.com/Lochnair/vyatta-cfg).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

PATHS = """
firewall/all-ping=txt
firewall/broadcast-ping=txt
firewall/ipv6-receive-redirects=txt
firewall/ipv6-src-route=txt
firewall/ip-src-route=txt
firewall/log-martians=txt
firewall/name:/default-action=txt
firewall/name:/description=txt
firewall/name:/rule:/action=txt
firewall/name:/rule:/description=txt
firewall/name:/rule:/destination/port=txt
firewall/name:/rule:/protocol=txt
firewall/name:/rule:/state/established=txt
firewall/name:/rule:/state/invalid=txt
firewall/name:/rule:/state/related=txt
firewall/receive-redirects=txt
firewall/send-redirects=txt
firewall/source-validation=txt
firewall/syn-cookies=txt
interfaces/ethernet:/address=*txt
interfaces/ethernet:/description=txt
interfaces/ethernet:/duplex=txt
interfaces/ethernet:/firewall/in/name=txt
interfaces/ethernet:/firewall/local/name=txt
interfaces/ethernet:/speed=txt
interfaces/loopback:
service/dhcp-server/disabled=txt
service/dhcp-server/hostfile-update=txt
service/dhcp-server/shared-network-name:/authoritative=txt
service/dhcp-server/shared-network-name:/subnet:/default-router=txt
service/dhcp-server/shared-network-name:/subnet:/dns-server=*txt
service/dhcp-server/shared-network-name:/subnet:/lease=u32
service/dhcp-server/shared-network-name:/subnet:/start:/stop=txt
service/dns/forwarding/cache-size=u32
service/dns/forwarding/listen-on=*txt
service/gui/http-port=u32
service/gui/https-port=u32
service/gui/older-ciphers=txt
service/nat/rule:/description=txt
service/nat/rule:/log=txt
service/nat/rule:/outbound-interface=txt
service/nat/rule:/type=txt
service/ssh/port=u32
service/ssh/protocol-version=txt
service/unms/connection=txt
service/unms/disable!
system/config-management/commit-revisions=u32
system/conntrack/expect-table-size=u32
system/conntrack/hash-size=u32
system/conntrack/modules/ftp/disable!
system/conntrack/modules/h323/disable!
system/conntrack/modules/pptp/disable!
system/conntrack/modules/sip/disable!
system/conntrack/modules/sip/enable-indirect-media!
system/conntrack/modules/sip/enable-indirect-signalling!
system/conntrack/modules/sip/port=*port
system/conntrack/modules/tftp/disable!
system/conntrack/table-size=u32
system/domain-name=txt
system/host-name=txt
system/login/user:/authentication/encrypted-password=txt
system/login/user:/authentication/plaintext-password=txt
system/login/user:/level=txt
system/name-server=*txt
system/ntp/server:
system/offload/hwnat=txt
system/syslog/global/facility:/level=txt
system/time-zone=txt
"""

NOT_VALID = "The specified configuration node is not valid"
NEEDS_VALUE = "The specified configuration node requires a value"


class Kind(Enum):
    """What a node of the configuration may hold."""

    CONTAINER = "container"
    TAG = "tag"
    LEAF = "leaf"
    MULTI = "multi"
    FLAG = "flag"


@dataclass(slots=True, kw_only=True)
class Template:
    """One node's template; for a tag node ``children`` are those below each tag."""

    kind: Kind = Kind.CONTAINER
    type: str = ""
    children: dict[str, Template] = field(default_factory=dict)

    def below(self, word: str) -> Template:
        """The template of what a name, tag or value holds."""
        if self.kind is Kind.TAG:
            return Template(children=self.children)
        return self.children.get(word) or Template()


def _grow(root: Template, line: str) -> None:
    here = root
    for part in line.split("/"):
        name, kind, type_ = part, Kind.CONTAINER, ""
        if part.endswith(":"):
            name, kind = part[:-1], Kind.TAG
        elif part.endswith("!"):
            name, kind = part[:-1], Kind.FLAG
        elif "=" in part:
            name, type_ = part.split("=")
            kind = Kind.MULTI if type_.startswith("*") else Kind.LEAF
        here = here.children.setdefault(name, Template(kind=kind, type=type_.lstrip("*")))


@functools.cache
def schema() -> Template:
    """The root template."""
    root = Template()
    for line in PATHS.split():
        _grow(root, line)
    return root


def complaint(path: Sequence[str], *, setting: bool) -> str:
    """
    Why this path cannot be set or deleted, in the device's words without the last line; empty if it can.

    Deleting does not look at values (``validate_vals`` is false there).
    """
    here = schema()
    for place, word in enumerate(path):
        match here.kind:
            case Kind.FLAG:
                return NOT_VALID
            case Kind.LEAF | Kind.MULTI:
                return _value_complaint(here, path[place:], setting=setting)
            case Kind.CONTAINER if word not in here.children:
                return NOT_VALID
            case Kind.CONTAINER | Kind.TAG:
                here = here.below(word)
    valueless = here.kind in {Kind.CONTAINER, Kind.FLAG} or not setting
    return "" if valueless else NEEDS_VALUE


def _value_complaint(template: Template, rest: Sequence[str], *, setting: bool) -> str:
    if len(rest) > 1:
        return NOT_VALID
    value = rest[0]
    if setting and template.type in {"u32", "port"} and not value.isdigit():
        return f'"{value}" is not a valid value of type "u32"\nValue validation failed'
    if setting and template.type == "port" and not 1 <= int(value) <= 65535:
        # The text is the one a Vyatta CLI printed (2026-11).
        return "Port number must be in range 1 to 65535\nValue validation failed"
    return ""
