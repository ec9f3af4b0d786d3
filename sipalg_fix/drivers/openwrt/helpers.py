"""
OpenWrt: which sections of the configuration attach the SIP helper, and which options would end that.

A zone gets the helpers it lists; one that lists none gets all there are, if it does not masquerade and
neither it nor the defaults say ``auto_helper 0``; a rule with the target HELPER sets one besides (fw4.uc,
parse_zone and parse_rule; fw3's zones.c and helpers.c are the same). So a list without sip keeps the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sipalg_fix.drivers.openwrt.config import ABSENT, Section, Setting, lines, truth, value

OPTIONS = {
    "defaults": ("auto_helper",),
    "zone": ("name", "enabled", "masq", "masq6", "auto_helper", "helper"),
    "rule": ("name", "enabled", "src", "target", "set_helper"),
}
"""What of each kind of section decides; all other options are nobody's business here."""
OFF = Setting(values=("0",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One option before and after. ``known_by`` is another option, by which the section is recognised."""

    ref: str
    option: str
    before: Setting
    after: Setting
    known_by: tuple[str, str] = ("", "")

    @property
    def diff(self) -> tuple[str, ...]:
        """What the configuration loses (``-``) and gains (``+``) by it."""
        before, after = (lines(self.ref, self.option, setting) for setting in (self.before, self.after))
        lost = [f"-{line}" for line in before if line not in after]
        return (*lost, *(f"+{line}" for line in after if line not in before))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A section that attaches the SIP helper: a zone by ``list`` or ``auto``, or a ``rule``."""

    section: Section
    how: str

    @property
    def line(self) -> str:
        """For people."""
        named = value(self.section, "name")
        said = {
            "list": "list helper 'sip'",
            "auto": "auto_helper, which is on by default",
            "rule": "set_helper 'sip'",
        }[self.how]
        return f"firewall.{self.section.ref} ({named}): {said}"


def relevant(section: Section) -> bool:
    """Does it say anything of helpers?"""
    return section.kind in ("defaults", "zone") or (
        section.kind == "rule" and "set_helper" in section.options
    )


def sources(sections: list[Section]) -> list[Source]:
    """What attaches it; :class:`ValueError` for what the firewall would not understand either."""
    defaults = [section for section in sections if section.kind == "defaults"][:1]
    automatic = all(truth(section, "auto_helper", True) for section in defaults)
    found = []
    for section in sections:
        if section.kind == "zone" and truth(section, "enabled", True):
            names = value(section, "helper").split()
            if any(name.startswith("!") for name in names):
                raise ValueError(f"{section.ref}: a helper that is negated: {value(section, 'helper')}")
            if "sip" in map(str.lower, names):
                found.append(Source(section=section, how="list"))
            elif not names and automatic and _attaches_alone(section):
                found.append(Source(section=section, how="auto"))
        elif section.kind == "rule" and "set_helper" in section.options and truth(section, "enabled", True):
            target = value(section, "target").lower()
            if target and "helper".startswith(target) and value(section, "set_helper").lower() == "sip":
                found.append(Source(section=section, how="rule"))
    return found


def _attaches_alone(zone: Section) -> bool:
    """Would this zone get all helpers if it listed none, as far as it is asked itself?"""
    masks = truth(zone, "masq", False) or truth(zone, "masq6", False)
    return truth(zone, "auto_helper", True) and not masks


def changes(sections: list[Section], others: Mapping[str, tuple[str, ...]]) -> tuple[Change, ...]:
    """
    The fewest options that end it and nothing else. ``others`` are the other helpers at work, by zone: a zone
    that got them by itself lists them from now on.
    """
    found = sources(sections)
    alone = [source.section for source in found if source.how == "auto"]
    rest = [change for source in found for change in _change(source)]
    if alone and not any(others.get(value(zone, "name")) for zone in alone):
        for section in [section for section in sections if section.kind == "defaults"][:1]:
            return (_set(section, "auto_helper", OFF), *rest)
    for zone in alone:
        names = others.get(value(zone, "name"), ())
        keep = Setting(values=names, several=True)
        rest.append(_set(zone, "helper", keep) if names else _set(zone, "auto_helper", OFF))
    return tuple(rest)


def _change(source: Source) -> list[Change]:
    section = source.section
    if source.how == "rule":
        return [_set(section, "enabled", OFF)]
    if source.how == "auto":
        return []
    listed = section.options["helper"]
    left = tuple(name for text in listed.values for name in text.split() if name.lower() != "sip")
    if left:
        values = left if listed.several else (" ".join(left),)
        return [_set(section, "helper", Setting(values=values, several=listed.several))]
    # A zone that lists none would get all of them by itself.
    more = [_set(section, "auto_helper", OFF)] if _attaches_alone(section) else []
    return [_set(section, "helper", ABSENT), *more]


def _set(section: Section, option: str, after: Setting) -> Change:
    known = {"zone": "name", "rule": "set_helper"}.get(section.kind, "")
    before = section.options.get(option, ABSENT)
    known_by = (known, value(section, known)) if known else ("", "")
    return Change(ref=section.ref, option=option, before=before, after=after, known_by=known_by)
