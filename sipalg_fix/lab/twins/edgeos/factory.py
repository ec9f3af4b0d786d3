"""
What an EdgeRouter is when it leaves the shelf: its models, versions, banners and first configuration.

Version lines and the footer of ``config.boot`` are those of published EdgeOS 2.x configurations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sipalg_fix.lab.twins.edgeos.tree import Tree, parse, put

PRE_LOGIN = """
Welcome to EdgeOS

By logging in, accessing, or using the Ubiquiti product, you
acknowledge that you have read and understood the Ubiquiti
License Agreement and agree to be bound by its terms.

"""

CONFUSING = "#### authorised staff only ####\nnotice to all users >\nroot@maintenance# see ticket 4711 #\n"
"""Lines that end like prompts, for the switch ``hash_banner``."""

FOOTER = """

/* Warning: Do not remove the following line. */
/* === vyatta-config-version: "config-management@1:conntrack@1:cron@1:dhcp-relay@1:dhcp-server@4:\
firewall@5:ipsec@5:nat@3:qos@1:quagga@2:suspend@1:system@5:ubnt-l2tp@1:ubnt-pptp@1:\
ubnt-udapi-server@1:ubnt-unms@2:ubnt-util@1:vrrp@1:vyatta-netflow@1:webgui@1:webproxy@1:\
zone-policy@1" === */
/* Release version: {release} */
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A hardware model: what ``show version`` and ``uname -a`` say of it."""

    hw_model: str
    machine: str
    kernel: str
    built: str
    serial: str


MODELS = {
    "ER-4": Model(
        hw_model="EdgeRouter 4",
        machine="mips64",
        kernel="4.9.79-UBNT",
        built="#1 SMP Thu Jun 15 11:34:36 UTC 2023",
        serial="788A20A1B2C3",
    ),
    "ER-6P": Model(
        hw_model="EdgeRouter 6P",
        machine="mips64",
        kernel="4.9.79-UBNT",
        built="#1 SMP Thu Jun 15 11:34:36 UTC 2023",
        serial="788A20D4E5F6",
    ),
    "ER-X": Model(
        hw_model="EdgeRouter X 5-Port",
        machine="mips",
        kernel="4.14.54-UBNT",
        built="#1 SMP Thu Jun 15 11:20:12 UTC 2023",
        serial="18E829102030",
    ),
}

BUILDS = {
    "v2.0.9-hotfix.7": ("5622762", "06/15/23 11:31", "2012-2023"),
    "v2.0.9-hotfix.2": ("5402463", "05/11/21 13:17", "2012-2020"),
    "v2.0.6": ("5208554", "07/08/19 06:11", "2012-2018"),
    "v1.10.11": ("5274269", "02/21/20 12:44", "2012-2020"),
}
"""Version: build id, build time and the years of the copyright line."""


def model(name: str, version: str) -> Model:
    """A model with the kernel that its firmware brings: 1.x has an older one."""
    found = MODELS[name]
    if version.startswith("v1."):
        return replace(found, kernel="3.10.107-UBNT", built="#1 SMP Fri Feb 21 12:21:36 UTC 2020")
    return found


def release(version: str) -> str:
    """The release as the footer of ``config.boot`` has it: version, build id, date and time."""
    build, when, _ = BUILDS.get(version, ("5000000", "01/01/23 00:00", ""))
    month, day, year, clock = when[0:2], when[3:5], when[6:8], when[9:].replace(":", "")
    return f"{version}.{build}.{year}{month}{day}.{clock}"


def boot_file(text: str, version: str) -> str:
    """A configuration in brace form with the footer without which the device takes it for a foreign file."""
    return text + FOOTER.format(release=release(version))


FIRST = """
firewall {
    all-ping enable
    broadcast-ping disable
    ipv6-receive-redirects disable
    ipv6-src-route disable
    ip-src-route disable
    log-martians enable
    name WAN_IN {
        default-action drop
        description "WAN to internal"
        rule 10 {
            action accept
            description "Allow established/related"
            state {
                established enable
                related enable
            }
        }
        rule 20 {
            action drop
            description "Drop invalid state"
            state {
                invalid enable
            }
        }
    }
    name WAN_LOCAL {
        default-action drop
        description "WAN to router"
        rule 10 {
            action accept
            description "Allow established/related"
            state {
                established enable
                related enable
            }
        }
    }
    receive-redirects disable
    send-redirects enable
    source-validation disable
    syn-cookies enable
}
interfaces {
    ethernet eth0 {
        address dhcp
        description Internet
        duplex auto
        firewall {
            in {
                name WAN_IN
            }
            local {
                name WAN_LOCAL
            }
        }
        speed auto
    }
    ethernet eth1 {
        address 192.168.77.1/24
        description Office
        duplex auto
        speed auto
    }
    ethernet eth2 {
        duplex auto
        speed auto
    }
    loopback lo {
    }
}
service {
    dhcp-server {
        disabled false
        hostfile-update disable
        shared-network-name OFFICE {
            authoritative enable
            subnet 192.168.77.0/24 {
                default-router 192.168.77.1
                dns-server 192.168.77.1
                lease 86400
                start 192.168.77.38 {
                    stop 192.168.77.243
                }
            }
        }
    }
    dns {
        forwarding {
            cache-size 150
            listen-on eth1
        }
    }
    gui {
        http-port 80
        https-port 443
        older-ciphers enable
    }
    nat {
        rule 5010 {
            description "masquerade for WAN"
            outbound-interface eth0
            type masquerade
        }
    }
    ssh {
        port 22
        protocol-version v2
    }
    unms {
    }
}
system {
    conntrack {
        expect-table-size 4096
        hash-size 4096
        table-size 262144
    }
    host-name ubnt
    ntp {
        server 0.ubnt.pool.ntp.org {
        }
        server 1.ubnt.pool.ntp.org {
        }
    }
    syslog {
        global {
            facility all {
                level notice
            }
            facility protocols {
                level debug
            }
        }
    }
    time-zone UTC
}
"""

SIP = ("system", "conntrack", "modules", "sip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sip:
    """What the configuration says below ``system conntrack modules sip``."""

    off: bool = False
    ports: tuple[int, ...] = ()
    indirect_media: bool = False
    indirect_signalling: bool = False
    empty: bool = False
    """An empty ``sip { }``, as deleting ``disable`` leaves it: it means the same as no node."""

    def write(self, tree: Tree) -> None:
        """Put it into a configuration that has no such node."""
        if self.empty:
            put(tree, SIP)
        for port in self.ports:
            put(tree, (*SIP, "port", str(port)))
        for name, wanted in (
            ("disable", self.off),
            ("enable-indirect-media", self.indirect_media),
            ("enable-indirect-signalling", self.indirect_signalling),
        ):
            if wanted:
                put(tree, (*SIP, name))


def first_configuration(host_name: str, users: dict[str, str]) -> Tree:
    """The configuration before anybody touched SIP; ``users`` maps names to levels."""
    tree = parse(FIRST)
    put(tree, ("system", "host-name", host_name))
    for name, level in users.items():
        at = ("system", "login", "user", name)
        put(tree, (*at, "authentication", "encrypted-password", f"$5$lab$not-a-hash-of-{name}"))
        put(tree, (*at, "level", level))
    return tree
