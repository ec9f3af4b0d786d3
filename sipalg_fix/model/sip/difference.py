"""
What became of a SIP message on its way: every altered header and SDP field, before and after.

The law: there is no difference exactly when the bytes are the same. Whatever cannot be named as a field is
still told, as other bytes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from sipalg_fix.model.sip.message import Header, Message, read, text

_MOST_PAIRED = 65_536
"""Values before times values after, of one name, that are paired by likeness."""
_WORDS = re.compile(r"[^\s;,<>@=/]+|[\s;,<>@=/]")

MEANING = {
    "Request-URI": "whom the request is for",
    "Status line": "what the answer says",
    "Via": "where answers are sent",
    "Record-Route": "which servers stay in the path",
    "Route": "which servers to pass",
    "Path": "which servers lead to this phone",
    "From": "who calls",
    "To": "who is called",
    "Contact": "where later requests for this phone are sent",
    "Call-ID": "which call it belongs to",
    "CSeq": "which request it is",
    "Max-Forwards": "how many servers may pass it on",
    "Content-Length": "how long the body is",
    "SDP o=": "who offers audio",
    "SDP c=": "to which address audio is sent",
    "SDP m=": "to which port audio is sent",
    "SDP a=rtcp": "to which port reports on audio are sent",
    "SDP a=candidate": "ways on which audio may come",
}
"""What a field is for, in words for people who help users."""


class Change(Enum):
    """What was done to a field."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    """Another spelling of the same header name: other case, compact or long."""
    RESPACED = "respaced"
    """Other blanks or folding, the same words."""
    MOVED = "moved"
    """Another order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field that did not arrive as it was sent."""

    field: str
    """A header's canonical name, ``Request-URI``, ``SDP c= (audio 1)``, ``Body``, ``Bytes``."""
    change: Change
    before: str = ""
    after: str = ""

    @property
    def words(self) -> str:
        """One sentence for people."""
        meaning = MEANING.get(self.field.partition(" (")[0], "")
        name = f"{self.field} ({meaning})" if meaning else self.field
        if self.change is Change.CHANGED:
            before, after = _apart(self.before, self.after)
            return f"{name} was changed from {before!r} to {after!r}"
        if self.change is Change.ADDED:
            return f"{name} was added: {self.after!r}"
        if self.change is Change.REMOVED:
            return f"{name} was removed; it was {self.before!r}"
        if self.change is Change.RENAMED:
            return f"the name of {self.field} was respelled from {self.before!r} to {self.after!r}"
        if self.change is Change.RESPACED:
            return (
                f"blanks or line breaks in {self.field} were changed from {self.before!r} to {self.after!r}"
            )
        return f"{self.field} came in another order: {self.before}, then {self.after}"


def _apart(before: str, after: str) -> tuple[str, str]:
    """The words in which two values differ, without those that they begin and end with alike."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    shorter = ["".join(words[start : len(words) - end]).strip(" ;,<>") for words in (old, new)]
    return (shorter[0], shorter[1]) if all(shorter) and shorter[0] != shorter[1] else (before, after)


def compare(sent: bytes, received: bytes) -> tuple[Difference, ...]:
    """Every difference, in the order of the message; empty exactly when the bytes are the same."""
    if sent == received:
        return ()
    before, after = read(sent), read(received)
    if not before.is_sip:
        return (_bytes(sent, received),)
    found = (*_start(before, after), *_headers(before, after), *_bodies(before, after), *_ends(before, after))
    return found or (_bytes(sent, received),)


def _bytes(sent: bytes, received: bytes) -> Difference:
    return Difference(field="Bytes", change=Change.CHANGED, before=text(sent), after=text(received))


def _start(before: Message, after: Message) -> Iterator[Difference]:
    if before.start == after.start:
        return
    old, new = before.start.split(" "), after.start.split(" ")
    if before.status or len(old) != 3 or len(new) != 3:
        name = "Status line" if before.status else "Start line"
        yield Difference(field=name, change=Change.CHANGED, before=before.start, after=after.start)
        return
    for position, name in enumerate(("Method", "Request-URI", "SIP version")):
        if old[position] != new[position]:
            yield Difference(field=name, change=Change.CHANGED, before=old[position], after=new[position])


def _headers(before: Message, after: Message) -> Iterator[Difference]:
    mine, theirs = _by_name(before.headers), _by_name(after.headers)
    for name in dict.fromkeys((*mine, *theirs)):
        old, new = mine.get(name, []), theirs.get(name, [])
        label = name or "A line that is no header"
        pairs = _pairs([header.value for header in old], [header.value for header in new])
        for left, right in pairs:
            yield from _value(
                label, old[left].value if left >= 0 else None, new[right].value if right >= 0 else None
            )
            if left >= 0 and right >= 0:
                yield from _spelling(label, old[left].name, new[right].name)
                yield from _spacing(label, old[left].raw, new[right].raw, old[left].value == new[right].value)
    yield from _order(
        "The headers", [h.canonical for h in before.headers], [h.canonical for h in after.headers]
    )


def _by_name(headers: Sequence[Header]) -> dict[str, list[Header]]:
    found: dict[str, list[Header]] = {}
    for header in headers:
        found.setdefault(header.canonical, []).append(header)
    return found


def _value(label: str, old: str | None, new: str | None) -> Iterator[Difference]:
    if old is None:
        yield Difference(field=label, change=Change.ADDED, after=new or "")
    elif new is None:
        yield Difference(field=label, change=Change.REMOVED, before=old)
    elif old != new:
        change = Change.RESPACED if _joined(old) == _joined(new) else Change.CHANGED
        yield Difference(field=label, change=change, before=old, after=new)


def _joined(value: str) -> str:
    return re.sub(r"\s+", "", value)


def _spelling(label: str, old: str, new: str) -> Iterator[Difference]:
    if old != new:
        yield Difference(field=label, change=Change.RENAMED, before=old, after=new)


def _spacing(label: str, old: bytes, new: bytes, same_value: bool) -> Iterator[Difference]:
    # The name's spelling was told already: only what follows it counts here.
    if same_value and old.partition(b":")[2] != new.partition(b":")[2]:
        yield Difference(field=label, change=Change.RESPACED, before=text(old), after=text(new))


def _order(label: str, old: list[str], new: list[str]) -> Iterator[Difference]:
    mine, theirs = dict.fromkeys(old), dict.fromkeys(new)
    shared_old = [name for name in mine if name in theirs]
    shared_new = [name for name in theirs if name in mine]
    if shared_old != shared_new:
        yield Difference(
            field=label, change=Change.MOVED, before=" ".join(shared_old), after=" ".join(shared_new)
        )


def _pairs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Which value became which, by index; -1 where there is none on that side."""
    if len(old) == len(new):
        return [(index, index) for index in range(len(old))]
    if len(old) * len(new) > _MOST_PAIRED:
        # No box's doing, and comparing each with each would take for ever: by their order, then.
        most = max(len(old), len(new))
        return [(n if n < len(old) else -1, n if n < len(new) else -1) for n in range(most)]
    pairs: list[tuple[int, int]] = []
    for _, left, left_end, right, right_end in difflib.SequenceMatcher(
        a=old, b=new, autojunk=False
    ).get_opcodes():
        for step in range(max(left_end - left, right_end - right)):
            pairs.append(
                (
                    left + step if left + step < left_end else -1,
                    right + step if right + step < right_end else -1,
                )
            )
    return pairs


