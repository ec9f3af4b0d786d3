"""OpenWrt: what its commands do to a router that behaves, and what real shells make of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.drivers.openwrt import DRIVER
from sipalg_fix.drivers.openwrt.config import Setting
from sipalg_fix.drivers.openwrt.guard import FILE, GUARD, PROOF
from sipalg_fix.drivers.openwrt.helpers import Change
from sipalg_fix.drivers.openwrt.lines import COPY, back, commit, stage
from sipalg_fix.lab.twins.openwrt import OpenwrtTwin, from_options
from sipalg_fix.model.assessment import Intent, Verdict, assess
from sipalg_fix.model.errors import Refused
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command, Reply, Transcript
from sipalg_fix.model.step import Find, Remedy, Step, Tell, commands, found, judge

CONFIG = "/etc/config/firewall"
Ask = Callable[[Command], Reply]
WAYS: dict[str, dict[str, Any]] = {
    "automatic": {},
    "sip listed": {"helpers": ["sip"]},
    "sip listed among others": {"helpers": ["sip", "ftp"]},
    "a rule": {"rule": True, "auto_helper": "0"},
    "a rule and automatic": {"rule": True},
    "fw3": {"old": True, "release": "21.02.7", "kernel": "5.4.238"},
    "fw3 listed": {"old": True, "helpers": ["tftp", "sip"]},
    "without conntrack": {"conntrack": False},
}
each_way = pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)


def asked(twin: OpenwrtTwin) -> Ask:
    """The router, asked over an exec channel."""

    def ask(command: Command) -> Reply:
        done = twin.exec("root", command.text, "")
        return Reply(
            command=command, text=(done.stdout + done.stderr).rstrip("\n"), status=f"exit {done.status}"
        )

    return ask


def look(twin: OpenwrtTwin) -> Facts:
    """What the driver makes of the router now."""
    ask = asked(twin)
    seen = Transcript(replies=tuple(map(ask, DRIVER.probes)))
    return DRIVER.parse(seen.plus(*map(ask, DRIVER.more_probes(seen))))


def carry_out(steps: tuple[Step, ...], ask: Ask) -> None:
    """Each command, judged."""
    for step in steps:
        match step:
            case Tell():
                judge(step, ask(step.command))
            case Find():
                for tell in found(step, ask(step.read)):
                    judge(tell, ask(tell.command))
            case _:
                raise AssertionError(step)


def helpers(twin: OpenwrtTwin) -> set[str]:
    """The helpers that the rules set, whatever the zone."""
    return {name for names in twin.snapshot()["helpers"].values() for name in names}


@each_way
def test_sip_goes_and_nothing_else(options: dict[str, Any]) -> None:
    """The other helpers stay at work; a boot changes nothing; the way back leads to where it began."""
    twin = from_options("r1", options)
    before, others = look(twin), helpers(twin) - {"sip"}
    first = {key: value for key, value in twin.snapshot().items() if key not in ("flows", "boots")}
    remedy = DRIVER.remedy(before)
    carry_out((*remedy.forward, *remedy.save, *DRIVER.flush(before)), asked(twin))
    after = look(twin)
    assert [helper.running.value for helper in after.helpers] == [Value.OFF]
    assert helpers(twin) == others
    assert not twin.alg
    twin.exec("root", "reboot", "")
    assert [(helper.running.value, helper.startup.value) for helper in look(twin).helpers] == [
        (Value.OFF, Value.OFF)
    ]
    assert helpers(twin) == others
    carry_out((*remedy.inverse, *remedy.resave), asked(twin))
    assert look(twin).settings == before.settings
    assert {key: value for key, value in twin.snapshot().items() if key not in ("flows", "boots")} == first


@each_way
def test_nothing_is_written_to_flash_before_the_save(options: dict[str, Any]) -> None:
    """A power cut between the change and its confirmation brings back what was."""
    twin = from_options("r1", options)
    before = look(twin)
    stored = twin.box.files.read(CONFIG)
    carry_out(DRIVER.remedy(before).forward, asked(twin))
    assert twin.box.files.read(CONFIG) == stored
    twin.exec("root", "reboot", "")
    assert look(twin).settings == before.settings


@each_way
def test_every_step_may_be_sent_twice(options: dict[str, Any]) -> None:
    """A crash between sending and hearing leaves the same router."""
    once, twice = from_options("r1", options), from_options("r1", options)
    remedy = DRIVER.remedy(look(once))
    for part in (remedy.forward, remedy.save, remedy.inverse, remedy.resave):
        carry_out(part, asked(once))
        carry_out((*part, *part), asked(twice))
        assert twice.snapshot()["firewall"] == once.snapshot()["firewall"]
        assert look(twice).settings == look(once).settings


def test_a_helper_list_is_put_back_in_its_order() -> None:
    """``del_list`` and ``add_list`` would have moved it."""
    twin = from_options("r1", {"helpers": ["tftp", "sip", "ftp"]})
    remedy = DRIVER.remedy(look(twin))
    assert "uci del_list 'firewall.@zone[0].helper=sip'" in commands(remedy.forward)[0]
    carry_out((*remedy.forward, *remedy.save, *remedy.inverse, *remedy.resave), asked(twin))
    assert twin.exec("root", "uci get firewall.@zone[0].helper", "").stdout == "tftp sip ftp\n"


@pytest.mark.parametrize("full", ["/etc", CONFIG.rpartition("/")[0]])
def test_a_full_disk_costs_no_configuration(full: str) -> None:
    """The save fails in words, and the stored file is, byte for byte, what it was."""
    twin = from_options("r1", {})
    remedy, stored = DRIVER.remedy(look(twin)), twin.box.files.read(CONFIG)
    carry_out(remedy.forward, asked(twin))
    twin.box.files.full.add(full)
    ask = asked(twin)
    done = (
        twin.box.exec("root", remedy.save[0].command.text, "") if isinstance(remedy.save[0], Tell) else None
    )
    assert done is not None
    assert done.status != 0
    assert twin.box.files.read(CONFIG) == stored
    assert not twin.box.files.exists(COPY)
    twin.box.files.full.clear()
    facts = DRIVER.parse(Transcript(replies=tuple(map(ask, DRIVER.probes))))
    assert [(helper.running.value, helper.startup.value) for helper in facts.helpers] == [
        (Value.OFF, Value.ON)
    ]


def test_zones_that_moved_are_left_alone() -> None:
    """Somebody put a zone before ours between plan and apply: refused, and nothing is staged."""
    twin = from_options("r1", {})
    remedy = DRIVER.remedy(look(twin))
    text = twin.box.files.read(CONFIG)
    guest = "\nconfig zone\n\toption name 'guest'\n\toption input 'REJECT'\n"
    twin.box.files.put(CONFIG, text.replace("\nconfig zone", guest + "\nconfig zone", 1))
    with pytest.raises(Refused, match="not as they were read"):
        carry_out(remedy.forward, asked(twin))
    assert twin.exec("root", "uci changes", "").stdout == ""


def test_a_zone_that_the_change_would_drop_is_refused() -> None:
    """fw4 leaves out a zone that it cannot read, and its reload ends well all the same."""
    twin = from_options("r1", {})
    change = Change(ref="@zone[0]", option="helper", before=Setting(), after=Setting(values=("nosuch",)))
    remedy = DRIVER.remedy(look(twin))
    carry_out((stage((change,)),), asked(twin))
    with pytest.raises(Refused, match="skipped"):
        carry_out(remedy.forward[1:], asked(twin))


def test_what_somebody_else_staged_is_named_and_stays_staged_after_a_rollback() -> None:
    """The plan objects; the way back withdraws our own changes and no others."""
    twin = from_options("r1", {"staged": ["set firewall.@zone[1].mtu_fix=0"]})
    remedy = DRIVER.remedy(look(twin))
    assert [objection.code for objection in remedy.objections] == ["unsaved-edits"]
    assert "mtu_fix" in remedy.objections[0].message
    carry_out((*remedy.forward, *remedy.inverse), asked(twin))
    assert twin.exec("root", "uci changes", "").stdout == "firewall.cfg03dc81.mtu_fix='0'\n"


def test_a_staged_change_that_works_is_committed() -> None:
    """Off now, on after the next boot: only the commit is lacking, and undoing it is a commit too."""
    twin = from_options("r1", {"staged": ["add_list firewall.@zone[0].helper=ftp"], "running": False})
    remedy = DRIVER.remedy(look(twin))
    assert not remedy.forward
    carry_out(remedy.save, asked(twin))
    assert assess(look(twin), Intent()).planes.startup.value is Value.OFF
    carry_out(remedy.resave, asked(twin))
    assert twin.exec("root", "uci -q get firewall.@zone[0].helper", "").stdout == ""


def test_an_unsettled_guard_takes_the_change_back() -> None:
    """Two minutes later the rules are what they were, nothing is staged, and the guard is gone."""
    twin = from_options("r1", {})
    before, ask = look(twin), asked(twin)
    carry_out(GUARD.arm(before, DRIVER.remedy(before), 2).forward, ask)
    assert look(twin).helpers[0].running.value is Value.OFF
    assert GUARD.pending(Transcript(replies=(ask(PROOF),))).value is Value.ON
    twin.chassis.advance(119)
    assert look(twin).helpers[0].running.value is Value.OFF
    twin.chassis.advance(2)
    assert look(twin).settings == before.settings
    assert GUARD.pending(Transcript(replies=(ask(PROOF),))).value is Value.OFF


def test_without_the_tool_a_connection_that_may_be_old_is_not_called_clean() -> None:
    """The kernel lists no helpers: with a phone on the line it cannot be told, without one it can."""
    twin = from_options("r1", {"conntrack": False, "auto_helper": "0"})
    assert assess(look(twin), Intent()).verdict is Verdict.UNKNOWN
    alone = from_options("r1", {"conntrack": False, "auto_helper": "0", "phones": 0})
    assert assess(look(alone), Intent()).verdict is Verdict.COMPLIANT


# By real shells.

SHELLS = [shell for shell in (("dash",), ("bash",), ("busybox", "sh")) if shutil.which(shell[0])]
Run = Callable[[str], Reply]
UCI = """\
#!/bin/sh
# One option, in the file $STORE; staged in $STORE.staged.
[ "$1" = -q ] && shift
case "$1" in
get) f=$STORE; [ -e "$STORE.staged" ] && f=$STORE.staged; [ -s "$f" ] && sed -n 's/^option //p' "$f" ;;
set) echo "config" > "$STORE.staged"; echo "option ${2#*=}" >> "$STORE.staged" ;;
delete) echo "config" > "$STORE.staged" ;;
revert) rm -f "$STORE.staged" ;;
commit) [ ! -e "$STORE.staged" ] ||
  { [ -e "$STORE.full" ] && : > "$STORE" || cat "$STORE.staged" > "$STORE"; }
  rm -f "$STORE.staged" ;;
