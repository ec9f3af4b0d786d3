"""The virtual OPNsense's API, held to curl, and to the replies recorded from OPNsense's own api.php."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twins.opnsense import PROXY, OpnsenseTwin, from_options

KEYS = {
    "key2": ("secret2", ""),
    "key3": ("secret3", "page-services-siproxd"),
    "key4": ("secret4", "page-diagnostics-rebootsystem,page-system-status"),
}

RESET = (7, 35, 52, 56)
"""curl's exit status for a connection that was reset: at once, in the handshake, before a reply, in it."""

SAVED = '{"result":"saved"}'
NOT_FOUND = '{"errorMessage":"Endpoint not found"}'

Curl = Callable[..., tuple[int, str]]


@pytest.fixture
def twin() -> OpnsenseTwin:
    """A box with the proxy enabled and running, phones forwarded to it, and four keys."""
    return from_options("fw-01", {"users": KEYS})


@pytest.fixture
def curl(twin: OpnsenseTwin, tmp_path: Path) -> Iterator[Curl]:
    """Real curl against the twin over TLS with a trusted certificate: status and body."""
    context, _, pem = self_signed(tmp_path, "fw-01")
    with HttpsServer(twin, context) as server:
        host, port = server.address

        def call(
            path: str, *arguments: str, key: str | None = "key1:secret1", post: str | None = None
        ) -> tuple[int, str]:
            login = ["-u", key] if key else []
            body = ["-H", "Content-Type: application/json", "--data-binary", post] if post is not None else []
            options = ["-sS", "--max-time", "10", "--cacert", str(pem), "-w", "\n%{http_code}"]
            done = subprocess.run(
                ["curl", *options, *login, *body, *arguments, f"https://{host}:{port}{path}"],
                capture_output=True,
                text=True,
                check=False,
                timeout=20,
            )
            text, _, status = done.stdout.rpartition("\n")
            assert done.returncode in (0, *RESET), done.stderr
            return int(status), text

        yield call


def general(twin: OpnsenseTwin) -> dict[str, str]:
    settings = twin.box.siproxd
    assert settings is not None
    return settings


# Recorded: reading and setting.


def test_the_settings_are_read_as_recorded(curl: Curl) -> None:
    """Every field, in order, choices with all their options, the use_rport options as a list."""
    status, text = curl("/api/siproxd/general/get")
    assert status == 200
    assert text.startswith(
        '{"general":{"enabled":"1","if_inbound":{"lan":{"value":"LAN","selected":1},"wan":{"value":"WAN",'
        '"selected":0}},"if_outbound":{"lan":{"value":"LAN","selected":0},"wan":{"value":"WAN","selected":1}},'
        '"host_outbound":"","hosts_allow_reg":"","hosts_allow_sip":"","hosts_deny_sip":"",'
        '"sip_listen_port":"5060","rtp_port_low":"7070","rtp_port_high":"7089","rtp_timeout":"300",'
        '"rtp_dscp":"46","sip_dscp":"0","rtp_input_dejitter":"0","rtp_output_dejitter":"0",'
        '"proxy_auth_enable":"0","tcp_timeout":"600","tcp_connect_timeout":"500","tcp_keepalive":"20",'
        '"ua_string":"","use_rport":[{"value":"Do not add ;rport to via header (0)","selected":0},'
    )
    assert text.endswith('"plugin_stun_server_port":"","plugin_stun_server_period":""}}')
    assert len(text) == 1253


@pytest.mark.parametrize(
    ("body", "reply", "enabled"),
    [
        ('{"general": {"enabled": "0"}}', SAVED, "0"),
        ('{"general": {"enabled": "1"}}', SAVED, "1"),
        ('{"general": {"enabled": 0}}', SAVED, "0"),
        ('{"general": {"enabled": true}}', SAVED, "1"),
        ("{bad", SAVED, "1"),
        ("{}", SAVED, "1"),
        ('{"x": {"enabled": "0"}}', SAVED, "1"),
        ('{"general": {"nofield": "0"}}', SAVED, "1"),
        (
            '{"general": {"enabled": false}}',
            '{"result":"failed","validations":{"general.enabled":"A value is required."}}',
            "1",
        ),
        (
            '{"general": {"enabled": "maybe"}}',
            '{"result":"failed","validations":{"general.enabled":"Value should be a boolean (0,1)."}}',
            "1",
        ),
        (
            '{"general": {"sip_listen_port": "99999999"}}',
            '{"result":"failed","validations":{"general.sip_listen_port":"Invalid integer value."}}',
            "1",
        ),
        (
            '{"general": {"if_inbound": "", "enabled": "0"}}',
            '{"result":"failed","validations":{"general.if_inbound":"A value is required."}}',
            "1",
        ),
        (
            '{"general": {"if_inbound": "nosuch", "use_rport": "9"}}',
            '{"result":"failed","validations":{"general.if_inbound":"Option [] not in list.",'
            '"general.use_rport":"Option [] not in list."}}',
            "1",
        ),
    ],
)
def test_set_says_what_was_recorded(
    curl: Curl, twin: OpnsenseTwin, body: str, reply: str, enabled: str
) -> None:
    """``saved`` for everything but a failed validation, whatever of it was understood."""
    assert curl("/api/siproxd/general/set", post=body) == (200, reply)
    assert general(twin)["enabled"] == enabled


