"""
A package of uci: sections and options, read from a file, changed by deltas, and written again.

As libuci has it (file.c, list.c, delta.c): what is set goes to a file of deltas under /tmp/.uci, every load
takes these in, a commit stores them and empties that file, and a comment does not outlast a commit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


class UciError(Exception):
    """What ``uci_perror`` would print."""


NOT_FOUND, INVALID, IO_ERROR = "Entry not found", "Invalid argument", "I/O error"


@dataclass(slots=True, kw_only=True)
class Section:
    """``anonymous`` sections are named by where they stand and of which type they are."""

    kind: str
    name: str
    anonymous: bool
    options: dict[str, str | list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """One staged change: ``sign`` as in the delta file (empty for a set, - + | ~ for the rest)."""

    sign: str
    section: str
    option: str = ""
    value: str | None = None

    def line(self, package: str) -> str:
        """As it stands in the delta file."""
        text = f"{self.sign}{package}.{self.section}" + (f".{self.option}" if self.option else "")
        return text if self.value is None else f"{text}={quoted(self.value)}"

    def shown(self, package: str) -> str:
        """As ``uci changes`` prints it."""
        prefix = "-" if self.sign == "-" else ""
        text = f"{prefix}{package}.{self.section}" + (f".{self.option}" if self.option else "")
        if self.sign == "-":
            return text
        operator = {"|": "+=", "~": "-="}.get(self.sign, "=")
        return f"{text}{operator}{quoted(self.value or '')}"


def read_delta(line: str) -> Delta | None:
    """A line of a delta file."""
    match = re.fullmatch(r"([-+|~^@]?)\w+\.([\w-]+)(?:\.(\w+))?(?:=(.*))?", line)
    if match is None:
        return None
    sign, section, option, value = match.groups()
    if value and value.startswith("'"):
        value = value[1:-1].replace("'\\''", "'")
    return Delta(sign=sign, section=section, option=option or "", value=value)


def quoted(text: str) -> str:
    """In single quotes, as uci prints values."""
    return "'" + text.replace("'", "'\\''") + "'"


class Package:
    """``name`` is the file's; sections in order."""

    def __init__(self, name: str, sections: list[Section]) -> None:
        self.name = name
        self.sections = sections
        self._made = len(sections)

    def find(self, ref: str) -> Section | None:
        """By name, or ``@type[index]``, where an index below 0 counts from the end."""
        extended = re.fullmatch(r"@([\w-]*)\[(-?\d+)\]", ref)
        if extended is None:
            return next((section for section in self.sections if section.name == ref), None)
        kind, place = extended[1], int(extended[2])
        some = [section for section in self.sections if not kind or section.kind == kind]
        return some[place] if -len(some) <= place < len(some) else None

    def add(self, kind: str, name: str = "") -> Section:
        """A section at the end."""
        self._made += 1
        section = Section(kind=kind, name=name or anonymous(self._made, kind), anonymous=not name)
        self.sections.append(section)
        return section

    def apply(self, delta: Delta) -> None:
        """Take a staged change in; one that does not fit any more is passed over, as libuci does."""
        section = self.find(delta.section)
        if delta.sign == "+" and section is None:
            self.add(delta.value or "").name = delta.section
            return
        if section is None:
            if not delta.option and delta.value:
                self.add(delta.value, delta.section)
            return
        if not delta.option:
            if delta.sign == "-":
                self.sections.remove(section)
            return
        now, value = section.options.get(delta.option), delta.value or ""
        match delta.sign:
            case "-":
                section.options.pop(delta.option, None)
            case "|":
                before = now if isinstance(now, list) else [] if now is None else [now]
                section.options[delta.option] = [*before, value]
            case "~":
                if isinstance(now, list):
                    section.options[delta.option] = [each for each in now if each != value]
            case _:
                section.options.pop(delta.option, None) if not value else None
                if value:
                    section.options[delta.option] = value

    def written(self) -> str:
        """The file that a commit writes."""
        text = ""
        for section in self.sections:
            text += (
                f"\nconfig {section.kind}" + ("" if section.anonymous else f" {quoted(section.name)}") + "\n"
            )
            for name, value in section.options.items():
                several = isinstance(value, list)
                for each in value if isinstance(value, list) else [value]:
                    text += f"\t{'list' if several else 'option'} {name} {quoted(each)}\n"
        return text + "\n"


def anonymous(number: int, kind: str) -> str:
    """``cfg02dc81``: the count in hex, and a hash of the type (list.c, uci_fixup_section)."""
    hashed = 5381
    for character in kind:
        hashed = (hashed * 33 + ord(character)) & 0x7FFFFFFF
    return f"cfg{number:02x}{hashed % 65536:04x}"


def parsed(name: str, text: str) -> Package:
    """A file; UciError with line and byte of the first thing that is none."""
    package = Package(name, [])
    for number, line in enumerate(text.split("\n"), start=1):
        words = _words(line, number)
        match words:
            case [] | ["package", _]:
                continue
            case ["config", kind]:
                package.add(kind)
            case ["config", kind, given]:
                package.add(kind, given)
            case ["option", option, value] if package.sections:
                package.sections[-1].options[option] = value
            case ["list", option, value] if package.sections:
                now = package.sections[-1].options.get(option)
                package.sections[-1].options[option] = [*(now if isinstance(now, list) else []), value]
            case _:
                raise UciError(f"Parse error (invalid command) at line {number}, byte 0")
    return package


_TOKEN = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\#]+)|(\s+)|(\#.*)|(.)""", re.DOTALL)


def _words(line: str, number: int) -> list[str]:
    words: list[str] = []
    open_ = False
    for match in _TOKEN.finditer(line):
        single, double, escaped, plain, blank, comment, odd = match.groups()
        if blank is not None or comment is not None:
            open_ = False
            continue
        if odd is not None:
            # The byte is that of the line's end: the parser reads on for the quote (recorded).
            raise UciError(
                f"Parse error (EOF with unterminated {odd}) at line {number}, byte {len(line) + 1}"
            )
        text = next(each for each in (single, double, escaped, plain) if each is not None)
        if double is not None:
            text = re.sub(r"\\(.)", r"\1", text)
        if open_:
            words[-1] += text
        else:
            words.append(text)
        open_ = True
    return words