esac
"""


@pytest.fixture(params=SHELLS, ids=[shell[0] for shell in SHELLS])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a line as a login shell would, with a uci of one option, and files that are ours."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "uci").write_text(UCI)
    (tools / "uci").chmod(0o755)
    store = tmp_path / "firewall"
    store.write_text("config\n")
    environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "STORE": str(store)}

    def line(text: str) -> Reply:
        here = text.replace(CONFIG, str(store)).replace(COPY, str(tmp_path / "copy"))
        done = subprocess.run(
            [*request.param, "-c", here],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        said = done.stdout + done.stderr
        return Reply(command=Command(access="ssh", text=text), text=said, status=f"exit {done.returncode}")

    return line


ONE = (Change(ref="@defaults[0]", option="auto_helper", before=Setting(), after=Setting(values=("0",))),)


def told(steps: tuple[Step, ...], line: Run) -> None:
    """Each command, judged."""
    carry_out(steps, lambda command: line(command.text))


def test_lines_mean_the_same_to_every_shell(run: Run, tmp_path: Path) -> None:
    """Staged, stored, withdrawn and stored again; nothing else is left behind."""
    store = tmp_path / "firewall"
    told((stage(ONE),), run)
    assert store.read_text() == "config\n"
    told((commit(ONE),), run)
    assert store.read_text() == "config\noption 0\n"
    told((back(ONE), commit(ONE, after=False)), run)
    assert store.read_text() == "config\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bin", "firewall"]


def test_a_commit_that_emptied_the_file_is_put_back_by_every_shell(run: Run, tmp_path: Path) -> None:
    """It ends in an error, and the file is as it was."""
    (tmp_path / "firewall.full").touch()
    told((stage(ONE),), run)
    with pytest.raises(Refused) as raised:
        told((commit(ONE),), run)
    assert raised.value.code == "save-failed"
    assert (tmp_path / "firewall").read_text() == "config\n"
    assert not (tmp_path / "copy").exists()


DEADLINE = 20.0


def until(true: Callable[[], bool]) -> bool:
    """Wait for an event; false when it did not come."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if true():
            return True
        os.sched_yield()
    return False


