"""
MikroTik RouterOS: the connection tracking helper ``sip`` of ``/ip firewall service-port``.

On by default in 6 and 7: compact exports, which print what is not the default, hold only ``set sip
disabled=yes``. What is read and how: :mod:`.read`. What is done about it: :mod:`.change`; what takes
it back when nobody confirms: :mod:`.guard`. By its API, or where an inventory says so by SSH or REST,
each in its own words (:mod:`.wording`): one is enough, and all of them give the same facts.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from sipalg_fix.drivers._family import went_back
from sipalg_fix.drivers.mikrotik_routeros.api import API
from sipalg_fix.drivers.mikrotik_routeros.change import flush, remedy
from sipalg_fix.drivers.mikrotik_routeros.cli import CLI
from sipalg_fix.drivers.mikrotik_routeros.guard import guard
from sipalg_fix.drivers.mikrotik_routeros.hallmarks import HALLMARKS
from sipalg_fix.drivers.mikrotik_routeros.read import boot_mark, live_calls, parse, probes
from sipalg_fix.drivers.mikrotik_routeros.rest import REST
from sipalg_fix.drivers.mikrotik_routeros.streams import live_streams
from sipalg_fix.drivers.mikrotik_routeros.wording import Wording
from sipalg_fix.model.driver import Driver, Support

SECRET = '[^\\s":=]*(?:password|secret|passphrase|key)[^\\s":=]*'
SECRETS = (
    re.compile(rf'"{SECRET}":\s*"(?P<secret>(?:[^"\\]|\\.)+)"'),
    re.compile(rf"^\s*{SECRET}: *(?P<secret>\S.*)$", re.MULTILINE),
    re.compile(rf'(?<!\S){SECRET}=(?P<secret>"(?:[^"\\]|\\.)+"|[^\s"]+)'),
)
"""As API and REST give them, then a menu of the command line, then its items."""


def account(by: Wording, name: str, policies: str) -> tuple[str, ...]:
    """A group with just these policies and the one that lets it in, and a user in it."""
    return (
        "# policies of the accesses: api for the API, ssh for the command line, rest-api for REST",
        f"/user group add name={name} policy={policies},{by.policy}",
        f"/user add name={name} group={name} address=<address> password=<password>",
    )


SUPPORT = Support(
    versions=("6.40 to 7, by the API or by SSH", "7.1 and later by REST"),
    unverified=(
        "the row of a helper that is disabled, as the API and REST give it",
        "that a scheduler entry first runs one interval after it was added, and may remove itself",
        "a clock that is set while the entry waits moves the moment at which it runs",
        "that connection-type is sip for as long as the helper works on a connection",
        "that the media of a call are listed as expected, as Linux has it; what a packet to a port that a "
        "REGISTER named has opened is listed so, too, and counts as a call",
        "streams that may be calls: the lists of connections are known from the manual and from prints, "
        "with ports beside addresses or apart; so are a query for assured=true and a sentence's tag",
        "calls that connection tracking passes by are not among the streams: bridged, switched or routed in "
        "hardware, exempt by a raw rule, and over IPv6 where nothing has it tracked",
        "by SSH, that a flush finds connections where ports are listed apart; those that stay are told of",
        "legends of print in which flags have other words than disabled and invalid: read as unknown",
        "the exit status of a refused line: any word that a change is answered with is a refusal",
    ),
)


def by_access(by: Wording) -> Driver:
    """The driver of a router that is talked to by this access."""
    return Driver(
        platform="mikrotik_routeros",
        title="MikroTik RouterOS",
        aliases=("routeros", "mikrotik", "ros", "community.routeros.routeros", "community.routeros"),
        accesses={by.name: by.access},
        probes=probes(by),
        parse=partial(parse, by),
        remedy=partial(remedy, by),
        flush=partial(flush, by),
        reboot=(by.reboot,),
        boot_probes=(by.resource,),
        boot_mark=partial(boot_mark, by),
        rebooted=went_back,
        guard=guard(by),
        backup=(by.backup,),
        calls=(by.media,),
        live_calls=partial(live_calls, by),
        streams=(by.tracking, *by.udp),
        live_streams=partial(live_streams, by),
        secrets=SECRETS,
        support=replace(
            SUPPORT,
            account={
                "audit": account(by, "sipalg-audit", "read"),
                "change": account(by, "sipalg", "read,write,reboot"),
            },
        ),
    )


WORDINGS = (API, CLI, REST)
"""The main access first."""
DRIVER = replace(
    by_access(API),
    accesses={by.name: by.access for by in WORDINGS},
    instead={by.name: by_access(by) for by in WORDINGS[1:]},
    hallmarks=HALLMARKS,
)
