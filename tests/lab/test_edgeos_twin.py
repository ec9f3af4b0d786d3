"""The virtual EdgeRouter does what a Vyatta-family router was recorded to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from edgeos_typist import DISABLE, ENABLE, SIP_LINES, Typist, admin, box, modules

from sipalg_fix.lab.twin import User
from sipalg_fix.lab.twins.edgeos import EdgeOs


def test_a_commit_unloads_the_modules_and_takes_the_helper_off_flows() -> None:
    """Disabling acts at once, on the modules and on the connections that were there."""
    router = box()
    typist = admin(router)
    assert typist.do("sudo conntrack -L").count("helper=sip") == 2
    typist.do("configure", DISABLE, "commit")
    assert modules(router) == []
    assert "helper=sip" not in typist.do("sudo conntrack -L")
    assert (
        typist.do("sudo conntrack -L expect")
        == "conntrack v1.4.4 (conntrack-tools): 0 expectations have been shown."
    )


def test_loading_again_gives_the_helper_to_new_flows_only() -> None:
    """Old flows stay without it; a phone that registers anew has it."""
    router = box()
    typist = admin(router, "configure", DISABLE, "commit", ENABLE, "commit")
    assert modules(router) == ["nf_nat_sip", "nf_conntrack_sip"]
    assert "helper=sip" not in typist.do("sudo conntrack -L")
    assert "2 flow entries have been deleted." in typist.do("sudo conntrack -D -p udp --dport 5060")
    assert "0 flow entries have been deleted." in typist.do("sudo conntrack -D -p udp --dport 5060")
    router.chassis.advance(60)
    assert typist.do("sudo conntrack -L").count("helper=sip") == 2


@pytest.mark.parametrize(
    ("options", "said", "after", "left"),
    [
        (
            {"modules": "none"},
            "[ system conntrack modules sip disable ]\n"
            "rmmod: ERROR: Module nf_nat_sip is not currently loaded\n"
            "rmmod: ERROR: Module nf_conntrack_sip is not currently loaded\n\n"
            "[[system conntrack]] failed\nCommit failed",
            "",
            [],
        ),
        (
            {"modules": "conntrack"},
            "[ system conntrack modules sip disable ]\n"
            "rmmod: ERROR: Module nf_nat_sip is not currently loaded\n",
            DISABLE,
            [],
        ),
        (
            {"in_use": True},
            "[ system conntrack modules sip disable ]\n"
            "rmmod: ERROR: Module nf_conntrack_sip is in use\n\n"
            "[[system conntrack]] failed\nCommit failed",
            "",
            ["nf_conntrack_sip"],
        ),
    ],
    ids=["both absent", "one absent", "in use"],
)
def test_the_second_rmmod_decides_a_commit(
    options: dict[str, Any], said: str, after: str, left: list[str]
) -> None:
    """Recorded: absent fails, half absent prints an error and succeeds, in use fails half-way."""
    router = box(**options)
    typist = admin(router, "configure", DISABLE)
    assert typist.do("commit").rstrip("\n") == said.rstrip("\n")
    assert typist.do("run " + SIP_LINES) == after
    assert modules(router) == left
    typist.do("discard")
    assert modules(router) == left


def test_a_failed_change_stays_a_candidate_that_save_warns_of() -> None:
    """``save`` after a failed commit says Done after a warning, and stores what is running."""
    router = box(modules="none")
    typist = admin(router, "configure", DISABLE, "commit")
    assert typist.do("save") == (
        "Warning: you have uncommitted changes that will not be saved.\n\n"
        "Saving configuration to '/config/config.boot'...\nDone"
    )
    assert "disable" not in router.startup.split("conntrack {")[1].split("host-name")[0]
    assert "disable" in typist.do("compare")


def test_leaving_with_changes_is_refused_and_unsaved_ones_are_told() -> None:
    """Exit is refused while something is uncommitted, and warns while something is unsaved."""
    typist = admin(box(), "configure", DISABLE)
    assert typist.do("exit") == (
        "Cannot exit: configuration modified.\nUse 'exit discard' to discard the changes and exit."
    )
    typist.do("commit")
    assert typist.do("exit") == "Warning: configuration changes have not been saved.\nexit"


def test_candidates_are_apart_and_see_what_others_committed() -> None:
    """A second session neither sees nor disturbs the first one's edits, but sees its commit."""
    router = box()
    first, second = admin(router, "configure", DISABLE), admin(router, "configure")
    assert second.do("compare") == "No changes between working and active configurations"
    second.do("set system name-server 9.9.9.9")
    first.do("commit")
    assert second.do("compare") == "[edit system]\n+name-server 9.9.9.9"
    assert second.do("show system conntrack modules") == " sip {\n     disable\n }"


