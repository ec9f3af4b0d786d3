"""Modules and users of the virtual Linux router: in the words recorded from a Debian one."""

from __future__ import annotations

import re

import pytest

from sipalg_fix.lab.twin import Exec
from sipalg_fix.lab.twins.linux import LinuxTwin, from_options

FLOWS = "conntrack -L 2>/dev/null | grep -c helper=sip"


def told(twin: LinuxTwin, command: str, user: str = "root", stdin: str = "") -> str:
    """Standard output of a command that must succeed."""
    done = twin.exec(user, command, stdin)
    assert done.status == 0, done
    return done.stdout


def refused(twin: LinuxTwin, command: str, user: str = "root") -> tuple[str, int]:
    """Standard error and status of a command that must fail."""
    done = twin.exec(user, command, "")
    assert done.status != 0, done
    return done.stderr, done.status


# Modules, as recorded on Debian's 6.1.0-56-cloud-amd64.


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("rmmod nf_conntrack_sip", "rmmod: ERROR: Module nf_conntrack_sip is in use by: nf_nat_sip"),
        ("modprobe -r nf_conntrack_sip", "modprobe: FATAL: Module nf_conntrack_sip is in use."),
        ("rmmod nosuch", "rmmod: ERROR: Module nosuch is not currently loaded"),
        ("modprobe -r nosuch", "modprobe: FATAL: Module nosuch not found."),
        (
            "modprobe nosuch",
            "modprobe: FATAL: Module nosuch not found in directory /lib/modules/6.1.0-56-cloud-amd64",
        ),
        (
            "nft flush ruleset; rmmod nf_nat_sip; rmmod nf_nat_sip",
            "rmmod: ERROR: Module nf_nat_sip is not currently loaded",
        ),
    ],
)
def test_modules_that_cannot_go_say_why(command: str, said: str) -> None:
    """The words of kmod 30."""
    assert refused(from_options("gw-01", {}), command) == (f"{said}\n", 1)


def test_a_rule_holds_the_module() -> None:
    """nf_nat_sip can be unloaded, nf_conntrack_sip not while a helper object is there."""
    twin = from_options("gw-01", {})
    done = twin.exec(
        "root", "rmmod nf_nat_sip; echo $?; rmmod nf_conntrack_sip; modprobe -r nf_conntrack_sip", ""
    )

    assert done.stdout == "0\n"
    assert done.stderr == (
        "rmmod: ERROR: Module nf_conntrack_sip is in use\n"
        "modprobe: FATAL: Module nf_conntrack_sip is in use.\n"
    )
    assert not twin.alg


def test_unloading_takes_the_helper_off_flows_and_loading_does_not_give_it_back() -> None:
    """At once, unlike deleting a rule; new flows get it again."""
    twin = from_options("gw-01", {})
    told(twin, "nft delete table ip alg && rmmod nf_nat_sip nf_conntrack_sip")
    unloaded = twin.exec("root", FLOWS, "").stdout
    told(twin, "modprobe nf_nat_sip; systemctl restart nftables")
    loaded = twin.exec("root", FLOWS, "").stdout
    told(twin, "conntrack -F")
    twin.chassis.advance(30)

    assert (unloaded, loaded) == ("0\n", "0\n")
    assert twin.alg


def test_removing_what_is_not_loaded_is_a_success() -> None:
    """modprobe -r of an absent module exits 0 and says nothing."""
    twin = from_options("gw-01", {"loaded": "none", "running": False})

    assert twin.exec("root", "modprobe -r nf_nat_sip", "") == Exec()


def test_a_helper_object_loads_the_module_unless_it_is_kept_away() -> None:
    """The kernel loads it on demand; install ... /bin/false stops that, a blacklist does not."""
    add = "nft 'add table ip x; add ct helper ip x s { type \"sip\" protocol udp; }'"
    free = from_options("a", {"loaded": "none", "running": False})
    listed = from_options("b", {"loaded": "none", "running": False})
    told(listed, "echo 'blacklist nf_conntrack_sip' > /etc/modprobe.d/sip.conf")
    barred = from_options("c", {"loaded": "none", "running": False})
    told(barred, "echo 'install nf_conntrack_sip /bin/false' > /etc/modprobe.d/sip.conf")

    told(free, add)
    told(listed, add)
    error, status = refused(barred, add)

    assert "nf_conntrack_sip       45056  1\n" in told(free, "lsmod")
    assert "nf_conntrack_sip" in told(listed, "lsmod")
    assert error.startswith("Error: Could not process rule: No such file or directory\n")
    assert status == 1
    assert "nf_conntrack_sip" not in told(barred, "lsmod")


