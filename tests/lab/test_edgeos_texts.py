"""The virtual EdgeRouter prints the lines that real ones were recorded or published to print."""

from __future__ import annotations

import pytest
from edgeos_typist import DISABLE, ENABLE, SIP_LINES, Typist, admin, box
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.lab.twins.edgeos.schema import PATHS, complaint
from sipalg_fix.lab.twins.edgeos.tree import Tree, compare, exists, parse, put, remove, render


@pytest.mark.parametrize(
    ("command", "line"),
    [
        # Published captures of EdgeRouters.
        ("show version", "Version:      v2.0.9-hotfix.7"),
        ("show version", "HW model:     EdgeRouter 4"),
        ("lsmod | grep sip", "nf_nat_sip              8853  0"),
        ("lsmod | grep sip", "nf_conntrack_sip       21773  1 nf_nat_sip"),
        # Recorded from a Vyatta CLI, 2026-11.
        ("lsmod", "Module                  Size  Used by"),
        ("bogus", "  Invalid command: [bogus]"),
        ("show bogus", "  Invalid command: show [bogus]"),
        ("sho versionn", "  Invalid command: show [versionn]"),
        ("show system conntrack modules", "  Invalid command: show system [conntrack]"),
        ("show", "  Incomplete command: show"),
        ("show system commit", "commit-revisions is not configured."),
        ("show reboot", "No reboot currently scheduled"),
        ("cat /config/config.boot", "/* Warning: Do not remove the following line. */"),
        ("cat /proc/modules | grep nat_sip", "nf_nat_sip 8853 0 - Live 0x0000000000000000"),
        ("ls /var/run/confirm.job", "ls: cannot access '/var/run/confirm.job': No such file or directory"),
        ("lsmod | grep -c sip", "4"),
        ("echo one two && echo three", "three"),
        ("false && echo never ; echo after", "after"),
        ("lsmod | grep nothing || echo none", "none"),
        ("sudo modprobe nf_nat_bogus", "modprobe: FATAL: Module nf_nat_bogus not found in directory"),
        ("sudo rmmod nf_conntrack_sip", "rmmod: ERROR: Module nf_conntrack_sip is in use by: nf_nat_sip"),
        (
            "conntrack -L",
            "Operation failed: sorry, you must be root or get CAP_NET_ADMIN capability to do this",
        ),
        ("sudo conntrack -L --helper sip", "unknown option `--helper'"),
    ],
)
def test_an_operational_command_brings_the_recorded_line(command: str, line: str) -> None:
    """Single lines of recorded sessions come from the twin as well."""
    assert line in admin(box()).do(command)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        # EdgeOS' own words (vyatta-cfg): plain, where VyOS indents and pages them.
        (ENABLE, "Nothing to delete (the specified node does not exist)"),
        (
            "set system conntrack modules sipp disable",
            "The specified configuration node is not valid\nSet failed",
        ),
        ("delete system nonexist", "The specified configuration node is not valid\nDelete failed"),
        ("set", "Need to specify the config node to set\nSet failed"),
        ("set system host-name", "The specified configuration node requires a value\nSet failed"),
        (
            "set system conntrack modules sip port abc",
            '"abc" is not a valid value of type "u32"\nValue validation failed\nSet failed',
        ),
        (
            "set system conntrack modules sip port 99999",
            "Port number must be in range 1 to 65535\nValue validation failed\nSet failed",
        ),
        ("commit", "No configuration changes to commit"),
        ("commit-confirm 2", "No configuration changes to commit"),
        ("commit confirm", "Use commit-confirm command"),
        ("compare", "No changes between working and active configurations"),
        ("compare saved", ""),
        ("show system conntrack modules", "Configuration under specified path is empty"),
        ("discard", "No changes have been discarded"),
        ("confirm", "No confirm pending"),
        ("rollback 1", "Invalid revision [1]"),
        ("rollback", "Error: must include a revision # to rollback to"),
        ("reboot", "Exit from configure mode before rebooting."),
        ("save", "Saving configuration to '/config/config.boot'...\nDone"),
        ("run bogus", "\n  Invalid command: [bogus]\n"),
    ],
)
def test_a_configure_command_brings_the_devices_words(command: str, text: str) -> None:
    """Each refusal and each no-op of configure mode is told as EdgeOS tells it."""
    assert admin(box(), "configure").do(command).strip("\n") == text.strip("\n")