def test_a_session_that_is_cut_takes_its_candidate_along() -> None:
    """Nothing of an abandoned candidate is left, whoever ended the session."""
    router = box()
    before = router.snapshot()
    typist = admin(router, "configure", DISABLE)
    assert router.snapshot()["candidates"] == [[DISABLE]]
    typist.terminal.closed = True
    assert router.snapshot() == before


def test_what_was_not_saved_is_gone_after_a_reboot() -> None:
    """A reboot ends sessions, brings the startup configuration and its modules, and another boot id."""
    router = box()
    typist = admin(router, "configure", DISABLE, "commit", "exit")
    before = router.exec("ubnt", "cat /proc/sys/kernel/random/boot_id", "").stdout
    said = typist.raw("reboot\n")
    assert said.endswith("Proceed with reboot? [confirm]")
    assert "The system is going down for reboot NOW!" in typist.raw("y")
    assert typist.terminal.closed
    assert modules(router) == ["nf_nat_sip", "nf_conntrack_sip"]
    assert router.exec("ubnt", "cat /proc/sys/kernel/random/boot_id", "").stdout != before


@pytest.mark.parametrize(
    ("key", "shown"), [("n", "n\r\nReboot canceled\r\n"), ("x", "(Please answer 'y' or 'n') ")]
)
def test_a_reboot_that_is_not_confirmed_does_not_happen(key: str, shown: str) -> None:
    """One key answers; another one than y or n is asked again."""
    router = box()
    typist = Typist(router)
    typist.raw("reboot\n")
    assert shown in typist.raw(key)
    assert router.chassis.boots == 1


def test_reboot_now_asks_nothing() -> None:
    """``reboot now`` goes down at once."""
    router = box()
    typist = Typist(router)
    typist.raw("reboot now\n")
    assert (router.chassis.boots, typist.terminal.closed) == (2, True)


def test_an_operator_sees_and_changes_nothing() -> None:
    """The refusals of an operator's shell are the recorded ones, and nothing is written."""
    router = EdgeOs("ubnt", users={"oper": User(password="x", level="operator")})
    typist = Typist(router, "oper")
    assert typist.welcome.endswith("oper@ubnt> ")
    typist.do("terminal length 0")
    assert typist.do("show configuration commands") == "Must be an admin user to run this command."
    assert typist.do("show configuration") == "Must be an admin user to run this command."
    assert "Version:" in typist.do("show version")
    for line in ("configure", "lsmod | grep sip", "cat /config/config.boot", "reboot"):
        assert f"Invalid command: [{line.split()[0]}]" in typist.do(line)
    assert "Invalid command: set system [conntrack]" in typist.do(DISABLE)
    assert router.exec("oper", "cat /config/config.boot", "").stderr == (
        "cat: /config/config.boot: Permission denied\n"
    )
    assert router.exec("oper", "/bin/cli-shell-api showCfg system host-name", "").status == 0
    assert router.exec("oper", "sudo rmmod nf_nat_sip", "").stderr == "sudo: a password is required\n"
    assert router.chassis.writes == 0


def test_an_exec_channel_has_linux_and_the_wrappers_only() -> None:
    """Recorded: bare commands are invalid with status 127, the wrappers work, and so does a script."""
    router = box()
    bare = router.exec("ubnt", "show version", "")
    assert (bare.stderr, bare.status) == ("\n  Invalid command: [show]\n\n", 127)
    assert router.exec("ubnt", "configure", "").status == 127
    wrapped = router.exec("ubnt", "/opt/vyatta/bin/vyatta-op-cmd-wrapper show configuration commands", "")
    assert "set system host-name ubnt\n" in wrapped.stdout
    assert router.exec("ubnt", "/opt/vyatta/bin/vyatta-op-cmd-wrapper show bogus", "").status == 1
    wrapper = "/opt/vyatta/sbin/vyatta-cfg-cmd-wrapper"
    done = router.exec("ubnt", f"{wrapper} begin; {wrapper} {DISABLE}; {wrapper} commit; {wrapper} end", "")
    assert (done.status, modules(router)) == (0, [])
    script = f"source /opt/vyatta/etc/functions/script-template\nconfigure\n{ENABLE}\ncommit\nsave\nexit\n"
    assert "Done\n" in router.exec("ubnt", "/bin/vbash -s", script).stdout
    assert modules(router) == ["nf_nat_sip", "nf_conntrack_sip"]
    assert router.exec("ubnt", "lsmod | grep -E '^nf_(nat|conntrack)_sip '; echo rc=$?", "").stdout.endswith(
        "rc=0\n"
    )


def test_a_locked_configuration_refuses_commits() -> None:
    """The recorded lock text, and nothing changed."""
    router = box()
    router.chassis.switches.locked = True
    typist = admin(router, "configure", DISABLE)
    assert typist.do("commit") == "Configuration system temporarily locked due to another commit in progress"
    assert modules(router) == ["nf_nat_sip", "nf_conntrack_sip"]


