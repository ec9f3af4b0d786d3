"""Linux: the commands that edit files and keep the timer, run by real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipalg_fix.drivers.linux import edit
from sipalg_fix.drivers.linux.guard import FILE, GUARD, PROOF
from sipalg_fix.drivers.linux.stored import StoredLine, from_note, nft_lines, rules_lines, sysctl_lines
from sipalg_fix.model.errors import Refused
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Command, Reply, Transcript
from sipalg_fix.model.step import Remedy, Step, Tell, judge

SHELLS = [shell for shell in (("dash",), ("bash",), ("busybox", "sh")) if shutil.which(shell[0])]
Run = Callable[[str], Reply]

CONF = """\
#!/usr/sbin/nft -f
flush ruleset
table ip alg {
	ct helper sip-udp { type "sip" protocol udp; }
	chain pre {
		type filter hook prerouting priority filter;
		udp dport 5060 ct helper set "sip-udp" comment "it's voip & more"
		tcp dport 80 accept
	}
}
"""


@pytest.fixture(params=SHELLS, ids=[shell[0] for shell in SHELLS])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a line as a login shell would; a stub for nft takes any file that does not hold ``broken``."""
    tools = tmp_path / "bin"
    tools.mkdir()
    stub = tools / "nft"
    stub.write_text('#!/bin/sh\n[ "$1 $2" = "-c -f" ] && ! grep -q broken "$3"\n')
    stub.chmod(0o755)
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"

    def line(text: str) -> Reply:
        done = subprocess.run(
            [*request.param, "-c", text],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env={"PATH": path},
        )  # fmt: skip
        said = done.stdout + done.stderr
        return Reply(command=Command(access="ssh", text=text), text=said, status=f"exit {done.returncode}")

    return line


def carry_out(steps: tuple[Step, ...], run: Run) -> None:
    """Each command, judged."""
    for step in steps:
        assert isinstance(step, Tell)
        judge(step, run(step.command.text))


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """A stored ruleset, executable as Debian ships it."""
    file = tmp_path / "nftables.conf"
    file.write_text(CONF)
    file.chmod(0o755)
    return file


def test_a_line_is_taken_out_and_put_back_exactly(run: Run, conf: Path) -> None:
    """Afterwards every byte and the mode are what they were, and nothing else lies beside the file."""
    lines, unclear = nft_lines(CONF, str(conf))
    assert (len(lines), unclear) == (1, "")
    carry_out(edit.take_out(lines), run)
    assert nft_lines(conf.read_text(), str(conf)) == ((), "")
    assert conf.read_text().replace("#sipalg-fix# ", "") == CONF
    carry_out(edit.put_back(lines), run)
    assert conf.read_text() == CONF
    assert conf.stat().st_mode & 0o777 == 0o755
    assert sorted(file.name for file in conf.parent.iterdir()) == ["bin", "nftables.conf"]


def test_doing_it_twice_changes_nothing(run: Run, conf: Path) -> None:
    """A step may be sent again after a crash."""
    lines, _ = nft_lines(CONF, str(conf))
    carry_out(edit.take_out(lines) * 2, run)
    assert conf.read_text().count("#sipalg-fix# ") == 1
    carry_out(edit.put_back(lines) * 2, run)
    assert conf.read_text() == CONF


def test_a_symbolic_link_stays_one(run: Run, conf: Path) -> None:
    """What the link points to is edited."""
    link = conf.parent / "link.conf"
    link.symlink_to(conf)
    lines, _ = nft_lines(CONF, str(link))
    carry_out(edit.take_out(lines), run)
    assert link.is_symlink()
    assert "#sipalg-fix# " in conf.read_text()


def test_a_file_that_was_changed_since_is_left_alone(run: Run, conf: Path) -> None:
    """A line that is no longer where it was read is not the line that was planned."""
    lines, _ = nft_lines(CONF, str(conf))
    changed = "# a line more\n" + CONF
    conf.write_text(changed)
    with pytest.raises(Refused, match="not as it was read") as raised:
        carry_out(edit.take_out(lines), run)
    assert raised.value.code == "save-failed"
    assert conf.read_text() == changed