def test_prompts_and_line_ends_are_those_of_the_recording() -> None:
    """Byte for byte: echo, [edit] above the configure prompt, and ``exit`` said twice on leaving."""
    typist = Typist(box())
    assert typist.welcome.endswith("Welcome to EdgeOS\r\nubnt@ubnt:~$ ")
    assert typist.raw("configure\n") == "configure\r\n[edit]\r\r\nubnt@ubnt# "
    assert typist.raw(DISABLE + "\n") == DISABLE + "\r\n[edit]\r\r\nubnt@ubnt# "
    assert typist.raw("exit discard\n") == "exit discard\r\nexit\r\nubnt@ubnt:~$ "
    assert typist.raw("exit\n") == "exit\r\nlogout\r\n"
    assert typist.terminal.closed


def test_the_four_forms_of_a_configuration() -> None:
    """The switch is seen in commands, braces, marks and the context diff, each as recorded."""
    typist = admin(box(), "configure", DISABLE)
    assert typist.do(DISABLE) == "The specified configuration node already exists"
    assert typist.do("show system conntrack modules") == "+sip {\n+    disable\n+}"
    assert (
        typist.do("compare")
        == "[edit system conntrack]\n+modules {\n+    sip {\n+        disable\n+    }\n+}"
    )
    assert typist.do("commit") == ""
    assert typist.do("show system conntrack modules sip") == " disable"
    assert typist.do("run " + SIP_LINES) == DISABLE
    typist.do("save", "exit")
    assert "        modules {\n            sip {\n                disable\n            }\n        }\n" in (
        typist.do("cat /config/config.boot")
    )


def test_deleting_the_switch_leaves_an_empty_node() -> None:
    """After ``delete ... sip disable`` an empty ``sip { }`` stays, in every form."""
    typist = admin(box(running=False), "configure", ENABLE)
    assert typist.do("compare") == "[edit system conntrack modules sip]\n-disable"
    assert typist.do("show system conntrack modules") == " sip {\n-    disable\n }"
    typist.do("commit")
    assert typist.do("run " + SIP_LINES) == "set system conntrack modules sip"
    typist.do("delete system conntrack modules", "commit")
    assert typist.do("run " + SIP_LINES) == ""


def test_values_are_quoted_only_where_a_shell_needs_it() -> None:
    """EdgeOS leaves plain values bare and quotes those with blanks, colons or dollars."""
    typist = admin(box(uisp="wss://uisp.example.net:443+key+allowUntrustedCertificate"))
    said = typist.do("show configuration commands")
    assert "set system host-name ubnt\n" in said
    assert "set firewall name WAN_IN description 'WAN to internal'\n" in said
    assert "set service unms connection 'wss://uisp.example.net:443+key+allowUntrustedCertificate'\n" in said
    assert "authentication encrypted-password '$5$" in said


def test_operational_mode_hides_secrets_and_the_file_holds_them() -> None:
    """``show configuration`` prints stars where ``config.boot`` has the password hash."""
    typist = admin(box())
    assert "encrypted-password ****************" in typist.do("show configuration")
    assert "encrypted-password $5$" in typist.do("cat /config/config.boot")


LINES = [line.split("/") for line in PATHS.split()]


@st.composite
def valid_paths(draw: st.DrawFn) -> tuple[str, ...]:
    """A path that the schema takes, with tags and values filled in."""
    path: list[str] = []
    for part in draw(st.sampled_from(LINES)):
        name, _, kind = part.partition("=")
        path.append(name.rstrip(":!"))
        if part.endswith(":"):
            path.append(draw(st.sampled_from(["10", "20", "A", "eth0"])))
        elif kind:
            numeric = kind.lstrip("*") != "txt"
            path.append(str(draw(st.integers(1, 65535))) if numeric else draw(st.sampled_from(VALUES)))
    return tuple(path)


VALUES = ["plain", "two words", "a{b", "192.0.2.1/24", "x;y", "$5$salt$hash", "wss://h:1+k"]


@given(st.lists(valid_paths(), max_size=12), st.lists(valid_paths(), max_size=6))
def test_every_form_of_a_configuration_reads_back(
    added: list[tuple[str, ...]], changed: list[tuple[str, ...]]
) -> None:
    """Braces parse to the same tree, set commands rebuild it, and equal trees have no difference."""
    tree: Tree = {}
    for path in added:
        assert complaint(path, setting=True) == ""
        put(tree, path)
    assert parse(render(tree)) == tree
    other = parse(render(tree))
    for path in changed:
        put(other, path)
    assert (compare(tree, other) == "") == (tree == other)
    for path in changed + added:
        remove(other, path)
        assert not exists(other, path)
        assert parse(render(other)) == other
