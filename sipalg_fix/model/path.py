"""
What a probe found out about a path: one outcome, the evidence for it, and what was *not* tested.

An outcome is a claim about the ports, transports and directions listed in :attr:`PathReport.tested` and
about nothing else. What did not come back is never evidence of a clean path: it is a drop where the same
message came through beside it in the same seconds, and otherwise ``inconclusive``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sipalg_fix.model.canon import from_plain, to_plain

if TYPE_CHECKING:
    from sipalg_fix.model.facts import Plane

SCHEMA = "sipalg-fix/path/1"
KEPT = "tcp kept open"
"""The leg of a TCP connection that stood before the router was changed."""
OLD_PORT = "udp from port "
"""How the names of legs begin whose source port is used again by later probes, as phones do."""


class Outcome(Enum):
    """What the packets show."""

    NONE = "none"
    """Everything that was sent arrived as it was sent, both ways."""
    ALG_REWRITES = "alg-rewrites"
    ALG_DROPS = "alg-drops"
    """Some SIP messages vanish where others get through in the same seconds."""
    SIP_PROXY = "sip-proxy"
    """A box takes SIP messages and sends its own."""
    ANSWERED = "answered-by-middlebox"
    """A box answers in the server's place."""
    BLOCKED = "blocked"
    """Nothing gets out to the SIP port, though it does to another."""
    REPLIES_BLOCKED = "replies-blocked"
    """Messages get out to the SIP port, and no answer comes back from it."""
    UNREACHABLE = "unreachable"
    """The responder could not be talked to: nothing is known of the path."""
    INCONCLUSIVE = "inconclusive"


ALG = frozenset({Outcome.ALG_REWRITES, Outcome.ALG_DROPS, Outcome.SIP_PROXY, Outcome.ANSWERED})
"""Outcomes that show a box acting on SIP."""

WORST_FIRST = (
    Outcome.SIP_PROXY,
    Outcome.ANSWERED,
    Outcome.ALG_REWRITES,
    Outcome.ALG_DROPS,
    Outcome.REPLIES_BLOCKED,
    Outcome.BLOCKED,
    Outcome.UNREACHABLE,
    Outcome.INCONCLUSIVE,
    Outcome.NONE,
)
"""Which outcome speaks for a path whose transports differ: the first that any of them has."""


def exit_code(outcome: Outcome) -> int:
    """0 clean, 2 a box acts on SIP, 4 the responder is unreachable, 3 it could not be told."""
    if outcome is Outcome.NONE:
        return 0
    if outcome is Outcome.UNREACHABLE:
        return 4
    return 2 if outcome in ALG else 3


class Direction(Enum):
    """Which way a message went."""

    OUT = "out"
    """From here to the responder."""
    BACK = "back"
    """The responder's answer to it."""
    IN = "in"
    """A request of the responder's to here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that was seen and that speaks for an outcome."""

    leg: str
    """``udp``, ``udp from port 5060``, ``tcp`` or ``tls``."""
    port: int
    """The responder's port."""
    direction: Direction
    message: str
    """Which message: ``REGISTER``, ``INVITE with SDP``, ``INVITE without CSeq``."""
    outcome: Outcome
    """What it speaks for."""
    words: str
    """A sentence for people."""
    field: str = ""
    """The header or SDP field, as :class:`sipalg_fix.model.sip.difference.Difference` names it."""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """Messages that were followed from end to end."""

    leg: str
    port: int
    direction: Direction
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTested:
    """What this report says nothing about, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One transport from one kind of source port, judged for itself."""

    name: str
    outcome: Outcome
    reason: str
    source_port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nat:
    """Addresses ``IP:port`` (``[IP]:port`` for IPv6) of the first UDP flow; empty where it was not seen."""

    own: str = ""
    seen: str = ""
    translated: bool | None = None
    port_preserved: bool | None = None


class Pinhole(Enum):
    """Did a REGISTER open a port to packets from elsewhere?"""

    NO = "no"
    YES = "yes"
    OPEN_ANYWAY = "open-anyway"
    """A port that no REGISTER named was as open: it says nothing about an ALG."""
    NOT_TOLD = "not-told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """How long an idle UDP mapping lives, between two measured times. Seconds; None: not measured."""

    lived: float | None = None
    """The longest idle time after which a packet still came in."""
    gone: float | None = None
    """The shortest idle time after which none did."""


class How(Enum):
    """With whose help a path was looked at."""

    RESPONDER = "responder"
    SERVER = "server"
    """A SIP server that knows nothing of it: its answers can show an ALG, and never that there is none."""
    TRACE = "trace"
    """The routers on the way, by what they quote of messages that passed too many of them."""


class Shows(Enum):
    """What a hop told of the message that it dropped."""

    UNALTERED = "unaltered"
    """It came there as it was sent, as far as the hop quotes it."""
    ALTERED = "altered"
    TOO_LITTLE = "too-little"
    """It quoted no more than addresses and ports."""
    ANSWERED = "answered"
    """A SIP server is there, and answered instead of quoting."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One router on the way, or the far end."""

    number: int
    address: str = ""
    """Empty: it said nothing."""
    shows: Shows = Shows.NOTHING
    quoted: int = 0
    """How many bytes it quoted of :attr:`sent`."""
    sent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PathReport:
    """A probe's report."""

    outcome: Outcome
    reason: str
    """Why this outcome, in a sentence or two for people."""
    responder: str
    """The far end, ``HOST:PORT``: a responder, or what :attr:`how` says."""
    at: str
    """UTC, ISO 8601 with seconds."""
    seconds: float
    legs: tuple[Leg, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    tested: tuple[Tested, ...] = ()
    not_tested: tuple[NotTested, ...] = ()
    advice: tuple[str, ...] = ()
    nat: Nat = Nat()
    pinhole: Pinhole = Pinhole.NOT_TOLD
    lifetime: Lifetime | None = None
    how: How = How.RESPONDER
    hops: tuple[Hop, ...] = ()
    """Of a trace."""
    schema: str = SCHEMA


def to_json(report: PathReport) -> str:
    """The report for machines, one key a line."""
    return json.dumps(to_plain(report), indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> PathReport:
    """The report from its JSON; :class:`ValueError` says what does not fit."""
    return from_plain(PathReport, json.loads(text), "report")


def as_plane(report: PathReport) -> Plane:
    """The packets plane of an audit: on (altered), off (shown clean), or unknown with the reason."""
    from sipalg_fix.model.facts import off, on, unknown

    sentences = tuple(dict.fromkeys(evidence.words for evidence in report.evidence))
    if report.outcome in ALG:
        return on(*sentences[:8])
    if report.outcome is Outcome.NONE:
        return off(report.reason)
    return unknown(report.reason, *sentences[:8])
