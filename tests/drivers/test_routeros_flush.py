"""Which connections a flush drops on RouterOS: those to SIP's ports, however a version lists them."""

from __future__ import annotations

import json

import pytest

from sipalg_fix.drivers.mikrotik_routeros import api, rest
from sipalg_fix.model.session import Reply
from sipalg_fix.model.step import Find, Step, found

ROWS = (
    {".id": "*1", "dst-address": "203.0.113.9:5060"},
    {".id": "*2", "dst-address": "203.0.113.9", "dst-port": "5060"},
    {".id": "*3", "dst-address": "203.0.113.9:50600"},
    {".id": "*4", "dst-address": "203.0.113.9", "dst-port": "15060"},
    {".id": "*5", "dst-address": "203.0.113.9", "dst-port": "443"},
    {".id": "*6", "dst-address": "2001:db8::5060", "dst-port": "443"},
    {".id": "*7", "dst-address": "203.0.113.9", "dst-port": "5061"},
    {".id": "*8", "dst-address": "203.0.113.9"},
)
SIP = ["*1", "*2", "*7"]


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (api.flush((5060, 5061)), "\n".join(json.dumps(row) for row in ROWS)),
        (rest.flush((5060, 5061)), json.dumps(ROWS)),
    ],
    ids=["api", "rest"],
)
def test_connections_to_these_ports_are_dropped_and_no_others(step: Step, text: str) -> None:
    """With the port beside the address, as older versions have it, or apart."""
    assert isinstance(step, Find)
    tells = found(step, Reply(command=step.read, text=text))
    assert [name for name in SIP if any(name in tell.command.text for tell in tells)] == SIP
    assert len(tells) == len(SIP)
