"""What a router was given when it was set up: its first configuration, and its words about itself."""

from __future__ import annotations

from sipalg_fix.lab.twins.cisco_ios.config import Block, Config, parse
from sipalg_fix.lab.twins.cisco_ios.options import UNSAVED, Options

MOTD = "\r\nAuthorised use only\r\n\r\n"
CONFUSING = "#### authorised staff only ####\nnotice to all users >\nmaintenance# see ticket 4711 #\n"
"""Lines that end like prompts, for the switch ``hash_banner``."""

WAN, LAN, REGISTRAR = "203.0.113.2", "192.168.10", "198.51.100.9"

FIRST = """version {release}
service timestamps debug datetime msec
service timestamps log datetime msec
no service password-encryption
hostname {host}
boot-start-marker
boot-end-marker
no aaa new-model
ip cef
interface GigabitEthernet0/0
 description Internet
 ip address 203.0.113.2 255.255.255.252
 duplex auto
 speed auto
interface GigabitEthernet0/1
 description Office
 ip address 192.168.10.1 255.255.255.0
 duplex auto
 speed auto
ip forward-protocol nd
no ip http server
no ip http secure-server
ip route 0.0.0.0 0.0.0.0 203.0.113.1
access-list 10 permit 192.168.10.0 0.0.0.255
line con 0
line aux 0
line vty 0 4
 login local
 transport input ssh
"""

FIREWALLS = {
    "": "",
    "cbac": "ip inspect name FW tcp\nip inspect name FW sip\n",
    "zones": """class-map type inspect match-any ALLOWED
 match protocol sip
 match protocol tcp
policy-map type inspect OUT
 class type inspect ALLOWED
  inspect
 class class-default
  drop
zone security LAN
zone security WAN
zone-pair security LAN-WAN source LAN destination WAN
 service-policy type inspect OUT
""",
}


def first_configuration(options: Options, host: str, users: dict[str, str], *, on: bool) -> Config:
    """As somebody left it; ``on`` says whether the SIP ALG acts. ``users`` maps names to levels."""
    config = parse(FIRST.format(release=".".join(options.version.split(".")[:2]), host=host))
    for block in parse(FIREWALLS[options.inspect]).blocks:
        config.block(block.head).below[:] = block.below
    outside, inside = (config.block(f"interface GigabitEthernet0/{n}") for n in (0, 1))
    if options.nat:
        config.block("ip nat inside source list 10 interface GigabitEthernet0/0 overload")
        outside.below.insert(2, " ip nat outside")
        inside.below.insert(2, " ip nat inside")
    if options.inspect == "cbac":
        outside.below.insert(3, " ip inspect FW out")
    if options.inspect == "zones":
        outside.below.append(" zone-member security WAN")
        inside.below.append(" zone-member security LAN")
    if options.archive:
        config.block("archive").below[:] = [" path flash:archive"]
    if options.enable:
        config.block("enable secret 5 $1$lab$nohashofthesecret0000")
    for name, level in users.items():
        config.block(f"username {name} privilege {level} secret 5 $1$lab$nohashof{name}")
    _sip(options, config, on)
    return config


def _sip(options: Options, config: Config, on: bool) -> None:
    off = {options.only_off} if options.only_off else set() if on else {"udp", "tcp"}
    if not options.knows_tcp:
        off.discard("tcp")
    for transport in sorted(off):
        config.block(f"no ip nat service sip {transport} port 5060")
    for port in options.ports:
        config.block(f"ip nat service sip udp port {port}")


def with_edit(options: Options, config: Config) -> Config:
    """The same after somebody's unsaved edit."""
    if options.unsaved:
        config.block(UNSAVED if options.unsaved is True else options.unsaved)
    return config


def minimal(host: str) -> Config:
    """What runs where nothing was saved."""
    return Config(
        [Block("version 15.1"), Block(f"hostname {host}"), Block("line con 0"), Block("line vty 0 4")]
    )


OLD = "Cisco IOS Software, 2800 Software (C2800NM-ADVENTERPRISEK9-M), Version {v}, RELEASE SOFTWARE (fc1)\n"
CLASSIC = "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version {v}, RELEASE SOFTWARE (fc1)\n"
XE = (
    "Cisco IOS XE Software, Version {v}\n"
    "Cisco IOS Software [Fuji], ISR Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version {v}, "
    "RELEASE SOFTWARE (fc2)\n"
)
HARDWARE = {
    OLD: "Cisco 2811 (revision 53.51) with 249856K/12288K bytes of memory.",
    CLASSIC: "Cisco CISCO2911/K9 (revision 1.0) with 479232K/45056K bytes of memory.",
    XE: "cisco ISR4331/K9 (1RU) processor with 1795999K/6147K bytes of memory.",
}


def show_version(options: Options, host: str, uptime: str, restarted: str) -> str:
    """The words of ``show version``."""
    head = XE if options.xe else OLD if options.version.startswith("12.") else CLASSIC
    return f"""{head.format(v=options.version)}Technical Support: http://www.cisco.com/techsupport
Copyright (c) 1986-2018 by Cisco Systems, Inc.
Compiled Wed 22-Aug-18 21:34 by prod_rel_team

ROM: IOS-XE ROMMON

{host} uptime is {uptime}
System returned to ROM by reload
System restarted at {restarted}
System image file is "bootflash:router.bin"
Last reload reason: Reload Command

{HARDWARE[head]}
Processor board ID FDO21520TGX
3 Gigabit Ethernet interfaces
32768K bytes of non-volatile configuration memory.

Configuration register is 0x2102

"""
