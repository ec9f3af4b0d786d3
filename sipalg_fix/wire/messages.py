"""
The messages of a probe and of a responder, and what each is for.

All are at most 1200 bytes long and one segment of TCP; only the size sweep's are longer. A probe's messages
name its true address and source port in Via, From and Contact, because the Linux helper changes headers
only where address *and* port are the connection's own (nf_conntrack_sip.c).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from sipalg_fix.model.sip.message import build, is_sip, method_of, skim
from sipalg_fix.wire.protocol import What

BASE_LIMIT = 1200
_PAD = "p" * 96
_MIRRORED = ("From", "To", "Call-ID", "CSeq")
_MIRRORED_REGISTER = (*_MIRRORED, "Contact", "Expires")


class Kind(Enum):
    """A message of the probe's."""

    OPTIONS = "options"
    REGISTER = "register"
    INVITE = "invite"
    RAW = "raw"
    LOW_MEDIA = "invite-low-port"
    NO_CSEQ = "invite-no-cseq"
    LAST_HOP = "max-forwards-0"
    VIA_PORT = "via-other-port"
    SIZED = "sized"
    FUND = "fund"
    """Bytes for the responder to spend: it never sends more than it was sent."""


TITLE = {
    Kind.OPTIONS: "OPTIONS",
    Kind.REGISTER: "REGISTER",
    Kind.INVITE: "INVITE with SDP",
    Kind.RAW: "text that is no SIP",
    Kind.LOW_MEDIA: "INVITE with audio on port 900",
    Kind.NO_CSEQ: "INVITE without CSeq",
    Kind.LAST_HOP: "OPTIONS with Max-Forwards 0",
    Kind.VIA_PORT: "OPTIONS whose Via names another port",
    Kind.SIZED: "OPTIONS",
    Kind.FUND: "filler",
}
REVERSE_TITLE = {
    What.NOTIFY: "NOTIFY from outside",
    What.INVITE: "INVITE from outside",
    What.DATAGRAM: "datagram from outside",
}
BASE = (Kind.OPTIONS, Kind.REGISTER, Kind.INVITE, Kind.RAW)
"""Without all of these nothing is called clean."""
CANARIES = (Kind.LOW_MEDIA, Kind.NO_CSEQ, Kind.LAST_HOP)
"""Odd messages, which a plain path passes on as any other: a box that reads SIP drops or answers some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes from and to, as its sender knows it. Addresses are bare IP addresses."""

    transport: str
    """As in a Via: ``UDP``, ``TCP``, ``TLS``."""
    own: str
    own_port: int
    far: str
    far_port: int


def bracketed(address: str) -> str:
    """An address as it stands in a URI."""
    return f"[{address}]" if ":" in address else address


def compose(
    kind: Kind, place: Place, token: str, *, media_port: int = 0, via_port: int = 0, size: int = 0
) -> bytes:
    """
    A probe's message. ``media_port`` for audio, ``via_port`` for one whose Via lies, ``size`` of a sized one.
    """
    if kind in (Kind.RAW, Kind.FUND):
        return f"no sip {token} {'.' * (1000 if kind is Kind.FUND else 60)}\r\n\r\n".encode()
    method = _method(kind)
    if kind is Kind.SIZED:
        short = len(_request(kind, place, token, pad=""))
        return _request(kind, place, token, pad="p" * max(1, size - short))
    media = 900 if kind is Kind.LOW_MEDIA else media_port
    body = _sdp(place.own, media, token) if method == "INVITE" else b""
    if via_port:
        place = replace(place, own_port=via_port)
    return _request(kind, place, token, body=body)


def _method(kind: Kind) -> str:
    if kind is Kind.REGISTER:
        return "REGISTER"
    return "INVITE" if kind in (Kind.INVITE, Kind.LOW_MEDIA, Kind.NO_CSEQ) else "OPTIONS"


