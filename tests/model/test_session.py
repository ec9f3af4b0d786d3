"""Sessions: transcripts read back as they were, and no secret is left in what is kept of them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.session import (
    REDACTED,
    Command,
    Reply,
    Transcript,
    read_transcript,
    redact,
    render_transcript,
)

LINES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12)
AWKWARD = st.sampled_from(
    ["", ">>> x", "<<< ok", "<<< exit 1", "\\", "\\>>>", "[api] x", "[cli] ", "origin: y", " "]
)
LINE = LINES | AWKWARD
ACCESSES = st.sampled_from(["cli", "api", "rest_v2", "https-json"])
REPLIES = st.builds(
    lambda access, line, text, status: Reply(
        command=Command(access=access, text=line), text="\n".join(text), status=status
    ),
    ACCESSES,
    LINE.filter(bool),
    st.lists(LINE, min_size=1, max_size=4),
    st.sampled_from(["ok", "exit 0", "exit 127", "http 200", "http 403", "trap", "refused"]),
)


@given(st.lists(REPLIES, max_size=5).map(tuple), LINES)
def test_a_transcript_reads_back_as_it_was(replies: tuple[Reply, ...], origin: str) -> None:
    """Whatever a device prints: prompts of the format itself, blanks, backslashes, nothing."""
    transcript = Transcript(replies=replies, origin=origin)
    assert read_transcript(render_transcript(transcript, "cli"), "cli") == transcript


def test_the_format_is_for_people() -> None:
    """As the module's text shows it."""
    seen = Transcript(
        origin="recorded 2026-11-23; a toy",
        replies=(
            Reply(command=Command(access="cli", text="show version"), text="Version: 2"),
            Reply(command=Command(access="rest", text="GET /x"), text="{}", status="http 403"),
            Reply(command=Command(access="cli", text="[rest] x"), text=">>> no prompt"),
        ),
    )
    assert render_transcript(seen, "cli") == (
        "origin: recorded 2026-11-23; a toy\n"
        ">>> show version\nVersion: 2\n"
        ">>> [rest] GET /x\n<<< http 403\n{}\n"
        ">>> [cli] [rest] x\n\\>>> no prompt\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1: a transcript begins with 'origin: '"),
        (">>> show version\nx\n", "1: a transcript begins with 'origin: '"),
        ("origin: here\nx\n", "2: a reply before any command"),
        ("origin: here\n<<< ok\n", "2: a reply before any command"),
    ],
)
def test_what_is_no_transcript_is_named_by_its_line(text: str, said: str) -> None:
    """So that the file can be repaired."""
    with pytest.raises(ValueError, match=said):
        read_transcript(text, "cli")


def test_the_last_reply_to_a_command_counts() -> None:
    """How long to wait and what to answer do not tell commands apart; their access does."""
    command = Command(access="cli", text="x")
    seen = Transcript(replies=(Reply(command=command, text="1"),)).plus(Reply(command=command, text="2"))
    reply = seen.get(Command(access="cli", text="x", seconds=9.0))
    assert reply is not None
    assert reply.text == "2"
    assert seen.get(Command(access="api", text="x")) is None


@pytest.mark.parametrize(
    ("status", "ok"),
    [("ok", True), ("exit 0", True), ("http 200", True), ("http 204", True)]
    + [(s, False) for s in ("exit 1", "exit 02", "http 302", "http 403", "http 500", "trap", "refused", "")],
)
def test_which_replies_went_well(status: str, ok: bool) -> None:
    """By the protocol's own word; a device may have said no in others."""
    assert Reply(command=Command(access="cli", text="x"), text="", status=status).ok is ok


PASSWORD = re.compile(r"password (?P<secret>\S+)")
WHOLE = re.compile(r"-----BEGIN KEY-----.*?-----END KEY-----", re.DOTALL)
MAYBE = re.compile(r"key(?: (?P<secret>\w+))?$", re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "literals", "result"),
    [
        ("set password abc now", (), f"set password {REDACTED} now"),
        ("a\n-----BEGIN KEY-----\nMII\n-----END KEY-----\nb", (), f"a\n{REDACTED}\nb"),
        ("password a, password b", (), f"password {REDACTED} password {REDACTED}"),
        ("key", (), REDACTED),
        ("key x1", (), f"key {REDACTED}"),
        ("it is hunter2.", ("hunter2",), f"it is {REDACTED}."),
        ("password pass word", ("pass word",), f"password {REDACTED}"),
        ("abcdef abc", ("abc", "abcdef"), f"{REDACTED} {REDACTED}"),
        ("abcdef abc", ("abcdef", "abc"), f"{REDACTED} {REDACTED}"),
        ("a.b axb", ("a.b",), f"{REDACTED} axb"),
        ("redacted", ("red", ""), f"{REDACTED}acted"),
        ("nothing here", ("",), "nothing here"),
    ],
)
def test_redaction(text: str, literals: tuple[str, ...], result: str) -> None:
    """The secret alone where its place is known, the whole match where not, and each secret in use."""
    assert redact(text, (PASSWORD, WHOLE, MAYBE), literals) == result


SECRETS = st.text("xyz ", min_size=1, max_size=5).filter(str.strip)


@given(
    st.lists(SECRETS, min_size=1, max_size=3),
    st.lists(st.sampled_from(["1", "2\n", "password "]), max_size=4),
)
def test_no_secret_in_use_is_left(literals: list[str], around: list[str]) -> None:
    """Wherever it stands, and whatever else is hidden around it; secrets may hold one another."""
    text = "".join(part + literal for part, literal in zip(around, literals, strict=False))
    left = redact(text, (PASSWORD,), literals)
    # The marker is of other letters; what stands between markers must hold no secret.
    assert not [s for s in literals if any(s in part for part in left.split(REDACTED))]
