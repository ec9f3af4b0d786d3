"""RouterOS by its API. Rows are JSON, one a line, as the transport writes them; truth is true and false."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import json_rows
from sipalg_fix.drivers.mikrotik_routeros.wording import (
    DENIED,
    GUARD_NAME,
    OF_STREAMS,
    TAKES_BACK,
    Rows,
    Wording,
)
from sipalg_fix.model.session import Command, RouterosApi
from sipalg_fix.model.step import Find, Step, Tell

ACCESS, PORTS, ENTRIES = "api", "/ip/firewall/service-port", "/system/scheduler"
ID = r'.*"\.id":\s*"(?P<id>\*[0-9A-Fa-f]+)"'
REFUSALS = (DENIED, "failure:")
TAG, UDP = "streams", f"print =.proplist={OF_STREAMS} ?protocol=udp ?assured=true"
"""Whatever answers a sentence with a tag bears it; the transport shows that of the end."""


def command(text: str, seconds: float = 30.0) -> Command:
    """A sentence."""
    return Command(access=ACCESS, text=text, seconds=seconds)


def tell(text: str) -> Tell:
    """A sentence that changes something."""
    return Tell(command=command(text), refusals=REFUSALS)


HELPER = command(f"{PORTS}/print ?name=sip")
GUARD = command(f"{ENTRIES}/print ?name={GUARD_NAME}")
FLOWS = command("/ip/firewall/connection/print =.proplist=.id,dst-address,dst-port", seconds=120)


def rows(asked: Command, said: str) -> Rows:
    """One item a line."""
    del asked
    return json_rows(said) or ()


def count(said: str) -> int | None:
    """What ``=count-only=`` came to."""
    (row, *more) = json_rows(said) or ({},)
    counted = str(row.get("ret", ""))
    return int(counted) if not more and re.fullmatch(r"\d+", counted) else None


def whole(said: str) -> Rows | None:
    """One item a line; at last the tag, alone."""
    found = json_rows(said)
    return found[:-1] if found and found[-1] == {".tag": TAG} else None


def switch(disabled: str) -> Step:
    """Ids are looked up when they are needed; row numbers are of one session only (manual)."""
    return Find(read=HELPER, pick=f"^{ID}", then=tell(f"{PORTS}/set =.id=<id> =disabled={disabled}"))


def flush(ports: tuple[int, ...]) -> Step:
    """A connection may end by itself while others are dropped. Newer versions list ports apart."""
    gone = Tell(
        command=command("/ip/firewall/connection/remove =.id=<id>"),
        refusals=(DENIED,),
        tolerates=("no such item",),
    )
    pick = rf'^(?=.*"dst-(?:address":\s*"[^":\n]*:|port":\s*")(?:{"|".join(map(str, ports))})"){ID}'
    return Find(read=FLOWS, pick=pick, then=gone, least=0, most=100_000)


def arm(minutes: int) -> tuple[Step, ...]:
    """The router shows an entry that has not run; then a word is set on it."""
    add = f'{ENTRIES}/add =name={GUARD_NAME} =interval={minutes}m =policy=read,write =on-event="{TAKES_BACK}"'
    waiting = rf'^(?=.*"run-count":\s*"0"){ID}'
    return tell(add), Find(read=GUARD, pick=waiting, then=tell(f"{ENTRIES}/set =.id=<id> =comment=armed"))


API = Wording(
    name=ACCESS,
    policy="api",
    access=RouterosApi(),
    resource=command("/system/resource/print"),
    helper=HELPER,
    # A count is one row even when it is nought; rows that are not there would prove nothing.
    connections=command("/ip/firewall/connection/print =count-only= ?connection-type=sip"),
    media=command("/ip/firewall/connection/print =count-only= ?expected=true ?protocol=udp"),
    tracking=command("/ip/firewall/connection/tracking/print"),
    udp=(
        command(f"/ip/firewall/connection/{UDP} .tag={TAG}", seconds=120),
        command(f"/ipv6/firewall/connection/{UDP} .tag={TAG}", seconds=120),
    ),
    whole=whole,
    acs=command("/tr069-client/print"),
    guards=command(f"{ENTRIES}/print =count-only= ?name={GUARD_NAME}"),
    backup=command(f"{PORTS}/print"),
    rows=rows,
    count=count,
    switch=switch,
    flush=flush,
    arm=arm,
    disarm=Find(read=GUARD, pick=f"^{ID}", then=tell(f"{ENTRIES}/remove =.id=<id>")),
    reboot=Tell(command=command("/system/reboot"), refusals=(DENIED,), cuts=True),
)
