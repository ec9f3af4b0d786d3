"""The virtual OPNsense's SSH door: root's csh, the sh inside it, and the commands that a driver asks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sipalg_fix.lab.twin import Exec
from sipalg_fix.lab.twins.opnsense import OpnsenseTwin, from_options


@pytest.fixture
def twin() -> OpnsenseTwin:
    """A box with the proxy enabled and running, and phones forwarded to it."""
    return from_options("fw-01", {})


@pytest.mark.parametrize(
    ("command", "done"),
    [
        ("opnsense-version", Exec(stdout="OPNsense 26.7.4 (amd64)\n")),
        ("pluginctl -g OPNsense.siproxd.general.enabled", Exec(stdout="1\n")),
        ("pluginctl -g OPNsense.siproxd.general.nosuch", Exec(stdout="\n")),
        ("configctl siproxd status", Exec(stdout="siproxd is running as pid 41334.\n")),
        ("service siproxd onestatus", Exec(stdout="siproxd is running as pid 41334.\n")),
        ("pgrep -x siproxd", Exec(stdout="41334\n")),
        ("sysctl -n kern.boottime", Exec(stdout="{ sec = 1795000000, usec = 0 } Wed Nov 18 11:06:40 2026\n")),
        ("id", Exec(stdout="uid=0(root) gid=0(wheel) groups=0(wheel),5(operator)\n")),
        ("configctl siproxd nosuch", Exec(stdout="Action not allowed or missing\n")),
        ("/usr/local/sbin/nosuch -v", Exec(stderr="/usr/local/sbin/nosuch: Command not found.\n", status=1)),
        (
            "pfctl -sn | grep -E 'port = (sip|5060)'",
            Exec(stdout="rdr on em1 inet proto udp from any to any port = sip -> 127.0.0.1 port 5060\n"),
        ),
        ("cat /nosuch", Exec(stderr="cat: /nosuch: No such file or directory\n", status=1)),
    ],
)
def test_what_is_asked_is_answered(twin: OpnsenseTwin, command: str, done: Exec) -> None:
    """Reads, in the words of their programs, and none of them counts as a write."""
    assert (twin.exec("root", command, ""), twin.chassis.writes) == (done, 0)


def test_the_configuration_is_read_with_its_secrets(twin: OpnsenseTwin) -> None:
    """``cat`` gives all of it; whoever keeps it must redact it."""
    text = twin.exec("root", "cat /conf/config.xml", "").stdout
    assert "<enabled>1</enabled>" in text
    assert "$2y$11$" in text


def test_nobody_but_root_has_a_shell(twin: OpnsenseTwin) -> None:
    """An account of the API is sent away."""
    done = twin.exec("key1", "id", "")
    assert (done.status, done.stdout) == (1, "This account is currently not available.\n")


def test_without_the_plugin_there_is_no_such_service() -> None:
    """The commands say so, each in its way."""
    twin = from_options("fw-01", {"plugin": False})
    assert twin.exec("root", "configctl siproxd status", "").stdout == "Action not allowed or missing\n"
    assert twin.exec("root", "service siproxd onestatus", "").stderr.startswith(
        "siproxd does not exist in /etc"
    )
    assert twin.exec("root", "pluginctl -g OPNsense.siproxd.general.enabled", "").stdout == "\n"
    assert twin.exec("root", "pgrep -x siproxd", "") == Exec(status=1)


def test_a_daemon_may_run_though_it_is_disabled_and_be_stopped(twin: OpnsenseTwin) -> None:
    """rc.subr: ``start`` of a disabled service is refused with status 0, ``stop`` of a running one is not."""
    box = from_options("fw-01", {"enabled": False, "running": True})
    assert box.exec("root", "cat /etc/rc.conf.d/siproxd", "").stdout == 'siproxd_enable="NO"\n'
    assert box.exec("root", "service siproxd stop", "") == Exec(stdout="Stopping siproxd.\n")
    refused = box.exec("root", "service siproxd start", "")
    assert refused.stdout == (
        "Cannot 'start' siproxd. Set siproxd_enable to YES in /etc/rc.conf "
        "or use 'onestart' instead of 'start'.\n"
    )
    assert refused.status == 0
    assert box.exec("root", "service siproxd onestatus", "") == Exec(
        stdout="siproxd is not running.\n", status=1
    )


def test_states_are_killed_by_the_host_that_began_them(twin: OpnsenseTwin) -> None:
    """pfctl says how many on standard error; other hosts keep theirs."""
    done = twin.exec("root", "pfctl -k 192.168.1.21", "")
    left = twin.exec("root", "pfctl -ss", "").stdout
    assert done == Exec(stderr="killed 1 states from 1 sources and 0 destinations\n")
    assert ("192.168.1.21" in left, "192.168.1.22" in left, "192.168.1.40" in left) == (False, True, True)


def test_a_reboot_by_ssh_starts_what_is_configured(twin: OpnsenseTwin) -> None:
    """The boot time is another, the states are gone, the daemon runs again."""
    twin.chassis.advance(600)
    twin.exec("root", "/sbin/shutdown -r now", "")
    assert twin.exec("root", "sysctl -n kern.boottime", "").stdout.startswith("{ sec = 1795000600,")
    assert (twin.chassis.boots, twin.snapshot()["running"], twin.snapshot()["states"]) == (2, True, [])


CSH = [
    "echo a; echo b",
    "echo 'a;b' \"c|d\" e\\ f",
    "echo hi 2>&1",
    "echo hi 2>&1; cat 1",
    "echo hi >/dev/null 2>&1",
    "echo hi 2>&1 | cat",
    "echo hi 2>/dev/null",
    "echo a; echo x > y > z",
    "echo a; echo $(id)",
    "echo a; echo $nosuch; echo c",
    'echo "$HOME"',
    "echo a; echo *.zzz; echo b",
    "echo a; nosuch; echo b",
    "nosuch || echo c",
    "nosuch && echo c",
    "false | true && echo c",
    "false; echo $status",
    'echo a; echo "u',
    "echo a; echo !x",
    "/bin/sh -c 'echo !x'",
    "echo a >",
    "echo a | grep a && echo c",
    "/bin/sh -c 'nosuch 2>/dev/null; echo rc=$?'",
    "/bin/sh -c 'echo a 2>&1; echo $(echo b)'",
    "/bin/sh -c 'false && echo a; false || echo b'",
    "/bin/sh -c 'echo 2 >/dev/null; echo c'",
    '/bin/sh -c "echo \\"x  y\\""',
    '/bin/sh -c \'echo "x  y \\" z"\'',
    'echo "a\\z"',
    "echo a | cat 2>&1; cat 1",
    "nosuch >& out; cat out",
]


@pytest.mark.skipif(shutil.which("tcsh") is None, reason="tcsh, which is FreeBSD's csh, is not installed")
@pytest.mark.parametrize("line", CSH)
def test_csh_does_what_csh_does(twin: OpnsenseTwin, tmp_path: Path, line: str) -> None:
    """The real one is the witness: output, complaints, and exit status."""
    real = subprocess.run(
        ["tcsh", "-f", "-c", line],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"HOME": "/root", "PATH": "/usr/bin:/bin"},
    )
    ours = twin.exec("root", line, "")
    assert (ours.stdout, ours.stderr, ours.status) == (real.stdout, real.stderr, real.returncode)
