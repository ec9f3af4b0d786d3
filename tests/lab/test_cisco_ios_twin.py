"""The virtual Cisco router answers as the manuals and published sessions have it."""

from __future__ import annotations

from typing import Any

import pytest
from cisco_typist import SIP_LINES, TCP, UDP, Typist, box, sip_lines, typist

from sipalg_fix.lab.twins.cisco_ios.screen import WIPE

INVALID = "% Invalid input detected at '^' marker."


def test_a_page_is_stepped_through_and_left() -> None:
    """`` --More-- `` after a screen less one; space, Enter and any other key; wiped by nine blanks."""
    someone = Typist(box(), height=10)
    first = someone.raw("show running-config\n")
    assert first.count("\r\n") == 10  # the echo and nine lines
    assert first.endswith("\r\n --More-- ")
    line = someone.raw("\r")
    assert line.startswith(WIPE)
    assert line.count("\r\n") == 1
    assert someone.raw(" ").count("\r\n") == 9
    assert someone.raw("q") == WIPE + "edge-01#"
    someone.do("terminal length 0")
    assert "--More--" not in someone.do("show running-config")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("show verison", f"             ^\n{INVALID}\n"),
        ("show", "% Incomplete command.\n"),
        ("s", "% Incomplete command.\n"),
        ("c", '% Ambiguous command:  "c"'),
        ("shwo", "% Unknown command or computer name, or unable to find computer address"),
        ("sh priv", "Current privilege level is 15"),
        ("show startup-config | include ^hostname", "hostname edge-01"),
        (
            "show startup-config | begin ^line vty",
            "line vty 0 4\n login local\n transport input ssh\n!\nend\n",
        ),
        ("show running-config | include (", "% Failed to compile regular expression."),
        ("show configuration lock", "State : FREE"),
        ("show archive", " Archive feature not enabled"),
        ("show reload", "No reload is scheduled."),
        ("show ip nat translations", "udp 203.0.113.2:1024      192.168.10.21:5060"),
        ("terminal width 700", INVALID),
        (
            "configure terminal revert timer 5",
            "%Turn config archive on before using Rollback Confirmed Change",
        ),
        ("configure confirm", "%No Rollback Confirmed Change pending"),
        ("clear ip nat translation udp inside 1.2.3.4 1 5.6.7.8 2", "%Translation not found"),
    ],
)
def test_what_is_said(line: str, said: str) -> None:
    """Answers, abbreviations, and what is wrong with a line."""
    assert said in typist(box()).do(line)


def test_a_user_may_look_at_little() -> None:
    """User level knows neither the configuration nor how to change it; the password is not echoed."""
    router = box(level=1, enable="let-me")
    someone = typist(router)
    assert someone.prompt == "edge-01>"
    assert INVALID in someone.do("show running-config")
    assert someone.raw("enable\n") == "enable\r\nPassword: "
    assert someone.raw("wrong\n") == "\r\nPassword: "
    assert someone.raw("let-me\n") == "\r\nedge-01#"
    assert someone.do("disable") == ""
    assert someone.prompt == "edge-01>"
    someone.raw("enable\n")
    assert "% Bad secrets" in someone.raw("a\nb\nc\n")


def test_off_is_two_lines_and_on_is_none() -> None:
    """The default stands in no configuration; another port does, and stays."""
    router = box(ports=[5061])
    someone = typist(router, "configure terminal", TCP, UDP)
    assert someone.prompt == "edge-01(config)#"
    assert sip_lines(router) == ["ip nat service sip udp port 5061", TCP, UDP]
    someone.do("ip nat service sip udp port 5060", "end")
    assert sip_lines(router) == ["ip nat service sip udp port 5061", TCP]
    someone.do("configure terminal", "no ip nat service sip udp port 5061")
    assert sip_lines(router) == [TCP]
    assert "% Incomplete command." in someone.do("no ip nat service sip")
    assert INVALID in someone.do("no ip nat service sip udp port 70000")


def test_taking_a_line_back_leaves_what_was() -> None:
    """Forward and back, the configuration is the same, line by line."""
    router = box(ports=[5061], archive=True, inspect="zones")
    before = router.snapshot()
    typist(router, "configure terminal", UDP, TCP, *(line.removeprefix("no ") for line in (TCP, UDP)), "end")
    assert router.snapshot() == before


def test_lines_act_at_once_and_old_translations_keep_the_alg() -> None:
    """What was translated before is as it was; a phone that registers anew has no ALG."""
    router = box()
    assert [flow.endswith("sip") for flow in router.snapshot()["flows"]] == [True, True, False]
    someone = typist(router, "configure terminal", UDP, TCP, "end")
    assert "number: 2" in someone.do("show platform hardware qfp active feature alg statistics sip")
    someone.do("clear ip nat translation udp inside 203.0.113.2 5060 192.168.10.20 5060")
    assert "number: 1" in someone.do("show platform hardware qfp active feature alg statistics sip")
    router.chassis.advance(30)
    assert sorted(flow.endswith("sip") for flow in router.snapshot()["flows"]) == [False, False, True]


def test_ios_has_no_counters() -> None:
    """Only IOS-XE has such a forwarding processor."""
    assert INVALID in typist(box(version="15.1(4)M4")).do("show platform hardware qfp active")


