"""
Cisco IOS: what it is asked, and the words to look for in its answers.

The NAT SIP ALG is on for UDP and TCP port 5060 unless the configuration says ``no ip nat service sip
udp port 5060`` and the same for TCP; being the default, "on" stands in no configuration. It acts only
where interfaces are ``ip nat inside`` or ``outside`` (Cisco IOS IP Addressing Services Command Reference;
the condition of Cisco's own advisories on NAT for SIP).
"""

from __future__ import annotations

import re

from sipalg_fix.model.session import Command, Transcript

ACCESS = "cli"
VERSION = Command(access=ACCESS, text="show version")
PRIVILEGE = Command(access=ACCESS, text="show privilege")
# A large configuration takes a small router a minute to write down.
RUNNING = Command(access=ACCESS, text="show running-config", seconds=120)
STARTUP = Command(access=ACCESS, text="show startup-config", seconds=120)
# The router compares before we redact, so that a changed password is seen here and nowhere else.
DIFFERENCES = Command(
    access=ACCESS,
    text="show archive config differences nvram:startup-config system:running-config",
    seconds=120,
)
TIMER = Command(access=ACCESS, text="show archive config rollback timer")
COUNTERS = Command(
    access=ACCESS, text="show platform hardware qfp active feature alg statistics sip", seconds=60
)
TRANSLATIONS = Command(access=ACCESS, text="show ip nat translations", seconds=120)
STATISTICS = Command(access=ACCESS, text="show ip nat statistics")
PROBES = (VERSION, PRIVILEGE, RUNNING, STARTUP, DIFFERENCES, TIMER)

TRANSPORTS = ("udp", "tcp")
ANY_SIP = re.compile(r"(?:no )?ip nat service sip(?: .*)?")
SIP = re.compile(r"(?P<no>no )?ip nat service sip (?P<transport>udp|tcp) port (?P<port>\d+)")
PORT = "5060"

XE = re.compile(r"^Cisco IOS Software,? .*IOS-XE|^Cisco IOS[ -]XE Software", re.MULTILINE)
"""IOS-XE 3 says it in the first line's list of names, later ones in a line of their own."""
RELEASE = (
    r"^Cisco IOS XE Software, Version (\S+)",
    r"^(?:Cisco IOS Software|IOS \(tm\)).*?Version ([^\s,]+)",
)
ENDED = r"^Configuration register is 0x"
"""The last line of every ``show version``."""
MODEL = re.compile(r"^[Cc]isco (\S+) \([^)]*\) (?:processor|with) ", re.MULTILINE)
OTHERS = ("IOS XR", "Nexus Operating System", "NX-OS", "Adaptive Security Appliance")
"""Cisco's other systems, where the same words mean other things."""

UNKNOWN_LINE = re.compile(r"^% Invalid input detected", re.MULTILINE)
NO_TIMER = "No Rollback Confirmed Change pending"
ARCHIVE, NO_TCP = "archive path", "no line for TCP"
"""Notes: the revert timer can be used; this train has no TCP line, as far as its manuals say."""


def is_xe(seen: Transcript) -> bool:
    """Does ``show version`` say IOS-XE? Its forwarding processor counts what its SIP ALG holds."""
    reply = seen.get(VERSION)
    return reply is not None and reply.ok and XE.search(reply.text) is not None


def more_probes(seen: Transcript) -> tuple[Command, ...]:
    """IOS-XE is asked for the ALG's counters; IOS has none."""
    return (COUNTERS,) if is_xe(seen) else ()
