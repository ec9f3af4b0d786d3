"""The virtual OpenWrt router against what OpenWrt's own uci printed, and against the kernel's nftables."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sipalg_fix.lab.twins.openwrt import OpenwrtTwin, from_options
from sipalg_fix.lab.twins.openwrt.listing import fw4_table
from sipalg_fix.lab.twins.openwrt.package import Package, parsed

RECORDED = (Path(__file__).parent / "recordings" / "openwrt_uci.txt").read_text()
FIREWALL = "/etc/config/firewall"


def exchanges() -> list[tuple[str, str, int]]:
    """(command, what was printed, exit status), in order."""
    found = re.findall(r"(?ms)^>>> ([^\n]*)\n(.*?)\[exit status (\d+)\]$", RECORDED)
    return [(command, text, int(status)) for command, text, status in found]


def recorded_firewall() -> str:
    """The file that the recorded box had, from its ``uci show``."""
    package, shown = Package("firewall", []), exchanges()[0][1]
    for line in shown.splitlines():
        ref, _, value = line.removeprefix("firewall.").partition("=")
        place, _, option = ref.partition("].")
        if not option:
            package.add(value)
            continue
        section = package.find(f"{place}]")
        assert section is not None
        values = re.findall(r"'([^']*)'", value)
        lists = len(values) > 1 or option == "network"
        section.options[option] = values if lists else values[0]
    return package.written()


def test_uci_says_what_the_real_one_said() -> None:
    """All of a recorded session, word for word: staging, reverting, committing, lists, and every refusal."""
    twin = from_options("r1", {})
    twin.box.files.put(FIREWALL, recorded_firewall())
    twin.box.files.make_dirs("/tmp/.uci")
    for command, text, status in exchanges():
        done = twin.exec("root", command, "")
        said = done.stdout + done.stderr
        # Of the usage the twin prints the commands alone.
        expected = text if not text.startswith("Usage:") else text[: len(said) - 1] + "\n"
        assert (said, done.status) == (expected, status), command


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("config zone\n\toption name 'lan\n", "Parse error (EOF with unterminated ') at line 2, byte 18"),
        ("nonsense\n", "Parse error (invalid command) at line 1, byte 0"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(text: str, complaint: str) -> None:
    """The first of these is recorded."""
    twin = from_options("r1", {})
    twin.box.files.put("/etc/config/brk", text)
    done = twin.exec("root", "uci show brk", "")
    assert (done.stderr, done.status) == (f"uci: {complaint}\n", 1)


def test_a_commit_on_a_read_only_disk_keeps_what_is_staged() -> None:
    """``I/O error``, status 1, and the change is still there (recorded)."""
    twin = from_options("r1", {})
    twin.exec("root", "uci set firewall.@zone[0].auto_helper=1", "")
    twin.chassis.switches.locked = True
    done = twin.exec("root", "uci commit firewall", "")
    assert (done.stderr, done.status) == ("uci: I/O error\n", 1)
    assert twin.exec("root", "uci changes", "").stdout == "firewall.cfg02dc81.auto_helper='1'\n"


def test_a_commit_on_a_full_disk_says_nothing_and_empties_the_file() -> None:
    """Status 0, no bytes left, nothing staged any more (recorded)."""
    twin = from_options("r1", {})
    twin.exec("root", "uci set firewall.@zone[0].auto_helper=1", "")
    twin.chassis.switches.save_fails = True
    done = twin.exec("root", "uci commit firewall; wc -c < /etc/config/firewall", "")
    assert (done.stdout.strip(), done.stderr, done.status) == ("0", "", 0)
    assert twin.exec("root", "uci changes firewall", "").stdout == ""


NFT = shutil.which("nft")
CONFIGURATIONS = {
    "as delivered": {},
    "without the package": {"package": False},
    "off": {"auto_helper": "0"},
    "listed": {"helpers": ["sip", "ftp"]},
    "a rule besides": {"rule": True, "auto_helper": "0"},
}


@pytest.mark.skipif(os.geteuid() != 0 or NFT is None, reason="needs root and nftables")
@pytest.mark.parametrize("options", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_the_kernel_lists_the_rules_as_the_twin_does(options: dict[str, object]) -> None:
    """The twin's listing, loaded into a real kernel, is listed by the real nft in the same words."""
    listed = from_options("r1", options).exec("root", "nft -s list ruleset", "").stdout
    script = f"{NFT} -f - && {NFT} -s list ruleset"
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", script], input=listed, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == listed


def sip_rules(twin: OpenwrtTwin) -> int:
    """How many rules set the SIP helper."""
    return twin.exec("root", "nft -s list ruleset", "").stdout.count('ct helper set "sip"')


def test_an_object_alone_is_no_rule() -> None:
    """It is listed whatever the configuration says, as long as the module is there (recorded)."""
    twin = from_options("r1", {"auto_helper": "0"})
    assert "ct helper sip {" in twin.exec("root", "nft -s list ruleset", "").stdout
    assert sip_rules(twin) == 0


def test_a_reload_takes_in_what_is_staged_and_a_boot_does_not() -> None:
    """libuci loads deltas with the configuration; they are in RAM."""
    twin = from_options("r1", {})
    twin.exec("root", "uci set firewall.@defaults[0].auto_helper=0", "")
    assert sip_rules(twin) == 1
    twin.exec("root", "/etc/init.d/firewall reload", "")
    assert sip_rules(twin) == 0
    twin.exec("root", "reboot", "")
    assert sip_rules(twin) == 1
    assert twin.exec("root", "uci changes", "").stdout == ""


def test_a_bad_helper_drops_the_zone_and_all_ends_well() -> None:
    """Two lines on standard error, in fw4's words; status 0."""
    twin = from_options("r1", {})
    twin.exec("root", "uci add_list firewall.@zone[0].helper=foo", "")
    done = twin.exec("root", "/etc/init.d/firewall reload", "")
    assert done.stderr.splitlines() == [
        "[!] Section @zone[0] (lan) option 'helper' specifies invalid value 'foo'",
        "[!] Section @zone[0] (lan) skipped due to invalid options",
    ]
    assert done.status == 0
    assert "chain input_lan" not in twin.exec("root", "nft -s list ruleset", "").stdout


def test_old_connections_keep_the_helper_until_they_are_dropped() -> None:
    """By conntrack one by one, or all of an address by the kernel's own file."""
    twin = from_options("r1", {})
    twin.exec("root", "uci set firewall.@defaults[0].auto_helper=0; /etc/init.d/firewall reload", "")
    assert twin.alg
    twin.exec("root", "conntrack -D -p udp -s 192.168.1.20 --dport 5060 --sport 5060", "")
    helped = twin.exec("root", "conntrack -L", "").stdout
    assert (helped.count("helper=sip"), "src=192.168.1.20" in helped) == (1, True)
    twin.exec("root", "echo 192.168.1.21 > /proc/net/nf_conntrack", "")
    assert not twin.alg


def test_what_is_written_is_what_was_read() -> None:
    """A commit's file, read and written again, is the same."""
    text = recorded_firewall()
    assert parsed("firewall", text).written() == text


def test_fw3_prints_no_nftables() -> None:
    """A box of before 22.03 has iptables, and no nft."""
    twin = from_options("r1", {"old": True})
    done = twin.exec("root", "nft list ruleset", "")
    assert (done.stderr, done.status) == ("ash: nft: not found\n", 127)
    assert "-j CT --helper sip" in twin.exec("root", "iptables-save", "").stdout
    assert fw4_table(twin.tracking.rules)