def _bodies(before: Message, after: Message) -> Iterator[Difference]:
    if before.body == after.body:
        return
    if not before.body.startswith(b"v=") or not after.body.startswith(b"v="):
        change = (
            Change.CHANGED if before.body and after.body else Change.REMOVED if before.body else Change.ADDED
        )
        yield Difference(field="Body", change=change, before=text(before.body), after=text(after.body))
        return
    named = tuple(_sdp(before.body, after.body))
    yield from named or (
        Difference(field="Body", change=Change.RESPACED, before=text(before.body), after=text(after.body)),
    )


def _sdp(before: bytes, after: bytes) -> Iterator[Difference]:
    old, new = _sections(before), _sections(after)
    for section in dict.fromkeys((*old, *new)):
        mine, theirs = old.get(section, []), new.get(section, [])
        suffix = f" ({section})" if section else ""
        lefts, rights = _by_key(mine), _by_key(theirs)
        for key in dict.fromkeys((*lefts, *rights)):
            left, right = lefts.get(key, []), rights.get(key, [])
            for a, b in _pairs(left, right):
                label = f"SDP {key}{suffix}"
                yield from _value(label, left[a] if a >= 0 else None, right[b] if b >= 0 else None)
        yield from _order(f"The SDP lines{suffix}", [key for key, _ in mine], [key for key, _ in theirs])


def _by_key(lines: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, value in lines:
        found.setdefault(key, []).append(value)
    return found


def _sections(body: bytes) -> dict[str, list[tuple[str, str]]]:
    """Lines of the session (under an empty name) and of each medium (``audio 1``), as key and value."""
    sections: dict[str, list[tuple[str, str]]] = {"": []}
    current = sections[""]
    for line in text(body).replace("\r\n", "\n").split("\n"):
        kind, _, value = line.partition("=")
        if not line:
            continue
        if kind == "m":
            current = sections.setdefault(f"{value.partition(' ')[0]} {len(sections)}", [])
        attribute = re.split(r"[:\s]", value, maxsplit=1)[0] if kind == "a" else ""
        current.append((f"{kind}={attribute}", value[len(attribute) + 1 :] if attribute else value))
    return sections


def _ends(before: Message, after: Message) -> Iterator[Difference]:
    if before.leading != after.leading:
        yield Difference(
            field="Empty lines before the message",
            change=Change.RESPACED,
            before=repr(before.leading.decode()),
            after=repr(after.leading.decode()),
        )
    old, new = _line_ends(before), _line_ends(after)
    if old != new:
        yield Difference(field="Line ends", change=Change.RESPACED, before=old, after=new)


def _line_ends(message: Message) -> str:
    head = message.raw[: len(message.raw) - len(message.body)]
    crlf = head.count(b"\r\n")
    lone = head.count(b"\n") - crlf
    return "CRLF" if not lone else "LF" if not crlf else "CRLF and LF"
