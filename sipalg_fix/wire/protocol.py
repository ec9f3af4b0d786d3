"""
SAP/1: what probe and responder say to each other, as bytes.

Two kinds of channels. The *control* channel is TLS on a port that is no SIP port: JSON, one object a line,
at most 64 KiB; a session lives as long as its connection and no longer than its life. The *path* is what is
tested: SIP messages and plain datagrams, each with a token ``SAP<session>.<number>.<HMAC>`` in several
places, so that it survives the rewriting of any one of them. Without a live token the responder is silent.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from hashlib import sha256
from operator import attrgetter
from typing import TYPE_CHECKING, Any

VERSION = 1
CONTROL_PORT = 17800
SIP_PORT = 5060
TLS_PORT = 5061
OTHER_PORTS = range(17810, 17826)
"""Ports on which no box expects SIP; each session gets one of them."""
LINE_LIMIT = 65536
SENDS_MOST = 128
"""Messages of its own that a responder sends for one session."""
IP_OVERHEAD = 28
"""Bytes of IPv4 and UDP headers; counted on both sides of the balance, so that IPv6 only errs upwards."""

TOKEN = re.compile(rb"SAP([0-9a-f]{16})\.([0-9]{1,4})\.([0-9a-f]{16})")
COOKIE = re.compile(rb"SAP-COOKIE ([0-9a-f]{16}) ")
ECHO = re.compile(rb"SAP-ECHO ([0-9a-f]{16}) ")
SIGNATURE = re.compile(rb"X-Sap-Sig: *([0-9a-f]{16})", re.IGNORECASE)
_TOKENS_TRIED = 8
_SEARCHED = 4096


class Transport(Enum):
    """How bytes travel."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class What(Enum):
    """What a responder may be asked to send."""

    NOTIFY = "notify"
    INVITE = "invite"
    DATAGRAM = "datagram"
    """A few bytes that are no SIP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The probe asks for a session of so many seconds."""

    v: int
    life: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The responder grants it. ``address`` is where it sees the probe, ``me`` where it was reached."""

    sid: str
    key: str
    address: str
    me: str
    sip_port: int
    tls_port: int
    other_port: int
    life: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The probe asks what arrived and changed after state number ``since``."""

    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    One message that arrived. Bytes are base64.

    ``received`` is its first copy, ``sent`` the answer to it (empty: none), ``ttl`` -1 where it is not known.
    """

    seq: int
    transport: Transport
    port: int
    address: str
    source_port: int
    received: str
    sent: str
    ttl: int
    copies: int
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """No more records; the next report may ask since ``state``."""

    state: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """
    The probe asks for a message to where the message ``seq`` came from.

    ``elsewhere``: from a port to which the probe never sent anything (UDP only).
    """

    seq: int
    transport: Transport
    port: int
    what: What
    elsewhere: bool = False
    copies: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """It was sent: base64 of the bytes, and how many times; or it was not, and why."""

    data: str = ""
    copies: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """The probe hands its report to the responder's owner: packed JSON, and a word on whose it is."""

    data: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """It was kept; or it was not, and why."""

    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The responder will not; the connection ends."""

    reason: str


if TYPE_CHECKING:
    Control = Hello | Session | Report | Record | End | Send | Sent | Deposit | Kept | Refusal
_TYPES: dict[str, type[Any]] = {
    "int": int, "str": str, "bool": bool, "Transport": Transport, "What": What,
}  # fmt: skip
# Annotations are texts here; a message has no field of any other type than these.
_FIELDS: dict[type[Any], dict[str, tuple[type[Any], bool]]] = {
    kind: {field.name: (_TYPES[str(field.type)], field.default is MISSING) for field in fields(kind)}
    for kind in (Hello, Session, Report, Record, End, Send, Sent, Deposit, Kept, Refusal)
}
"""Of each message, its fields in order: their type, and whether they must be given."""
_KINDS = {kind.__name__.lower(): kind for kind in _FIELDS}
_ENUMS: dict[type[Any], dict[str, Any]] = {
    kind: {each.value: each for each in kind} for kind in (Transport, What)
}
"""Their members by value: a look-up costs a tenth of a call."""
_LAYOUT = {
    kind: (("op", *known), attrgetter("__class__", *known), [n for n in known if known[n][0] in _ENUMS])
    for kind, known in _FIELDS.items()
}
"""Of each message, what its line holds in order, what reads that off a message, and which of it are enums."""
_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def to_line(message: Control) -> bytes:
    """A control message as one line."""
    keys, values, enums = _LAYOUT[type(message)]
    plain = dict(zip(keys, values(message)))  # noqa: B905 - "strict" is of 3.10
    plain["op"] = type(message).__name__.lower()
    for name in enums:
        plain[name] = plain[name].value
    return _ENCODE(plain).encode() + b"\n"


def from_line(line: bytes) -> Control:
    """A control message; :class:`ValueError` says what is wrong with the line."""
    if len(line) > LINE_LIMIT:
        raise ValueError("the line is too long")
    try:
        plain = json.loads(line.decode())
    except RecursionError:
        raise ValueError("the line is nested too deep") from None
    if not isinstance(plain, dict):
        raise ValueError("an object is expected")
    operation = plain.pop("op", None)
    kind = _KINDS.get(operation) if isinstance(operation, str) else None
    if kind is None:
        raise ValueError("no such op")
    message: Control = kind(**_checked(kind, plain))
    return message


def _checked(kind: type[Any], plain: dict[str, Any]) -> dict[str, Any]:
    """The fields of a message, each of its type; nothing missing, nothing else."""
    known = _FIELDS[kind]
    if not plain.keys() <= known.keys():
        raise ValueError(f"unknown key {min(plain.keys() - known.keys())}")
    for name, (wanted, is_needed) in known.items():
        if name not in plain:
            if is_needed:
                raise ValueError(f"{name} is missing")
            continue
        value, members = plain[name], _ENUMS.get(wanted)
        if type(value) is not (str if members else wanted):
            raise ValueError(f"{name}: {wanted.__name__} is expected")
        if members:
            if value not in members:
                raise ValueError(f"{value!r} is not a valid {wanted.__name__}")
            plain[name] = members[value]
    return plain


def _mac(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256")[:8].hex()


def token(key: bytes, sid: str, seq: int) -> str:
    """The mark of message number ``seq`` of a session."""
    return f"SAP{sid}.{seq}.{_mac(key, f'{sid}.{seq}'.encode())}"


def claims(data: bytes) -> Iterator[tuple[str, int, str]]:
    """Session, number and HMAC of each different token in there, unchecked; only so many are looked at."""
    if b"SAP" not in data[:_SEARCHED]:
        return
    seen: set[bytes] = set()
    for found in TOKEN.finditer(data, 0, _SEARCHED):
        if found[0] not in seen:
            seen.add(found[0])
            yield found[1].decode(), int(found[2]), found[3].decode()
        if len(seen) >= _TOKENS_TRIED:
            return


def is_genuine(key: bytes, sid: str, seq: int, mac: str) -> bool:
    """Was this token made with the session's key?"""
    return hmac.compare_digest(_mac(key, f"{sid}.{seq}".encode()), mac)


def signature(key: bytes, seq: int, received: bytes) -> str:
    """What only the responder can put into an answer: it covers what it received."""
    return _mac(key, b"r" + str(seq).encode() + sha256(received).digest())


def request_signature(key: bytes, seq: int, what: What, count: int) -> str:
    """What only the responder can put into a request of its own."""
    return _mac(key, f"q{seq}.{what.value}.{count}".encode())


def cookie(secret: bytes, sid: str, address: str) -> str:
    """What proves that an address reads what is sent to it."""
    return _mac(secret, f"c{sid}.{address}".encode())
