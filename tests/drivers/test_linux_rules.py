"""Linux: rules are taken out and put back in a kernel's own tables, by real nft and iptables."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sipalg_fix.drivers.linux import DRIVER
from sipalg_fix.drivers.linux.probes import IP6TABLES, IPTABLES, KERNEL, MODULES, NFT, RELEASE
from sipalg_fix.lab.netns import Namespace
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command, Reply, Transcript
from sipalg_fix.model.step import Amend, Find, Step, Tell, commands, found, judge

pytestmark = pytest.mark.root

RULES = """
table ip alg {
    ct helper sip-udp { type "sip" protocol udp; }
    ct helper sip-tcp { type "sip" protocol tcp; }
    set phones { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }
    chain pre {
        type filter hook prerouting priority filter; policy accept;
        udp dport { 5060, 5080 } counter ct helper set "sip-udp" comment "it's voip"
        ip saddr @phones counter
        tcp dport 5060 ct helper set "sip-tcp"
        ct helper set udp dport map { 5062 : "sip-udp" }
        tcp dport 80 counter
        udp dport 5064 ct helper set "sip-udp"
    }
}
table ip nat {
    chain post { type nat hook postrouting priority srcnat; masquerade; }
}
"""
IPTABLES_RULES = (
    "-A PREROUTING -i lo -j ACCEPT",
    "-A PREROUTING -p udp --dport 5066 -m comment "
    "--comment 'a \"b\" $(touch {folder}/run) `c` \\ d' -j CT --helper sip",
    "-A PREROUTING -p tcp --dport 5066 -j CT --helper sip",
    "-A PREROUTING -p udp --dport 99 -j ACCEPT",
)


class Box:
    """A namespace with the rules above; what it is asked beyond them is left out."""

    def __init__(self, net: Namespace, folder: Path) -> None:
        self.net, self.folder = net, folder
        self.shell("nft -f - <<'END'\n" + RULES + "END")
        for rule in IPTABLES_RULES:
            self.shell(f"iptables -t raw {rule.format(folder=folder)}")

    def send(self, command: Command) -> Reply:
        """As an exec channel does it."""
        with self.net.inside():
            done = subprocess.run(["sh", "-c", command.text], capture_output=True, text=True, check=False)
        return Reply(command=command, text=done.stdout + done.stderr, status=f"exit {done.returncode}")

    def shell(self, line: str) -> str:
        """A line that must succeed."""
        reply = self.send(Command(access="ssh", text=line))
        assert reply.ok, reply
        return reply.text

    def look(self) -> Facts:
        """Facts by the probes that read rules; the others were not asked."""
        asked = (KERNEL, RELEASE, NFT, IPTABLES, IP6TABLES, MODULES)
        return DRIVER.parse(Transcript(replies=tuple(self.send(probe) for probe in asked)))

    def carry_out(self, steps: tuple[Step, ...]) -> None:
        """Each step, judged."""
        for step in steps:
            match step:
                case Find(read=read):
                    for tell in found(step, self.send(read)):
                        judge(tell, self.send(tell.command))
                case Tell(command=command):
                    judge(step, self.send(command))
                case Amend():
                    pytest.fail("rules are no JSON objects")

    def rules(self) -> str:
        """All rules, in order, without counters."""
        listing = self.shell("nft -s list ruleset 2>/dev/null; iptables-save -t raw")
        return "".join(line for line in listing.splitlines(keepends=True) if not line.startswith("#"))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """Such a box, or a skip that says what is missing."""
    lacking = [tool for tool in ("nft", "iptables", "iptables-save") if shutil.which(tool) is None]
    if lacking:
        pytest.skip(f"no {', '.join(lacking)}")
    try:
        net = Namespace("rules")
    except OSError as error:
        pytest.skip(str(error))
    with net:
        yield Box(net, tmp_path)


def test_rules_go_one_by_one_and_come_back_in_their_places(box: Box) -> None:
    """Afterwards the listing is the same to the letter; rules of others were never touched."""
    before, facts = box.rules(), box.look()
    remedy = DRIVER.remedy(facts)
    assert not remedy.impossible
    box.carry_out(remedy.forward)
    between = box.look()
    assert between.helpers[0].running.value is not Value.ON
    assert "helper set" not in box.rules().replace("ct helper sip", "")
    assert "--helper" not in box.rules()
    lost = [line for line in facts.config if line not in between.config]
    assert sorted(f"-{line}" for line in lost) == sorted(remedy.diff)
    box.carry_out(remedy.inverse)
    assert box.rules() == before
    assert box.look().settings == facts.settings
    assert not (box.folder / "run").exists(), "a comment of a rule was run by the shell"


def test_putting_back_what_is_there_changes_nothing(box: Box) -> None:
    """The way back may be sent after a change that stopped anywhere."""
    before, remedy = box.rules(), DRIVER.remedy(box.look())
    box.carry_out(remedy.inverse)
    assert box.rules() == before
    for count in range(1, len(remedy.forward)):
        box.carry_out(remedy.forward[:count])
        box.carry_out(remedy.inverse)
        assert box.rules() == before, commands(remedy.forward[:count])


def test_looking_changes_nothing(box: Box) -> None:
    """Listing rules must not make tables or chains; some tools do."""
    before = box.rules()
    for probe in DRIVER.probes:
        box.send(replace(probe))
    assert box.rules() == before
