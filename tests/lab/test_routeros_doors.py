"""The virtual MikroTik's command line and REST, held to others' clients: paramiko, OpenSSH and curl."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.lab.twins.routeros import RouterosTwin, from_options

WORD = "correct-horse"
PRINTED = """\
Flags: X - disabled, I - invalid \n\
 0   name="ftp" ports=21 \n
 1   name="tftp" ports=69 \n
 2 X name="irc" ports=6667 \n
 3   name="h323" \n
 4   name="sip" ports=5060,5061 sip-direct-media=yes sip-timeout=1h \n
 5   name="pptp" \n
 6 X name="rtsp" ports=554 \n
 7   name="udplite" \n
 8   name="dccp" \n
 9   name="sctp" \n
"""
"""What a router with RouterOS 7 printed; it is on the net."""
SIP = "/ip firewall service-port"


@pytest.fixture
def twin() -> RouterosTwin:
    return from_options("gw-01", {"password": WORD, "radius": {"ann": (WORD, "full")}})


@pytest.fixture
def ssh(twin: RouterosTwin) -> Iterator[paramiko.SSHClient]:
    key = paramiko.ECDSAKey.generate()
    with SshServer(twin, key, key) as server, paramiko.SSHClient() as client:
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(*server.address, username="admin", password=WORD, look_for_keys=False)
        yield client


def typed(client: paramiko.SSHClient, line: str) -> str:
    _, out, _ = client.exec_command(line, timeout=10)
    return out.read().decode().replace("\r\n", "\n")


def test_openssh_is_served_as_paramiko_is(twin: RouterosTwin, tmp_path: Path) -> None:
    """The real client: what is printed, to the last blank, and the status of what is refused."""
    (tmp_path / "askpass").write_text(f"#!/bin/sh\necho {WORD}\n")
    (tmp_path / "askpass").chmod(0o700)
    asking = {
        "SSH_ASKPASS": str(tmp_path / "askpass"),
        "SSH_ASKPASS_REQUIRE": "force",
        "PATH": "/usr/bin:/bin",
    }
    options = ("StrictHostKeyChecking=no", f"UserKnownHostsFile={tmp_path / 'known'}", "LogLevel=ERROR")
    key = paramiko.ECDSAKey.generate()
    with SshServer(twin, key, key) as server:
        host, port = server.address

        def ssh(line: str) -> tuple[int, str]:
            words = ["ssh", "-F", "none", "-p", str(port), *(f"-o{each}" for each in options)]
            done = subprocess.run(
                [*words, f"admin+cte@{host}", line], capture_output=True, text=True, check=False, timeout=20,
                env=asking, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            assert not done.stderr, done.stderr
            return done.returncode, done.stdout

        assert ssh(f"{SIP} print detail") == (0, PRINTED)
        assert ssh(f"{SIP} set nosuch disabled=yes") == (1, "no such item\n")
        assert ssh(f'{SIP} set [find name="sip"] disabled=yes') == (0, "")
    assert twin.box.pick("/ip/firewall/service-port", "sip")["disabled"] == "true"


def test_print_detail_is_what_a_router_printed(ssh: paramiko.SSHClient) -> None:
    """To the last blank."""
    assert typed(ssh, f"{SIP} print detail") == PRINTED


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f'{SIP} set [find name="sip"] disabled=yes', ""),
        ("/ip/firewall/service-port/set sip disabled=maybe", "invalid value for argument disabled\n"),
        (f"{SIP} set nosuch disabled=yes", "no such item\n"),
        ("/ip firewall nosuch print", "bad command name nosuch (line 1 column 14)\n"),
        (":put [/ip firewall service-port get sip disabled]", "false\n"),
        ('/ip firewall connection print count-only where dst-address~":5060\\$"', "2\n"),
        (":put [/ip firewall connection find where connection-type=sip]", "*4100;*4101\n"),
        ("/system reboot", "Reboot, yes? [y/N]: \n"),
    ],
)
def test_lines_are_answered(ssh: paramiko.SSHClient, line: str, said: str) -> None:
    """Silence when it was done, a word when it was not."""
    assert typed(ssh, line) == said


def test_flags_stand_before_an_item(ssh: paramiko.SSHClient, twin: RouterosTwin) -> None:
    """One letter or two."""
    typed(ssh, f"{SIP} disable sip")
    assert ' 4 X name="sip"' in typed(ssh, f"{SIP} print detail")
    twin.box.pick("/ip/firewall/service-port", "sip")["invalid"] = "true"
    assert ' 4 XI name="sip"' in typed(ssh, f'{SIP} print detail where name="sip"')


@pytest.mark.parametrize(
    ("name", "let_in"), [("admin+cte512w", True), ("ann", True), ("ann+cte512w", False), ("bob", False)]
)
def test_what_is_added_to_a_name_is_for_accounts_of_the_router(
    twin: RouterosTwin, name: str, let_in: bool
) -> None:
    """A RADIUS server knows no user with a plus in the name."""
    assert twin.chassis.admits(name, WORD) is let_in
    if let_in:
        assert "hEX" in twin.exec(name, "/system resource print", "").stdout


@pytest.fixture
def web(twin: RouterosTwin, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    context, _, certificate = self_signed(tmp_path, "router")
    with HttpsServer(twin, context) as server:
        yield f"https://{server.address[0]}:{server.address[1]}/rest", certificate


def curl(web: tuple[str, Path], path: str, *words: str, user: str = f"admin:{WORD}") -> tuple[int, str]:
    url, certificate = web
    line = ["curl", "-sS", "-g", "--cacert", str(certificate), "-u", user, "-w", "\n%{http_code}", *words]
    done = subprocess.run([*line, url + path], capture_output=True, text=True, check=True, timeout=20)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def test_rest_as_the_manual_shows_it(web: tuple[str, Path]) -> None:
    """Every value is text; a change gives the item as it is then."""
    status, said = curl(web, "/ip/firewall/service-port?name=sip")
    (item,) = json.loads(said)
    assert (status, item["disabled"], item["ports"]) == (200, "false", "5060,5061")
    words = ("-X", "PATCH", "-H", "content-type: application/json", "--data", '{"disabled": "true"}')
    status, said = curl(web, f"/ip/firewall/service-port/{item['.id']}", *words)
    assert (status, json.loads(said)["disabled"]) == (200, "true")
    assert json.loads(curl(web, "/system/resource")[1])["platform"] == "MikroTik"
    entry = ("-X", "PUT", "--data", '{"name": "x", "interval": "2m", "on-event": ":log info x"}')
    status, said = curl(web, "/system/scheduler", *entry)
    number = json.loads(said)[".id"]
    assert (status, json.loads(said)["run-count"]) == (201, "0")
    assert curl(web, f"/system/scheduler/{number}", "-X", "DELETE") == (204, "")
    assert curl(web, "/system/scheduler?name=x") == (200, "[]")
    query = ("-X", "POST", "--data", '{".proplist": [".id"], ".query": ["connection-type=sip"]}')
    assert curl(web, "/ip/firewall/connection/print", *query) == (200, '[{".id":"*4100"},{".id":"*4101"}]')


@pytest.mark.parametrize(
    ("path", "words", "status", "detail"),
    [
        ("/ip/firewall/service-port/*FF", (), 404, "no such item"),
        ("/ip/firewall/nosuch", (), 406, "no such command or directory (nosuch)"),
        (
            "/ip/firewall/service-port/sip",
            ("-X", "PATCH", "--data", '{"disabled": "x"}'),
            400,
            "invalid value",
        ),
        ("/ip/firewall/service-port/sip", ("-X", "PATCH", "--data", '{"disabled": true}'), 400, "unexpected"),
        ("/system/resource", ("-X", "TRACE"), 405, ""),
    ],
)
def test_rest_says_no(
    web: tuple[str, Path], path: str, words: tuple[str, ...], status: int, detail: str
) -> None:
    """With a number that says what kind, and in the console's words."""
    got, said = curl(web, path, *words)
    assert (got, json.loads(said)["error"]) == (status, status)
    assert json.loads(said).get("detail", "").startswith(detail)


def test_rest_lets_in_by_name_and_policy(web: tuple[str, Path], twin: RouterosTwin) -> None:
    """A wrong password, and a group without rest-api, are the same to it; 6 has no REST at all."""
    assert curl(web, "/system/resource", user="admin:wrong")[0] == 401
    twin.box.menus["/user/group"].rows[2]["policy"] = "read,write,ssh"
    assert curl(web, "/system/resource")[0] == 401
    assert from_options("old", {"version": "6.49.17 (long-term)"}).seven is False
