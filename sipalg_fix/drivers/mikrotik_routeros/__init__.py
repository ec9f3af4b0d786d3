"""
MikroTik RouterOS: the connection tracking helper ``sip`` of ``/ip firewall service-port``.

On by default in 6 and 7: compact exports, which print what is not the default, hold only ``set sip
disabled=yes``. What is read and how: :mod:`.read`. What is done about it: :mod:`.change`; what takes
it back when nobody confirms: :mod:`.guard`.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import went_back
from sipalg_fix.drivers.mikrotik_routeros.change import REBOOT, flush, remedy
from sipalg_fix.drivers.mikrotik_routeros.guard import GUARD
from sipalg_fix.drivers.mikrotik_routeros.read import ACCESS, PORTS, PROBES, RESOURCE, boot_mark, parse
from sipalg_fix.model.driver import Driver, Support
from sipalg_fix.model.session import Command, RouterosApi

DRIVER = Driver(
    platform="mikrotik_routeros",
    title="MikroTik RouterOS",
    aliases=("routeros", "mikrotik", "ros", "community.routeros.routeros", "community.routeros"),
    accesses={ACCESS: RouterosApi()},
    probes=PROBES,
    parse=parse,
    remedy=remedy,
    flush=flush,
    reboot=REBOOT,
    boot_probes=(RESOURCE,),
    boot_mark=boot_mark,
    rebooted=went_back,
    guard=GUARD,
    backup=(Command(access=ACCESS, text=f"{PORTS}/print"),),
    secrets=(re.compile(r'"[^"]*(?:password|secret|passphrase|key)[^"]*":\s*"(?P<secret>(?:[^"\\]|\\.)+)"'),),
    support=Support(
        versions=("6.40 to 7, by the API",),
        unverified=(
            "the row of a helper that is disabled, as the API gives it",
            "that a scheduler entry first runs one interval after it was added, and may remove itself",
            "a clock that is set while the entry waits moves the moment at which it runs",
            "that connection-type is sip for as long as the helper works on a connection",
        ),
        account={
            "audit": (
                "/user group add name=sipalg-audit policy=read,api",
                "/user add name=sipalg-audit group=sipalg-audit address=<address> password=<password>",
            ),
            "change": (
                "/user group add name=sipalg policy=read,write,reboot,api",
                "/user add name=sipalg group=sipalg address=<address> password=<password>",
            ),
        },
    ),
)
