"""
Reading words: quotes, expansions, here-documents. (XCU 2.2, 2.3 and 2.6 of POSIX.1-2017.)

One reader goes over the whole script; a command substitution inside a word is read by the grammar on the
same text, which is why the reader is handed a function for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sipalg_fix.lab.shell.syntax import (
    Parameter,
    Part,
    Script,
    ScriptError,
    Substitution,
    Sum,
    Text,
    Word,
)

BLANK = " \t"
ENDS_WORD = " \t\n;&|<>()"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPECIAL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_OPERATOR = re.compile(r":?[-=?+]|%%?|##?")


class Reader:
    """A position in a script. ``parse`` reads a script from the same reader, up to what it cannot take."""

    def __init__(self, text: str, parse: Callable[[Reader], Script]) -> None:
        self.text = text
        self.at = 0
        self._parse = parse
        self._documents: dict[int, int] = {}
        """From a newline after which here-documents stand, to where the script goes on."""

    # The characters.

    def rest(self, text: str) -> bool:
        """Does the script go on with this?"""
        return self.text.startswith(text, self.at)

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self.text[self.at : self.at + 1]

    def error(self, message: str) -> ScriptError:
        """An error at this place."""
        return ScriptError(message, self.text.count("\n", 0, self.at) + 1)

    @property
    def line(self) -> int:
        """The line, counted from 1."""
        return self.text.count("\n", 0, self.at) + 1

    def take(self, text: str) -> bool:
        """Go past this, if the script goes on with it."""
        if not self.rest(text):
            return False
        self.at += len(text)
        return True

    def newline(self) -> None:
        """Go past a newline and the here-documents behind it."""
        self.at = self._documents.get(self.at, self.at + 1)

    def blanks(self) -> None:
        """Go past blanks, joined lines and a comment."""
        while True:
            if self.next and self.next in BLANK:
                self.at += 1
            elif not self.take("\\\n"):
                break
        if self.next == "#":
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end

    def gaps(self) -> None:
        """Go past blanks, comments and newlines."""
        self.blanks()
        while self.next == "\n":
            self.newline()
            self.blanks()

    # Words.

    def word(self, ends: str = ENDS_WORD) -> Word:
        """One word; empty if there is none here. ``''`` is a word of one empty quoted text."""
        parts: list[Part] = []
        if self.next == "~" and self.text[self.at + 1 : self.at + 2] in ("", "/", *ENDS_WORD):
            self.at += 1
            parts.append(Parameter(name="HOME", quoted=True))
        while self.next and self.next not in ends:
            match self.next:
                case "'":
                    end = self.text.find("'", self.at + 1)
                    if end < 0:
                        raise self.error("Unterminated quoted string")
                    parts.append(Text(text=self.text[self.at + 1 : end], quoted=True))
                    self.at = end + 1
                case '"':
                    self.at += 1
                    parts += self._quoted('"') or [Text(text="", quoted=True)]
                    if not self.take('"'):
                        raise self.error("Unterminated quoted string")
                case "\\":
                    if not self.take("\\\n"):
                        parts.append(Text(text=self.text[self.at + 1 : self.at + 2] or "\\", quoted=True))
                        self.at += 2
                case "$":
                    parts.append(self._dollar(quoted=False))
                case "`":
                    parts.append(self._backquotes(quoted=False))
                case character:
                    parts.append(Text(text=character, quoted=False))
                    self.at += 1
        return _joined(parts)

    def _quoted(self, end: str) -> list[Part]:
        """What stands between double quotes (or up to any ``end``, or the end of the text if empty)."""
        parts: list[Part] = []
        while self.next and not (end and self.rest(end)):
            match self.next:
                case "\\" if self.text[self.at + 1 : self.at + 2] in ("$", "`", "\\", end or "$"):
                    parts.append(Text(text=self.text[self.at + 1], quoted=True))
                    self.at += 2
                case "\\" if self.take("\\\n"):
                    pass
                case "$":
                    parts.append(self._dollar(quoted=True))
                case "`":
                    parts.append(self._backquotes(quoted=True))
                case character:
                    parts.append(Text(text=character, quoted=True))
                    self.at += 1
        return parts

    def _dollar(self, quoted: bool) -> Part:
        self.at += 1
        if self.take("(("):
            return self._sum(quoted)
        if self.take("("):
            script = self._parse(self)
            if not self.take(")"):
                raise self.error('end of file unexpected (expecting ")")')
            return Substitution(script=script, quoted=quoted)
        if self.take("{"):
            return self._braces(quoted)
        if self.next == "'" and not quoted:
            raise self.error("$'...' is not supported")
        found = _SPECIAL.match(self.text, self.at)
        if found is None:
            return Text(text="$", quoted=quoted)
        self.at = found.end()
        return Parameter(name=found.group(), quoted=quoted)

    def _braces(self, quoted: bool) -> Parameter:
        length = self.rest("#") and not self.rest("#}")
        self.at += length
        found = _SPECIAL.match(self.text, self.at)
        if found is None:
            raise self.error("Bad substitution")
        self.at = found.end()
        if length:
            if not self.take("}"):
                raise self.error("Bad substitution")
            return Parameter(name=found.group(), operator="length", quoted=quoted)
        operator = _OPERATOR.match(self.text, self.at)
        if operator is not None:
            self.at = operator.end()
        argument: Word = ()
        if operator is not None:
            pattern = operator.group() in ("%", "%%", "#", "##")
            argument = _joined(self._quoted("}")) if quoted and not pattern else self.word("}")
        if not self.take("}"):
            raise self.error("Bad substitution" if self.next else "Missing '}'")
        return Parameter(
            name=found.group(),
            operator=operator.group() if operator else "",
            argument=argument,
            quoted=quoted,
        )

    def _sum(self, quoted: bool) -> Sum:
        parts: list[Part] = []
        depth = 0
        while depth or not self.rest("))"):
            match self.next:
                case "":
                    raise self.error("Missing '))'")
                case "$":
                    parts.append(self._dollar(quoted=True))
                    continue
                case "`":
                    parts.append(self._backquotes(quoted=True))
                    continue
                case "(":
                    depth += 1
                case ")":
                    depth -= 1
                case _:
                    pass
            parts.append(Text(text=self.next, quoted=True))
            self.at += 1
        self.at += 2
        return Sum(expression=_joined(parts), quoted=quoted)

    def _backquotes(self, quoted: bool) -> Substitution:
        found = re.compile(r"`((?:[^`\\]|\\.)*)`", re.S).match(self.text, self.at)
        if found is None:
            raise self.error("EOF in backquote substitution")
        self.at = found.end()
        inner = Reader(re.sub(r"\\([$`\\])", r"\1", found.group(1)), self._parse)
        script = self._parse(inner)
        if inner.next:
            raise inner.error(f'"{inner.next}" unexpected')
        return Substitution(script=script, quoted=quoted)

    # Here-documents.

    def document(self, *, strip_tabs: bool) -> Word:
        """The text of a here-document whose end word comes next; it stands after the end of this line."""
        self.blanks()
        delimiter = self.word()
        if not delimiter:
            raise self.error("a here-document needs a word")
        ends = "".join(part.text for part in delimiter if isinstance(part, Text))
        literal = any(part.quoted for part in delimiter)
        newline = self.text.find("\n", self.at)
        start = len(self.text) if newline < 0 else self._documents.get(newline, newline + 1)
        lines: list[str] = []
        at = start
        while at < len(self.text):
            end = self.text.find("\n", at)
            line = self.text[at:] if end < 0 else self.text[at:end]
            at = len(self.text) if end < 0 else end + 1
            line = line.lstrip("\t") if strip_tabs else line
            if line == ends:
                break
            lines.append(line + "\n")
        if newline >= 0:
            self._documents[newline] = at
        text = "".join(lines)
        if literal:
            return (Text(text=text, quoted=True),)
        return _joined(Reader(text, self._parse)._quoted(""))


def _joined(parts: list[Part]) -> Word:
    """Neighbouring texts of one kind become one."""
    word: list[Part] = []
    for part in parts:
        last = word[-1] if word else None
        if isinstance(part, Text) and isinstance(last, Text) and part.quoted == last.quoted:
            word[-1] = Text(text=last.text + part.text, quoted=part.quoted)
        else:
            word.append(part)
    return tuple(word)
