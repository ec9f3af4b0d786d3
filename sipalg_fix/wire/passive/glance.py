"""
A quick look at a SIP message: the addresses in it, field by field, and no more than the rules need.

:func:`sipalg_fix.model.sip.message.read` tells everything and takes its time; of a million messages only
those that were altered are read with it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

Place = tuple[str, int]
"""A host (an IP address or a name) and its port, 0 where none is said."""

_NAMES = {
    b"via": "Via", b"v": "Via", b"contact": "Contact", b"m": "Contact", b"call-id": "Call-ID",
    b"i": "Call-ID", b"from": "From", b"f": "From", b"to": "To", b"t": "To", b"cseq": "CSeq",
    b"content-length": "Content-Length", b"l": "Content-Length", b"max-forwards": "Max-Forwards",
    b"p-asserted-identity": "P-Asserted-Identity", b"p-preferred-identity": "P-Preferred-Identity",
    b"remote-party-id": "Remote-Party-ID",
}  # fmt: skip
_HEAD_END = re.compile(rb"\r\n\r\n|\n\n|\n\r\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
# Hosts and users are as long as such may be (RFC 1035: 255), so that no header makes a search take for ever.
_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*\w{1,16}\s+(\[[^\]\s]{1,64}\]|[^\s:;,]{1,255})(?:\s*:\s*(\d{1,5}))?([^,]*)",
    re.IGNORECASE,
)
_BRANCH = re.compile(r";\s*branch\s*=\s*([^;,\s]+)", re.IGNORECASE)
_RECEIVED = re.compile(r";\s*received\s*=\s*\[?([0-9A-Fa-f.:]{1,64})", re.IGNORECASE)
_URI = re.compile(
    r"sips?:(?:([^@<>\s;,\"]{0,255})@)?(\[[^\]\s]{1,64}\]|[^\s:;>,?\"@]{1,255})(?::(\d{1,5}))?", re.IGNORECASE
)
_START_URI = re.compile(rb"[A-Z]+ +(\S+)")
_SDP = re.compile(rb"(?m)^(o=\S* \S* \S* IN IP[46] |c=IN IP[46] |a=rtcp:\d+ IN IP[46] )([0-9A-Fa-f.:]{1,64})")
_CANDIDATE = re.compile(rb"(?m)^a=candidate:\S+ \d+ \S+ \d+ ([0-9A-Fa-f.:]{1,64}) \d+ typ host")
_AFTER_AT = re.compile(r"@\[?([0-9A-Fa-f.:]{1,64})\]?$")
_MOST = 16
"""Values of one header that are looked at."""


@dataclass(slots=True, kw_only=True)
class Via:
    """One entry of Via."""

    host: str
    port: int
    branch: str
    received: str


@dataclass(slots=True, kw_only=True)
class Glance:
    """What was seen of a message."""

    method: str
    """Of a request; of a response, the one in its CSeq."""
    status: int
    """0: a request."""
    uri: Place
    vias: tuple[Via, ...]
    contacts: tuple[Place, ...]
    caller: Place
    """Where From says the caller is."""
    callee: Place
    user: str
    """The user in From."""
    call_id: str
    cseq: str
    length: int
    """Content-Length as claimed; -1 without one."""
    spelled: tuple[bytes, ...]
    """Header names as they were written."""
    padded: bool
    """Do two blanks or more stand before the number in Content-Length?"""
    head: int
    """Where the body begins."""
    named: tuple[tuple[str, str], ...]
    """Addresses in fields that few boxes alter: field and address."""
    sdp: tuple[tuple[str, str], ...]
    """Addresses in ``SDP o=`` and ``SDP c=``."""


def glance(data: bytes) -> Glance | None:
    """None where it has no Via, Call-ID or CSeq to go by."""
    end = _HEAD_END.search(data)
    head = data[: end.start()] if end else data
    if b"\n " in head or b"\n\t" in head:
        head = _FOLD.sub(b" ", head)
    values: dict[str, list[str]] = {}
    spelled = []
    padded = False
    for line in head.splitlines()[1:]:
        name, _, value = line.partition(b":")
        name = name.rstrip()
        known = _NAMES.get(name.lower())
        if known is None:
            continue
        spelled.append(name)
        if known == "Content-Length" and value.startswith(b"  "):
            padded = True
        rest = values.setdefault(known, [])
        if len(rest) < _MOST:
            rest.append(value.strip().decode("utf-8", "backslashreplace"))
    if not ("Via" in values and "Call-ID" in values and "CSeq" in values):
        return None
    body = data[end.end() :] if end else b""
    offer = tuple(_offer(body)) if body else ()
    number, _, method = values["CSeq"][0].partition(" ")
    status = int(head[8:11]) if head[:8] == b"SIP/2.0 " and head[8:11].isdigit() else 0
    start = _START_URI.match(head) if not status else None
    user, caller = _uri(values.get("From", [""])[0])
    return Glance(
        method=method.strip(),
        status=status,
        uri=_uri(start[1].decode("utf-8", "backslashreplace"))[1] if start else ("", 0),
        vias=tuple(via for value in values["Via"] for via in _vias(value)),
        contacts=tuple(_contacts(values.get("Contact", []))),
        caller=caller,
        callee=_uri(values.get("To", [""])[0])[1],
        user=user,
        call_id=values["Call-ID"][0],
        cseq=f"{number} {method.strip()}",
        length=_number(values.get("Content-Length", [""])[0]),
        spelled=tuple(spelled),
        padded=padded,
        head=end.end() if end else len(data),
        named=tuple(_named(values, offer)),
        sdp=tuple((name, address) for name, address in offer if name in ("SDP o=", "SDP c=")),
    )


def body_of(data: bytes, seen: Glance) -> bytes:
    """The message's body."""
    return data[seen.head :]


