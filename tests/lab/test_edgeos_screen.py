"""The virtual EdgeRouter's terminal: pager, line editing, wrapping and banners, as recorded."""

from __future__ import annotations

import pytest
from edgeos_typist import Typist, box


def test_short_output_passes_through_the_pager_with_its_codes() -> None:
    """Even a short show is wrapped in the codes of less, as recorded."""
    typist = Typist(box())
    shown = typist.raw("show version\n")
    assert shown.startswith("show version\r\n\x1b[?1h\x1b=\rVersion:      v2.0.9-hotfix.7\x1b[m\r\n")
    assert shown.endswith("\r\x1b[K\x1b[?1l\x1b>ubnt@ubnt:~$ ")


def test_long_output_waits_at_a_colon() -> None:
    """A screen of ten rows shows nine lines; space, Enter and q are its keys."""
    typist = Typist(box(), height=10)
    shown = typist.raw("show configuration\n")
    assert shown.count("\x1b[m\r\n") == 9
    assert shown.endswith(":\x1b[K")
    assert typist.raw(" ").count("\x1b[m\r\n") == 9
    assert typist.raw("\n").count("\x1b[m\r\n") == 1
    assert typist.raw("z") == "\x07"
    assert typist.raw("q") == "\r\x1b[K\x1b[?1l\x1b>ubnt@ubnt:~$ "
    # Recorded: a q that no pager is waiting for joins the next command.
    assert "Invalid command: [qshow]" in typist.raw("qshow version\n")


@pytest.mark.parametrize(
    "before",
    [
        "terminal length 0",
        "set terminal length 0",
        "export VYATTA_PAGER=cat",
        "VYATTA_PAGER=cat",
        "stty rows 0",
    ],
)
def test_the_pager_can_be_turned_off(before: str) -> None:
    """Four ways that were recorded, and EdgeOS' own."""
    typist = Typist(box(), height=10)
    typist.raw(before + "\n")
    shown = typist.raw("show configuration\n")
    assert "\x1b" not in shown
    assert shown.endswith("}\r\nubnt@ubnt:~$ ")


@pytest.mark.parametrize("pipe", ["| no-more", "| cat", "| match enable", "| head -n 30"])
def test_what_is_piped_is_not_paged(pipe: str) -> None:
    """Output to a pipe waits for nobody."""
    assert Typist(box(), height=10).raw(f"show configuration {pipe}\n").endswith("\r\nubnt@ubnt:~$ ")


def test_a_line_can_be_corrected_abandoned_and_continued() -> None:
    """Backspace, Ctrl-U, Ctrl-C and a pipe without its right side behave as a shell's."""
    typist = Typist(box())
    assert "v2.0.9" in typist.raw("showx\x7f version | no-more\n")
    assert "v2.0.9" in typist.raw("rubbish\x15show version | no-more\n")
    assert typist.raw("rubbish\x03").endswith("^C\r\nubnt@ubnt:~$ ")
    assert typist.raw("show configuration |\n") == "show configuration |\r\n> "
    assert typist.raw("\x03") == "^C\r\nubnt@ubnt:~$ "
    typist.raw("echo 'one\n")
    assert "one\r\ntwo" in typist.raw("two'\n")
    assert typist.raw("show conf?\x1b[A\t\x15") == "show conf" + "\b \b" * 9


def test_a_wrapping_screen_breaks_long_lines() -> None:
    """The switch breaks output at the width, and the echo as readline does."""
    router = box()
    router.chassis.switches.wrap = True
    typist = Typist(router, width=40)
    shown = typist.raw("show configuration commands | no-more\n")
    assert max(len(line) for line in shown.replace(" \r", "\r\n").split("\r\n")) <= 40


def test_banners_can_look_like_prompts() -> None:
    """With the switch on, lines before and after login end in # and >."""
    router = box()
    assert "#" not in router.banner
    router.chassis.switches.hash_banner = True
    lines = router.banner.splitlines() + Typist(router).welcome.splitlines()
    assert {line[-1] for line in lines if line} >= {"#", ">"}