def test_a_blacklist_keeps_modules_out_at_boot_and_not_out_of_modprobe() -> None:
    """modprobe -b obeys it with status 0; an explicit modprobe does not; a boot does."""
    twin = from_options("gw-01", {"running": False})
    told(twin, "printf 'blacklist nf_nat_sip\\nblacklist nf_conntrack_sip\\n' > /etc/modprobe.d/sip.conf")
    twin.exec("root", "reboot", "")

    assert "sip" not in told(twin, "cat /proc/modules")
    told(twin, "modprobe -b nf_nat_sip")
    assert "sip" not in told(twin, "cat /proc/modules")
    told(twin, "modprobe nf_nat_sip")
    assert "nf_nat_sip 20480 0 - Live" in told(twin, "cat /proc/modules")


def test_install_false_stops_modprobe_with_kmods_words() -> None:
    """Recorded with install nf_conntrack_sip /bin/false."""
    twin = from_options("gw-01", {"running": False, "loaded": "none"})
    told(twin, "echo 'install nf_conntrack_sip /bin/false' > /etc/modprobe.d/sip.conf")

    assert refused(twin, "modprobe nf_nat_sip") == (
        "modprobe: ERROR: ../libkmod/libkmod-module.c:1047 command_do() Error running install command "
        "'/bin/false' for module nf_conntrack_sip: retcode 1\n"
        "modprobe: ERROR: could not insert 'nf_nat_sip': Invalid argument\n",
        1,
    )


def test_a_helper_built_in_is_no_module() -> None:
    """No /proc/modules, lsmod fails, and /sys/module knows nf_conntrack_sip but not nf_nat_sip."""
    twin = from_options("gw-01", {"builtin": True, "release": "6.18.44"})

    assert refused(twin, "cat /proc/modules") == ("cat: /proc/modules: No such file or directory\n", 1)
    assert "could not get list of modules" in refused(twin, "lsmod")[0]
    assert refused(twin, "rmmod nf_nat_sip")[0] == "rmmod: ERROR: Module nf_nat_sip is not currently loaded\n"
    assert re.findall(r"nf_\w+sip", told(twin, "ls /sys/module")) == ["nf_conntrack_sip"]
    assert twin.alg


# Who may what.


@pytest.mark.parametrize(
    ("command", "said", "status"),
    [
        ("nft list ruleset", "bash: line 1: nft: command not found\n", 127),
        (
            "/usr/sbin/nft list ruleset",
            "Operation not permitted (you must be root)\n"
            "netlink: Error: cache initialization failed: Operation not permitted\n",
            1,
        ),
        (
            "/usr/sbin/nft flush ruleset",
            "Error: Could not process rule: Operation not permitted\nflush ruleset\n^^^^^^^^^^^^^\n",
            1,
        ),
        (
            "/usr/sbin/iptables-save",
            "iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: "
            "Permission denied (you must be root)\n",
            4,
        ),
        (
            "/usr/sbin/conntrack -F",
            "conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n"
            "conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root or get "
            "CAP_NET_ADMIN capability to do this\n",
            1,
        ),
        (
            "/sbin/rmmod nf_nat_sip",
            "rmmod: ERROR: ../libkmod/libkmod-module.c:856 kmod_module_remove_module() could not remove "
            "'nf_nat_sip': Operation not permitted\n"
            "rmmod: ERROR: could not remove module nf_nat_sip: Operation not permitted\n",
            1,
        ),
        ("/sbin/reboot", "reboot: (null): Operation not permitted\n", 1),
        ("sudo -n id", "bash: line 1: sudo: command not found\n", 127),
        (
            "echo x > /etc/modprobe.d/sip.conf",
            "bash: line 1: /etc/modprobe.d/sip.conf: Permission denied\n",
            1,
        ),
    ],
)
def test_an_ordinary_user_is_refused(command: str, said: str, status: int) -> None:
    """In the words that were recorded, and nothing happens."""
    twin = from_options("gw-01", {})
    before = twin.snapshot()

    assert refused(twin, command, "user") == (said, status)
    assert twin.snapshot() == before


def test_sudo_is_there_or_asks_or_lets_through() -> None:
    """Three kinds of boxes."""
    asks = from_options("a", {"sudo": "password"})
    free = from_options("b", {"sudo": "free"})

    assert refused(asks, "sudo -n nft list ruleset", "user")[0] == "sudo: a password is required\n"
    assert "table ip nat" in told(free, "sudo -n nft list ruleset", "user")


def test_an_account_of_level_admin_is_root_whatever_its_name() -> None:
    """User id 0 counts."""
    twin = from_options(
        "gw-01", {"users": {"boss": {"password": "x"}, "eve": {"password": "y", "level": "user"}}}
    )

    assert told(twin, "id -u", "boss") == "0\n"
    assert told(twin, "id -u", "eve") != "0\n"