def test_a_form_is_understood_and_json_without_its_type_is_not(curl: Curl, twin: OpnsenseTwin) -> None:
    """curl's own default type is a form: JSON sent so is saved and changes nothing."""
    path = "/api/siproxd/general/set"
    assert curl(path, "-d", '{"general": {"enabled": "0"}}') == (200, SAVED)
    assert general(twin)["enabled"] == "1"
    assert curl(path, "-d", "general%5Benabled%5D=0") == (200, SAVED)
    assert general(twin)["enabled"] == "0"


def test_an_empty_body_is_saved_and_an_empty_body_called_json_is_a_bad_request(curl: Curl) -> None:
    """Even a GET, if its headers promise JSON."""
    json_type = ("-H", "Content-Type: application/json")
    bad = (400, '{"status":400,"message":"Invalid JSON syntax"}')
    assert curl("/api/siproxd/general/set", "-X", "POST") == (200, SAVED)
    assert curl("/api/siproxd/general/set", "-X", "POST", *json_type) == bad
    assert curl("/api/siproxd/general/get", *json_type) == bad


@pytest.mark.parametrize(
    ("method", "path", "reply"),
    [
        ("GET", "/api/siproxd/general/set", '{"result":"failed"}'),
        ("PUT", "/api/siproxd/general/set", '{"result":"failed"}'),
        ("DELETE", "/api/siproxd/general/get", "[]"),
        ("GET", "/api/siproxd/service/reconfigure", '{"status":"failed"}'),
        ("GET", "/api/siproxd/service/stop", '{"response":[]}'),
        ("GET", "/api/core/system/reboot", '{"status":"failed"}'),
        ("GET", "/api/core/firmware/reboot", '{"status":"failure"}'),
        ("GET", "/api/core/backup/revertBackup/nosuch.xml", '{"status":"failed"}'),
        ("GET", "/api/firewall/d_nat/apply", '{"status":"error"}'),
    ],
)
def test_the_wrong_method_changes_nothing(
    curl: Curl, twin: OpnsenseTwin, method: str, path: str, reply: str
) -> None:
    """200, a word for no, and nothing done."""
    before = twin.snapshot()
    assert curl(path, "-X", method) == (200, reply)
    assert (twin.snapshot(), twin.chassis.writes) == (before, 0)


# Recorded: who may, and what is there.


@pytest.mark.parametrize(
    ("path", "key", "reply"),
    [
        (
            "/api/siproxd/general/get",
            "key1:wrong",
            (401, '{"status":401,"message":"Authentication Failed"}'),
        ),
        ("/api/siproxd/general/get", "nosuch:x", (401, '{"status":401,"message":"Authentication Failed"}')),
        (
            "/api/siproxd/general/get",
            "root:opnsense",
            (401, '{"status":401,"message":"Authentication Failed"}'),
        ),
        ("/api/siproxd/general/get", None, (404, NOT_FOUND)),
        ("/api/siproxd/general/get", "key2:secret2", (403, '{"status":403,"message":"Forbidden"}')),
        ("/api/core/firmware/info", "key3:secret3", (403, '{"status":403,"message":"Forbidden"}')),
        ("/api/core/backup/backups/this", "key3:secret3", (403, '{"status":403,"message":"Forbidden"}')),
        ("/api/siproxd/service/status", "key3:secret3", (200, '{"status":"running"}')),
        ("/api/core/system/reboot", "key4:secret4", (200, '{"status":"failed"}')),
        ("/api/nosuchplugin/general/get", "key1:secret1", (404, NOT_FOUND)),
        ("/api/nosuchplugin/general/get", "key1:wrong", (404, NOT_FOUND)),
        ("/api/siproxd/nosuch/get", "key2:secret2", (404, NOT_FOUND)),
        ("/api/siproxd", "key1:secret1", (404, NOT_FOUND)),
        ("/", "key1:secret1", (404, NOT_FOUND)),
    ],
)
def test_who_may_see_what(curl: Curl, path: str, key: str | None, reply: tuple[int, str]) -> None:
    """A path that does not exist is 404 before anybody is asked who they are; then 401, then 403."""
    assert curl(path, key=key) == reply