@lru_cache(maxsize=65536)
def literal(host: str) -> str:
    """An IP address in its one spelling; empty for a name."""
    packed = _packed(host.strip("[]"))
    return socket.inet_ntop(_FAMILY[len(packed)], packed) if packed else ""


@lru_cache(maxsize=65536)
def is_inside(host: str) -> bool:
    """Is it an address that the public network has no way to (RFC 1918, 6598, 3927, 4193)?"""
    packed = _packed(host.strip("[]"))
    if len(packed) == 4:
        first, second = packed[0], packed[1]
        return (
            first == 10
            or (first == 172 and second & 0xF0 == 16)
            or (first == 192 and second == 168)
            or (first == 100 and second & 0xC0 == 64)
            or (first == 169 and second == 254)
        )
    return len(packed) == 16 and (
        packed[0] & 0xFE == 0xFC or (packed[0] == 0xFE and packed[1] & 0xC0 == 0x80)
    )


_FAMILY = {4: socket.AF_INET, 16: socket.AF_INET6}


def _packed(host: str) -> bytes:
    """The address's bytes; none for a name."""
    # Most that stands in headers has digits and dots, or none at all.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.inet_pton(family, host)
    except (OSError, ValueError):
        return b""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1


def _place(host: str, port: str | None) -> Place:
    return literal(host) or host.lower(), int(port or 0)


def _uri(value: str) -> tuple[str, Place]:
    """User, host and port of the first SIP URI in it."""
    found = _URI.search(value)
    return (found[1] or "", _place(found[2], found[3])) if found else ("", ("", 0))


def _vias(value: str) -> Iterator[Via]:
    for found in _VIA.finditer(value):
        host, port = _place(found[1], found[2])
        branch, received = _BRANCH.search(found[3]), _RECEIVED.search(found[3])
        yield Via(
            host=host,
            port=port,
            branch=branch[1] if branch else "",
            received=literal(received[1]) if received else "",
        )


def _contacts(values: list[str]) -> Iterator[Place]:
    for value in values:
        for found in _URI.finditer(value):
            yield _place(found[2], found[3])


def _offer(body: bytes) -> Iterator[tuple[str, str]]:
    if b"v=0" not in body[:4096]:
        return
    names = {b"o": "SDP o=", b"c": "SDP c=", b"a": "SDP a=rtcp"}
    for kind, address in _SDP.findall(body[:LONGEST_OFFER]):
        if known := literal(address.decode()):
            yield names[kind[:1]], known
    for address in _CANDIDATE.findall(body[:LONGEST_OFFER]):
        if known := literal(address.decode()):
            yield "SDP a=candidate", known


LONGEST_OFFER = 16_384


def _named(values: dict[str, list[str]], offer: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """What nf_nat_sip.c does not touch."""
    found = _AFTER_AT.search(values["Call-ID"][0])
    if found and (known := literal(found[1])):
        yield "Call-ID", known
    for field in ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"):
        for value in values.get(field, []):
            if known := literal(_uri(value)[1][0]):
                yield field, known
    for name, address in offer:
        if name in ("SDP a=rtcp", "SDP a=candidate"):
            yield name, address
