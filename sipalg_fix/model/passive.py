"""
What traffic that was only listened to shows of each address that SIP came from.

A listener sends nothing, so it sees what phones happened to send, and it proves less than a probe: an address
that is not flagged is not thereby free of an ALG. :attr:`Shown.CANNOT_SAY` is the usual answer where every
header holds the public address, as a phone with STUN, one without NAT and one behind an ALG all write it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

from sipalg_fix.model.canon import to_plain

SCHEMA = "sipalg-fix/passive/1"


class Shown(Enum):
    """What the messages of one address show, the worst first."""

    REWRITES = "alg-rewrites"
    """Proven: a box altered messages on their way."""
    PROXY = "sip-proxy"
    """A SIP proxy at this address takes messages of phones behind it and sends its own."""
    LOOKS_REWRITTEN = "looks-rewritten"
    """Addresses in the messages contradict each other as behind an ALG; a few phones write so, too."""
    UNALTERED = "came-unaltered"
    """Addresses that an ALG replaces came as the phone wrote them, and nothing else was seen."""
    CANNOT_SAY = "cannot-say"


FLAGGED = frozenset({Shown.REWRITES, Shown.PROXY, Shown.LOOKS_REWRITTEN})
"""What a person should look at."""


class Sign(Enum):
    """One thing that messages show; the word in JSON."""

    COPIES_DIFFER = "copies-differ"
    PROXY_COPY = "copy-by-proxy"
    ECHO_DIFFERS = "echo-differs"
    RECEIVED_INSIDE = "received-inside"
    URI_PORT = "request-uri-port"
    LENGTH_OF_SDP = "length-of-sdp"
    EXTRA_VIA = "extra-via"
    INSIDE_LEFT = "inside-left"
    VIA_ONLY = "via-only"
    CONTACT_ONLY = "contact-only"
    SDP_ONLY = "sdp-only"
    HOLD_ORIGIN = "hold-origin"
    COPIES_SAME = "copies-same"
    AS_WRITTEN = "as-written"
    RECEIVED_OUTSIDE = "received-outside"


SHOWS = {
    Sign.COPIES_DIFFER: Shown.REWRITES,
    Sign.ECHO_DIFFERS: Shown.REWRITES,
    Sign.RECEIVED_INSIDE: Shown.REWRITES,
    Sign.URI_PORT: Shown.REWRITES,
    Sign.LENGTH_OF_SDP: Shown.REWRITES,
    Sign.PROXY_COPY: Shown.PROXY,
    Sign.EXTRA_VIA: Shown.PROXY,
    Sign.INSIDE_LEFT: Shown.LOOKS_REWRITTEN,
    Sign.VIA_ONLY: Shown.LOOKS_REWRITTEN,
    Sign.CONTACT_ONLY: Shown.LOOKS_REWRITTEN,
    Sign.SDP_ONLY: Shown.LOOKS_REWRITTEN,
    Sign.HOLD_ORIGIN: Shown.LOOKS_REWRITTEN,
    Sign.COPIES_SAME: Shown.UNALTERED,
    Sign.AS_WRITTEN: Shown.UNALTERED,
    Sign.RECEIVED_OUTSIDE: Shown.UNALTERED,
}
"""What each sign speaks for."""

WORDS = {
    Sign.COPIES_DIFFER: "the same message was seen before and after a box, and it was altered",
    Sign.PROXY_COPY: "the same message was seen before and after a box, which added itself as a proxy",
    Sign.ECHO_DIFFERS: "an answer does not repeat what its request said, though servers must",
    Sign.RECEIVED_INSIDE: "a public server's answer says that a private address asked it: a box wrote that",
    Sign.URI_PORT: "whom the request is for ends in the phone's own port: a box that expects answers there "
    "put it in",
    Sign.LENGTH_OF_SDP: "Content-Length is that of the audio offer alone, and the body is longer",
    Sign.EXTRA_VIA: "a SIP proxy at this address passed on what a phone behind it sent",
    Sign.INSIDE_LEFT: "Via says the public address, and what ALGs leave alone says a private one",
    Sign.VIA_ONLY: "Via says the public address, Contact a private one",
    Sign.CONTACT_ONLY: "Contact says the public address, Via a private one",
    Sign.SDP_ONLY: "the audio offer says the public address, Via a private one",
    Sign.HOLD_ORIGIN: "on hold, the offer's origin (o=) became 0.0.0.0 together with its address (c=)",
    Sign.COPIES_SAME: "the same message was seen on both sides of a router, byte for byte the same",
    Sign.AS_WRITTEN: "Via and Contact came with the phone's private address",
    Sign.RECEIVED_OUTSIDE: "the server's answers say that it was asked from the public address",
}
"""For people who help users."""

BASIS = {
    Sign.COPIES_DIFFER: "RFC 3261 16: only proxies may alter, and they add a Via",
    Sign.PROXY_COPY: "RFC 3261 16.6",
    Sign.ECHO_DIFFERS: "RFC 3261 8.2.6.2",
    Sign.RECEIVED_INSIDE: "RFC 3261 18.2.1; Linux nf_nat_sip.c translates received= back",
    Sign.URI_PORT: "Linux nf_nat_sip.c, nf_conntrack_sip.c (forced_dport)",
    Sign.LENGTH_OF_SDP: "Linux nf_nat_sip.c (mangle_content_len)",
    Sign.EXTRA_VIA: "RFC 3261 16.6",
    Sign.INSIDE_LEFT: "Linux nf_nat_sip.c: Via, Contact, From, To, o= and c= alone are translated",
    Sign.VIA_ONLY: "RFC 3261 8.1.1.8, 18.1.1: a phone writes one address of its own in both",
    Sign.CONTACT_ONLY: "RFC 3261 8.1.1.8, 18.1.1",
    Sign.SDP_ONLY: "RFC 4566 5.7",
    Sign.HOLD_ORIGIN: "RFC 3264 8: the origin stays but for its version; Linux nf_nat_sip.c sets it",
    Sign.COPIES_SAME: "seen",
    Sign.AS_WRITTEN: "seen",
    Sign.RECEIVED_OUTSIDE: "RFC 3261 18.2.1",
}
"""Where it is said that this sign means that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One sign of one address: how often, and the first case of it. Holds no user's name or number."""

    sign: Sign
    count: int
    words: str
    basis: str
    field: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One address that SIP came from."""

    address: str
    shown: Shown
    reason: str
    """Why it is called that, in a sentence or two for people."""
    box: str = ""
    """What the box is by its fingerprint: ``Linux nf_nat_sip``, ``siproxd``; empty: not known."""
    messages: int = 0
    flows: int = 0
    """Connections (address and port on both sides); counted up to 64."""
    ports: tuple[str, ...] = ()
    """Where its messages went: ``udp 5060``."""
    users: tuple[str, ...] = ()
    """Users that it registered or called as, up to eight; masked unless asked for."""
    first: str = ""
    last: str = ""
    """UTC, ISO 8601 with seconds; empty where the traffic has no times."""
    signs: tuple[Noted, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PassiveReport:
    """What was listened to, and each address in it: flagged ones first."""

    source: str
    """``pcap``, ``kamailio-log`` or ``hep``."""
    at: str
    """UTC, ISO 8601 with seconds."""
    messages: int
    """SIP messages read."""
    callers: tuple[Caller, ...]
    servers: tuple[str, ...]
    """Addresses that phones register with, which are not judged."""
    not_read: dict[str, int]
    """What could not be read, and how often."""
    schema: str = SCHEMA

    @property
    def counts(self) -> dict[Shown, int]:
        """How many addresses of each kind."""
        return {shown: sum(caller.shown is shown for caller in self.callers) for shown in Shown}


def exit_code(report: PassiveReport) -> int:
    """2 something is flagged, 0 all came unaltered, 3 it could not be told, of some address or of all."""
    shown = {caller.shown for caller in report.callers}
    if shown & FLAGGED:
        return 2
    return 0 if shown == {Shown.UNALTERED} else 3


def to_json(report: PassiveReport) -> str:
    """The report for machines."""
    counts = {shown.value: count for shown, count in report.counts.items()}
    return json.dumps({**to_plain(report), "counts": counts}, indent=2, ensure_ascii=False) + "\n"


def masked(name: str) -> str:
    """A user's name or number so that its owner knows it and others do not: the last two signs at most."""
    return "…" + (name[-2:] if len(name) > 6 else "")
