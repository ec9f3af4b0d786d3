"""The responder's policy, without sockets: who is sent how much, and what is kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipalg_fix.wire import protocol
from sipalg_fix.wire.limits import Limits, Rate, Rates, plain_address, prefix
from sipalg_fix.wire.messages import Kind, Place, compose
from sipalg_fix.wire.protocol import IP_OVERHEAD, Send, Transport, What
from sipalg_fix.wire.sessions import Flow, NotGranted, Open, Ports, Sessions

PORTS = Ports(sip=5060, tls=5061, others=(17810, 17811, 17812))
PEER, STRANGER = "198.51.100.7", "192.0.2.66"


def made(limits: Limits | None = None) -> tuple[Sessions, Open]:
    sessions = Sessions(PORTS, limits or Limits())
    return sessions, sessions.open(PEER, "203.0.113.10", 30, 0.0)


def message(session: Open, seq: int, kind: Kind = Kind.OPTIONS) -> bytes:
    place = Place(transport="UDP", own="192.168.88.10", own_port=5060, far="203.0.113.10", far_port=5060)
    return compose(kind, place, protocol.token(session.key, session.sid, seq), media_port=20000)


def flow(address: str = PEER, port: int = 40000) -> Flow:
    return (Transport.UDP, 5060, address, port)


ACTIONS = st.one_of(
    st.tuples(st.just("hear"), st.integers(1, 3), st.sampled_from(Kind), st.sampled_from([PEER, STRANGER])),
    st.tuples(st.just("short"), st.integers(1, 3), st.integers(40, 120), st.sampled_from([PEER, STRANGER])),
    st.tuples(st.just("ask"), st.integers(1, 3), st.sampled_from(What), st.booleans()),
)


@given(st.lists(ACTIONS, max_size=40))
@settings(max_examples=200)
def test_no_address_is_ever_sent_more_than_came_from_it(
    actions: list[tuple[str, int, object, object]],
) -> None:
    """Amplification is at most 1.0 in IP bytes at every moment, whatever anybody asks for."""
    sessions, session = made(Limits(per_minute_address=100))
    balance = {PEER: 0, STRANGER: 0}
    for what, seq, detail, other in actions:
        if what == "ask":
            assert isinstance(detail, What)
            wish = Send(
                seq=seq, transport=Transport.UDP, port=5060, what=detail, elsewhere=bool(other), copies=4
            )
            try:
                parcel = sessions.request(session, wish, 1.0)
            except NotGranted:
                continue
            balance[parcel.to[0]] -= (len(parcel.data) + IP_OVERHEAD) * parcel.copies
        else:
            address = str(other)
            if isinstance(detail, Kind):
                data = message(session, seq, detail)
            else:
                data = protocol.token(session.key, session.sid, seq).encode().ljust(int(str(detail)), b".")
            balance[address] += len(data) + IP_OVERHEAD
            reply = sessions.arrived(data, flow(address), 60, 1.0)
            balance[address] -= len(reply) + IP_OVERHEAD if reply else 0
        assert min(balance.values()) >= 0


@given(st.binary(max_size=400))
def test_without_a_token_there_is_silence(data: bytes) -> None:
    """Whatever else arrives is not answered and not kept."""
    sessions, session = made()
    assert sessions.arrived(data, flow(), 60, 1.0) == b""
    assert session.entries == {}
    assert sessions.kept == 0


def test_a_forged_token_is_silence() -> None:
    """Right session, right number, wrong key; and the right key of another session."""
    sessions, session = made()
    other = sessions.open("198.51.100.8", "203.0.113.10", 30, 0.0)
    forged = message(session, 1).replace(
        protocol.token(session.key, session.sid, 1).encode(),
        protocol.token(other.key, session.sid, 1).encode(),
    )
    assert sessions.arrived(forged, flow(), 60, 1.0) == b""
    assert sessions.arrived(message(session, 1), flow(), 60, 1.0) != b""


def test_an_address_that_nobody_vouches_for_must_echo_first() -> None:
    """From another address than the control connection's there is only a cookie, and it is short."""
    sessions, session = made()
    data = message(session, 1)

    challenge = sessions.arrived(data, flow(STRANGER), 60, 1.0)
    found = protocol.COOKIE.search(challenge)
    assert found is not None
    assert len(challenge) <= len(data)
    assert session.entries == {}
    echo = b"SAP-ECHO " + found[1] + b" " + message(session, 2, Kind.RAW)
    assert (
        sessions.arrived(echo.replace(b"ECHO " + found[1], b"ECHO " + b"0" * 16), flow(STRANGER), 60, 1.0)
        != b""
    )
    assert session.entries == {}

    sessions.arrived(echo, flow(STRANGER), 60, 1.0)
    assert sessions.arrived(data, flow(STRANGER), 60, 1.0).startswith(b"SIP/2.0 200")
    assert protocol.COOKIE.search(sessions.arrived(data, flow("192.0.2.67"), 60, 1.0))


def test_a_session_ends_with_its_life_and_with_its_connection() -> None:
    """Afterwards its tokens are as good as any forged ones, and its memory is free."""
    sessions, session = made()
    data = message(session, 1)
    assert sessions.arrived(data, flow(), 60, 29.9)
    assert sessions.kept > 0
    assert sessions.arrived(data, flow(), 60, 30.1) == b""
    with pytest.raises(NotGranted):
        sessions.request(session, Send(seq=1, transport=Transport.UDP, port=5060, what=What.NOTIFY), 30.1)
    sessions.close(session)
    sessions.close(session)
    assert (len(sessions), sessions.kept) == (0, 0)
    assert sessions.arrived(data, flow(), 60, 1.0) == b""