def test_a_save_can_fail() -> None:
    """No Done, an error, and the old file."""
    router = box()
    router.chassis.switches.save_fails = True
    before = router.startup
    typist = admin(router, "configure", DISABLE, "commit")
    said = typist.do("save")
    assert "Error saving /config/config.boot" in said
    assert "Done" not in said
    assert router.startup == before
    assert "Read-only file system" in typist.do("cp /config/config.boot /config/config.boot.pre-sip")


def test_writes_can_be_refused() -> None:
    """Set and delete fail as for an unknown path, and rmmod and conntrack -D are not permitted."""
    router = box(running=False)
    router.chassis.switches.refuse_writes = True
    typist = admin(router, "configure")
    assert typist.do(ENABLE) == "The specified configuration node is not valid\nDelete failed"
    assert "Operation not permitted" in typist.do("sudo modprobe nf_nat_sip")
    assert "Operation not permitted" in typist.do("sudo conntrack -D -p udp --dport 5060")
    assert router.chassis.writes == 0


def test_the_alg_can_stay_on_until_a_boot() -> None:
    """The commit is good, the modules stay, and the next boot is without them."""
    router = box()
    router.chassis.switches.stay_on = True
    typist = admin(router, "configure", DISABLE)
    assert typist.do("commit") == ""
    assert modules(router) == ["nf_nat_sip", "nf_conntrack_sip"]
    assert "helper=sip" in typist.do("sudo conntrack -L")
    typist.do("save")
    router.reboot()
    assert modules(router) == []


def test_a_reboot_can_be_a_lie() -> None:
    """Accepted, and neither boot id nor sessions change."""
    router = box()
    router.chassis.switches.reboot_fails = True
    typist = Typist(router)
    typist.raw("reboot now\n")
    assert (router.chassis.boots, typist.terminal.closed) == (1, False)


def test_it_can_begin_in_the_states_that_people_leave() -> None:
    """Not saved, half unloaded, with children, with somebody's own unsaved edit."""
    unsaved = box(running=False, startup=True)
    assert DISABLE in unsaved.snapshot()["running"]
    assert "modules {" not in unsaved.startup
    assert modules(box(running=False, modules="both")) == ["nf_nat_sip", "nf_conntrack_sip"]
    children = box(ports=[5060, 5070], indirect_media=True)
    assert admin(children).do(SIP_LINES).splitlines() == [
        "set system conntrack modules sip enable-indirect-media",
        "set system conntrack modules sip port 5060",
        "set system conntrack modules sip port 5070",
    ]
    assert admin(children).do("cat /sys/module/nf_conntrack_sip/parameters/ports") == "5060,5070"
    edited = box(unsaved="set system name-server 9.9.9.9")
    assert admin(edited, "configure").do("compare saved") == "[edit system]\n+name-server 9.9.9.9"


@pytest.mark.parametrize(
    "options", [{"colour": "red"}, {"model": "ER-99"}, {"modules": "half"}, {"unsaved": "set system bogus x"}]
)
def test_a_wrong_option_is_named(options: dict[str, Any]) -> None:
    """The option that is wrong stands in the message."""
    with pytest.raises(ValueError, match=next(iter(options))):
        box(**options)


LOOKS = [
    "show version",
    "show configuration",
    "show configuration commands | no-more",
    "show system commit",
    "cat /config/config.boot",
    "cat /proc/modules",
    "cat /proc/sys/kernel/random/boot_id",
    "lsmod | grep sip",
    "sudo atq",
    "ls /var/run/confirm.job",
    "sudo conntrack -L -p udp --dport 5060",
    "uname -a",
    "uptime",
]


def test_looking_writes_nothing() -> None:
    """No command that only looks changes the router or its count of writes."""
    router = box(revisions=20)
    before = router.snapshot()
    typist = admin(router, *LOOKS, "configure", "show", "compare", "compare saved", "exit")
    assert typist.do("echo done") == "done"
    assert (router.chassis.writes, router.snapshot()) == (0, before)
    assert json.loads(json.dumps(before)) == before


@pytest.mark.parametrize(
    "lines",
    [
        ["configure", DISABLE],
        ["configure", "save"],
        ["sudo rmmod nf_nat_sip"],
        ["sudo modprobe nf_nat_sip"],
        ["sudo conntrack -D -p udp --dport 5060"],
        ["reboot now"],
        ["cp /config/config.boot /config/config.boot.pre-sip"],
        ["sudo reboot"],
    ],
)
def test_every_change_is_counted(lines: list[str]) -> None:
    """What a device would remember, passing or permanent, is told to the chassis."""
    router = box()
    admin(router, *lines)
    assert router.chassis.writes > 0
