"""How a virtual OpenWrt router may begin: which release, which packages, which firewall configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sipalg_fix.lab.twin import User

MODULES = (
    "nf_conntrack_amanda",
    "nf_conntrack_ftp",
    "nf_conntrack_h323",
    "nf_conntrack_irc",
    "nf_conntrack_pptp",
    "nf_conntrack_sip",
    "nf_conntrack_snmp",
    "nf_conntrack_tftp",
    "nf_nat_sip",
)
"""What kmod-nf-nathelper and kmod-nf-nathelper-extra bring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    The options as one writes them in Python or in ``lab.yaml``.

    ``release`` is OpenWrt's, ``kernel`` Linux's; ``old`` is a box with fw3 and iptables. ``package`` says
    whether the helpers' modules are installed, ``conntrack`` whether that tool is. ``auto_helper`` is what
    the defaults say (empty: nothing), ``helpers`` what the zone lan lists, ``rule`` a rule that sets the
    helper by itself.
    ``running`` False or True is a router on which other rules are in force than those that are stored.
    ``staged`` are uci commands that nobody has committed. ``custom`` is text that nft lists besides.
    """

    release: str = "23.05.5"
    kernel: str = "5.15.167"
    model: str = "TP-Link Archer C7 v5"
    old: bool = False
    package: bool = True
    conntrack: bool = True
    auto_helper: str = ""
    helpers: tuple[str, ...] | list[str] = ()
    rule: bool = False
    running: bool | None = None
    staged: tuple[str, ...] | list[str] = ()
    custom: str = ""
    phones: int = 2


def read_options(given: Mapping[str, Any]) -> Options:
    """Check plain options; raises :class:`ValueError` that names the first one that is wrong."""
    known = {each.name for each in fields(Options)}
    for name in given:
        if name not in known:
            raise ValueError(
                f"unknown option {name!r} for an OpenWrt twin; known are {', '.join(sorted(known))}"
            )
    return Options(**given)


def accounts(given: Mapping[str, Any] | None) -> dict[str, User]:
    """Root alone, unless told otherwise; all are root for the box."""
    if given is None:
        return {"root": User(password="root")}
    return {name: user if isinstance(user, User) else User(**user) for name, user in given.items()}


def files_of(options: Options, name: str) -> dict[str, str]:
    """The files that matter here, with their text."""
    description = f"OpenWrt {options.release} r24106-10cc5fcd00"
    listed = {
        "/etc/openwrt_release": (
            f"DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='{options.release}'\nDISTRIB_REVISION='r24106-10cc5fcd00'\n"
            "DISTRIB_TARGET='ath79/generic'\nDISTRIB_ARCH='mips_24kc'\n"
            f"DISTRIB_DESCRIPTION='{description}'\nDISTRIB_TAINTS=''\n"
        ),
        "/etc/os-release": (
            f'NAME="OpenWrt"\nVERSION="{options.release}"\nID="openwrt"\nID_LIKE="lede openwrt"\n'
            f'PRETTY_NAME="OpenWrt {options.release}"\nVERSION_ID="{options.release}"\n'
        ),
        "/etc/config/firewall": _firewall(options),
        "/etc/config/system": f"\nconfig system\n\toption hostname '{name}'\n\toption timezone 'UTC'\n\n",
        "/etc/banner": "  W I R E L E S S   F R E E D O M\n",
    }
    if options.package:
        listed["/etc/modules.d/nf-nathelper-extra"] = "".join(f"{each}\n" for each in MODULES)
    return listed


def _firewall(options: Options) -> str:
    """/etc/config/firewall: lan and wan, as delivered, and what the options add."""
    defaults = "".join(
        f"\toption {option} '{text}'\n"
        for option, text in (
            ("syn_flood", "1"),
            ("input", "REJECT"),
            ("output", "ACCEPT"),
            ("forward", "REJECT"),
            ("auto_helper", options.auto_helper),
        )
        if text
    )
    text = f"\nconfig defaults\n{defaults}\nconfig zone\n\toption name 'lan'\n\tlist network 'lan'\n"
    text += "\toption input 'ACCEPT'\n\toption output 'ACCEPT'\n\toption forward 'ACCEPT'\n"
    text += "\toption device 'br-lan'\n" + "".join(f"\tlist helper '{each}'\n" for each in options.helpers)
    text += "\nconfig zone\n\toption name 'wan'\n\tlist network 'wan'\n\tlist network 'wan6'\n"
    text += "\toption input 'REJECT'\n\toption output 'ACCEPT'\n\toption forward 'DROP'\n"
    text += "\toption masq '1'\n\toption mtu_fix '1'\n\toption device 'eth0'\n"
    text += "\nconfig forwarding\n\toption src 'lan'\n\toption dest 'wan'\n"
    if options.rule:
        text += (
            "\nconfig rule\n\toption name 'SIP'\n\toption src 'lan'\n\toption proto 'udp'\n"
            "\toption dest_port '5060'\n\toption target 'HELPER'\n\toption set_helper 'sip'\n"
        )
    return text + "\n"
