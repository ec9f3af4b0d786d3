"""
SIP messages as bytes: build one, and read one in whatever state it arrives.

Reading never fails and never repairs: what a box on the path did to a message must stay visible. Texts are
UTF-8; bytes that are no UTF-8 are shown as ``\\xNN``, so :attr:`Message.raw` is what to compare.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}
"""One-letter header names and what they stand for (IANA registry "SIP Header Fields")."""

_SPELLED = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
}
_HEAD_END = re.compile(rb"\n\r?\n")
_REQUEST_LINE = re.compile(r"\S+ +\S+ +SIP/2\.0 *", re.IGNORECASE)
_STATUS_LINE = re.compile(r"SIP/2\.0 +(\d{3})\b", re.IGNORECASE)
_BLANKS = " \t\r\x0b\x0c"
_LEADING = re.compile(rb"(?:\r\n|\n)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """
    One header field. ``name`` as written, ``value`` unfolded and stripped, ``raw`` the lines as they came.

    A line that is no header has an empty name, and stands in ``value``.
    """

    name: str
    value: str
    raw: bytes

    @property
    def canonical(self) -> str:
        """The name as RFC 3261 writes it, whatever its case and whether compact or not."""
        return canonical_name(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message taken apart. ``leading`` are line ends before the start line, ``raw`` is all of it."""

    start: str
    headers: tuple[Header, ...]
    body: bytes
    leading: bytes
    raw: bytes

    @property
    def is_sip(self) -> bool:
        """Does it begin as a SIP request or response does?"""
        return is_sip(self.start)

    @property
    def status(self) -> int:
        """The status of a response, 0 for anything else."""
        found = _STATUS_LINE.match(self.start)
        return int(found[1]) if found else 0

    @property
    def method(self) -> str:
        """The method of a request, empty for anything else."""
        return method_of(self.start)

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header, by its canonical name, in order."""
        return tuple(header.value for header in self.headers if header.canonical == name)

    def value(self, name: str) -> str:
        """The first value of a header, empty without one."""
        return next(iter(self.values(name)), "")

    def hops(self) -> int:
        """How many Via entries it has, however they are spread over header fields."""
        return sum(len(split_list(value)) for value in self.values("Via"))


@lru_cache(maxsize=512)
def canonical_name(name: str) -> str:
    """``v`` and ``VIA`` are ``Via``; unknown names get capitals after hyphens."""
    lower = name.strip().lower()
    if lower in COMPACT:
        return COMPACT[lower]
    return _SPELLED.get(lower) or "-".join(part.capitalize() for part in lower.split("-"))


def start_line(raw: bytes) -> str:
    """The start line alone."""
    return _line(raw.lstrip(b"\r\n").partition(b"\n")[0])


def is_sip(start: str) -> bool:
    """Is it the start line of a SIP request or response?"""
    return bool(_STATUS_LINE.match(start) or _REQUEST_LINE.fullmatch(start))


def method_of(start: str) -> str:
    """The method that a start line names, empty for what is no request's."""
    is_request = _REQUEST_LINE.fullmatch(start) and not _STATUS_LINE.match(start)
    return start.partition(" ")[0] if is_request else ""


def text(raw: bytes) -> str:
    """Bytes for people."""
    return raw.decode("utf-8", "backslashreplace")


def split_list(value: str) -> list[str]:
    """Parts of a comma separated header value; commas in quotes and angle brackets do not count."""
    parts, current, quoted, depth = [], "", False, 0
    for sign in value:
        if sign == '"' and not current.endswith("\\"):
            quoted = not quoted
        elif not quoted:
            depth += {"<": 1, ">": -1}.get(sign, 0)
        if sign == "," and not quoted and depth <= 0:
            parts.append(current.strip())
            current = ""
        else:
            current += sign
    parts.append(current.strip())
    return parts


def build(start: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    """The message with a right Content-Length at the end of its header."""
    lines = [start, *(f"{name}: {value}" for name, value in headers), f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def read(raw: bytes) -> Message:
    """Take bytes apart. Never fails: what is no SIP has a start line that is none, and no headers."""
    begin, lines, end = _head(raw)
    return Message(
        start=_line(lines[0]),
        headers=tuple(
            [
                Header(name=name, value=value, raw=b"\n".join(group).rstrip(b"\r"))
                for group in _unfolded(lines[1:])
                for name, value in (_name_and_value(group),)
            ]
        ),
        body=raw[end:],
        leading=raw[:begin],
        raw=raw,
    )


def skim(raw: bytes) -> tuple[str, list[tuple[str, str]]]:
    """What is cheap of :func:`read`: the start line, and each header's canonical name and value."""
    _, lines, _ = _head(raw)
    if any([line[:1] in (b" ", b"\t") for line in lines[1:]]):
        pairs = [_name_and_value(group) for group in _unfolded(lines[1:])]
    else:
        whole = text(b"\n".join(lines[1:])).split("\n")
        pairs = [_apart(line.strip(_BLANKS)) for line in whole if line.rstrip("\r")]
    return _line(lines[0]), [(canonical_name(name), value) for name, value in pairs]


def _head(raw: bytes) -> tuple[int, list[bytes], int]:
    """Where the start line begins, the lines of the header, and where the body begins."""
    begin = 0
    if raw[:1] in (b"\r", b"\n"):
        leading = _LEADING.match(raw)
        begin = leading.end() if leading else 0
    found = _HEAD_END.search(raw, begin)
    head = raw[begin : found.start() if found else len(raw)]
    return begin, head.split(b"\n"), found.end() if found else len(raw)


def _line(line: bytes) -> str:
    return text(line.rstrip(b"\r"))


def length_needed(raw: bytes) -> int | None:
    """
    How long a message at the start of a stream will be by its own Content-Length.

    None while its header is incomplete. Without a Content-Length, or with one that is no number, the
    message ends with its header.
    """
    leading = _LEADING.match(raw)
    end = _HEAD_END.search(raw, leading.end() if leading else 0)
    if end is None:
        return None
    _, headers = skim(raw[: end.end()])
    claimed = next((value for name, value in headers if name == "Content-Length"), "")
    return end.end() + (int(claimed) if claimed.isascii() and claimed.isdigit() and len(claimed) < 7 else 0)


def _unfolded(lines: list[bytes]) -> list[list[bytes]]:
    groups: list[list[bytes]] = []
    for line in lines:
        if groups and line[:1] in (b" ", b"\t"):
            groups[-1].append(line)
        elif line.rstrip(b"\r"):
            groups.append([line])
    return groups


def _name_and_value(lines: list[bytes]) -> tuple[str, str]:
    """A header as written; what is none has an empty name, and is all value."""
    return _apart(" ".join([text(line.strip()) for line in lines]))


def _apart(whole: str) -> tuple[str, str]:
    name, colon, value = whole.partition(":")
    return (name.rstrip(), value.strip()) if colon else ("", whole)
