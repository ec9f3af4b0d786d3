"""
Dialogue: which of the words on a terminal answer which command.

An answer begins after the echo of its own command and ends at a prompt behind which nothing follows. The
first thing that looks like a prompt may be a line of a banner, or the prompt of what was typed before
(recorded from a slow Vyatta box by netmiko: its prompt "was" ``ubnt@ubnt:~$ set terminal length 0``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sipalg_fix.model.session import Answer, Command
from sipalg_fix.transports.line import Deadline, Endpoint, Said
from sipalg_fix.transports.screen import end_of_echo, ending, render
from sipalg_fix.transports.terminal import QUIET_SECONDS, Terminal

SILENT_SECONDS: Final = 5.0
"""How long to wait for the echo of a command, or for a prompt, while another stands there without it."""

# less; its longer prompt; its end; more as Cisco, Fortinet, Junos and ASA have it; RouterOS.
_PAGER: Final = re.compile(r"^:|^lines \d+-\d+.*|^.*\(END\)|^.*-- ?[-(]*[Mm]ore\b.*|^-- \[Q quit\|.*", re.M)
# A word and a sign at which some device or other waits for a command.
_ANY_PROMPT: Final = re.compile(r"^(?=.*\w)[\w.\-/:+@~()\[\]]+ ?[>#$%] ?$", re.M)
_NEXT_PAGE: Final = Answer(question="", text=" ", enter=False)
_LEAVE_PAGER: Final = Answer(question="", text="q", enter=False)


class Dialogue:
    """Commands and answers on one terminal. ``prompt`` matches any prompt of the device."""

    def __init__(self, endpoint: Endpoint, terminal: Terminal, prompt: re.Pattern[str]) -> None:
        self._endpoint = endpoint
        self._terminal = terminal
        self._prompt = prompt
        self._prompts: set[str] = set()

    def begin(self) -> str:
        """
        What the greeting ends in: the first prompt, or perhaps a line of a banner that looks like one.

        Another device's prompt is told from a banner that was cut by Enter, once, in a long silence: a banner
        is not said twice, so what stands there again is DeviceError ``not-understood``.
        """
        terminal, deadline, other = self._terminal, self._endpoint.deadline, ""
        while True:
            shown = terminal.tail(0)
            stands = ending(_ANY_PROMPT, shown)
            if found := ending(self._prompt, shown):
                if terminal.still():
                    self._prompts.add(found[0])
                    return found[0]
            elif stands is None:
                terminal.more(deadline)
            elif stands[0] == other:
                raise self._endpoint.error("not-understood", f"waits at {other!r}, no prompt of its platform")
            elif terminal.still(min(SILENT_SECONDS, deadline.left(self._endpoint))):
                other = stands[0]
                terminal.wipe()
                terminal.type("", deadline)

    def settle(self, first: str, last: str) -> None:
        """
        Be sure to be at a prompt: two in a row that are the same. A banner is not said twice. ``last`` is
        the prompt after what was typed since the first one, or empty.
        """
        while last != first:
            first, last = last or first, self.exchange(Command(access=self._endpoint.access, text="")).prompt

    def exchange(self, command: Command, *, last_word: str = "") -> Said:
        """
        Type a command, answer its questions, each once, in the order in which they come, page through
        what is paged, and give what was shown up to the next prompt. ``last_word`` is what the device says
        instead of a prompt when it goes on asking; the answer is empty then.
        """
        deadline = self._endpoint.deadline.sooner(command.seconds)
        terminal, waiting = self._terminal, list(command.answers)
        terminal.wipe()
        terminal.type(command.text, deadline)
        start = since = self._end_of_echo(command.text, deadline)
        while True:
            sight = self._sight(terminal.tail(since), waiting, last_word)
            if sight is None:
                terminal.more(deadline)
            elif not terminal.still(0.0 if sight in self._prompts else QUIET_SECONDS):
                continue
            elif isinstance(sight, Answer):
                if sight in waiting:
                    waiting.remove(sight)
                since = len(terminal.raw)
                terminal.type(sight.text, deadline, enter=sight.enter)
            elif sight:
                self._prompts.add(sight)
                shown = render(terminal.raw[start:]).rstrip(" \t")
                return Said(text=shown.removesuffix(sight.rstrip(" \t")).rstrip("\n"), prompt=sight)
            else:
                return Said(text="")

    def _sight(self, shown: str, waiting: Sequence[Answer], last_word: str) -> Answer | str | None:
        """What stands at the end: a question (or a pager's) to be answered, a prompt, or nothing yet."""
        last = shown.rstrip().rpartition("\n")[2]
        for answer in waiting:
            if re.search(answer.question, last):
                return answer
        if found := ending(self._prompt, shown):
            return found[0]
        if ending(_PAGER, shown):
            return _LEAVE_PAGER if "(END)" in last else _NEXT_PAGE
        return "" if last_word and not waiting and re.search(last_word, last) else None

    def _end_of_echo(self, typed: str, deadline: Deadline) -> int:
        """Where the answer begins. Without its echo an answer cannot be told from an earlier one."""
        terminal = self._terminal
        while (start := end_of_echo(terminal.raw, typed)) is None:
            if ending(self._prompt, terminal.tail(0)) is None:
                terminal.more(deadline)
            elif terminal.still(min(SILENT_SECONDS, deadline.left(self._endpoint))):
                what = f"did not repeat {typed!r}, so that its answer cannot be told from another"
                raise self._endpoint.error("not-understood", what)
        return start
