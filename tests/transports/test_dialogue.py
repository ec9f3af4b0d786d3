"""Which words on a terminal answer which command, byte by byte, without a clock."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import AccessSettings
from sipalg_fix.model.session import Answer, Command
from sipalg_fix.transports.dialogue import Dialogue
from sipalg_fix.transports.line import Deadline, Endpoint
from sipalg_fix.transports.terminal import QUIET_SECONDS, Terminal

PROMPT = re.compile(r"^\w+@\w+(?::~)?[$#>] ?$", re.MULTILINE)


class Tape:
    """
    A channel that plays chunks. ``None`` is a pause in which nothing comes; after the last chunk of what
    was recorded for the keys typed so far, nothing comes for ever.
    """

    def __init__(self, *chunks: str | None) -> None:
        self.pending: list[str | None] = list(chunks)
        self.typed: list[str] = []
        self.waits: list[float] = []
        self.after: list[tuple[str, list[str | None]]] = []

    def expect(self, keys: str, *chunks: str | None) -> Tape:
        """When these keys are typed, these chunks follow."""
        self.after.append((keys, list(chunks)))
        return self

    def settimeout(self, seconds: float) -> None:
        self.waits.append(seconds)

    def sendall(self, data: bytes) -> None:
        keys, chunks = self.after.pop(0)
        assert data.decode() == keys
        self.typed.append(keys)
        self.pending += chunks

    def recv(self, most: int) -> bytes:
        assert most
        if not self.pending or (chunk := self.pending.pop(0)) is None:
            raise TimeoutError
        return chunk.encode()


def dialogue(tape: Tape) -> Dialogue:
    settings = AccessSettings(address="192.0.2.1")
    endpoint = Endpoint(
        label="/r1", name="r1", access="cli", port=22, settings=settings, deadline=Deadline(60)
    )
    return Dialogue(endpoint, Terminal(endpoint, tape), PROMPT)  # type: ignore[arg-type]  # what it uses of a channel


def ask(text: str, *answers: Answer) -> Command:
    return Command(access="cli", text=text, answers=answers)


def test_an_answer_is_what_stands_between_echo_and_prompt() -> None:
    """The echo, the prompt and the line ends around them are no part of it."""
    tape = Tape().expect(
        "show version\n", "show ver", "sion\r\nVersion: 1", "\r\nHW\r\n\r\nubnt@u", "bnt:~$ "
    )
    said = dialogue(tape).exchange(ask("show version"))
    assert (said.text, said.prompt) == ("Version: 1\nHW", "ubnt@ubnt:~$ ")


@pytest.mark.parametrize(
    "prompt", ["router#", "router>", "core-1(config)# ", "[admin@MikroTik] > ", "FGT $ "]
)
def test_another_devices_prompt_is_told_by_enter(prompt: str) -> None:
    """It stands there again: this is no device of the platform, and nobody waits to the end."""
    tape = Tape(f"Hello\r\n{prompt}", None).expect("\n", f"\r\n{prompt}", None)
    with pytest.raises(DeviceError, match=re.escape(prompt.strip())) as raised:
        dialogue(tape).begin()
    assert raised.value.code == "not-understood"
    assert tape.typed == ["\n"]


@pytest.mark.parametrize("line", ["Welcome#", "edge#", "root@edge(config)#"])
def test_a_banner_cut_at_what_looks_like_a_prompt_goes_on(line: str) -> None:
    """A slow device stopped in the middle of its greeting for long; its own prompt comes all the same."""
    slow = Tape(f"Hello\r\n{line}", None).expect("\n", "## more\r\n", "ubnt@ubnt:~$ ", None)
    assert dialogue(slow).begin() == "ubnt@ubnt:~$ "


@pytest.mark.parametrize("line", ["###########", "Welcome#", "staff only >", "edge#"])
def test_nothing_is_typed_into_a_greeting_that_goes_on(line: str) -> None:
    """Whatever its lines look like."""
    quick = Tape(f"Hello\r\n{line}", f"\r\n{line} more\r\nubnt@ubnt:~$ ", None)
    assert dialogue(quick).begin() == "ubnt@ubnt:~$ "
    assert quick.typed == []


def test_a_banner_line_like_a_prompt_is_not_taken_for_one() -> None:
    """Login goes on until the same prompt came twice; a banner is not repeated for an empty line."""
    tape = Tape("For staff of\r\nroot@edge# ", None)
    tape.expect("terminal length 0\n", "terminal length 0\r\n only!\r\nubnt@ubnt:~$ ", None)
    tape.expect("\n", "terminal length 0\r\nubnt@ubnt:~$ ", None)
    talk = dialogue(tape)
    first = talk.begin()
    talk.settle(first, talk.exchange(ask("terminal length 0")).prompt)
    assert first == "root@edge# "
    assert tape.after == []


def test_what_was_typed_too_early_does_not_shift_the_answers() -> None:
    """
    Recorded from a slow Vyatta box: what is typed before the prompt stands there twice, once by the line
    discipline and once by readline. The next answer still begins after its own echo.
    """
    tape = Tape().expect("show one\n", "show one\r\nubnt@ubnt:~$ ", None)
    tape.expect("show two\n", "show one\r\nONE\r\nubnt@ubnt:~$ ", "show two\r\nTWO\r\nubnt@ubnt:~$ ", None)
    talk = dialogue(tape)
    assert talk.exchange(ask("show one")).text == ""
    assert talk.exchange(ask("show two")).text == "TWO"


def test_a_new_prompt_counts_only_when_nothing_follows() -> None:
    """A line of output that looks like a prompt may end a packet; the rest of the output comes after it."""
    tape = Tape().expect("cat log\n", "cat log\r\nlogin of\r\nroot@host# ", "rejected\r\nubnt@ubnt:~$ ", None)
    assert dialogue(tape).exchange(ask("cat log")).text == "login of\nroot@host# rejected"


def test_a_prompt_that_was_seen_before_costs_no_time() -> None:
    """Only a new one is watched for a moment: what follows may show that it was none."""
    tape = Tape()
    for _ in range(2):
        tape.expect("show x\n", "show x\r\nubnt@ubnt:~$ ", None)
    talk = dialogue(tape)
    talk.exchange(ask("show x"))
    assert QUIET_SECONDS in tape.waits
    tape.waits.clear()
    talk.exchange(ask("show x"))
    assert (QUIET_SECONDS in tape.waits, 0.0 in tape.waits) == (False, True)


STREAM = "show log\r\nlogin:\r\nroot@host# \x1b[1mrejected\x1b[m\r\n:\x1b[K\r\x1b[K\r\nend\r\nubnt@ubnt:~$ "


@given(st.sets(st.integers(1, len(STREAM) - 1)))
def test_how_an_answer_is_cut_into_packets_does_not_matter(cuts: set[int]) -> None:
    """Between any two bytes, also where a prompt or a pager seems to stand at the end."""
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in pairwise(places)]
    tape = Tape().expect("show log\n", *chunks, None)
    assert dialogue(tape).exchange(ask("show log")).text == "login:\nroot@host# rejected\n\nend"


def test_questions_are_answered_once_each_in_the_order_in_which_they_come() -> None:
    """With Enter where the answer says so, and without it where one key is enough."""
    tape = Tape().expect("reboot\n", "reboot\r\nSave first? [yes/no]: ", None)
    tape.expect("no\n", "no\r\nProceed with reboot? [confirm]", None)
    tape.expect("y", "y\r\nReload scheduled\r\nubnt@ubnt:~$ ", None)
    said = dialogue(tape).exchange(
        ask(
            "reboot",
            Answer(question=r"Proceed with reboot\? \[confirm\]", text="y", enter=False),
            Answer(question=r"Save first\?", text="no"),
        )
    )
    assert said.text.splitlines()[-1] == "Reload scheduled"
    assert tape.typed == ["reboot\n", "no\n", "y"]


def test_a_question_in_the_echo_is_none() -> None:
    """Only what the device says is a question, not the command itself."""
    tape = Tape().expect("echo sure?\n", "echo sure?\r\n", "sure\r\nubnt@ubnt:~$ ", None)
    assert dialogue(tape).exchange(ask("echo sure?", Answer(question=r"sure\?", text="n"))).text == "sure"


@pytest.mark.parametrize(
    "more", [":\x1b[K", "lines 1-23\x1b[K", " --More-- ", "---(more 40%)---", "<--- More --->"]
)
def test_a_pager_is_paged_through(more: str) -> None:
    """All pages are read, and nothing of the pager stays in the text."""
    tape = Tape().expect("show all\n", f"show all\r\none\r\n{more}", None)
    tape.expect(" ", "\r\x1b[Ktwo\r\n", f"{more}", None).expect(" ", "\r\x1b[Kthree\r\nubnt@ubnt:~$ ", None)
    assert dialogue(tape).exchange(ask("show all")).text == "one\ntwo\nthree"


def test_the_end_of_a_pager_is_left() -> None:
    """less waits at the end of what is shorter than the screen, too."""
    tape = Tape().expect("show all\n", "show all\r\none\r\n\x1b[7m(END)\x1b[m\x1b[K", None)
    tape.expect("q", "\r\x1b[Kubnt@ubnt:~$ ", None)
    assert dialogue(tape).exchange(ask("show all")).text == "one"


def test_an_answer_without_its_echo_is_not_believed() -> None:
    """It could be the answer to something typed earlier."""
    tape = Tape().expect("show version\n", "Version 1\r\nubnt@ubnt:~$ ", None)
    with pytest.raises(DeviceError) as caught:
        dialogue(tape).exchange(ask("show version"))
    assert caught.value.code == "not-understood"
    assert "did not repeat 'show version'" in caught.value.message


def test_half_an_answer_and_silence_is_a_timeout() -> None:
    """Never a short answer."""
    tape = Tape().expect("show version\n", "show version\r\nVersion", None)
    with pytest.raises(DeviceError) as caught:
        dialogue(tape).exchange(ask("show version"))
    assert caught.value.code == "timeout"


def test_bytes_that_are_no_text_do_not_end_it() -> None:
    """They are shown as replacement characters; a character cut in two by packets is not."""

    class Bytes(Tape):
        def recv(self, most: int) -> bytes:
            chunk = super().recv(most)
            return chunk.decode().encode("latin-1")

    tape = Bytes().expect("show x\n", "show x\r\n\xff\xfe \xc3", "\xbc\r\nubnt@ubnt:~$ ", None)
    assert dialogue(tape).exchange(ask("show x")).text == "\ufffd\ufffd \u00fc"