def test_a_file_that_would_not_load_is_left_alone(run: Run, conf: Path) -> None:
    """The copy is checked by the tool that will load it before it counts."""
    conf.write_text(CONF + "# broken\n")
    lines, _ = nft_lines(conf.read_text(), str(conf))
    with pytest.raises(Refused):
        carry_out(edit.take_out(lines), run)
    assert conf.read_text() == CONF + "# broken\n"
    assert not (conf.parent / "nftables.conf.sipalg-fix").exists()


TEXTS = st.text(st.characters(codec="ascii", exclude_characters="\n\r\x00"), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_no_text_of_a_line_is_run(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Quotes, dollars, backquotes and backslashes in a line are letters, not commands."""
    file = tmp_path_factory.mktemp("stored") / "sysctl.conf"
    before = "".join(f"{text}\n" for text in texts)
    file.write_text(before)
    lines = tuple(
        StoredLine(kind="sysctl", path=str(file), number=number, text=text, alone=True)
        for number, text in enumerate(texts, start=1)
        if text.strip()
    )
    for steps in (edit.take_out(lines), edit.put_back(lines)):
        for step in steps:
            assert isinstance(step, Tell)
            done = subprocess.run(
                ["sh", "-c", step.command.text], capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stdout) == (0, "stored\n"), done.stderr
    assert file.read_text() == before


@given(text=TEXTS, alone=st.booleans(), number=st.integers(1, 9999))
def test_a_stored_line_survives_being_a_note(text: str, alone: bool, number: int) -> None:
    """The literal settings hold it in one line."""
    line = StoredLine(kind="nft", path="/etc/nftables.conf", number=number, text=text, alone=alone)
    assert from_note(line.note) == line
    assert from_note(f"nft ip alg pre 0 {text}") is None


S = 'ct helper s { type "sip" protocol udp; }\n'
RULE = 'udp dport 5060 ct helper set "s"'


@pytest.mark.parametrize(
    ("text", "count", "alone"),
    [
        (f"table ip a {{\n {S} chain c {{\n  {RULE}\n }}\n}}", 1, True),
        (f'add ct helper ip a s {{ type "sip" protocol udp; }}\nadd rule ip a c {RULE}', 1, True),
        (f"{S}chain c {{ {RULE}; }}", 1, False),
        (f"{S}{RULE} }}", 1, False),
        (f'{S}udp dport 5060 \\\nct helper set "s"', 1, False),
        (f"{S}# {RULE}", 0, True),
        ('ct helper s { type "ftp" protocol tcp; }\ntcp dport 21 ct helper set "s"', 0, True),
        (S, 0, True),
        (f'{S}ct helper set udp dport map {{ 5060 : "s", 6060 : "s" }}', 1, True),
        ('ct helper s {\n type "sip-5070" protocol udp\n}\nct helper set s comment "a # b"', 1, True),
    ],
)
def test_what_a_stored_ruleset_switches_on(text: str, count: int, alone: bool) -> None:
    """By rules, in any of nft's notations; a line that holds more than its rule is not edited."""
    lines, unclear = nft_lines(text, "/etc/nftables.conf")
    assert (len(lines), unclear) == (count, "")
    assert all(line.alone is alone for line in lines)


@pytest.mark.parametrize("text", [RULE, "udp dport 5060 ct helper set $HELPER", f'{S}ct helper set \\\n"s"'])
def test_what_cannot_be_told_is_said(text: str) -> None:
    """A name that is declared elsewhere may be SIP's."""
    lines, unclear = nft_lines(text, "/etc/nftables.conf")
    assert lines == ()
    assert "/etc/nftables.conf" in unclear


def test_lines_of_iptables_and_sysctl_files() -> None:
    """Only those that set the SIP helper, or switch helpers on by themselves."""
    rules = "*raw\n-A PREROUTING -p udp --dport 5060 -j CT --helper sip\n-A PREROUTING -j CT --helper ftp\n"
    rules += "#-A PREROUTING -p tcp --dport 5060 -j CT --helper sip\nCOMMIT\n"
    assert [line.number for line in rules_lines(rules, "/etc/iptables/rules.v4", "iptables")] == [2]
    found = "/etc/sysctl.d/a.conf:3:net.netfilter.nf_conntrack_helper = 1\n"
    found += "/etc/sysctl.d/a.conf:4:# net.netfilter.nf_conntrack_helper = 1\n/etc/sysctl.conf:9:"
    found += "net.netfilter.nf_conntrack_helper=0\n/etc/modprobe.d/x.conf:1:options nf_conntrack a=1 "
    found += "nf_conntrack_helper=1\nend of search"
    lines = sysctl_lines(found)
    assert [(line.path, line.number, line.alone) for line in lines] == [
        ("/etc/sysctl.d/a.conf", 3, True),
        ("/etc/modprobe.d/x.conf", 1, False),
    ]
    assert "by hand" in edit.by_hand(lines)
    assert edit.by_hand(lines[:1]) == ""


FACTS = Facts(platform="linux", version="6.1.0")
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
    pipe, back = tmp_path / "pipe", tmp_path / "back"
    os.mkfifo(pipe)
    file = str(tmp_path / "guard")

    def line(text: str) -> Reply:
        return run(text.replace("sleep 300", f"read x < {pipe}").replace(FILE, file))

    undo = Tell(command=Command(access="ssh", text=f"echo 'put back' > {back}"))
    yield line, Remedy(forward=(replace(undo),), inverse=(undo,)), pipe, back
    line(GUARD_KEEP)


GUARD_KEEP = "; ".join(
    step.command.text for step in GUARD.arm(FACTS, Remedy(), 5).keep if isinstance(step, Tell)
)


def state(line: Run) -> Value:
    """What the guard's proof shows now."""
    reply = line(PROOF.text)
    return GUARD.pending(Transcript(replies=(replace(reply, command=PROOF),))).value


def test_a_timer_that_is_settled_never_fires(timer: tuple[Run, Remedy, Path, Path]) -> None:
    """It outlives the shell that armed it, is shown while it lives, and is shown to be gone."""
    line, remedy, _, back = timer
    assert state(line) is Value.OFF
    armed = GUARD.arm(FACTS, remedy, 5)
    carry_out(armed.forward[:1], line)
    assert state(line) is Value.ON
    with pytest.raises(Refused, match="another guard"):
        carry_out(armed.forward[:1], line)
    carry_out(armed.keep, line)
    assert until(lambda: state(line) is Value.OFF)
    carry_out(armed.keep, line)
    assert not back.exists()


def test_a_timer_that_nobody_settles_puts_back(timer: tuple[Run, Remedy, Path, Path]) -> None:
    """When its time is up it does what the inverse does, and takes itself away."""
    line, remedy, pipe, back = timer
    carry_out(GUARD.arm(FACTS, remedy, 5).forward[:1], line)
    pipe.write_text("\n")
    assert until(lambda: back.exists() and back.read_text() == "put back\n")
    assert until(lambda: state(line) is Value.OFF)


@pytest.mark.parametrize(
    "text", ["", "end of proof", "/run/sipalg-fix.guard\nend of proof", "ls: permission denied"]
)
def test_a_proof_that_does_not_show_it_is_none(text: str) -> None:
    """Gone is what is shown to be gone."""
    reply = Reply(command=PROOF, text=text, status="exit 0")
    assert GUARD.pending(Transcript(replies=(reply,))).value is Value.UNKNOWN
    assert GUARD.pending(Transcript()).value is Value.UNKNOWN