# The life of the daemon.


def status(curl: Curl) -> Any:
    return json.loads(curl("/api/siproxd/service/status")[1])["status"]


def test_disabling_acts_when_it_is_reconfigured(curl: Curl, twin: OpnsenseTwin) -> None:
    """Set stores; the daemon goes on; reconfigure stops it; and enabling is the same way back."""
    seen = [status(curl)]
    curl("/api/siproxd/general/set", post='{"general": {"enabled": "0"}}')
    seen.append(status(curl))
    assert curl("/api/siproxd/service/reconfigure", post="{}") == (200, '{"status":"ok"}')
    seen.append(status(curl))
    curl("/api/siproxd/general/set", post='{"general": {"enabled": "1"}}')
    seen.append(status(curl))
    curl("/api/siproxd/service/reconfigure", post="{}")
    assert [*seen, status(curl)] == ["running", "running", "disabled", "stopped", "running"]
    assert twin.snapshot()["siproxd_enable"] == "YES"


def test_a_start_that_was_refused_is_ok(curl: Curl) -> None:
    """The script of a disabled service refuses to start, with exit status 0: the API says OK."""
    curl("/api/siproxd/general/set", post='{"general": {"enabled": "0"}}')
    curl("/api/siproxd/service/reconfigure", post="{}")
    assert curl("/api/siproxd/service/start", post="{}") == (200, '{"response":"OK\\n\\n"}')
    assert status(curl) == "disabled"


def test_start_stop_and_restart_say_what_the_script_returned(curl: Curl) -> None:
    """Starting what runs and stopping what does not are errors."""
    actions = ("start", "stop", "stop", "restart")
    replies = [
        json.loads(curl(f"/api/siproxd/service/{action}", post="{}")[1])["response"] for action in actions
    ]
    assert replies == ["Error (1)\n\n", "OK\n\n", "Error (1)\n\n", "OK\n\n"]
    assert status(curl) == "running"


# Backups.


def test_each_save_leaves_a_copy_even_one_that_changed_nothing(curl: Curl) -> None:
    """Newest first; the newest is the configuration as it stands; the difference is that of diff -u."""
    for enabled in ("1", "0"):
        curl("/api/siproxd/general/set", post=json.dumps({"general": {"enabled": enabled}}))
    items = json.loads(curl("/api/core/backup/backups/this")[1])["items"]
    assert [item["description"] for item in items] == [
        "/api/siproxd/general/set made changes",
        "/api/siproxd/general/set made changes",
        "/firewall_nat.php made changes",
    ]
    assert [item["id"] for item in items][:2] == ["config-1795000000.0101.xml", "config-1795000000.0001.xml"]
    assert items[0]["time_iso"] == "2026-11-18T11:06:40+00:00"
    lines = json.loads(curl(f"/api/core/backup/diff/this/{items[0]['id']}/{items[1]['id']}")[1])["items"]
    assert lines[0].startswith("--- /conf/backup/config-1795000000.0001.xml\t2026-11-18 11:06:40.")
    assert {"-        &lt;enabled&gt;1&lt;/enabled&gt;", "+        &lt;enabled&gt;0&lt;/enabled&gt;"} <= set(
        lines
    )


def test_a_copy_is_downloaded_whole_or_not_at_all(curl: Curl) -> None:
    """With every secret in it; a name that does not exist gives an empty page, not an error."""
    (item,) = json.loads(curl("/api/core/backup/backups/this")[1])["items"]
    code, text = curl(f"/api/core/backup/download/this/{item['id']}")
    assert (code, "<password>$2y$11$" in text, len(text)) == (200, True, item["filesize"])
    assert curl("/api/core/backup/download/this/nosuch.xml") == (200, "")


def test_a_revert_changes_the_file_and_nothing_that_runs(curl: Curl, twin: OpnsenseTwin) -> None:
    """The configuration is the old one again, the daemon is as it was, until reconfigure, or a reboot."""
    (item,) = json.loads(curl("/api/core/backup/backups/this")[1])["items"]
    curl("/api/siproxd/general/set", post='{"general": {"enabled": "0"}}')
    curl("/api/siproxd/service/reconfigure", post="{}")
    path = f"/api/core/backup/revertBackup/{item['id']}"
    assert curl(path, post="{}") == (200, '{"status":"reverted"}')
    assert curl("/api/core/backup/revert_backup/nosuch.xml", post="{}") == (200, '{"status":"not_found"}')
    state = twin.snapshot()
    assert (state["siproxd"]["enabled"], state["siproxd_enable"], state["running"]) == ("1", "NO", False)
    twin.chassis.power_cycle()
    assert twin.snapshot()["running"] is True


