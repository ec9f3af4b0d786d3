r"""
An interactive session: echo and line editing, the pager, questions of one key, and the prompts.

A session is a coroutine that is sent one typed character at a time; what it has put on the screen since
is handed back by :meth:`Session.feed`. Control codes are those a Vyatta CLI sent (recorded 2026-11):
less opens with ``ESC[?1h ESC= CR`` and closes with ``CR ESC[K ESC[?1l ESC>``; above a configure prompt
stands ``[edit]`` and CR CR LF.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from sipalg_fix.lab.twins.edgeos import factory
from sipalg_fix.lab.twins.edgeos.environment import Environment
from sipalg_fix.lab.twins.edgeos.router import EdgeOs
from sipalg_fix.lab.twins.edgeos.shell import Ask, Result, Step, Unfinished, run, split

Keys: TypeAlias = Generator[None, str, None]
Line: TypeAlias = Generator[None, str, str | None]
Answer: TypeAlias = Generator[None, str, bool]

OPEN, CLOSE, CLEAR = "\x1b[?1h\x1b=\r", "\r\x1b[K\x1b[?1l\x1b>", "\r\x1b[K"
INTERRUPT = "\x03"


class Session:
    """One terminal of one user."""

    def __init__(self, router: EdgeOs, user: str, width: int, height: int) -> None:
        self._closed = False
        self._router = router
        self._env = Environment(router, user, tty=True)
        self._host = router.host_name
        self._width, self._height = width, height
        self._shown: list[str] = []
        self._column = 0
        self._keys = self._live()

    @property
    def closed(self) -> bool:
        """Is it over? Whoever ends it (a logout, a lost connection, a power cut) ends its candidate."""
        return self._closed

    @closed.setter
    def closed(self, over: bool) -> None:
        self._closed = over
        if over and self._env.candidate is not None:
            self._env.leave_configure()

    def greet(self) -> str:
        """The message of the day and the first prompt."""
        model = self._router.model
        self._write(f"Linux {self._host} {model.kernel} {model.built} {model.machine}\nWelcome to EdgeOS\n")
        if self._router.chassis.switches.hash_banner:
            self._write(factory.CONFUSING)
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
        """Output of a program: line ends become CR LF; long lines break if the screen wraps."""
        for line in text.splitlines(keepends=True):
            body = line.rstrip("\n")
            if self._router.chassis.switches.wrap:
                columns = self._env.columns or self._width
                pieces = [body[at : at + columns] for at in range(0, len(body), columns)]
                body = "\r\n".join(pieces)
            self._raw(body + ("\r\n" if line.endswith("\n") else ""))

    def _prompt(self) -> None:
        env = self._env
        if env.candidate is not None:
            self._raw("[edit]\r\r\n")
            end = "# "
        else:
            end = "> " if env.restricted else ":~$ "
        self._open_line(f"{env.user}@{self._host}{end}")

    def _open_line(self, prompt: str) -> None:
        self._raw(prompt)
        self._column = len(prompt)

    def _echo(self, char: str) -> None:
        self._raw(char)
        self._column += 1
        if self._router.chassis.switches.wrap and self._column % (self._env.columns or self._width) == 0:
            self._raw(" \r")  # what readline sends to make a screen go to its next line

    # The conversation.

    def _live(self) -> Keys:
        self._prompt()
        while not self._over():
            line = yield from self._line()
            steps: list[Step] = []
            while line is not None:
                try:
                    steps = split(line)
                    break
                except Unfinished:
                    self._open_line("> ")
                    more = yield from self._line()
                    line = None if more is None else f"{line}\n{more}"
            yield from self._run(steps)
            if not self._over():
                self._prompt()

    def _over(self) -> bool:
        """Has the user logged out, or the router gone down?"""
        return self.closed or self._env.closed

    def _line(self) -> Line:
        """Edit one line; none if it was interrupted."""
        line = ""
        while True:
            key = yield
            match key:
                case "\r" | "\n":
                    self._raw("\r\n")
                    return line
                case "\x03":
                    self._raw("^C\r\n")
                    return None
                case "\x04" if not line and self._env.candidate is None:
                    return "exit"
                case "\x7f" | "\x08" if line:
                    line = self._rub_out(line, 1)
                case "\x15":
                    line = self._rub_out(line, len(line))
                case "\x17":
                    kept = line.rstrip().rpartition(" ")
                    line = self._rub_out(line, len(line) - len(kept[0] + kept[1]))
                case "\x16":
                    key = yield
                    line += key
                    self._echo(key)
                case "\x1b":
                    yield from self._escape()
                case "?" | "\t":
                    pass  # help and completion, which this screen does not draw
                case _ if key.isprintable():
                    line += key
                    self._echo(key)
                case _:
                    pass  # other control characters

    def _rub_out(self, line: str, count: int) -> str:
        self._raw("\b \b" * count)
        self._column -= count
        return line[: len(line) - count]

    def _escape(self) -> Keys:
        """Swallow a cursor key."""
        key = yield
        if key in "[O":
            while not (key.isalpha() or key == "~") or key == "O":
                key = yield

    def _run(self, steps: list[Step]) -> Keys:
        env = self._env
        for step in steps:
            if not step.due(int(env.names["?"])):
                continue
            result = run(step.pipeline, env.call, env.names)
            yield from self._show(result, piped=len(step.pipeline) > 1)
            while result.ask is not None and not self._over():
                yes = yield from self._question(result.ask)
                result = result.ask.then(yes)
                env.names["?"] = str(result.status)
                yield from self._show(result)
            if self._over():
                return

    def _show(self, result: Result, *, piped: bool = False) -> Keys:
        """Errors come last, as conntrack has it, but before what had to go through a pipe."""
        self._write(result.stderr if piped else "")
        if result.pager and self._env.paging:
            yield from self._page(result.stdout, result.pager)
        else:
            self._write(result.stdout)
        self._write("" if piped else result.stderr)

    def _question(self, ask: Ask) -> Answer:
        """IO::Prompt's yes or no: one key, no Enter; Enter alone is yes."""
        self._raw(ask.prompt)
        while True:
            key = yield
            if key in "yYnN\r\n":
                self._raw(("[y]" if key in "\r\n" else key) + "\r\n")
                return key not in "nN"
            if key == INTERRUPT:
                self._raw("^C\r\n")
                return False
            self._raw(f"{key}\r{' ' * 79}\r{ask.prompt}(Please answer 'y' or 'n') ")

    def _page(self, text: str, pager: str) -> Keys:
        """less (or more): whole at once if it fits, else a screen at a time."""
        more = pager == "more"
        lines = text.splitlines()
        rows = max((self._env.rows or self._height) - 1, 1)
        self._raw("" if more else OPEN)
        at, step = 0, rows
        while True:
            for line in lines[at : at + step]:
                self._raw(f"{line}\x1b[m\r\n" if pager == "vyatta" else f"{line}\r\n")
            at += step
            if at >= len(lines):
                break
            self._raw("\x1b[7m--More--\x1b[m" if more else ":\x1b[K")
            step = yield from self._next(rows)
            if step == 0:
                self._raw("q" if more else "")
                break
            self._raw(CLEAR)
        if more:
            self._raw(CLEAR if step == 0 else "")
        else:
            self._raw(CLOSE)

    def _next(self, rows: int) -> Generator[None, str, int]:
        """How many more lines the reader wants; 0 to leave."""
        while True:
            key = yield
            if key in " f\x06":
                return rows
            if key in "\r\nje":
                return 1
            if key in "qQ" or key == INTERRUPT:
                return 0
            if key == "G":
                return 1_000_000
            self._raw("\x07")
