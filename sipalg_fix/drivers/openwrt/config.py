"""
OpenWrt: /etc/config/firewall as sections, and single sections as literal settings.

The format is libuci's (file.c): ``config TYPE [NAME]``, ``option NAME VALUE``, ``list NAME VALUE``, quotes as
in a shell. A section is named by its place, ``@zone[0]``, which goes for those with a name of their own too.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

UCI_FILE = "/etc/config/firewall"
TRUE, FALSE = ("1", "on", "true", "yes"), ("0", "off", "false", "no")
"""What fw4 and fw3 take for yes and no (fw4.uc, parse_bool)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The value of one option: one text, or a list of them (``several``). No values: it is not there."""

    values: tuple[str, ...] = ()
    several: bool = False

    @property
    def text(self) -> str:
        """As ``uci get`` prints it."""
        return " ".join(self.values)


ABSENT = Setting()


@dataclass(slots=True, kw_only=True)
class Section:
    """One section; ``place`` counts those of its kind, ``number`` all, from 1."""

    kind: str
    place: int
    number: int
    name: str = ""
    options: dict[str, Setting] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """How uci finds it."""
        return f"@{self.kind}[{self.place}]"


def read(said: str) -> list[Section]:
    """The sections in order; :class:`ValueError` for a line that is none of a uci file."""
    sections: list[Section] = []
    for line in said.splitlines():
        words = shlex.split(line, comments=True)
        match words:
            case []:
                continue
            case ["package", _]:
                continue
            case ["config", kind, *name] if len(name) <= 1:
                place = sum(section.kind == kind for section in sections)
                number = len(sections) + 1
                sections.append(Section(kind=kind, place=place, number=number, name="".join(name)))
            case ["option" | "list" as how, name, text] if sections:
                _add(sections[-1], how, name, text)
            case _:
                raise ValueError(f"{line.strip()!r} is no line of a uci file")
    return sections


def _add(section: Section, how: str, name: str, text: str) -> None:
    before = section.options.get(name, ABSENT).values if how == "list" else ()
    section.options[name] = Setting(values=(*before, text), several=how == "list")


def value(section: Section, name: str) -> str:
    """The text of an option; empty where it is not set."""
    return section.options.get(name, ABSENT).text


def truth(section: Section, name: str, default: bool) -> bool:
    """A yes or no; :class:`ValueError` for what the firewall would not take for either."""
    text = value(section, name)
    if not text or text in TRUE + FALSE:
        return text in TRUE if text else default
    raise ValueError(f"{section.ref}: {name} is {text!r}, neither yes nor no")


def notes(section: Section, names: tuple[str, ...]) -> tuple[str, ...]:
    """Some options of a section as literal settings; :func:`from_notes` reads them."""
    found = [f"{section.ref} config {section.number} {section.name}".rstrip()]
    for name in names:
        found += lines(section.ref, name, section.options.get(name, ABSENT))
    return tuple(found)


def lines(ref: str, name: str, setting: Setting) -> list[str]:
    """One option as literal settings, one a value."""
    kind = "list" if setting.several else "option"
    return [f"{ref} {kind} {name} {shlex.quote(text)}" for text in setting.values]


def from_notes(prior: tuple[str, ...]) -> list[Section]:
    """The sections that were written down; other notes are passed over."""
    found: dict[str, Section] = {}
    for note in prior:
        words = shlex.split(note)
        if not words[0].startswith("@"):
            continue
        kind, _, place = words[0].strip("@]").partition("[")
        section = found.setdefault(words[0], Section(kind=kind, place=int(place), number=0))
        match words[1:]:
            case ["config", number, *named]:
                section.number, section.name = int(number), "".join(named)
            case ["option" | "list" as how, name, text]:
                _add(section, how, name, text)
            case _:
                continue
    return list(found.values())
