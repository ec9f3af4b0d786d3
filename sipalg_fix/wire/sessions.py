"""
What a responder does about what arrives: its whole policy, without sockets.

The rules, each enforced here and nowhere else:

- Nothing is sent without a live session's token, and nothing to an address that has not shown that it reads
  what it is sent: whoever made a TCP connection has (the control channel's peer), any other must echo a
  cookie first.
- What a flow is sent never exceeds what came from it, counted in bytes of IP packets.
- Messages are kept for their own session's report only, in bounded memory, and forgotten with it.
"""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sipalg_fix.wire import messages, protocol
from sipalg_fix.wire.limits import Limits, Rate, Rates, prefix
from sipalg_fix.wire.messages import Place
from sipalg_fix.wire.protocol import IP_OVERHEAD, Record, Send, Transport

COPIES_MOST = 4
Source = tuple[str, int]
Flow = tuple[Transport, int, str, int]
"""Transport, own port, and the far address and port."""


class NotGranted(Exception):
    """No session, or no message; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a responder listens."""

    sip: int
    tls: int
    others: tuple[int, ...]
    """At least two: one a session, and another to send from unasked-for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Bytes to be sent from an own address and port to somewhere."""

    transport: Transport
    own: str
    port: int
    to: Source
    data: bytes
    copies: int


@dataclass(slots=True, kw_only=True)
class Entry:
    """One message of a session, its copies counted."""

    seq: int
    transport: Transport
    port: int
    source: Source
    received: bytes
    ttl: int
    changed: int
    sent: bytes = b""
    copies: int = 1
    answers: int = 0

    def record(self) -> Record:
        """As it is reported."""
        return Record(
            seq=self.seq,
            transport=self.transport,
            port=self.port,
            address=self.source[0],
            source_port=self.source[1],
            received=b64encode(self.received).decode(),
            sent=b64encode(self.sent).decode(),
            ttl=self.ttl,
            copies=self.copies,
            answers=self.answers,
        )


@dataclass(slots=True, kw_only=True)
class Open:
    """A session that is open."""

    sid: str
    key: bytes
    peer: str
    me: str
    other_port: int
    ends: float
    state: int = 0
    sends: int = 0
    kept: int = 0
    challenges: int = 0
    entries: dict[tuple[int, Transport, int], Entry] = field(default_factory=dict)
    credit: dict[Flow, int] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)