@pytest.fixture
def timer(tmp_path: Path, run: Run) -> Iterator[tuple[Run, Remedy, Path, Path]]:
    """
    (shell, remedy, a pipe to open when time is up, a file that the way back writes). The timer's file is
    ours, and instead of sleeping it waits for the pipe.
    """
    pipe, undone = tmp_path / "pipe", tmp_path / "undone"
    os.mkfifo(pipe)

    def line(text: str) -> Reply:
        return run(text.replace("sleep 300", f"read x < {pipe}").replace(FILE, str(tmp_path / "guard")))

    undo = Tell(command=Command(access="ssh", text=f"echo 'put back' > {undone}"))
    yield line, Remedy(forward=(replace(undo),), inverse=(undo,)), pipe, undone
    told(GUARD.arm(FACTS, Remedy(), 5).keep, line)


FACTS = Facts(platform="openwrt", version="23.05.5")


def state(line: Run) -> Value:
    """What the guard's proof shows now."""
    return GUARD.pending(Transcript(replies=(replace(line(PROOF.text), command=PROOF),))).value


def test_a_guard_that_is_settled_never_fires(timer: tuple[Run, Remedy, Path, Path]) -> None:
    """It outlives the shell that armed it, is shown while it lives, and is shown to be gone."""
    line, remedy, _, undone = timer
    assert state(line) is Value.OFF
    armed = GUARD.arm(FACTS, remedy, 5)
    told(armed.forward[:1], line)
    assert state(line) is Value.ON
    with pytest.raises(Refused, match="another guard"):
        told(armed.forward[:1], line)
    told(armed.keep, line)
    assert until(lambda: state(line) is Value.OFF)
    told(armed.keep, line)
    assert not undone.exists()


def test_a_guard_that_nobody_settles_puts_back(timer: tuple[Run, Remedy, Path, Path]) -> None:
    """When its time is up it does what the inverse does, and takes itself away."""
    line, remedy, pipe, undone = timer
    told(GUARD.arm(FACTS, remedy, 5).forward[:1], line)
    pipe.write_text("\n")
    assert until(lambda: undone.exists() and undone.read_text() == "put back\n")
    assert until(lambda: state(line) is Value.OFF)
