"""
Commands as they are typed, or written into scripts and the scheduler, done on the box.

Understood: ``/ip firewall service-port set sip disabled=no`` and ``/ip/firewall/service-port/set``,
items by name, id or ``[find where …]``, quotes, ``;`` and line ends between commands, and
``:do {…} on-error={…}``, ``:log``, ``:delay``. Anything else is refused as RouterOS refuses what it
does not know (manual, page "Scripting"): the script stops there, and what was done before stays done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sipalg_fix.lab.twins.routeros.box import READ, Box, Refusal, Row, meets
from sipalg_fix.lab.twins.routeros.sentences import ALONE, defaults

OPENING, CLOSING = "[{(", "]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """On whose behalf commands are done, and what they may do."""

    box: Box
    owner: str
    policies: frozenset[str]

    def run(self, script: str) -> None:
        """Do every command in turn; Refusal at the first that is refused."""
        for statement in split(script, ";\n"):
            self._do(statement)

    def _do(self, statement: str) -> None:
        words = split(statement, " \t")
        match words:
            case [":log", topic, message]:
                self.box.note(f"script,{topic}", bare(message))
            case [":delay", _]:
                pass  # the clock is not the script's to move
            case [":do", block, *rest]:
                self._try(block[1:-1], rest)
            case _:
                self._command(words)

    def _try(self, block: str, rest: list[str]) -> None:
        otherwise = next((word for word in rest if word.startswith("on-error=")), None)
        try:
            self.run(block)
        except Refusal:
            if otherwise is None:
                raise
            self.run(otherwise.removeprefix("on-error=")[1:-1])

    def _command(self, words: list[str]) -> None:
        path, verb, arguments = self._locate(words)
        whole = f"{path}/{verb}"
        if whole in ALONE:
            self.box.permit(self.policies, ALONE[whole])
            self.box.reboot()
            return
        menu = self.box.menus[path]
        self.box.permit(self.policies, "read" if verb in READ else menu.policy)
        named = dict(word.split("=", 1) for word in arguments if is_named(word))
        values = {name: bare(text) for name, text in named.items() if name != "numbers"}
        if verb == "add":
            self.box.add(path, values, defaults(self.box, path, self.owner))
        elif verb not in READ:
            first = [word for word in arguments if not is_named(word)]
            for row in self._items(path, named.get("numbers", first[0] if first else "")):
                self._change(path, verb, row, values)

    def _change(self, path: str, verb: str, row: Row, values: dict[str, str]) -> None:
        match verb:
            case "remove":
                self.box.remove(path, row)
            case "enable" | "disable":
                self.box.set(path, row, {"disabled": "no" if verb == "enable" else "yes"})
            case _:
                self.box.set(path, row, values)

    def _locate(self, words: list[str]) -> tuple[str, str, list[str]]:
        """The menu, the command and its arguments; the words of a path are parted by blanks or slashes."""
        path = ""
        for number, word in enumerate(words):
            for name in word.strip("/").split("/"):
                known = path in self.box.menus and name in self.box.menus[path].verbs
                if known or f"{path}/{name}" in ALONE:
                    return path, name, words[number + 1 :]
                path = f"{path}/{name}"
                if not any(menu == path or menu.startswith(path + "/") for menu in self._places()):
                    raise Refusal(f"bad command name {name} (line 1 column {self._column(words, number)})")
        raise Refusal("expected command name (line 1 column 1)")

    def _places(self) -> Iterable[str]:
        return [*self.box.menus, *ALONE]

    @staticmethod
    def _column(words: list[str], number: int) -> int:
        return sum(len(word) + 1 for word in words[:number]) + 1

    def _items(self, path: str, which: str) -> list[Row]:
        if self.box.menus[path].single:
            return self.box.menus[path].rows[:1]
        if not which:
            raise Refusal("missing value(s) of argument(s) numbers")
        if not which.startswith("["):
            return [self.box.pick(path, bare(part)) for part in which.split(",")]
        words = split(which[1:-1], " \t")
        if "find" not in words:
            raise Refusal("expected command name (line 1 column 2)")
        conditions = [word for word in words[words.index("find") + 1 :] if word not in ("where", "and")]
        tests = [unquoted(condition) for condition in conditions]
        shown = {row.get(".id"): row for row in self.box.shown(path)}
        rows = self.box.menus[path].rows
        return [row for row in rows if all(meets(shown[row.get(".id")], test) for test in tests)]


def split(text: str, separators: str) -> list[str]:
    """Parts between separators that stand outside quotes and brackets; empty parts are left out."""
    parts, part, depth, quoted, escaped = [], "", 0, False, False
    for sign in text:
        if escaped or quoted:
            quoted = quoted and (sign != '"' or escaped)
            escaped = sign == "\\" and not escaped
        elif sign in separators and not depth:
            parts.append(part)
            part = ""
            continue
        else:
            quoted, escaped = sign == '"', sign == "\\"
            depth += (sign in OPENING) - (sign in CLOSING)
        part += sign
    return [part.strip() for part in [*parts, part] if part.strip()]


def is_named(word: str) -> bool:
    """``disabled=no`` is; ``sip``, ``"a=b"`` and ``[find name=sip]`` are not."""
    return re.match(r"[\w.-]+=", word) is not None


def bare(text: str) -> str:
    """A value without its quotes, escapes undone."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def unquoted(condition: str) -> str:
    """``name="sip"`` as ``name=sip``; the relation may be ``=``, ``!=`` or ``~``."""
    relation = re.match(r"[\w.-]+(!=|=|~)", condition)
    if relation is None:
        return condition
    return relation.group() + bare(condition[relation.end() :])