class Sessions:
    """All sessions of a responder. Times are monotonic seconds, given with each call."""

    def __init__(
        self, ports: Ports, limits: Limits, random: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self.ports, self.limits = ports, limits
        self._random = random
        self._open: dict[str, Open] = {}
        self._addresses = Rates(limits.per_minute_address, 60.0)
        self._prefixes = Rates(limits.per_minute_prefix, 60.0)
        self._packets = Rate(limits.packets_per_second, 1.0)
        self._secret = random(16)
        self._kept = 0

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def kept(self) -> int:
        """Bytes of messages in memory."""
        return self._kept

    def alias(self, peer: str) -> str:
        """A word for an address in logs: the same for the same one until a restart, and nothing more."""
        return protocol.cookie(self._secret, "alias", peer)[:8]

    def open(self, peer: str, me: str, life: int, now: float) -> Open:
        """A new session for the peer of a control connection; :class:`NotGranted`."""
        self._forget(now)
        if len(self._open) >= self.limits.sessions:
            raise NotGranted("the responder is busy; try again in a minute")
        if not self._addresses.take(peer, now) or not self._prefixes.take(prefix(peer), now):
            raise NotGranted("too many sessions from your address; try again in a minute")
        sid = self._random(8).hex()
        number = int.from_bytes(self._random(2), "big") % len(self.ports.others)
        session = Open(
            sid=sid,
            key=self._random(16),
            peer=peer,
            me=me,
            other_port=self.ports.others[number],
            ends=now + min(max(1, life), self.limits.life_most),
            proven={peer},
        )
        self._open[sid] = session
        return session

    def close(self, session: Open) -> None:
        """Forget a session and all that it holds."""
        if self._open.pop(session.sid, None) is not None:
            self._kept -= session.kept

    def _forget(self, now: float) -> None:
        for session in [each for each in self._open.values() if each.ends <= now]:
            self.close(session)

    def is_known(self, data: bytes, now: float) -> bool:
        """Does it hold a live token?"""
        return self._claimed(data, now) is not None

    def _claimed(self, data: bytes, now: float) -> tuple[Open, int, str] | None:
        """The session of a live token in there, the message's number, and the token."""
        for sid, seq, mac in protocol.claims(data):
            session = self._open.get(sid)
            if session and session.ends > now and protocol.is_genuine(session.key, sid, seq, mac):
                return session, seq, f"SAP{sid}.{seq}.{mac}"
        return None

    def arrived(self, data: bytes, flow: Flow, ttl: int, now: float) -> bytes:
        """What to send back to where this came from; empty: nothing."""
        if len(data) > self.limits.message:
            return b""
        claimed = self._claimed(data, now)
        if claimed is None:
            return b""
        session, seq, mark = claimed
        transport, _, address, source_port = flow
        if transport is not Transport.UDP:
            # Its handshake has shown that the address reads what it is sent.
            session.proven.add(address)
        if address not in session.proven and not self._echoed(session, address, data):
            challenge = f"SAP-COOKIE {protocol.cookie(self._secret, session.sid, address)} ".encode()
            challenge += mark.encode() + b"\r\n\r\n"
            if session.challenges >= self.limits.challenges or len(challenge) > len(data):
                return b""
            session.challenges += 1
            return challenge if self._packets.take(now) else b""
        entry = self._entry(session, seq, data, flow, ttl)
        if entry is None:
            return b""
        session.credit[flow] = session.credit.get(flow, 0) + len(data) + IP_OVERHEAD
        sign = protocol.signature(session.key, seq, data)
        reply = messages.answer(data, mark, sign, (address, source_port))
        if entry.answers >= self.limits.answers or len(reply) > len(data):
            return b""
        if not self._spend(session, flow, len(reply), now):
            return b""
        if not entry.answers:
            entry.sent = reply
        entry.answers += 1
        return reply

    def _echoed(self, session: Open, address: str, data: bytes) -> bool:
        found = protocol.ECHO.search(data)
        if found and found[1].decode() == protocol.cookie(self._secret, session.sid, address):
            session.proven.add(address)
            return True
        return False

    def _entry(self, session: Open, seq: int, data: bytes, flow: Flow, ttl: int) -> Entry | None:
        transport, port, address, source_port = flow
        session.state += 1
        entry = session.entries.get((seq, transport, port))
        if entry is not None:
            entry.copies += 1
            entry.changed = session.state
            entry.source = (address, source_port)
            return entry
        cost = 2 * len(data)
        if len(session.entries) >= self.limits.records or self._kept + cost > self.limits.memory:
            return None
        self._kept += cost
        session.kept += cost
        entry = Entry(
            seq=seq,
            transport=transport,
            port=port,
            source=(address, source_port),
            received=data,
            ttl=ttl,
            changed=session.state,
        )
        session.entries[seq, transport, port] = entry
        return entry

    def _spend(self, session: Open, flow: Flow, length: int, now: float) -> bool:
        cost = length + IP_OVERHEAD
        if session.credit.get(flow, 0) < cost or not self._packets.take(now):
            return False
        session.credit[flow] -= cost
        return True

    def report(self, session: Open, since: int) -> Iterator[Record]:
        """What arrived or changed since then."""
        return (entry.record() for entry in session.entries.values() if entry.changed > since)

    def request(self, session: Open, wish: Send, now: float) -> Parcel:
        """A message that the probe asks for; :class:`NotGranted` says why there is none."""
        entry = session.entries.get((wish.seq, wish.transport, wish.port))
        if entry is None:
            raise NotGranted("no such message arrived")
        if session.ends <= now or session.sends >= self.limits.sends:
            raise NotGranted("enough was sent in this session")
        if wish.elsewhere and wish.transport is not Transport.UDP:
            raise NotGranted("only UDP can come from elsewhere")
        session.sends += 1
        port = self._elsewhere(session) if wish.elsewhere else wish.port
        sign = protocol.request_signature(session.key, wish.seq, wish.what, session.sends)
        place = Place(
            transport=wish.transport.value.upper(),
            own=session.me,
            own_port=port,
            far=entry.source[0],
            far_port=entry.source[1],
        )
        media_port = 20000 + 2 * (int.from_bytes(self._random(2), "big") % 20000)
        mark = protocol.token(session.key, session.sid, wish.seq)
        data = messages.outgoing(wish.what, place, mark, sign, media_port)
        flow = (wish.transport, wish.port, *entry.source)
        if not self._spend(session, flow, len(data), now):
            raise NotGranted("no credit")
        copies = 1
        while copies < min(wish.copies, COPIES_MOST) and self._spend(session, flow, len(data), now):
            copies += 1
        return Parcel(
            copies=copies, transport=wish.transport, own=session.me, port=port, to=entry.source, data=data
        )

    def _elsewhere(self, session: Open) -> int:
        return next(port for port in self.ports.others if port != session.other_port)