def _request(kind: Kind, place: Place, token: str, *, body: bytes = b"", pad: str = _PAD) -> bytes:
    method = _method(kind)
    own = f"{bracketed(place.own)}:{place.own_port}"
    far = bracketed(place.far)
    user = "" if method == "REGISTER" else "200@"
    headers = [
        ("Via", f"SIP/2.0/{place.transport} {own};branch=z9hG4bK{token};rport"),
        ("Max-Forwards", "0" if kind is Kind.LAST_HOP else "70"),
        ("From", f"<sip:100@{own}>;tag=sap"),
        ("To", f"<sip:{'100@' if method == 'REGISTER' else user}{far}>"),
        ("Call-ID", f"{token}@{place.own}"),
        *([] if kind is Kind.NO_CSEQ else [("CSeq", f"1 {method}")]),
        ("Contact", f"<sip:100@{own}>"),
        *([("Expires", "60")] if method == "REGISTER" else []),
        ("X-Sap", token),
        ("X-Pad", pad),
        *([("Content-Type", "application/sdp")] if body else []),
    ]
    return build(f"{method} sip:{user}{far} SIP/2.0", headers, body)


def _sdp(address: str, port: int, token: str) -> bytes:
    kind = "IP6" if ":" in address else "IP4"
    lines = (
        "v=0",
        f"o=- 1 1 IN {kind} {address}",
        "s=-",
        f"c=IN {kind} {address}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0",
        "a=rtpmap:0 PCMU/8000",
        f"a=rtcp:{port + 1}",
        f"a=x-sap:{token}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def answer(received: bytes, token: str, signature: str, source: tuple[str, int]) -> bytes:
    """The responder's answer to a probe's message: what SIP asks to be mirrored, and its signature."""
    start, fields = skim(received)
    if not is_sip(start):
        return f"SAP-OK {token} X-Sap-Sig: {signature}\r\n\r\n".encode()
    vias: list[str] = []
    first: dict[str, str] = {}
    for name, value in fields:
        if name == "Via":
            vias.append(value)
        else:
            first.setdefault(name, value)
    if vias:
        vias[0] = f"{vias[0]};received={source[0]}"
    mirrored = _MIRRORED_REGISTER if method_of(start) == "REGISTER" else _MIRRORED
    headers = [("Via", via) for via in vias]
    headers += [(name, first[name]) for name in mirrored if name in first]
    headers.extend((("X-Sap", token), ("X-Sap-Sig", signature)))
    reply = build("SIP/2.0 200 OK", headers)
    if len(received) > BASE_LIMIT:
        # The size sweep tests answers as long as the question, and no byte longer.
        room = len(received) - len(reply) - len("X-Pad: \r\n")
        if room > 0:
            reply = build("SIP/2.0 200 OK", [*headers, ("X-Pad", "p" * room)])
    return reply


def outgoing(what: What, place: Place, token: str, signature: str, media_port: int) -> bytes:
    """A responder's own message. ``place.far`` is the probe as the responder sees it."""
    if what is What.DATAGRAM:
        return f"SAP-IN {token} X-Sap-Sig: {signature}\r\n\r\n".encode()
    method = what.value.upper()
    own = f"{bracketed(place.own)}:{place.own_port}"
    far = f"sip:100@{bracketed(place.far)}:{place.far_port}"
    body = _sdp(place.own, media_port, token) if what is What.INVITE else b""
    headers = [
        ("Via", f"SIP/2.0/{place.transport} {own};branch=z9hG4bK{token};rport"),
        ("Max-Forwards", "70"),
        ("From", f"<sip:200@{own}>;tag=far"),
        ("To", f"<{far}>"),
        ("Call-ID", f"{signature}{token}@{place.own}"),
        ("CSeq", f"1 {method}"),
        ("Contact", f"<sip:200@{own}>"),
        *([("Event", "keep-alive"), ("Subscription-State", "active")] if what is What.NOTIFY else []),
        ("X-Sap", token),
        ("X-Sap-Sig", signature),
        *([("Content-Type", "application/sdp")] if body else []),
    ]
    return build(f"{method} {far} SIP/2.0", headers, body)
