"""
How a virtual Linux router may begin: which kernel, and in which state somebody left it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sipalg_fix.lab.twin import User

HOW = ("nft", "iptables", "automatic")
LOADED = ("both", "conntrack", "none")
SUDO = ("none", "password", "free")
DEBIAN = "6.1.0-56-cloud-amd64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    The options as one writes them in Python or in ``lab.yaml``.

    ``running`` and ``startup`` say whether rules for the SIP helper are in force, and in the file that
    the next boot loads (``startup`` is as ``running`` unless given); ``how`` is what makes them: a
    nftables rule, an iptables rule, or the switch nf_conntrack_helper of kernels before 6.0. ``ports``
    are those of the rules. ``release`` is the kernel's, ``builtin`` says that the helper is no module of
    its own, ``loaded`` which modules are loaded at boot: both, conntrack, none. ``enabled`` is whether
    the service that loads the file runs at boot. ``phones`` counts SIP phones behind the router.
    ``sudo`` is what a user other than root gets: none (there is no such program), password, free.
    """

    running: bool = True
    startup: bool | None = None
    how: str = "nft"
    ports: tuple[int, ...] | list[int] = (5060,)
    release: str = DEBIAN
    builtin: bool = False
    loaded: str = "both"
    enabled: bool = True
    phones: int = 2
    sudo: str = "none"

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("how", self.how, HOW),
            ("loaded", self.loaded, LOADED),
            ("sudo", self.sudo, SUDO),
        ):
            if value not in choices:
                raise ValueError(f"option {name!r} is {value!r}, and can be {', '.join(choices)}")
        if self.how == "automatic" and int(self.release.partition(".")[0]) >= 6:
            raise ValueError("option 'how' is 'automatic', which kernels from 6.0 on do not have")

    @property
    def stored(self) -> bool:
        """Is it on in what the next boot loads?"""
        return self.running if self.startup is None else self.startup


def read_options(given: Mapping[str, Any]) -> Options:
    """Check plain options; raises :class:`ValueError` that names the first one that is wrong."""
    known = {each.name for each in fields(Options)}
    for name in given:
        if name not in known:
            raise ValueError(
                f"unknown option {name!r} for a Linux twin; known are {', '.join(sorted(known))}"
            )
    return Options(**given)


def accounts(given: Mapping[str, Any] | None) -> dict[str, User]:
    """Users by name, from values that are already users or plain mappings. Level admin is user id 0."""
    if given is None:
        return {"root": User(password="root"), "user": User(password="user", level="user")}
    return {name: user if isinstance(user, User) else User(**user) for name, user in given.items()}


NAT = """\
table ip nat {
	chain post {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "eth0" masquerade
	}
}
"""


def nft_file(options: Options, *, on: bool) -> str:
    """/etc/nftables.conf: NAT, a firewall, and the helper in a table of its own."""
    text = "#!/usr/sbin/nft -f\n\nflush ruleset\n\n" + NAT
    text += (
        "table ip firewall {\n\tchain input {\n"
        "\t\ttype filter hook input priority filter; policy accept;\n"
        '\t\tiifname "eth0" ct state established,related accept\n'
        '\t\tiifname "eth0" drop\n\t}\n}\n'
    )
    if not on or options.how != "nft":
        return text
    text += "table ip alg {\n"
    for protocol in ("udp", "tcp"):
        text += f'\tct helper sip-{protocol} {{\n\t\ttype "sip" protocol {protocol}\n\t\tl3proto ip\n\t}}\n\n'
    text += "\tchain pre {\n\t\ttype filter hook prerouting priority filter; policy accept;\n"
    ports = ", ".join(map(str, options.ports))
    ports = ports if len(options.ports) == 1 else f"{{ {ports} }}"
    for protocol in ("udp", "tcp"):
        text += f'\t\t{protocol} dport {ports} ct helper set "sip-{protocol}"\n'
    return text + "\t}\n}\n"


def iptables_file(options: Options, *, on: bool) -> str:
    """/etc/iptables/rules.v4; empty where iptables is not what makes the rules."""
    if options.how != "iptables":
        return ""
    text = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    if on:
        for port in options.ports:
            text += f"-A PREROUTING -p udp -m udp --dport {port} -j CT --helper sip\n"
    return text + "COMMIT\n"
