"""The virtual Linux router behaves as recorded ones do, and is awkward where its switches say so."""

from __future__ import annotations

import json
import re

import pytest

from sipalg_fix.lab.twin import Exec
from sipalg_fix.lab.twins.linux import LinuxTwin, from_options

DROP_RULES = "nft delete rule ip alg pre handle 4 && nft delete rule ip alg pre handle 5"
STORE = "nft list ruleset > /etc/nftables.conf"
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


def test_as_delivered_the_rules_the_flows_and_the_file_say_on() -> None:
    """Rule, stored file, modules and tracked connections agree."""
    twin = from_options("gw-01", {})

    assert "udp dport 5060 ct helper set" in told(twin, "nft list ruleset")
    assert "udp dport 5060 ct helper set" in told(twin, "cat /etc/nftables.conf")
    assert told(twin, FLOWS) == "2\n"
    assert "nf_nat_sip             20480  0\n" in told(twin, "lsmod")
    assert twin.alg
    assert twin.chassis.writes == 0


def test_flows_outlive_the_rule_until_they_are_deleted() -> None:
    """Without the rule old flows keep the helper, for as long as the phones talk; conntrack -D frees them."""
    twin = from_options("gw-01", {})
    told(twin, DROP_RULES)
    twin.chassis.advance(7200)

    kept = told(twin, FLOWS)
    told(twin, "conntrack -D -p udp --dport 5060")
    again = twin.exec("root", "conntrack -D -p udp --dport 5060", "")
    twin.chassis.advance(30)

    assert kept == "2\n"
    assert again.stderr == "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.\n"
    assert again.status == 1
    assert "mark=0 use=1" in told(twin, "conntrack -L 2>/dev/null")
    assert not twin.alg


def test_a_single_flow_can_be_deleted() -> None:
    """By addresses and ports, and the other stays."""
    twin = from_options("gw-01", {})

    told(twin, "conntrack -D -p udp -s 192.168.77.2 -d 203.0.113.9 --sport 5060 --dport 5060")

    assert re.findall(r"src=192\.168\.77\.\d", told(twin, "conntrack -L 2>/dev/null")) == ["src=192.168.77.3"]


def test_expectations_go_with_their_connection() -> None:
    """Each registered phone has one, and conntrack -D of the flow takes it along."""
    twin = from_options("gw-01", {"phones": 1})
    before = told(twin, "conntrack -L expect 2>/dev/null")
    told(twin, "conntrack -F")

    assert re.fullmatch(r"599 proto=17 src=203\.0\.113\.9 .* PERMANENT class=0 helper=sip\n", before)
    assert told(twin, "conntrack -L expect 2>/dev/null") == ""


def test_a_boot_loads_what_is_stored_and_nothing_else() -> None:
    """An unsaved change is lost, a saved one stays; boot id, uptime and sessions are new."""
    twin = from_options("gw-01", {})
    first = told(twin, "cat /proc/sys/kernel/random/boot_id")
    told(twin, DROP_RULES)
    twin.exec("root", "reboot", "")
    unsaved = told(twin, "nft list ruleset")
    told(twin, f"{DROP_RULES} && {STORE}; echo > /tmp/x; echo > /run/y")
    twin.exec("root", "systemctl reboot", "")

    assert "ct helper set" in unsaved
    assert "ct helper set" not in told(twin, "nft list ruleset")
    assert told(twin, "cat /proc/sys/kernel/random/boot_id") != first
    assert twin.chassis.boots == 3
    assert told(twin, "ls /tmp /run") == "/run:\n\n/tmp:\n"
    assert not twin.alg


def test_a_stored_file_that_is_not_loaded_does_nothing() -> None:
    """Without the service there are no rules at all, and with it again they are back."""
    twin = from_options("gw-01", {"enabled": False})
    assert twin.exec("root", "systemctl is-enabled nftables", "") == Exec(stdout="disabled\n", status=1)
    assert told(twin, "nft list ruleset") == ""
    told(twin, "systemctl enable nftables")
    twin.exec("root", "reboot", "")
    assert "ct helper set" in told(twin, "nft list ruleset")


def test_running_and_startup_can_differ() -> None:
    """Somebody changed one and not the other."""
    off_now = from_options("a", {"running": False, "startup": True})
    on_now = from_options("b", {"running": True, "startup": False})

    assert (off_now.alg, on_now.alg) == (False, True)
    assert "ct helper set" in told(off_now, "cat /etc/nftables.conf")
    assert "ct helper set" not in told(on_now, "cat /etc/nftables.conf")
    for twin in (off_now, on_now):
        twin.exec("root", "reboot", "")
    assert (off_now.alg, on_now.alg) == (True, False)


