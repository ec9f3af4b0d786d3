"""
pfSense: the SIP proxy of the package siproxd; pfSense itself has no SIP ALG and no switch for one.

What it is asked: :mod:`.probes`. How it is read: :mod:`.read`. What is done about it: :mod:`.change`.

By SSH, or where an inventory says so by the REST package (:mod:`.rest`): the same lines for the same shell.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sipalg_fix.drivers._elsewhere import over
from sipalg_fix.drivers._family import BY_SH
from sipalg_fix.drivers._pf_states import live_streams
from sipalg_fix.drivers._siproxd import live_calls
from sipalg_fix.drivers.pfsense.change import REBOOT, flush, remedy
from sipalg_fix.drivers.pfsense.guard import GUARD
from sipalg_fix.drivers.pfsense.hallmarks import HALLMARKS
from sipalg_fix.drivers.pfsense.probes import ACCESS, BACKUP, BOOT, CALLS, PROBES, STREAMS
from sipalg_fix.drivers.pfsense.read import boot_mark, parse
from sipalg_fix.drivers.pfsense.rest import ACCOUNT as BY_REST
from sipalg_fix.drivers.pfsense.rest import NAME, REST, UNVERIFIED
from sipalg_fix.model.driver import Driver, Support

SECRET = (
    r"(?:[\w-]*password[\w-]*|[\w-]*passwd[\w-]*|[\w-]*secret[\w-]*|[\w-]*psk[\w-]*|[\w-]*bindpw[\w-]*|pass|"
    r"passphrase|pre-?shared-?key|prv|priv(?:ate)?_?key|shared_?key|tls|key|[\w-]*hash|authorizedkeys|token|"
    r"apikey|community|rocommunity|rwcommunity|trapstring)"
)


def rebooted(before: str, after: str, seconds: float) -> bool:
    """A later moment of boot; the few seconds by which a clock that is set moves it are none."""
    del seconds
    was, now = (re.fullmatch(r"booted (\d+)", mark) for mark in (before, after))
    return was is not None and now is not None and int(now[1]) > int(was[1]) + 5


ACCOUNT = (
    "# admin by a key, for both: the configuration and pf's rules are shown to nobody else",
    "# in System > Advanced > Admin Access: Enable Secure Shell, SSHd Key Only: Public Key Only",
    "# in System > User Manager > admin > Authorized SSH Keys: <public key>",
    *BY_REST,
)
BY_SSH = Driver(
    platform="pfsense",
    title="pfSense",
    aliases=("pfsense_ssh", "pfsensible.core", "netgate_pfsense"),
    accesses={ACCESS: BY_SH},
    probes=PROBES,
    parse=parse,
    remedy=remedy,
    flush=flush,
    reboot=REBOOT,
    boot_probes=(BOOT,),
    boot_mark=boot_mark,
    rebooted=rebooted,
    guard=GUARD,
    backup=(BACKUP,),
    calls=(CALLS,),
    live_calls=lambda seen: live_calls(seen, CALLS),
    streams=(STREAMS,),
    live_streams=lambda seen: live_streams(seen, STREAMS),
    secrets=(re.compile(rf"<({SECRET})>(?P<secret>[^<]+)</", re.IGNORECASE),),
    support=Support(
        versions=("2.4.5 to 2.8 (CE) and Plus, with the package siproxd", "by REST: pfSense-pkg-RESTAPI 2"),
        unverified=(
            "the redirect as pf prints it: known from the package's source and from pfctl's",
            "states that siproxd makes, as pfctl lists them",
            "siproxd's sockets, by which calls are seen: known from its source and from sockstat's",
            "streams that may be calls: pf's states and timeouts are known from pfctl's source; a rule with "
            "a shorter timeout of its own for UDP hides its streams",
            "CARP's states and the history of a real pair: known from ifconfig(8) and pfSense's source",
            "that an upgrade of pfSense keeps the package disabled: its settings are kept with config.xml",
            *UNVERIFIED,
        ),
        account={"audit": ACCOUNT, "change": ACCOUNT},
    ),
    hallmarks=HALLMARKS,
)
DRIVER = replace(
    BY_SSH,
    accesses={ACCESS: BY_SH, NAME: REST},
    instead={NAME: over(BY_SSH, NAME, REST)},
)
