"""
OPNsense: the SIP proxy of the plugin os-siproxd; OPNsense itself has no SIP ALG and no switch for one.

What it is asked: :mod:`.probes`. How it is read: :mod:`.read`. What is done about it: :mod:`.change`. What
takes that back: :mod:`.guard`.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH, went_back
from sipalg_fix.drivers._pf_states import live_streams
from sipalg_fix.drivers._siproxd import live_calls
from sipalg_fix.drivers.opnsense.change import REBOOT, remedy
from sipalg_fix.drivers.opnsense.guard import GUARD
from sipalg_fix.drivers.opnsense.hallmarks import HALLMARKS
from sipalg_fix.drivers.opnsense.pair import with_part
from sipalg_fix.drivers.opnsense.probes import BACKUP, BOOT, CALLS, PROBES, REST, SSH, STREAMS, TIME
from sipalg_fix.drivers.opnsense.read import boot_mark, parse
from sipalg_fix.model.driver import Driver, Support
from sipalg_fix.model.session import Basic, HttpsJson

SECRET = (
    r"(?:\w*password\w*|\w*passwd\w*|\w*secret\w*|\w*psk\w*|\w*bindpw\w*|pre-shared-key|prv|privkey|"
    r"private_?key|shared_?key|tls|key|hash|authorizedkeys|otp_seed|apikeys|token|community|rocommunity)"
)


AUDIT = (
    "page-services-siproxd",
    "page-system-firmware-manualupdate",
    "page-system-login-logout",
    "page-firewall-nat-portforward-edit",
    "page-status-carp",
)
"""
siproxd; version and plugins; uptime; port forwards; CARP. Privileges do not tell reading from writing. The
history, which says whether another node writes here, comes with the whole configuration: see below.
"""
CHANGE = (*AUDIT, "page-diagnostics-configurationhistory", "page-diagnostics-rebootsystem")
"""The backup before a change, which is the whole configuration, and the history; a restart if planned."""


def account(name: str, privileges: tuple[str, ...]) -> tuple[str, ...]:
    """How a person makes a user of the API."""
    return (
        f"# in System > Access > Users: add the user {name}, with a scrambled password and no login shell",
        "# give it these privileges, which do not tell reading from writing, and no group:",
        *(f"# {privilege}" for privilege in privileges),
        "# then API keys > add: the file holds key and secret, the user name and password of the access rest",
        "# the access ssh is for root alone; without it there is no revert timer, and what runs is only",
        "# read by the API",
    )


def rebooted(before: str, after: str, seconds: float) -> bool:
    """Uptimes by :func:`went_back`; moments of boot by a later one (a clock set meanwhile shows as that)."""
    was, now = (re.fullmatch(r"booted (\d+)", mark) for mark in (before, after))
    if was is not None and now is not None:
        return int(now[1]) > int(was[1]) + 5
    return went_back(before, after, seconds)


DRIVER = Driver(
    platform="opnsense",
    title="OPNsense",
    aliases=("oxlorg.opnsense", "ansibleguy.opnsense", "puzzle.opnsense"),
    accesses={
        REST: HttpsJson(login=Basic()),
        SSH: BY_SH,
    },
    probes=PROBES,
    parse=lambda seen: with_part(seen, parse(seen)),
    remedy=remedy,
    reboot=REBOOT,
    boot_probes=(TIME, BOOT),
    boot_mark=boot_mark,
    rebooted=rebooted,
    guard=GUARD,
    backup=(BACKUP,),
    calls=(CALLS,),
    live_calls=lambda seen: live_calls(seen, CALLS),
    streams=(STREAMS,),
    live_streams=lambda seen: live_streams(seen, STREAMS),
    secrets=(
        re.compile(rf"<({SECRET})>(?P<secret>[^<]+)</", re.IGNORECASE),
        re.compile(rf'"{SECRET}":\s*"(?P<secret>(?:[^"\\]|\\.)+)"', re.IGNORECASE),
    ),
    support=Support(
        versions=("24.7 to 26.7, with os-siproxd",),
        unverified=(
            "firmware information and the state of the service on a real box: known from the source",
            "CARP's states and the history of a real pair: known from ifconfig(8) and the source",
            "port forwards to an address of the router other than 127.0.0.1",
            "that no state is left that alters SIP once the proxy is stopped",
            "siproxd's sockets, by which calls are seen: known from its source and from sockstat's",
            "streams that may be calls: pf's states and timeouts are known from pfctl's source; a rule with "
            "a shorter timeout of its own for UDP hides its streams",
            "calls and streams where only the API is configured: not shown",
            "the revert timer on a real box: its lines were run by tcsh, sh and PHP on Linux, with classes "
            "of OPNsense's names",
            "pgrep's words for a process, and its limit of a command line, on FreeBSD",
        ),
        account={"audit": account("sipalg-audit", AUDIT), "change": account("sipalg", CHANGE)},
    ),
    hallmarks=HALLMARKS,
)