def test_iptables_rules_do_the_same() -> None:
    """The helper by iptables, stored in rules.v4, deleted by number, tested, restored."""
    twin = from_options("gw-01", {"how": "iptables"})
    line = "-A PREROUTING -p udp -m udp --dport 5060 -j CT --helper sip"
    saved = told(twin, "iptables-save -t raw")
    told(twin, "iptables -t raw -D PREROUTING -p udp -m udp --dport 5060 -j CT --helper sip")
    told(twin, "conntrack -F")
    told(twin, "sed -i 's/^-A PREROUTING/#&/' /etc/iptables/rules.v4")
    told(twin, "iptables-restore --test < /etc/iptables/rules.v4")
    twin.exec("root", "reboot", "")

    assert line in saved
    assert not twin.alg
    assert line not in told(twin, "iptables-save")


def test_old_kernels_attach_helpers_by_themselves() -> None:
    """Before 6.0 a switch does it without any rule; it is set at boot from /etc/sysctl.d."""
    twin = from_options("gw-01", {"release": "5.10.0-8-amd64", "how": "automatic"})
    name = "net.netfilter.nf_conntrack_helper"
    was = told(twin, f"sysctl -n {name}")

    assert told(twin, f"sysctl -w {name}=0") == f"{name} = 0\n"
    told(twin, "conntrack -F")
    twin.chassis.advance(60)
    gone = twin.alg
    twin.exec("root", "reboot", "")

    assert (was, gone, twin.alg) == ("1\n", False, True)


def test_a_new_kernel_has_no_such_switch() -> None:
    """As recorded on 6.1 and 6.18."""
    said = "sysctl: cannot stat /proc/sys/net/netfilter/nf_conntrack_helper: No such file or directory\n"

    assert refused(from_options("gw-01", {}), "sysctl -n net.netfilter.nf_conntrack_helper") == (said, 1)


# nftables.


def test_a_file_is_loaded_as_a_whole_or_not_at_all() -> None:
    """An error in the last line leaves the rules before it out, and the error shows its place."""
    twin = from_options("gw-01", {})
    before = told(twin, "nft list ruleset")
    file = "flush ruleset\nadd table ip x\nadd rule ip x nosuch accept\n"

    done = twin.exec("root", "nft -f -", file)

    assert done.status == 1
    assert done.stderr == (
        "/dev/stdin:3:15-20: Error: Could not process rule: No such file or directory\n"
        "add rule ip x nosuch accept\n"
        "              ^^^^^^\n"
    )
    assert told(twin, "nft list ruleset") == before


def test_checking_changes_nothing() -> None:
    """nft -c reads, refuses what is wrong, and leaves the rules alone."""
    twin = from_options("gw-01", {})
    before = told(twin, "nft list ruleset")

    told(twin, "nft -c -f /etc/nftables.conf && echo 'flush ruleset' | nft -c -f -")
    assert told(twin, "nft list ruleset") == before
    assert refused(twin, "echo 'table ip x {' | nft -c -f -")[1] == 1


def test_what_nft_lists_it_also_takes() -> None:
    """The listing of a ruleset, loaded, lists the same."""
    twin = from_options("gw-01", {"ports": [5060, 5080]})
    listed = told(twin, "nft list ruleset")

    told(twin, "nft list ruleset > /root/rules; nft flush ruleset; nft -f /root/rules")

    assert told(twin, "nft list ruleset") == listed
    assert "udp dport { 5060, 5080 } ct helper set" in listed


def test_files_include_others() -> None:
    """A pattern may mean no file; a name must be there."""
    twin = from_options("gw-01", {})
    told(twin, "mkdir /etc/nft.d; echo 'add table ip extra' > /etc/nft.d/a.nft")
    told(twin, "echo 'include \"/etc/nft.d/*.nft\"' | nft -f -")

    assert "table ip extra" in told(twin, "nft list tables")
    assert refused(twin, "echo 'include \"/etc/nosuch.nft\"' | nft -f -")[1] == 1


def test_json_says_what_the_text_says() -> None:
    """Recorded shape: the helper statement of the rule with its object's name."""
    twin = from_options("gw-01", {})
    listed = json.loads(told(twin, "nft -j list ruleset"))["nftables"]
    rules = [entry["rule"] for entry in listed if "rule" in entry]

    assert {"ct helper": "sip-udp"} in rules[-2]["expr"]
    assert rules[-2]["handle"] == 4