# The packet filter.


def test_port_forwards_are_listed_behind_the_automatic_rules(curl: Curl) -> None:
    """Since 26.1: flat names, the box's own rules first and not counted."""
    found = json.loads(curl("/api/firewall/d_nat/search_rule")[1])
    sip = [row for row in found["rows"] if row["destination.port"] == "5060"]
    assert [(row["target"], row["local-port"], row["disabled"]) for row in sip] == [
        ("127.0.0.1", "5060", "0")
    ]
    assert [row["uuid"] for row in found["rows"]][:3] == ["lockout_2", "lockout_1", "lockout_0"]
    assert (found["total"], len(found["rows"])) == (2, 5)
    assert json.loads(curl("/api/firewall/dNat/searchRule")[1]) == found


def test_a_forward_that_is_disabled_acts_after_apply_and_on_new_states_only(
    curl: Curl, twin: OpnsenseTwin
) -> None:
    """Phones stay with the proxy until their states are gone."""
    assert curl(f"/api/firewall/d_nat/toggle_rule/{PROXY}/1", post="{}") == (200, '{"result":"Disabled"}')
    assert twin.box.filter.to_proxy is True
    assert curl("/api/firewall/d_nat/apply", post="{}") == (200, '{"status":"OK\\n\\n"}')
    twin.register()
    old = json.loads(curl("/api/diagnostics/firewall/query_states", post='{"searchPhrase": "5060"}')[1])
    killed = curl("/api/diagnostics/firewall/kill_states", post='{"filter": "192.168.1.21"}')
    twin.register()
    assert killed == (200, '{"result":"ok","dropped_states":1}')
    assert [row["dst_addr"] for row in old["rows"] if row["direction"] == "in"] == ["127.0.0.1"] * 2
    lines = [state.line() for state in twin.box.filter.states if state.inside == "192.168.1.21:5060"]
    assert len(lines) == 2
    assert not any("127.0.0.1" in line for line in lines)


# Reboot and switches.


def test_a_reboot_is_answered_and_then_nobody_is_there_for_a_while(curl: Curl, twin: OpnsenseTwin) -> None:
    """Two connections are reset; then the box is up, with what its configuration says."""
    twin.chassis.advance(90_061)
    curl("/api/siproxd/general/set", post='{"general": {"enabled": "0"}}')
    assert json.loads(curl("/api/diagnostics/system/system_time")[1])["uptime"] == "1 day, 01:01:01"
    assert curl("/api/core/system/reboot", post="{}") == (200, '{"status":"ok"}')
    assert [curl("/api/siproxd/service/status")[0] for _ in range(3)] == [0, 0, 200]
    assert status(curl) == "disabled"
    assert json.loads(curl("/api/diagnostics/system/systemTime")[1])["uptime"] == "00:00:00"
    assert (twin.chassis.boots, twin.snapshot()["states"]) == (2, [])


@pytest.mark.parametrize(
    ("switch", "reply", "running"),
    [
        ("locked", (500, '{"errorMessage":"Unexpected error, check log for details"}'), True),
        ("refuse_writes", (403, '{"status":403,"message":"Forbidden"}'), True),
        ("save_fails", (200, SAVED), True),
        ("stay_on", (200, SAVED), True),
        ("refuse_login", (401, '{"status":401,"message":"Authentication Failed"}'), True),
        ("slow", (200, SAVED), False),
    ],
)
def test_awkward_boxes(
    curl: Curl, twin: OpnsenseTwin, switch: str, reply: tuple[int, str], running: bool
) -> None:
    """Each switch is seen in the reply to a set, or in a daemon that runs on after a reconfigure."""
    setattr(twin.chassis.switches, switch, 0.05 if switch == "slow" else True)
    assert curl("/api/siproxd/general/set", post='{"general": {"enabled": "0"}}') == reply
    curl("/api/siproxd/service/reconfigure", post="{}")
    assert twin.snapshot()["running"] is running


def test_a_reboot_that_does_not_happen(curl: Curl, twin: OpnsenseTwin) -> None:
    """It is accepted; the uptime goes on."""
    twin.chassis.switches.reboot_fails = True
    assert curl("/api/core/system/reboot", post="{}") == (200, '{"status":"ok"}')
    assert twin.chassis.boots == 1