@pytest.mark.parametrize(
    ("options", "typed", "said", "saved"),
    [
        ({"save": "compressed"}, "", "Compressed configuration from 22772 bytes to 7054 bytes[OK]", True),
        ({"save": "plain"}, "", "Building configuration...\r\n[OK]", True),
        ({"save": "overwrite"}, "\n", "Overwrite the previous NVRAM configuration?[confirm]", True),
        ({"save": "overwrite"}, "n", "Overwrite the previous NVRAM configuration?[confirm]", False),
        ({"save": "busy"}, "", "startup-config file open failed (Device or resource busy)", False),
    ],
)
def test_the_ways_to_save(options: dict[str, Any], typed: str, said: str, saved: bool) -> None:
    """Four answers; one asks, and one is to be tried again."""
    router = box(**options)
    someone = typist(router, "configure terminal", UDP, "end")
    assert said in someone.raw("write memory\n") + someone.raw(typed)
    assert (UDP in router.snapshot()["startup"]) is saved
    if not saved:
        someone.raw("write memory\ny")
        assert UDP in router.snapshot()["startup"]


def test_no_room_to_save() -> None:
    """It asks whether half of the configuration will do; nothing is stored."""
    router = box()
    router.chassis.switches.save_fails = True
    someone = typist(router, "configure terminal", UDP, "end")
    assert someone.raw("write memory\n").endswith("Truncate config?? [no]: ")
    assert "[OK]" not in someone.raw("no\n")
    assert UDP not in router.snapshot()["startup"]


def test_switches_of_changes() -> None:
    """Locked and refusing routers say so; one that stays on takes the line and goes on until it restarts."""
    router = box()
    switches = router.chassis.switches
    switches.locked = True
    someone = typist(router)
    assert "Configuration mode is locked by process '484'" in someone.do("configure terminal")
    assert someone.prompt == "edge-01#"
    assert "State : LOCKED" in someone.do("show configuration lock")
    switches.locked, switches.refuse_writes = False, True
    assert INVALID in someone.do("configure terminal", UDP)
    assert INVALID in someone.do("end", "write memory")
    assert (sip_lines(router), router.chassis.writes) == ([], 0)
    switches.refuse_writes, switches.stay_on = False, True
    someone.do("configure terminal", UDP, TCP, "end", "write memory", "clear ip nat translation *")
    assert any(flow.endswith("sip") for flow in router.snapshot()["flows"])
    router.reboot()
    assert not any(flow.endswith("sip") for flow in router.snapshot()["flows"])


def test_reload_asks_before_it_goes() -> None:
    """Whether to save only where something is not saved; any key but Enter or y stays up."""
    router = box(unsaved=True)
    someone = typist(router)
    assert someone.raw("reload\n").endswith("System configuration has been modified. Save? [yes/no]: ")
    assert "Please answer" in someone.raw("perhaps\n")
    assert someone.raw("no\n").endswith("Proceed with reload? [confirm]")
    assert someone.raw("x").endswith("edge-01#")
    assert router.chassis.boots == 1
    someone.raw("reload\nno\n\n")
    assert someone.terminal.closed
    assert (router.chassis.boots, router.modified) == (2, False)


def test_a_reload_that_fails() -> None:
    """It is accepted, and the same boot goes on."""
    router = box()
    router.chassis.switches.reboot_fails = True
    someone = typist(router)
    assert someone.raw("reload\n\n").endswith("edge-01#")
    assert router.chassis.boots == 1


def test_a_scheduled_reload_is_announced_within_answers() -> None:
    """Three empty lines, a bell, and the time left, in the midst of what is printed; then it happens."""
    router = box()
    someone = typist(router)
    assert "Reload scheduled for 11:16:40" in someone.raw("reload in 10\n")
    someone.raw("\n")
    router.chassis.advance(300)
    shown = someone.raw("show running-config\n").replace("\r", "")
    notice = "\n\n\n\x07***\n*** --- SHUTDOWN in 0:05:00 ---\n***\n"
    assert notice in shown
    assert "end\n" in shown.partition(notice)[2]
    someone.do("reload cancel")
    assert "SHUTDOWN ABORTED" in someone.do("show version")
    router.chassis.advance(3600)
    assert router.chassis.boots == 1
    someone.raw("reload in 1\n\n")
    router.chassis.advance(60)
    assert router.chassis.boots == 2


def test_differences_are_the_routers_own() -> None:
    """Added and lost lines, those of a block with its first line; nothing is said to be nothing."""
    router = box()
    look = "show archive config differences nvram:startup-config system:running-config"
    someone = typist(router)
    assert someone.do(look) == "!Contextual Config Diffs:\n!No changes were found"
    someone.do("configure terminal", UDP, "interface GigabitEthernet0/1", "description LAN", "end")
    assert someone.do(look).splitlines() == [
        "!Contextual Config Diffs:",
        "interface GigabitEthernet0/1",
        " +description LAN",
        " -description Office",
        f"+{UDP}",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"colour": "red"}, "unknown option 'colour'"),
        ({"save": "never"}, "option 'save' is 'never'"),
        ({"version": "new"}, "must begin with a number"),
        ({"level": 7}, "option 'level' is 7"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], words: str) -> None:
    """A lab file with a slip says where."""
    with pytest.raises(ValueError, match=words):
        box(**options)


def test_looking_changes_nothing() -> None:
    """Every look leaves the snapshot and the count of writes alone; so does entering configuration mode."""
    router = box(archive=True)
    before = router.snapshot()
    someone = typist(router, "show running-config", "show startup-config", SIP_LINES, "show version")
    someone.do("show archive config rollback timer", "configure terminal", "end", "show ip nat statistics")
    assert (router.snapshot(), router.chassis.writes) == (before, 0)