def test_a_message_is_answered_a_few_times_only() -> None:
    """Copies of one message, replayed by whomever, are answered as often as retransmission needs."""
    sessions, session = made()
    data = message(session, 1)
    answers = [sessions.arrived(data, flow(), 60, 1.0) for _ in range(100)]
    assert len([each for each in answers if each]) == sessions.limits.answers
    (record,) = sessions.report(session, 0)
    assert (record.copies, record.answers) == (100, sessions.limits.answers)
    assert list(sessions.report(session, session.state)) == []


def test_what_is_too_long_is_not_read() -> None:
    """Even with a token."""
    sessions, session = made()
    assert sessions.arrived(message(session, 1) + b"." * 4096, flow(), 60, 1.0) == b""
    assert session.entries == {}


def test_memory_is_bounded() -> None:
    """Records of a session and bytes of all sessions have an end; the rest is not kept and not answered."""
    limits = Limits(records=10, memory=20_000, per_minute_address=100)
    sessions, session = made(limits)
    others = [sessions.open(PEER, "203.0.113.10", 30, 0.0) for _ in range(20)]
    for each in (session, *others):
        for seq in range(50):
            sessions.arrived(message(each, seq), flow(), 60, 1.0)
    assert len(session.entries) == 10
    assert sessions.kept <= limits.memory
    for each in (session, *others):
        sessions.close(each)
    assert sessions.kept == 0


def test_sessions_are_few_from_one_address_and_one_network() -> None:
    """Ten a minute, fifty a network, and more again when time has passed."""
    sessions = Sessions(PORTS, Limits(sessions=1000))
    granted = 0
    for host in range(10):
        for _ in range(12):
            try:
                sessions.open(f"192.0.2.{host}", "203.0.113.10", 1, 0.0)
            except NotGranted:
                continue
            granted += 1
    assert granted == 50
    with pytest.raises(NotGranted, match="too many sessions from your address"):
        sessions.open("192.0.2.0", "203.0.113.10", 1, 0.0)
    sessions.open("192.0.2.0", "203.0.113.10", 1, 61.0)
    assert len(sessions) == 1


def test_only_so_many_sessions_at_once() -> None:
    """And a place is free again when one has ended."""
    sessions = Sessions(PORTS, Limits(sessions=2))
    sessions.open("192.0.2.1", "a", 5, 0.0)
    sessions.open("192.0.2.2", "a", 50, 0.0)
    with pytest.raises(NotGranted, match="busy"):
        sessions.open("192.0.2.3", "a", 5, 1.0)
    sessions.open("192.0.2.3", "a", 5, 6.0)


def test_a_cap_on_packets_holds_for_all_together() -> None:
    """Whatever the sessions ask for, so many packets a second leave and no more."""
    sessions, session = made(Limits(packets_per_second=5))
    sent = [sessions.arrived(message(session, seq), flow(), 60, 1.0) for seq in range(20)]
    assert len([each for each in sent if each]) == 5
    assert sessions.arrived(message(session, 30), flow(), 60, 2.0) != b""


def test_what_is_asked_for_must_have_arrived() -> None:
    """A request goes to where a message came from; where none did, there is nowhere to send to."""
    sessions, session = made()
    wish = Send(seq=1, transport=Transport.UDP, port=5060, what=What.NOTIFY)
    with pytest.raises(NotGranted, match="no such message"):
        sessions.request(session, wish, 1.0)
    sessions.arrived(message(session, 1), flow(), 60, 1.0)
    sessions.arrived(message(session, 2, Kind.FUND), flow(), 60, 1.0)
    parcel = sessions.request(session, wish, 1.0)
    assert (parcel.to, parcel.port) == ((PEER, 40000), 5060)
    assert f"NOTIFY sip:100@{PEER}:40000 SIP/2.0".encode() in parcel.data


@given(st.lists(st.floats(0, 100), max_size=60))
def test_a_rate_gives_no_more_than_it_says(times: list[float]) -> None:
    """At most the burst at once, and the average afterwards."""
    rate = Rate(5, 10.0)
    taken = [at for at in sorted(times) if rate.take(at)]
    for start in taken:
        assert len([at for at in taken if start <= at < start + 10.0]) <= 10


def test_rates_forget_what_no_longer_matters() -> None:
    """As many keys as there is room for; a full rate is forgotten, one in use is not."""
    rates = Rates(1, 1.0, keys=2)
    assert [rates.take(key, 0.0) for key in "abc"] == [True, True, False]
    assert rates.take("c", 5.0)
    assert len(rates) <= 2
    assert not rates.take("c", 5.1)


def test_addresses_are_counted_by_network() -> None:
    """A /24 of IPv4, a /48 of IPv6, and IPv4 inside IPv6 is IPv4."""
    assert prefix("192.0.2.77") == "192.0.2.0/24"
    assert prefix("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert plain_address("::ffff:192.0.2.1") == "192.0.2.1"
    assert plain_address("fe80::1%eth0") == "fe80::1"
