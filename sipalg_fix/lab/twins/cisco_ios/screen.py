r"""
An interactive session: echo and line editing, pages, questions, prompts, and notices in between.

A session is a coroutine that is sent one typed character at a time. A page ends in `` --More-- ``, which
is stepped back over and wiped by nine blanks.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from sipalg_fix.lab.twins.cisco_ios import commands, configuring, factory
from sipalg_fix.lab.twins.cisco_ios.router import CiscoIos
from sipalg_fix.lab.twins.cisco_ios.state import Ask, Kind, Result, State

Keys: TypeAlias = Generator[None, str, None]
Line: TypeAlias = Generator[None, str, str | None]

MORE = " --More-- "
WIPE = "\b" * 9 + " " * 8 + "\b" * 9


class Session:
    """One terminal of one user."""

    def __init__(self, router: CiscoIos, user: str, width: int, height: int) -> None:
        self.closed = False
        self._router = router
        self._state = State(router=router, user=user, level=router.level(user), rows=height, columns=width)
        self._shown: list[str] = []
        self._heard: list[str] = []
        self._keys = self._live()
        router.notices.append(self._heard.append)

    def greet(self) -> str:
        """The message of the day and the first prompt."""
        if self._router.chassis.switches.hash_banner:
            self._write(factory.CONFUSING)
        self._raw("\r\n")
        next(self._keys)
        return self._take()

    def feed(self, typed: str) -> str:
        """What these characters bring on the screen."""
        for key in typed:
            if self.closed:
                break
            try:
                self._keys.send(key)
            except StopIteration:
                self.closed = True
        return self._take()

    # The screen.

    def _take(self) -> str:
        text = "".join(self._shown)
        self._shown.clear()
        return text

    def _raw(self, text: str) -> None:
        self._shown.append(text)

    def _write(self, text: str) -> None:
        """Output of the router: line ends become CR LF; long lines break if the screen wraps."""
        for line in text.splitlines(keepends=True):
            body = line.rstrip("\n")
            columns = self._state.columns
            if self._router.chassis.switches.wrap and columns:
                pieces = [body[at : at + columns] for at in range(0, len(body), columns)]
                body = "\r\n".join(pieces)
            self._raw(body + ("\r\n" if line.endswith("\n") else ""))

    def _noticed(self, text: str) -> str:
        """What was said to everybody meanwhile stands in the middle of what is printed next, as it comes."""
        if not self._heard or len(text) < 80:
            return text
        middle = len(text) // 2
        said, self._heard[:] = "".join(self._heard), []
        return text[:middle] + said + text[middle:]

    # The conversation.

    def _live(self) -> Keys:
        while not self._over():
            self._raw(self._state.prompt)
            line = yield from self._line()
            if line is None or not line.strip():
                continue
            runner = configuring.run if self._state.mode else commands.run
            yield from self._answered(runner(self._state, line))

    def _over(self) -> bool:
        """Has the user logged out, or the router gone down?"""
        return self.closed or self._state.closed

    def _answered(self, result: Result) -> Keys:
        yield from self._page(self._noticed(result.text))
        while result.ask is not None and not self._over():
            typed = yield from self._question(result.ask)
            if typed is None:
                return
            result = result.ask.then(typed)
            if not self._over():
                yield from self._page(result.text)

    def _question(self, ask: Ask) -> Line:
        """What was answered; none if it was interrupted."""
        self._write(ask.prompt)
        if ask.kind is not Kind.KEY:
            return (yield from self._line(echo=ask.kind is Kind.LINE))
        key = yield
        if key == "\x03":
            self._raw("^C\r\n")
            return None
        self._raw("\r\n" if key in "\r\n" else f"{key}\r\n")
        return "" if key in "\r\n" else key

    def _line(self, *, echo: bool = True) -> Line:
        """Edit one line; none if it was interrupted."""
        line = ""
        while True:
            key = yield
            match key:
                case "\r" | "\n":
                    self._raw("\r\n")
                    return line
                case "\x03" | "\x1a":
                    self._raw("^C\r\n" if key == "\x03" else "^Z\r\n")
                    self._state.mode = self._state.head = ""
                    return None
                case "\x7f" | "\x08" if line:
                    line = line[:-1]
                    self._raw("\b \b" if echo else "")
                case "\x15":
                    self._raw("\b \b" * len(line) if echo else "")
                    line = ""
                case _ if key.isprintable() and key != "?":
                    line += key
                    self._raw(key if echo else "")
                case _:
                    pass  # help, completion, and other control characters, which this screen does not draw

    def _page(self, text: str) -> Keys:
        """Whole where it fits or pages are off, else a screen at a time."""
        lines = text.splitlines(keepends=True)
        rows = self._state.rows
        at, step = 0, rows - 1 if rows else len(lines)
        while at < len(lines):
            self._write("".join(lines[at : at + step]))
            at += step
            if at < len(lines):
                self._raw(MORE)
                key = yield
                self._raw(WIPE)
                if key not in " \r\n":
                    return
                step = 1 if key in "\r\n" else rows - 1
