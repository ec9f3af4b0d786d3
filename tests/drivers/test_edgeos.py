"""EdgeOS: configurations as paths, and the guard that restarts the router."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipalg_fix.drivers.ubiquiti_edgeos import DRIVER, config
from sipalg_fix.drivers.ubiquiti_edgeos.guard import GUARD
from sipalg_fix.drivers.ubiquiti_edgeos.lines import COMMIT, CONFIGURE, EXIT, REBOOT_ANSWERS, SAVE, SET
from sipalg_fix.drivers.ubiquiti_edgeos.probes import CONFIRM_JOB, QUEUE
from sipalg_fix.model.errors import Refused
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.session import Reply, Transcript
from sipalg_fix.model.step import Remedy, Tell, commands, judge
from tests.test_evidence import FOLDER, transcript

Tree: TypeAlias = "dict[str, Tree]"
WORDS = st.text("abcdefghijklmnop0123456789-./:", min_size=1, max_size=8).filter(lambda w: w[0] != "-")
VALUES = WORDS | st.text("ab c{}!/", min_size=1, max_size=8).map(lambda t: f"x {t} y")
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.dictionaries(WORDS, st.just({}), max_size=3),
    lambda inner: st.dictionaries(WORDS, inner, min_size=1, max_size=4),
    max_leaves=20,
)
FOOTER = (
    '\n\n/* Warning: Do not remove the following line. */\n/* === vyatta-config-version: "system@5" === */\n'
)


def paths_of(tree: Tree, above: config.Path = ()) -> list[config.Path]:
    """Every node that holds nothing, as EdgeOS lists them."""
    found = []
    for word, below in tree.items():
        here = (*above, *word.split(" ", 1)) if " " in word else (*above, word)
        found += paths_of(below, here) if below else [here]
    return found


def boot_text(tree: Tree, indent: str = "") -> str:
    """The same as braces; a node that holds nothing is written either way."""
    text = ""
    for number, (word, below) in enumerate(tree.items()):
        if below or number % 2:
            text += f"{indent}{word} {{\n{boot_text(below, indent + '    ')}{indent}}}\n"
        else:
            text += f"{indent}{word}\n"
    return text


def facts(case: str) -> Facts:
    """The facts of a transcript."""
    return DRIVER.parse(transcript(FOLDER / "ubiquiti_edgeos" / f"{case}.transcript"))


@settings(max_examples=200, deadline=None)
@given(tree=TREES)
def test_both_forms_of_a_configuration_are_the_same_paths(tree: Tree) -> None:
    """Whether something is unsaved is told by comparing them."""
    paths = paths_of(tree)
    listing = "".join(f"{config.set_line(path)}\n" for path in paths)
    assert config.set_paths(listing) == tuple(paths)
    assert config.boot_paths(boot_text(tree) + FOOTER) == tuple(paths)


@settings(max_examples=100, deadline=None)
@given(tree=TREES.filter(bool), data=st.data())
def test_a_boot_file_that_lost_lines_at_its_end_is_no_boot_file(tree: Tree, data: st.DataObject) -> None:
    """Its last line is looked for, and its braces must close."""
    lines = (boot_text(tree) + FOOTER).rstrip("\n").split("\n")
    kept = data.draw(st.integers(0, len(lines) - 1))
    with pytest.raises(ValueError, match="ends without"):
        config.boot_paths("\n".join(lines[:kept]))


@pytest.mark.parametrize(
    "text",
    ["system {\n" + FOOTER, "}\n" + FOOTER, "system {\n}\n}\n" + FOOTER],
    ids=["open", "early", "late"],
)
def test_braces_that_do_not_fit_are_refused(text: str) -> None:
    """Half a file is not understood as a smaller one."""
    with pytest.raises(ValueError, match="brace"):
        config.boot_paths(text)


def test_a_deactivated_node_is_not_there() -> None:
    """What is marked with ``!`` is stored and not loaded."""
    text = "system {\n    conntrack {\n!       modules {\n            sip {\n                disable\n"
    text += "            }\n        }\n    }\n    host-name x\n}\n" + FOOTER
    assert config.boot_paths(text) == (("system", "conntrack"), ("system", "host-name", "x"))


@pytest.mark.parametrize(
    ("there", "absent"),
    [
        ([], "system"),
        ([("system", "host-name", "x")], "system conntrack"),
        ([("system", "conntrack", "hash-size", "1")], "system conntrack modules"),
        ([("system", "conntrack", "modules", "ftp")], "system conntrack modules sip"),
        ([("system", "conntrack", "modules", "sip")], "system conntrack modules sip disable"),
        ([("system", "conntrack", "modules", "sip", "port", "5060")], "system conntrack modules sip disable"),
    ],
)
def test_what_is_deleted_again_is_what_was_not_there(there: list[config.Path], absent: str) -> None:
    """Deleting only the leaf would leave ``sip { }`` behind (recorded from a Vyatta CLI, 2026-11)."""
    wanted = ("system", "conntrack", "modules", "sip", "disable")
    assert " ".join(config.first_absent(tuple(there), wanted)) == absent


def said(tell: Tell, text: str, prompt: str = "ubnt@edge# ", status: str = "ok") -> Reply:
    """What the device answered to a step."""
    return Reply(command=tell.command, text=text, prompt=prompt, status=status)


VYATTA_ACCEPTS = [
    (SET, "", "ubnt@edge# "),
    (SET, "\n  Configuration path: [system conntrack modules sip disable] already exists\n", "ubnt@edge# "),
    (SET, "The specified configuration node already exists", "ubnt@edge# "),
    (COMMIT, "", "ubnt@edge# "),
    (COMMIT, "No configuration changes to commit", "ubnt@edge# "),
    (COMMIT, "rmmod: ERROR: Module nf_nat_sip is not currently loaded\n\n[edit]", "ubnt@edge# "),
    (COMMIT, 'error: skipping "/opt/vyatta/etc/config/archive/config.boot" because …', "ubnt@edge# "),
    (SAVE[1], "Saving configuration to '/config/config.boot'...\nDone\n[edit]", "ubnt@edge# "),
    (CONFIGURE, "[edit]", "ubnt@edge# "),
    (CONFIGURE, "[edit]", "root@edge# "),
    (EXIT, "exit", "ubnt@edge:~$ "),
    (EXIT, "Warning: configuration changes have not been saved.\nexit", "root@edge:/home/ubnt# "),
]
VYATTA_REFUSES = [
    (SET, "  Configuration path: [conntrak] is not valid\n  Set failed\n", "ubnt@edge# ", "command-refused"),
    (COMMIT, "[[system conntrack]] failed\nCommit failed", "ubnt@edge# ", "command-refused"),
    (
        COMMIT,
        "Configuration system temporarily locked due to another commit in progress",
        "ubnt@edge# ",
        "config-locked",
    ),
    (
        SAVE[1],
        "Saving configuration to '/config/config.boot'...\n"
        "Can not open file '/opt/vyatta/etc/config/config.boot': Read-only file system",
        "ubnt@edge# ",
        "save-failed",
    ),
    (SAVE[1], "Saving configuration to '/config/config.boot'...", "ubnt@edge# ", "save-failed"),
    (
        SAVE[1],
        "Warning: you have uncommitted changes that will not be saved.\n\nSaving …\nDone",
        "ubnt@edge# ",
        "save-failed",
    ),
    (CONFIGURE, "-vbash: cannot create temp file for here-document: No space left on device",
     "ubnt@edge:~$ ", "command-refused"),
    (CONFIGURE, "", "root@edge:/home/ubnt# ", "command-refused"),
    (EXIT, "Cannot exit: configuration modified.\nUse 'exit discard' to discard the changes and exit.",
     "ubnt@edge# ", "command-refused"),
]  # fmt: skip


@pytest.mark.parametrize(("tell", "text", "prompt"), VYATTA_ACCEPTS)
def test_what_a_vyatta_says_when_it_obeys_is_obeyed(tell: Tell, text: str, prompt: str) -> None:
    """Texts recorded from a Vyatta CLI, 2026-11, noise of archiving included."""
    judge(tell, said(tell, text, prompt))


@pytest.mark.parametrize(("tell", "text", "prompt", "code"), VYATTA_REFUSES)
def test_what_a_vyatta_says_when_it_refuses_is_refused(tell: Tell, text: str, prompt: str, code: str) -> None:
    """The same; the error says who must act, and a prompt of the wrong mode is a refusal too."""
    with pytest.raises(Refused) as raised:
        judge(tell, said(tell, text, prompt))
    assert raised.value.code == code


def test_the_guard_takes_the_place_of_the_commit_and_no_other_step() -> None:
    """Everything else is sent as planned; keeping is ``confirm``, from a session of its own."""
    armed = GUARD.arm(
        facts("v2.0.9-hotfix.7_revisions"), DRIVER.remedy(facts("v2.0.9-hotfix.7_revisions")), 5
    )
    assert commands(armed.forward) == (
        "configure",
        "set system conntrack modules sip disable",
        "commit-confirm 5",
        "exit",
    )
    assert commands(armed.keep) == ("configure", "confirm", "exit")
    tell = armed.keep[1]
    assert isinstance(tell, Tell)
    judge(tell, said(tell, "No confirm pending"))


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("v2.0.9-hotfix.7_revisions", ""),
        ("v2.0.9-hotfix.2_sip-on", "commit-revisions"),
        ("v2.0.9-hotfix.7_sip-off", "nothing to commit"),
        ("v2.0.9-hotfix.7_not-saved", "nothing to commit"),
    ],
)
def test_the_guard_says_why_it_cannot_be_had(case: str, why: str) -> None:
    """Without revisions commit-confirm queues nothing (recorded)."""
    lacking = GUARD.unavailable(facts(case))
    assert why in lacking
    assert bool(why) is bool(lacking)


def test_a_job_of_somebody_else_makes_the_guard_unprovable() -> None:
    """That ours is gone is shown by an empty queue, so another job stands in the way."""
    before = facts("v2.0.9-hotfix.7_revisions")
    queued = facts("v2.0.9-hotfix.7_job-queued").findings
    assert "queued" in GUARD.unavailable(replace(before, findings=queued))


NOT_THERE = "ls: cannot access '/var/run/confirm.job': No such file or directory"
JOB = "9\tMon Nov 23 06:31:00 2026 a root\nend of queue"


@pytest.mark.parametrize(
    ("queue", "job", "value"),
    [
        ("end of queue", NOT_THERE, Value.OFF),
        ("end of queue", "/var/run/confirm.job", Value.ON),
        (JOB, NOT_THERE, Value.ON),  # after an ordinary restart only the queue knows of it (recorded)
        (JOB, "/var/run/confirm.job", Value.ON),
        ("", NOT_THERE, Value.UNKNOWN),
        ("sudo: atq: command not found", NOT_THERE, Value.UNKNOWN),
        ("end of queue", "", Value.UNKNOWN),
        ("end of queue", None, Value.UNKNOWN),
        (None, NOT_THERE, Value.UNKNOWN),
    ],
)
def test_the_guard_is_gone_only_when_shown_to_be(queue: str | None, job: str | None, value: Value) -> None:
    """Both the queue and the file must say so."""
    pairs = ((QUEUE, queue), (CONFIRM_JOB, job))
    replies = tuple(Reply(command=command, text=text) for command, text in pairs if text is not None)
    assert GUARD.pending(Transcript(replies=replies)).value is value


def test_a_remedy_without_a_commit_is_left_as_it_is() -> None:
    """Nothing is armed where nothing is committed."""
    remedy = DRIVER.remedy(facts("v2.0.9-hotfix.7_still-loaded"))
    assert GUARD.arm(facts("v2.0.9-hotfix.7_still-loaded"), remedy, 5).forward == remedy.forward
    assert GUARD.arm(facts("v2.0.9-hotfix.7_sip-off"), Remedy(), 5).forward == ()


def test_both_prompts_of_a_restart_are_answered() -> None:
    """One takes a key, the other a line (published sessions; recorded from a Vyatta CLI)."""
    import re

    key, line = REBOOT_ANSWERS
    assert re.search(key.question, "Proceed with reboot? [confirm]")
    assert not key.enter
    assert re.search(line.question, "Proceed with reboot? (Yes/No) [No] ")
    assert re.search(line.question, "Proceed with reboot? (Yes/No) [No] (Please answer 'y' or 'n') ")
    assert line.enter
