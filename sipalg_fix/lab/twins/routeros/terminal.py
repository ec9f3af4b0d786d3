r"""
The command line of the virtual router as a person types at it: banner, questions, prompt, redrawn lines.

What is added to the name at the login says how it writes (manual, "Console login process"): ``c`` without
colours, ``t`` without asking the terminal what it is, ``e`` as on a dumb terminal, ``511w`` and ``4098h`` its
size. A line that is typed is drawn again from its beginning, as netmiko and gnetcli found; a dumb terminal
is sent it once. Of the keys Enter, Backspace, Ctrl-C and Ctrl-D mean something. Safe mode is left out.
"""

from __future__ import annotations

import re

from sipalg_fix.lab.twins.routeros.box import Box, Refusal
from sipalg_fix.lab.twins.routeros.console import Runner

LICENCE = "Do you want to see the software license? [Y/n]: "
PASSWORD = "new password> "
REBOOT = "Reboot, yes? [y/N]: "
PAGER = "-- [Q quit|D dump|down]"
WIPED = "\r\x1b[K"
WHO_ARE_YOU = "\x1bZ\x1b[c"


class Session:
    """One session. ``version`` is of the banner; ``fresh``: nobody has logged in before."""

    def __init__(self, box: Box, user: str, height: int, *, version: str, fresh: bool) -> None:
        name, _, added = user.partition("+")
        letters = re.sub(r"\d+[wh]", "", added)
        size = re.search(r"(\d+)h", added)
        self.closed = False
        self._box, self._name, self._version = box, name, version
        self._dumb, self._coloured, self._asks = "e" in letters, "c" not in letters, "t" not in letters
        self._height = int(size[1]) if size else height
        self._menu: tuple[str, ...] = ()
        self._line, self._last = "", ""
        self._pages: list[str] = []
        self._question = LICENCE if fresh else ""

    def greet(self) -> str:
        """The banner, and the first prompt or the first question of a router that nobody has seen yet."""
        seven = not self._version.startswith("6.")
        home = "https://www.mikrotik.com/" if seven else "http://www.mikrotik.com/"
        text = f"\r\n\r\n  MikroTik RouterOS {self._version} (c) 1999-2024       {home}\r\n\r\n"
        if self._question:
            return text + self._question
        return text + self._welcome()

    def feed(self, typed: str) -> str:
        """The screen's answer to some keys."""
        return "".join(self._key(key) for key in typed if not self.closed)

    def _welcome(self) -> str:
        if "ssh" not in self._box.policies(self._name):
            self.closed = True
            return "not enough permissions (9)\r\n"
        return "Press F1 for help\r\n\r\n" + (WHO_ARE_YOU if self._asks else "") + self._prompt()

    def _prompt(self) -> str:
        path = "/".join(self._menu) if not self._version.startswith("6.") else " ".join(self._menu)
        text = f"[{self._name}@{self._box.chassis.name}] {f'/{path}' if path else ''}> "
        return f"\x1b[1;32m{text}\x1b[m" if self._coloured else text

    def _key(self, key: str) -> str:
        last, self._last = self._last, key
        if key == "\n" and last == "\r":
            return ""  # one Enter, however it is sent
        if self._question:
            return self._answer(key)
        if self._pages:
            return self._page(key)
        if key in "\r\n":
            line, self._line = self._line.strip(), ""
            return f"{self._drawn(line)}\r\n{self._done(line)}"
        if key == "\x03":
            self._line = ""
            return f"\r\n{self._prompt()}"
        if key == "\x04" and not self._line:
            self.closed = True
            return "\r\n"
        if key in "\x08\x7f":
            self._line = self._line[:-1]
            return self._drawn(self._line)
        if not key.isprintable():
            return ""
        self._line += key
        return key if self._dumb else self._drawn(self._line)

    def _drawn(self, line: str) -> str:
        """The whole line once more, over itself."""
        return "" if self._dumb else f"{WIPED}{self._prompt()}{line}"

    def _answer(self, key: str) -> str:
        """Each question has one key for an answer; a new password, which is one more question, a line."""
        question, self._question = self._question, ""
        if question == LICENCE:
            self._question = PASSWORD
            terms = "" if key in "nN" else "MIKROTIKLS SIA SOFTWARE LICENCE\r\n"
            return f"{key}\r\n{terms}\r\nChange your password\r\n\r\n{PASSWORD}"
        if question == PASSWORD:
            if key == "\x03":
                return f"\r\n{self._welcome()}"
            self._question = PASSWORD
            return "\r\n" + PASSWORD if key in "\r\n" else "*"
        if key not in "yY":
            return f"{key}\r\n{self._prompt()}"
        self._box.reboot()
        return f"{key}\r\nsystem will reboot shortly\r\n{self._prompt()}"

    def _done(self, line: str) -> str:
        """What a command prints, up to the next prompt or question."""
        whole = self._from_the_root(line)
        path = whole.strip("/").replace("/", " ").split()
        if path == ["quit"]:
            self.closed = True
            return "interrupted\r\n"
        if path == ["system", "reboot"]:
            return self._may_reboot()
        if path == [".."] or self._is_menu(path):
            self._menu = self._menu[:-1] if path == [".."] else tuple(path)
            return self._prompt()
        runner = Runner(box=self._box, owner=self._name, policies=self._box.policies(self._name))
        try:
            runner.run(whole)
        except Refusal as refusal:
            runner.out.append(refusal.message)
        pages = not re.search(r"\bwithout-paging\b", line)
        return self._shown("\n".join(runner.out).split("\n") if runner.out else [], pages=pages)

    def _may_reboot(self) -> str:
        try:
            self._box.permit(self._box.policies(self._name), "reboot")
        except Refusal as refusal:
            return f"{refusal.message}\r\n{self._prompt()}"
        self._question = REBOOT
        return f"{REBOOT}\r\n"

    def _from_the_root(self, line: str) -> str:
        """A line is said from the menu that one is in, unless it begins at the root."""
        if line.startswith(("/", ":", "..")) or not line or line == "quit":
            return line
        return "/" + " ".join((*self._menu, line))

    def _is_menu(self, path: list[str]) -> bool:
        whole = "/" + "/".join(path)
        return not path or any(menu == whole or menu.startswith(whole + "/") for menu in self._box.menus)

    def _shown(self, lines: list[str], *, pages: bool) -> str:
        """As many lines as the screen has, and the rest when it is asked for."""
        first = lines[: self._height - 1] if pages else lines
        self._pages = lines[len(first) :]
        text = "".join(f"{line}\r\n" for line in first)
        return text + (PAGER if self._pages else self._prompt())

    def _page(self, key: str) -> str:
        if key in "qQ":
            self._pages = []
            return WIPED + self._prompt()
        return WIPED + self._shown(self._pages, pages=key not in "dD")
