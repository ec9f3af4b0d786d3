"""UniFi: what is written, to whom orders go, which boot it is, and whom SSH has reached."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sipalg_fix.drivers.ubiquiti_unifi import DRIVER
from sipalg_fix.drivers.ubiquiti_unifi.change import PROVISION, REBOOT, amend
from sipalg_fix.drivers.ubiquiti_unifi.probes import ADDRESSES, BASIC, BOOT, DEVICES, SETTING
from sipalg_fix.model.errors import Refused
from sipalg_fix.model.session import Reply, Transcript, redact
from sipalg_fix.model.step import Find, amended, check_amended, found

MAC = "74:ac:b9:aa:bb:c0"
ID, OTHER = "3e507e31-3e86-4d97-bf04-7f78c7a87bc7", "4f543fec-9f17-493e-8a49-f161acf23856"
USG = {"_id": "1", "key": "usg", "ftp_module": True, "sip_module": True, "udp_stream_timeout": 180}
GATEWAY = {"mac": MAC, "type": "udm", "adopted": True, "state": 1}
BEGUN = {"startup_timestamp": 1794000000, "uptime": 50}


def reply(command: Any, *rows: dict[str, Any]) -> Reply:
    """The controller's answer with these rows, as the transport gives it: redacted."""
    text = json.dumps({"meta": {"rc": "ok"}, "data": rows})
    return Reply(command=command, text=redact(text, DRIVER.secrets), status="http 200")


def test_the_setting_is_written_whole() -> None:
    """Every field that was read, with one changed, wherever it stands among other settings."""
    for rows in ([USG], [{"key": "mgmt", "x_ssh_password": "a word"}, USG]):
        tell = amended(amend(False), reply(SETTING, *rows))
        words, _, body = tell.command.text.partition(" {")
        assert words == "PUT <prefix>/api/s/<site>/set/setting/usg"
        assert json.loads("{" + body) == USG | {"sip_module": False}


@pytest.mark.parametrize("rows", [[], [{"key": "mgmt"}], [USG, USG], [{"key": ["usg"]}]])
def test_no_other_setting_is_written(rows: list[dict[str, Any]]) -> None:
    """Where there is not just one setting of that key, nothing is."""
    with pytest.raises(Refused, match=r"no object at 'data\.key=usg'"):
        amended(amend(False), reply(SETTING, *rows))


def test_a_hidden_secret_is_not_written_back() -> None:
    """What was read is redacted; written whole it would put a placeholder in the place of the secret."""
    with pytest.raises(Refused, match="holds a secret"):
        amended(amend(False), reply(SETTING, USG | {"x_token": "geheim"}))


def test_what_reads_back_otherwise_is_refused() -> None:
    """The answer to a write proves nothing."""
    check_amended(amend(False), reply(SETTING, USG | {"sip_module": False}))
    with pytest.raises(Refused, match="sip_module reads back as True"):
        check_amended(amend(False), reply(SETTING, USG))


@pytest.mark.parametrize("step", [PROVISION, *REBOOT])
def test_orders_go_to_the_gateway_alone(step: Find) -> None:
    """By its address, whatever the order of the words and whatever people call their devices."""
    odd = {"name": 'a "type":"udm" {', "mac": "80:2a:a8:00:00:01", "type": "uap", "adopted": True}
    mixed = {"adopted": True, "name": "edge", "mac": MAC, "state": 1, "type": "ugw", "model": "UGW3"}
    (tell,) = found(step, reply(BASIC, odd, mixed, {"mac": "80:2a:a8:00:00:02", "type": "usw"}))
    assert f'"macs":["{MAC}"]' in tell.command.text


@pytest.mark.parametrize(
    "devices",
    [
        [],
        [GATEWAY, GATEWAY | {"mac": "74:ac:b9:aa:bb:d0"}],
        [GATEWAY | {"adopted": False}],
        [GATEWAY | {"in_gateway_mode": False}],
        [GATEWAY | {"type": "uap"}],
        [GATEWAY | {"mac": "unknown"}],
    ],
)
def test_no_order_without_just_one_gateway(devices: list[dict[str, Any]]) -> None:
    """None, a pair, one that waits to be adopted, one that is an access point: nothing is told."""
    with pytest.raises(Refused):
        found(PROVISION, reply(BASIC, *devices))


def mark(*devices: dict[str, Any], address: str = "", boot: str = ID) -> str:
    """The boot mark of such a look; with an address SSH was used."""
    seen = Transcript(replies=(reply(DEVICES, *devices),))
    if address:
        said = f"{address}\nend of addresses"
        seen = seen.plus(
            Reply(command=ADDRESSES, text=said, status="exit 0"),
            Reply(command=BOOT, text=boot, status="exit 0"),
        )
    return DRIVER.boot_mark(seen)


def test_which_boot_it_is() -> None:
    """The gateway's own id, if it is the gateway; else what the controller has heard of it lately."""
    assert mark(GATEWAY | BEGUN, address=MAC) == ID
    assert mark(GATEWAY | BEGUN, address=f"serialno={MAC.replace(':', '')}") == ID
    assert mark(GATEWAY | BEGUN, address="74:ac:b9:aa:bb:c1") == "booted 1794000000"
    assert mark(GATEWAY | BEGUN, address=MAC, boot="cat: no such file") == "booted 1794000000"
    assert mark(GATEWAY | {"uptime": 50}) == "uptime 50"
    for nothing in (GATEWAY, GATEWAY | BEGUN | {"state": 0}, {"type": "uap"}, GATEWAY | {"uptime": "50"}):
        assert mark(nothing) == ""
    assert mark(GATEWAY | BEGUN, GATEWAY | BEGUN) == ""


@pytest.mark.parametrize(
    ("before", "after", "another"),
    [
        (ID, OTHER, True),
        (ID, ID, False),
        (ID, "", False),
        ("", ID, False),
        (ID, "booted 1795000000", False),
        ("booted 1794000000", ID, False),
        ("booted 1794000000", "booted 1795000000", True),
        ("booted 1794000000", "booted 1794000009", False),
        ("booted 1794000000", "booted 1793000000", False),
        ("uptime 5000", "uptime 12", True),
        ("uptime 5000", "uptime 5060", False),
        ("booted 1794000000", "uptime 12", False),
        ("", "", False),
    ],
)
def test_another_boot(before: str, after: str, another: bool) -> None:
    """Only marks of one kind are compared, and a start that moves by seconds is the same."""
    assert DRIVER.rebooted(before, after, 60.0) is another
