"""What a person would see of what a terminal was sent."""

from __future__ import annotations

import re

import pytest

from sipalg_fix.transports.screen import end_of_echo, ending, render


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        # Recorded from a Vyatta command line, 2026-11: less wraps every line in colours and modes.
        ("\x1b[?1h\x1b=\rsip {\x1b[m\r\n}\x1b[m\r\n\r\x1b[K\x1b[?1l\x1b>ubnt@u:~$ ", "sip {\n}\nubnt@u:~$ "),
        # Recorded from the same, 10 lines high: the pager's colon is wiped before the text goes on.
        ("user op2 {\x1b[m\r\n:\x1b[K\r\x1b[K    level {\x1b[m\r\n", "user op2 {\n    level {\n"),
        # Cisco wipes --More-- with backspaces and blanks.
        (" --More-- " + "\x08" * 10 + " " * 10 + "\x08" * 10 + "ip nat\r\n", "ip nat\n"),
        ("Proceed? \r\rnew\r\n", "newceed?\n"),
        ("[edit]\r\r\nubnt@ubnt# ", "[edit]\nubnt@ubnt# "),
        ("\x1b]0;router\x07r1#", "r1#"),
        ("\x1b[?2004hr1$ ", "r1$ "),
        ("abc\x1b[2Dx\x1b[1Cy", "axcy"),
        ("abcdef\r\x1b[2P", "cdef"),
        ("abcdef\x1b[3G\x1b[1Kx", "  xdef"),
    ],
)  # fmt: skip
def test_redrawn_lines_are_what_is_left_of_them(raw: str, shown: str) -> None:
    """Control characters act, and are not seen."""
    assert render(raw) == shown


def test_a_line_that_the_screen_wrapped_is_whole() -> None:
    """readline sends a blank and a carriage return where the screen ends, to make it go on below."""
    raw = "ubnt@ubnt:~$ show con \rfiguration commands\r\n"
    assert render(raw, width=21) == "ubnt@ubnt:~$ show configuration commands\n"


def test_text_is_left_alone() -> None:
    """Lines without control characters, however long and with blanks at their ends, are as sent."""
    text = "  a  \n" + "x" * 2000 + "\n\n\u00fc"
    assert render(text.replace("\n", "\r\n")) == text


@pytest.mark.parametrize(
    "echo",
    [
        "show configuration commands",
        "r1# show configuration commands",
        "show con \rfiguration com \rmands",
        "[admin@r1] > \r[admin@r1] > show configuration commands",
        "\x1b[1mshow\x1b[m configuration commands",
        "show con\r\nfiguration commands",
    ],
)
def test_the_echo_is_found_however_it_is_drawn(echo: str) -> None:
    """Wrapped, redrawn, coloured or behind a prompt: the answer begins on the line after it."""
    raw = f"earlier\r\n{echo}\r\nanswer\r\n"
    start = end_of_echo(raw, "show configuration commands")
    assert start is not None
    assert raw[start:] == "answer\r\n"


def test_half_an_echo_is_none() -> None:
    """Until its line has ended, nothing after it can be an answer."""
    assert end_of_echo("r1#show vers", "show version") is None
    assert end_of_echo("r1#show version", "show version") is None
    assert end_of_echo("show running\r\nr1#", "show version") is None


def test_a_prompt_is_one_only_at_the_end() -> None:
    """A line that looks like a prompt, with anything behind it, is a line."""
    prompt = re.compile(r"^r1#", re.MULTILINE)
    assert ending(prompt, "r1#\nmore") is None
    assert ending(prompt, "text\nr1# ") is not None
