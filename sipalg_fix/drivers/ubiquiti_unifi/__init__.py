"""
Ubiquiti UniFi gateways (USG, and those of UniFi OS: UDM, UDR, UXG, UCG), by the API of their controller.

A host is one site's gateway. What is asked: :mod:`.probes`. How it is read: :mod:`.read` and
:mod:`.gateway`. What is done about it: :mod:`.change`. Here: how a controller is logged in to.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import BY_SH
from sipalg_fix.drivers.ubiquiti_unifi.change import REBOOT, remedy
from sipalg_fix.drivers.ubiquiti_unifi.gateway import boot_mark, rebooted
from sipalg_fix.drivers.ubiquiti_unifi.hallmarks import HALLMARKS
from sipalg_fix.drivers.ubiquiti_unifi.passing import CALLS_ASKED, STREAMS_ASKED, calls, streams
from sipalg_fix.drivers.ubiquiti_unifi.probes import (
    ADDRESSES,
    API,
    BOOT,
    DEVICES,
    PROBES,
    SETTING,
    SSH,
)
from sipalg_fix.drivers.ubiquiti_unifi.read import parse
from sipalg_fix.model.driver import Driver, Support
from sipalg_fix.model.session import Edition, FormLogin, HttpsJson, KeyHeader

BODY = '{"username":"<username>","password":"<password>"}'
TURNED_AWAY = r'^401 (?!.*"api\.err\.(?!LoginRequired"))|"api\.err\.LoginRequired"'
"""A 401 is also given for a site that does not exist; then it says so (``api.err.NoSiteContext``)."""
EDITIONS = (
    Edition(
        name="classic",
        login=FormLogin(path="/api/login", body=BODY),
        shown_by=r"^30[1278] \S*/manage",
        turned_away=TURNED_AWAY,
    ),
    Edition(
        name="unifi_os",
        login=FormLogin(path="/api/auth/login", body=BODY, csrf_header="X-Csrf-Token"),
        prefix="/proxy/network",
        shown_by=r"^200 ",
        turned_away=TURNED_AWAY,
    ),
    # Newer consoles answer GET / in another way, and a key needs no login: it is never found out by that.
    Edition(
        name="api_key",
        login=KeyHeader(header="X-API-KEY"),
        prefix="/proxy/network",
        turned_away=TURNED_AWAY,
    ),
)
"""How a controller shows which it is, its logins and its paths: go-unifi, Art-of-WiFi UniFi-API-client."""

WORDS = r"\w*(?:passw|passphrase|secret|psk|private_?key|authkey|api_?key|token)\w*"
SECRETS = (
    re.compile(rf'"(?:x_\w+|{WORDS})"\s*:\s*"(?P<secret>(?:[^"\\]|\\.)+)"', re.IGNORECASE),
    re.compile(rf'"(?:x_\w+|{WORDS})"\s*:\s*\["(?P<secret>[^\]]+)"\]', re.IGNORECASE),
)


def account(role: str) -> tuple[str, ...]:
    """How a person makes an administrator of the controller."""
    return (
        "# in Settings > Admins & Users: add an admin with local access only, so without two-factor login",
        f"# role {role} for the Network application, at the sites in question",
        "# or an API key of such an account, where the console gives out keys",
        "# the access ssh is the site's own user for devices (Settings > System > Device SSH), who is root",
    )


DRIVER = Driver(
    platform="ubiquiti_unifi",
    title="Ubiquiti UniFi gateway (USG, UniFi OS), by its controller",
    aliases=("unifi", "unifi_network", "unifi_usg", "unifi_os", "ubiquiti_usg"),
    accesses={
        API: HttpsJson(login=EDITIONS, site="default"),
        SSH: BY_SH,
    },
    probes=PROBES,
    parse=parse,
    remedy=remedy,
    reboot=REBOOT,
    boot_probes=(DEVICES, ADDRESSES, BOOT),
    boot_mark=boot_mark,
    rebooted=rebooted,
    backup=(SETTING,),
    calls=CALLS_ASKED,
    live_calls=calls,
    streams=STREAMS_ASKED,
    live_streams=streams,
    secrets=SECRETS,
    support=Support(
        versions=("Network application 5 to 9, by the field lists and clients published for them",),
        unverified=(
            "the answer to a change of the setting, and how long provisioning takes",
            "which modules a gateway has before and after: each look shows it, where there is SSH",
            "that a gateway names its own MAC address in /sys/class/net or in system.info",
            "the short names of gateways that came after UDM, UDR, UDW, UXG, UCG and EFG",
            "that gateways have the command conntrack: without it, calls are not shown",
            "whether config.gateway.json of a USG says otherwise: it wins over the setting",
        ),
        account={"audit": account("View Only"), "change": account("Site Admin")},
    ),
    hallmarks=HALLMARKS,
)