@pytest.mark.parametrize(
    ("command", "reads"),
    [
        ("nft -f -", True),
        ("cat > /etc/nftables.conf", True),
        ("iptables-restore --test", True),
        ("sh -s", True),
        ("iptables-restore --test < /etc/iptables/rules.v4", False),
        ("nft list ruleset", False),
        ("echo x | nft -f -", False),
        ("cat /etc/nftables.conf > /run/x", False),
    ],
)
def test_it_knows_which_commands_wait_for_input(command: str, reads: bool) -> None:
    """A server asks, so that it need not wait for the end of an input that nobody sends."""
    assert from_options("gw-01", {}).reads_stdin(command) is reads


# Switches.


def test_locked_refuses_rules_and_files_and_lets_look() -> None:
    """Somebody else holds it."""
    twin = from_options("gw-01", {})
    twin.chassis.switches.locked = True
    before = twin.snapshot()

    assert "Device or resource busy" in refused(twin, "nft delete table ip alg")[0]
    assert "xtables lock" in refused(twin, "iptables -t raw -F")[0]
    assert "Read-only file system" in refused(twin, "echo > /etc/nftables.conf")[0]
    assert "ct helper set" in told(twin, "nft list ruleset")
    assert twin.snapshot() == before


def test_refuse_writes_knows_no_change_at_all() -> None:
    """Every change is refused; looking works."""
    twin = from_options("gw-01", {})
    twin.chassis.switches.refuse_writes = True
    before = twin.snapshot()

    for command in ("nft delete table ip alg", "conntrack -F", "rmmod nf_nat_sip", "rm /etc/nftables.conf"):
        refused(twin, command)
    assert twin.snapshot() == before


def test_save_fails_changes_the_kernel_and_not_the_file() -> None:
    """The flash is full: rules go, the file cannot be written, and a copy beside it neither."""
    twin = from_options("gw-01", {})
    twin.chassis.switches.save_fails = True
    told(twin, DROP_RULES)

    assert "No space left on device" in refused(twin, "cp -p /etc/nftables.conf /etc/x")[0]
    assert "ct helper set" in told(twin, "cat /etc/nftables.conf")


def test_stay_on_goes_on_until_the_next_boot() -> None:
    """The rules are gone and flows deleted, and yet the phones' flows have the helper again."""
    twin = from_options("gw-01", {})
    twin.chassis.switches.stay_on = True
    told(twin, f"{DROP_RULES} && {STORE}; conntrack -D -p udp --dport 5060")
    still = twin.alg
    twin.exec("root", "reboot", "")

    assert still
    assert not twin.alg


def test_a_reboot_that_fails_looks_like_success() -> None:
    """Status 0 and the same boot."""
    twin = from_options("gw-01", {})
    twin.chassis.switches.reboot_fails = True

    assert twin.exec("root", "reboot", "") == Exec()
    assert twin.chassis.boots == 1


def test_a_detached_revert_fires_unless_it_is_killed() -> None:
    """A dead man in the shell: what it restores is back when its time is up, and not before."""
    twin = from_options("gw-01", {})
    guard = "nft list ruleset > /run/before; setsid sh -c 'sleep 120; nft flush ruleset; nft -f /run/before'"
    told(twin, f"{guard} </dev/null >/dev/null 2>&1 & echo $! > /run/pid; {DROP_RULES}")
    twin.chassis.advance(119)
    waiting = told(twin, "nft list ruleset")
    seen = told(twin, "tr '\\0' ' ' < /proc/$(cat /run/pid)/cmdline")
    twin.chassis.advance(1)

    assert "ct helper set" not in waiting
    assert seen.startswith("sh -c sleep 120; nft flush ruleset")
    assert "ct helper set" in told(twin, "nft list ruleset")
    assert refused(twin, "kill -0 $(cat /run/pid)")[1] == 1


def test_wrong_options_are_named() -> None:
    """A lab file with a slip does not start a router of another kind."""
    with pytest.raises(ValueError, match="unknown option 'runing'"):
        from_options("gw-01", {"runing": True})
    with pytest.raises(ValueError, match="option 'how' is 'magic'"):
        from_options("gw-01", {"how": "magic"})
    with pytest.raises(ValueError, match=r"kernels from 6\.0 on"):
        from_options("gw-01", {"how": "automatic"})


def test_a_snapshot_is_plain_and_looking_leaves_it() -> None:
    """It can be written as JSON, and reading commands change nothing of it."""
    twin = from_options("gw-01", {})
    before = json.dumps(twin.snapshot())

    told(
        twin,
        "nft list ruleset; iptables-save; conntrack -L; cat /etc/nftables.conf; lsmod; uname -a; ls /etc",
    )

    assert json.dumps(twin.snapshot()) == before
    assert twin.chassis.writes == 0
