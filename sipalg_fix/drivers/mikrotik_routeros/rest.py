"""RouterOS 7 by REST. Every value is text, truth is "true" and "false"; a list that is empty is whole."""

from __future__ import annotations

import json
from typing import Any

from sipalg_fix.drivers.mikrotik_routeros.wording import (
    DENIED,
    GUARD_NAME,
    OF_STREAMS,
    TAKES_BACK,
    Rows,
    Wording,
)
from sipalg_fix.model.session import Basic, Command, HttpsJson
from sipalg_fix.model.step import Find, Step, Tell

ACCESS, PORTS, ENTRIES = "rest", "/rest/ip/firewall/service-port", "/rest/system/scheduler"
CONNECTIONS = "/rest/ip/firewall/connection"
UDP = f"?protocol=udp&assured=true&.proplist={OF_STREAMS}"
ID = r'[^{}]*"\.id":\s*"(?P<id>\*[0-9A-Fa-f]+)"'


def command(text: str, seconds: float = 30.0) -> Command:
    """A request."""
    return Command(access=ACCESS, text=text, seconds=seconds)


def tell(text: str) -> Tell:
    """A request that changes something."""
    return Tell(command=command(text), refusals=(DENIED,))


HELPER = command(f"GET {PORTS}?name=sip")
GUARD = command(f"GET {ENTRIES}?name={GUARD_NAME}")
FLOWS = command(f"GET {CONNECTIONS}?.proplist=.id,dst-address,dst-port", seconds=120)


def listed(said: str) -> list[dict[str, Any]] | None:
    """The items; a menu without items is one, which early versions put into a list. None: not understood."""
    try:
        value = json.loads(said)
    except ValueError:
        return None
    found = value if isinstance(value, list) else [value]
    return found if all(isinstance(item, dict) for item in found) else None


def rows(asked: Command, said: str) -> Rows:
    """All that are listed."""
    del asked
    return tuple(listed(said) or ())


def whole(said: str) -> Rows | None:
    """All that are listed; a list that is cut is no JSON."""
    found = listed(said)
    return None if found is None else tuple(found)


def count(said: str) -> int | None:
    """How many there are: of each its id must be shown."""
    found = listed(said)
    return len(found) if found is not None and all(item.get(".id") for item in found) else None


def switch(disabled: str) -> Step:
    """Ids are looked up when they are needed."""
    body = json.dumps({"disabled": {"yes": "true", "no": "false"}[disabled]})
    return Find(read=HELPER, pick=rf"\{{{ID}", then=tell(f"PATCH {PORTS}/<id> {body}"))


def flush(ports: tuple[int, ...]) -> Step:
    """A connection may end by itself while others are dropped. Newer versions list ports apart."""
    gone = Tell(
        command=command(f"DELETE {CONNECTIONS}/<id>"), refusals=(DENIED,), tolerates=(r'"error":\s*404\b',)
    )
    pick = rf'\{{(?=[^{{}}]*"dst-(?:address":\s*"[^":]*:|port":\s*")(?:{"|".join(map(str, ports))})"){ID}'
    return Find(read=FLOWS, pick=pick, then=gone, least=0, most=100_000)


def arm(minutes: int) -> tuple[Step, ...]:
    """The router shows an entry that has not run; then a word is set on it."""
    entry = {"name": GUARD_NAME, "interval": f"{minutes}m", "policy": "read,write", "on-event": TAKES_BACK}
    waiting = rf'\{{(?=[^{{}}]*"run-count":\s*"0"){ID}'
    armed = tell(f'PATCH {ENTRIES}/<id> {{"comment": "armed"}}')
    return tell(f"PUT {ENTRIES} {json.dumps(entry)}"), Find(read=GUARD, pick=waiting, then=armed)


REST = Wording(
    name=ACCESS,
    policy="rest-api",
    access=HttpsJson(login=Basic()),
    resource=command("GET /rest/system/resource"),
    helper=HELPER,
    connections=command(f"GET {CONNECTIONS}?connection-type=sip&.proplist=.id"),
    media=command(f"GET {CONNECTIONS}?expected=true&protocol=udp&.proplist=.id"),
    tracking=command(f"GET {CONNECTIONS}/tracking"),
    udp=(
        command(f"GET {CONNECTIONS}{UDP}", seconds=120),
        command(f"GET /rest/ipv6/firewall/connection{UDP}", seconds=120),
    ),
    whole=whole,
    acs=command("GET /rest/tr069-client"),
    guards=GUARD,
    backup=command(f"GET {PORTS}"),
    rows=rows,
    count=count,
    switch=switch,
    flush=flush,
    arm=arm,
    disarm=Find(read=GUARD, pick=rf"\{{{ID}", then=tell(f"DELETE {ENTRIES}/<id>")),
    reboot=Tell(command=command("POST /rest/system/reboot {}"), refusals=(DENIED,), cuts=True),
)
