"""
Commands as they are typed, or written into scripts and the scheduler, done on the box.

Understood: ``/ip firewall service-port set sip disabled=no`` and ``/ip/firewall/service-port/set``,
items by name, id or ``[find where …]``, quotes, ``;`` and line ends between commands, ``print`` with
``where``, and ``:do {…} on-error={…}``, ``:foreach``, ``:put``, ``:execute``, ``:log``, ``:delay``.
Anything else is refused as RouterOS refuses what it does not know (manual, page "Scripting"): the script
stops there, and what was done before stays done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sipalg_fix.lab.twins.routeros import printing
from sipalg_fix.lab.twins.routeros.box import READ, Box, Refusal, Row, meets
from sipalg_fix.lab.twins.routeros.sentences import ALONE, defaults

OPENING, CLOSING = "[{(", "]})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """
    On whose behalf commands are done, and what they may do. ``out`` are the lines that are printed.

    ``answer`` is what a person would type when asked; a script is asked nothing.
    """

    box: Box
    owner: str
    policies: frozenset[str]
    answer: str | None = None
    out: list[str] = field(default_factory=list)

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
            case [":put", text]:
                self.out.append(self._value(text))
            case [":execute", script]:
                replace(self, answer=None, out=[]).run(bare(script.removeprefix("script=")))
            case [":foreach", name, items, block] if items.startswith("in="):
                for item in filter(None, self._value(items.removeprefix("in=")).split(";")):
                    self.run(block.removeprefix("do=")[1:-1].replace(f"${name}", item))
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
            if self.answer is not None:
                self.out.append("Reboot, yes? [y/N]: ")
            if self.answer is None or self.answer.startswith("y"):
                self.box.reboot()
            return
        menu = self.box.menus[path]
        self.box.permit(self.policies, "read" if verb in READ else menu.policy)
        if verb in READ:
            if verb in ("print", "getall"):
                self._print(path, arguments)
            return
        named = dict(word.split("=", 1) for word in arguments if is_named(word))
        values = {name: bare(text) for name, text in named.items() if name != "numbers"}
        if verb == "add":
            self.box.add(path, values, defaults(self.box, path, self.owner))
        else:
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

    def _value(self, text: str) -> str:
        """A text, or what ``[… get …]`` and ``[… find …]`` give: a value, or ids with semicolons between."""
        if not text.startswith("["):
            return bare(text)
        path, verb, arguments = self._locate(split(text[1:-1], " \t"))
        self.box.permit(self.policies, "read")
        if verb == "find":
            return ";".join(row[".id"] for row in self._found(path, arguments))
        rows = self._items(path, "" if self.box.menus[path].single else arguments[0])
        if verb != "get" or not rows:
            raise Refusal("no such item")
        shown = next(row for row in self.box.shown(path) if row.get(".id") == rows[0].get(".id"))
        if arguments[-1] not in shown:
            raise Refusal(f"unknown value name {arguments[-1]}")
        return shown[arguments[-1]]

    def _print(self, path: str, arguments: list[str]) -> None:
        all_rows = list(self.box.shown(path))
        if self.box.menus[path].single:
            self.out.extend(printing.single(all_rows[0]))
            return
        how, where = arguments, list[str]()
        if "where" in arguments:
            how, where = arguments[: arguments.index("where")], arguments[arguments.index("where") + 1 :]
        wanted = {row[".id"] for row in self._found(path, where)}
        shown = [(number, row) for number, row in enumerate(all_rows) if row[".id"] in wanted]
        self.out.extend([str(len(shown))] if "count-only" in how else printing.items(all_rows, shown))

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
        return self._found(path, words[words.index("find") + 1 :])

    def _found(self, path: str, conditions: list[str]) -> list[Row]:
        tests = [unquoted(condition) for condition in conditions if condition not in ("where", "and")]
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
