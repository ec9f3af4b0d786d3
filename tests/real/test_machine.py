"""The virtual machine is a real Linux: modules, boots, and what survives them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from sipalg_fix.lab import machine
from sipalg_fix.lab.machine import BOOT_SECONDS, Machine
from tests.real.conftest import need

pytestmark = pytest.mark.qemu

BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    need(machine.availability())
    cache = Path(__file__).parents[2] / "build" / "machine"
    with Machine(tmp_path_factory.mktemp("machine"), cache) as made:
        yield made


def login(running: Machine, user: str = "root") -> paramiko.SSHClient:
    known = running.directory / "known_hosts"
    known.write_text(running.ssh.known_hosts)
    client = paramiko.SSHClient()
    client.load_host_keys(str(known))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        running.ssh.host,
        running.ssh.port,
        user,
        running.ssh.password if user != "root" else None,
        key_filename=str(running.ssh.key_file) if user == "root" else None,
        allow_agent=False,
        look_for_keys=False,
        timeout=20,
        banner_timeout=20,
        auth_timeout=60,
    )
    return client


def told(running: Machine, command: str, user: str = "root") -> tuple[str, str, int]:
    with login(running, user) as client:
        _, out, err = client.exec_command(command, timeout=120)
        return out.read().decode(), err.read().decode(), out.channel.recv_exit_status()


def reboot(running: Machine) -> tuple[str, str]:
    """Reboot; the boot ids before and after."""
    before = told(running, BOOT_ID)[0]
    told(running, "sync; reboot")
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        try:
            running.wait_up(deadline - time.monotonic())
            after = told(running, BOOT_ID)[0]
        except (OSError, EOFError, paramiko.SSHException):
            continue  # going down: ports accept and reset
        if after and after != before:
            return before, after
    raise AssertionError(f"no new boot in {BOOT_SECONDS:g} s: {running.console()[-2000:]}")


def test_it_boots_with_the_alg_on(running: Machine) -> None:
    """Debian's kernel, the rules of /etc/nftables.conf, and the SIP modules that they hold."""
    kernel, _, _ = told(running, "uname -sr; id -u")
    rules, _, _ = told(running, "nft list ruleset")
    modules, _, _ = told(running, "lsmod")

    assert kernel.startswith("Linux 6.")
    assert kernel.endswith("-cloud-amd64\n0\n")
    assert 'udp dport 5060 ct helper set "sip-udp"' in rules
    assert "nf_nat_sip             20480  0\n" in modules
    assert "nf_conntrack_sip       45056  3 nf_nat_sip\n" in modules


def test_modules_are_real_modules(running: Machine) -> None:
    """A rule holds nf_conntrack_sip; without rules both can be unloaded and loaded again."""
    held = told(running, "rmmod nf_conntrack_sip")
    gone = told(running, "nft delete table ip alg; rmmod nf_nat_sip nf_conntrack_sip; lsmod | grep -c sip")
    back = told(running, "modprobe nf_nat_sip; nft -f /etc/nftables.conf; lsmod | grep -c ^nf_[a-z]*_sip")

    assert held[1:] == ("rmmod: ERROR: Module nf_conntrack_sip is in use by: nf_nat_sip\n", 1)
    assert gone == ("0\n", "", 1)
    assert back == ("2\n", "", 0)


def test_an_ordinary_user_may_not(running: Machine) -> None:
    """Real refusals, for one who logs in with a password."""
    assert told(running, "/usr/sbin/nft list ruleset", "user") == (
        "",
        "Operation not permitted (you must be root)\n"
        "netlink: Error: cache initialization failed: Operation not permitted\n",
        1,
    )
    assert told(running, "echo x > /etc/modprobe.d/sip.conf", "user")[2] == 1


def test_what_is_saved_survives_a_reboot_and_nothing_else(running: Machine) -> None:
    """A reboot is another boot: rules deleted only from the kernel are back, a blacklist in /etc holds."""
    told(running, "nft delete table ip alg; echo here > /tmp/passing")
    told(running, "echo blacklist nf_nat_sip > /etc/modprobe.d/sip.conf")
    before, after = reboot(running)
    rules = told(running, "nft list ruleset; ls /tmp")[0]
    modules = told(running, "lsmod | grep -o '^nf_[a-z]*_sip'; cat /etc/modprobe.d/sip.conf")[0]

    assert before != after
    assert "ct helper set" in rules
    assert "passing" not in rules
    assert modules == "nf_conntrack_sip\nblacklist nf_nat_sip\n"
