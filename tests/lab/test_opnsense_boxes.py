"""Virtual OPNsense boxes of other kinds: without the plugin, half configured, without a backend, older."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twins.opnsense import OpnsenseTwin, from_options


@contextmanager
def client(tmp_path: Path, **options: Any) -> Iterator[tuple[httpx.Client, OpnsenseTwin]]:
    """A client that is logged in to such a box."""
    twin = from_options("fw-01", options)
    context, _, pem = self_signed(tmp_path, "fw-01")
    with HttpsServer(twin, context) as server:
        base = f"https://{server.address[0]}:{server.address[1]}/api"
        trust = ssl.create_default_context(cafile=pem)
        with httpx.Client(base_url=base, verify=trust, auth=("key1", "secret1")) as session:
            yield session, twin


def test_a_box_without_the_plugin_has_no_such_endpoint(tmp_path: Path) -> None:
    """404, the same as for a plugin that never was; the firmware page lists it as not installed."""
    with client(tmp_path, plugin=False) as (session, _):
        reply = session.get("/siproxd/general/get")
        info = session.get("/core/firmware/info").json()
        wrong = session.get("/core/firmware/info", auth=("key1", "wrong"))
    installed = {plugin["name"]: plugin["installed"] for plugin in info["plugin"]}
    assert (reply.status_code, reply.text) == (404, '{"errorMessage":"Endpoint not found"}')
    assert (installed["os-siproxd"], info["product_version"], wrong.status_code) == ("0", "26.7.4", 401)


def test_a_box_without_its_backend_says_ok_and_does_nothing(tmp_path: Path) -> None:
    """configd has died: reconfigure is ``ok`` as recorded, the status is ``unkown``, the daemon runs on."""
    with client(tmp_path, configd=False) as (session, twin):
        before = session.get("/siproxd/service/status").json()
        session.post("/siproxd/general/set", json={"general": {"enabled": "0"}})
        done = session.post("/siproxd/service/reconfigure", json={}).json()
        started = session.post("/siproxd/service/start", json={}).json()
        after = session.get("/siproxd/service/status").json()
    assert (before, done, started) == ({"status": "unkown"}, {"status": "ok"}, {"response": None})
    assert (after, twin.snapshot()["running"]) == ({"status": "disabled"}, True)


def test_settings_that_nobody_completed_cannot_even_be_disabled(tmp_path: Path) -> None:
    """Interfaces are required: without them every set fails."""
    with client(tmp_path, interfaces=False) as (session, twin):
        reply = session.post("/siproxd/general/set", json={"general": {"enabled": "0"}})
    assert reply.json()["validations"] == {
        "general.if_inbound": "A value is required.",
        "general.if_outbound": "A value is required.",
    }
    assert twin.chassis.writes == 0


def test_before_26_1_port_forwards_have_no_api(tmp_path: Path) -> None:
    """404: what forwards there are cannot be known by this door, though there are some."""
    with client(tmp_path, version="25.7.8") as (session, twin):
        assert session.get("/firewall/d_nat/search_rule").status_code == 404
        assert session.get("/siproxd/service/status").status_code == 200
    assert len(twin.box.config.settings.forwards) == 2


@pytest.mark.parametrize(
    ("enabled", "running", "said"),
    [(True, True, "running"), (True, False, "stopped"), (False, True, "running"), (False, False, "disabled")],
)
def test_the_daemon_is_one_thing_and_the_setting_another(
    tmp_path: Path, enabled: bool, running: bool, said: str
) -> None:
    """Either may be without the other; whether it runs is told by the daemon."""
    with client(tmp_path, enabled=enabled, running=running) as (session, _):
        assert session.get("/siproxd/service/status").json() == {"status": said}


def test_a_proxy_that_is_not_enabled_is_no_service(tmp_path: Path) -> None:
    """The list of services leaves it out, even while it runs."""
    with client(tmp_path, enabled=False, running=True) as (session, _):
        found = session.post("/core/service/search", json={"searchPhrase": "siproxd"}).json()
    assert found == {"total": 0, "rowCount": 0, "current": 1, "rows": []}


def test_phones_sent_to_a_proxy_that_does_not_run_reach_nobody(tmp_path: Path) -> None:
    """The port forward stays when the proxy goes: SIP is dead, and the states say so."""
    with client(tmp_path, enabled=False, port_forward=True) as (session, _):
        rows = session.post("/diagnostics/firewall/query_states", json={"searchPhrase": "5060"}).json()[
            "rows"
        ]
    assert {(row["dst_addr"], row["state"]) for row in rows} == {("127.0.0.1", "NO_TRAFFIC:SINGLE")}


def test_options_that_do_not_exist_are_refused() -> None:
    """A rehearsal with a misspelt option must not quietly be another rehearsal."""
    with pytest.raises(TypeError, match="plugins"):
        from_options("fw-01", {"plugins": False})
