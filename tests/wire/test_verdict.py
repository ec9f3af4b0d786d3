"""From what was seen to an outcome: each rule by a case, and the law that nothing missing is called clean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.path import (
    KEPT,
    WORST_FIRST,
    Direction,
    Outcome,
    PathReport,
    Pinhole,
    as_plane,
    exit_code,
    from_json,
    to_json,
)
from sipalg_fix.wire import protocol
from sipalg_fix.wire.messages import BASE, CANARIES, Kind, Place, answer, compose, outgoing
from sipalg_fix.wire.protocol import What
from sipalg_fix.wire.seen import Exchange, Reverse, Seen, is_drop, loss_back, loss_out
from sipalg_fix.wire.telling import HEADLINE, tell
from sipalg_fix.wire.verdict import judge

KEY = bytes(16)
SID = "00" * 8
SIP, OTHER = 5060, 17810
PHONE, FAR = "192.168.88.10", "203.0.113.10"


def exchange(seq: int, port: int, kind: Kind, leg: str = "udp") -> Exchange:
    """A message that came through unaltered, and its answer too."""
    place = Place(transport="UDP", own=PHONE, own_port=40000, far=FAR, far_port=port)
    token = protocol.token(KEY, SID, seq)
    sent = compose(kind, place, token, media_port=20000 + 2 * seq)
    reply = answer(sent, token, protocol.signature(KEY, seq, sent), ("203.0.113.1", 40000))
    return Exchange(
        seq=seq,
        leg=leg,
        port=port,
        kind=kind,
        sent=sent,
        copies=1,
        arrived=sent,
        copies_arrived=1,
        ttl=63,
        source=("203.0.113.1", 40000),
        answer=reply,
        answers_sent=1,
        answers=[reply],
        answers_come=1,
    )


def reverse(port: int, what: What, leg: str = "udp") -> Reverse:
    """A request from outside that came in unaltered."""
    place = Place(transport="UDP", own=FAR, own_port=port, far="203.0.113.1", far_port=40000)
    sign = protocol.request_signature(KEY, 1, what, port)
    data = outgoing(what, place, protocol.token(KEY, SID, 1), sign, 30000)
    return Reverse(seq=1, leg=leg, port=port, what=what, sent=[data], come=[data])


def clean(leg: str = "udp") -> Seen:
    """Everything came through."""
    seen = Seen(key=KEY, sip_port=SIP, tls_port=5061, other_port=OTHER)
    seen.legs[leg] = 40000
    for port in (SIP, OTHER):
        for kind in (*BASE, *CANARIES):
            seen.exchanges.append(exchange(len(seen.exchanges) + 1, port, kind, leg))
        seen.reverses += [reverse(port, what, leg) for what in (What.NOTIFY, What.INVITE)]
    return seen


def lose(each: Exchange, copies: int) -> None:
    """It never arrived, and nothing came back."""
    each.copies, each.copies_arrived, each.arrived, each.source, each.ttl = copies, 0, b"", ("", 0), -1
    each.answer, each.answers, each.answers_sent, each.answers_come = b"", [], 0, 0


def silence(each: Exchange, times: int) -> None:
    """It arrived, and its answers did not come back."""
    each.copies = each.copies_arrived = each.answers_sent = times
    each.answers, each.answers_come = [], 0


def at(seen: Seen, port: int, *kinds: Kind) -> list[Exchange]:
    return [each for each in seen.exchanges if each.port == port and (not kinds or each.kind in kinds)]


def test_everything_through_is_clean() -> None:
    """The one way to an all-clear, with the legs that it speaks for."""
    judgement = judge(clean())
    assert judgement.outcome is Outcome.NONE
    assert judgement.evidence == ()
    assert "udp" in judgement.reason


@given(
    st.integers(0, 6),
    st.sampled_from(["lost", "silent", "removed", "altered", "answer altered"]),
    st.integers(1, 9),
)
def test_nothing_missing_or_altered_at_the_sip_port_is_called_clean(
    place: int, how: str, copies: int
) -> None:
    """Whatever of a leg's SIP messages does not come back as it was sent: it is never an all-clear."""
    seen = clean()
    each = at(seen, SIP)[place]
    if how == "lost":
        lose(each, copies)
    elif how == "silent":
        silence(each, copies)
    elif how == "removed":
        seen.exchanges.remove(each)
    elif how == "altered":
        each.arrived = each.arrived.replace(b"192.168.88.10", b"203.0.113.1") + b"."
    else:
        each.answers = [each.answers[0] + b"."]
    assert judge(seen).outcome is not Outcome.NONE


@given(st.sampled_from([What.NOTIFY, What.INVITE]), st.integers(0, 30))
def test_a_request_from_outside_that_is_missing_is_never_called_clean(what: What, sent: int) -> None:
    """Dropped where chance is out of the question, inconclusive otherwise."""
    seen = clean()
    (lost,) = [each for each in seen.reverses if each.port == SIP and each.what is what]
    lost.sent, lost.come = lost.sent * sent, []
    assert judge(seen).outcome is (Outcome.ALG_DROPS if sent >= 6 else Outcome.INCONCLUSIVE)


def test_a_request_from_outside_without_its_original_is_held_against_nothing() -> None:
    """The responder's word on it was lost: it is neither altered nor shown to be unaltered."""
    seen = clean()
    (told,) = [each for each in seen.reverses if each.port == SIP and each.what is What.NOTIFY]
    for sent in ([], told.sent):
        later = protocol.request_signature(KEY, told.seq, What.NOTIFY, 7).encode()
        first = protocol.SIGNATURE.search(told.come[0])
        assert first is not None
        told.come = [told.come[0].replace(first[1], later)]
        told.sent = list(sent)
        judgement = judge(seen)
        assert (judgement.outcome, judgement.evidence) == (Outcome.INCONCLUSIVE, ())
        assert "no report on the NOTIFY from outside" in judgement.reason


def no_cseq_lost(seen: Seen, copies: int) -> None:
    for each in at(seen, SIP, Kind.NO_CSEQ):
        lose(each, copies)


def via_added(seen: Seen) -> None:
    for each in at(seen, SIP, Kind.OPTIONS):
        each.arrived = each.sent.replace(b"Via:", b"Via: SIP/2.0/UDP 203.0.113.1\r\nVia:", 1)
        each.answers = [answer(each.arrived, "t", protocol.signature(KEY, each.seq, each.arrived), ("a", 1))]


def hop_counted(seen: Seen) -> None:
    for each in at(seen, SIP, Kind.REGISTER):
        each.arrived = each.sent.replace(b"Max-Forwards: 70", b"Max-Forwards: 69")


def last_hop_answered(seen: Seen) -> None:
    for each in at(seen, SIP, Kind.LAST_HOP):
        lose(each, 1)
        each.take(b"SIP/2.0 483 Too Many Hops\r\n\r\n")


def answered(seen: Seen) -> None:
    for each in at(seen, SIP, Kind.OPTIONS, Kind.REGISTER, Kind.LAST_HOP):
        lose(each, 1)
        each.take(b"SIP/2.0 200 OK\r\n\r\n")


def second_answer(seen: Seen) -> None:
    for each in at(seen, SIP, Kind.INVITE):
        each.take(b"SIP/2.0 100 Trying\r\n\r\n")


def inward_altered(seen: Seen) -> None:
    for each in seen.reverses:
        if each.port == SIP:
            each.come = [each.come[0].replace(b"203.0.113.1:40000", b"192.168.88.10:40000")]


def strayed(seen: Seen) -> None:
    at(seen, SIP, Kind.OPTIONS)[0].strayed = True


def invite_lost(seen: Seen) -> None:
    for each in at(seen, SIP, Kind.INVITE, Kind.LOW_MEDIA, Kind.NO_CSEQ):
        lose(each, 7)


def answer_lost(seen: Seen) -> None:
    for each in at(seen, SIP, Kind.INVITE):
        silence(each, 7)


def sent_anew(seen: Seen) -> None:
    for each in seen.exchanges:
        each.source = (each.source[0], 40000 + (each.kind is Kind.LAST_HOP))
        each.ttl = 64 if each.port == SIP else 63


def all_silent(seen: Seen) -> None:
    for each in at(seen, SIP):
        silence(each, 7)
    seen.reverses = [each for each in seen.reverses if each.port != SIP]


def all_lost(seen: Seen) -> None:
    for each in at(seen, SIP):
        lose(each, 7)
    seen.reverses = [each for each in seen.reverses if each.port != SIP]


def everything_lost(seen: Seen) -> None:
    for each in seen.exchanges:
        lose(each, 7)
    seen.reverses = []


def intercepted(seen: Seen) -> None:
    seen.intercepted = True


def opened(seen: Seen) -> None:
    seen.pinhole = Pinhole.YES


@pytest.mark.parametrize(
    ("happens", "outcome", "words"),
    [
        (via_added, Outcome.SIP_PROXY, "added itself"),
        (hop_counted, Outcome.SIP_PROXY, "Max-Forwards went from 70 to 69"),
        (last_hop_answered, Outcome.SIP_PROXY, "answered OPTIONS with Max-Forwards 0 itself"),
        (answered, Outcome.ANSWERED, "the server never saw it"),
        (second_answer, Outcome.ANSWERED, "a second answer"),
        (inward_altered, Outcome.ALG_REWRITES, "in a request from outside, Request-URI"),
        (strayed, Outcome.ALG_REWRITES, "the port named in Via"),
        (lambda seen: no_cseq_lost(seen, 7), Outcome.ALG_DROPS, "INVITE without CSeq never arrives"),
        (lambda seen: no_cseq_lost(seen, 3), Outcome.INCONCLUSIVE, "INVITE without CSeq did not arrive"),
        (invite_lost, Outcome.ALG_DROPS, "INVITE with SDP never arrives"),
        (answer_lost, Outcome.ALG_DROPS, "the answer to INVITE with SDP"),
        (sent_anew, Outcome.SIP_PROXY, "sends it anew"),
        (all_silent, Outcome.REPLIES_BLOCKED, "none came back"),
        (all_lost, Outcome.BLOCKED, "nothing gets through to UDP port 5060"),
        (everything_lost, Outcome.INCONCLUSIVE, "did not arrive"),
        (intercepted, Outcome.SIP_PROXY, "its own certificate"),
        (opened, Outcome.INCONCLUSIVE, "a REGISTER opened a port"),
    ],
)
def test_each_rule_has_its_case(happens: Callable[[Seen], None], outcome: Outcome, words: str) -> None:
    """The outcome, and the evidence or reason that names it."""
    seen = clean()
    happens(seen)
    judgement = judge(seen)
    assert judgement.outcome is outcome
    assert words in " ".join([judgement.reason, *(each.words for each in judgement.evidence)])


def test_alterations_are_told_by_field_and_direction() -> None:
    """Before and after stand in the evidence, for the way out."""
    seen = clean()
    (register,) = at(seen, SIP, Kind.REGISTER)
    register.arrived = register.sent.replace(
        b"<sip:100@192.168.88.10:40000>\r\n", b"<sip:100@203.0.113.1:40000>\r\n"
    )
    (found,) = [each for each in judge(seen).evidence if each.direction is Direction.OUT]
    assert (found.field, found.before, found.after) == (
        "Contact", "<sip:100@192.168.88.10:40000>", "<sip:100@203.0.113.1:40000>",
    )  # fmt: skip
    assert (found.leg, found.port, found.message) == ("udp", SIP, "REGISTER")


def test_one_flow_with_another_ttl_proves_nothing() -> None:
    """Packets of one flow take one way, and another port's may take a longer one."""
    seen = clean()
    for each in at(seen, SIP):
        each.ttl = 64
    assert judge(seen).outcome is Outcome.NONE


def test_loss_everywhere_makes_no_drop() -> None:
    """Where other messages are lost as often, five lost copies prove nothing."""
    seen = clean()
    no_cseq_lost(seen, 7)
    for each in seen.exchanges:
        if each.arrived:
            each.copies = 3
    assert judge(seen).outcome is Outcome.INCONCLUSIVE


def test_without_a_complete_report_absence_proves_nothing() -> None:
    """When the responder was lost, what it did not report is not dropped, and nobody answered it."""
    for happens in (answered, invite_lost, all_lost, last_hop_answered):
        seen = clean()
        happens(seen)
        seen.complete = False
        assert judge(seen).outcome is Outcome.INCONCLUSIVE


def test_an_answer_that_covers_the_message_shows_that_it_arrived() -> None:
    """Its signature needs no report: nobody else can make it."""
    seen = clean()
    (options,) = at(seen, SIP, Kind.OPTIONS)
    options.arrived, options.copies_arrived = b"", 0
    assert judge(seen).outcome is Outcome.NONE


@pytest.mark.parametrize(
    ("new", "before", "hint"),
    [("udp", "udp from port 5060", "from port 5060 alone"), ("tcp", KEPT, "must connect again")],
)
def test_the_worst_leg_speaks_for_the_path(new: str, before: str, hint: str) -> None:
    """A clean new connection beside an altered old one: altered, with what to do."""
    seen, old = clean(new), clean(before)
    inward_altered(old)
    seen.legs.update(old.legs)
    seen.exchanges += old.exchanges
    seen.reverses += old.reverses
    judgement = judge(seen)
    assert [leg.outcome for leg in judgement.legs] == [Outcome.NONE, Outcome.ALG_REWRITES]
    assert judgement.outcome is Outcome.ALG_REWRITES
    assert judgement.reason.startswith(f"gone for new connections, still there for existing ones: {before}")
    assert hint in judgement.advice[0]
    assert "Flush its SIP connections" in judgement.advice[0]


def test_nothing_tested_is_inconclusive() -> None:
    """No leg at all is no all-clear."""
    seen = Seen(key=KEY, sip_port=SIP, tls_port=5061, other_port=OTHER, failed={"udp": "port taken"})
    judgement = judge(seen)
    assert judgement.outcome is Outcome.INCONCLUSIVE
    assert "port taken" in judgement.reason


@pytest.mark.parametrize(
    ("copies", "loss", "drop"), [(3, 0.01, False), (4, 0.05, True), (5, 0.3, False), (9, 0.3, True)]
)
def test_a_drop_is_beyond_chance(copies: int, loss: float, drop: bool) -> None:
    """At least four copies, and less than one in ten thousand that all were lost."""
    assert is_drop(copies, loss) is drop


def test_loss_is_guessed_from_what_gets_through() -> None:
    """Copies that arrived against copies sent, with room for doubt."""
    seen = clean()
    assert loss_out([]) == loss_back([]) == 0.5
    assert 0 < loss_out(seen.exchanges) < 0.25
    for each in seen.exchanges:
        each.copies, each.copies_arrived = 40, 40
    assert loss_out(seen.exchanges) < 0.02
    for each in seen.exchanges:
        each.copies, each.copies_arrived, each.answers_sent = 4, 1, 4
    assert loss_out(seen.exchanges) > 0.7
    assert loss_back(seen.exchanges) > 0.7


def test_what_tcp_hides_is_no_sign_of_a_good_path() -> None:
    """Its kernel sends again what is lost: beside UDP that loses, it does not count."""
    seen, hidden = clean(), clean("tcp")
    for each in seen.exchanges:
        each.copies = 4
    alone = loss_out(seen.exchanges)
    assert loss_out([*seen.exchanges, *hidden.exchanges]) == alone
    assert loss_out(hidden.exchanges) < 0.25


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_code_a_headline_and_a_place(outcome: Outcome) -> None:
    """Reports of every outcome are told to people, to machines and to an audit."""
    report = PathReport(outcome=outcome, reason="because", responder="far", at="now", seconds=1.5)
    assert outcome in WORST_FIRST
    assert HEADLINE[outcome] in tell(report)
    assert from_json(to_json(report)) == report
    assert {0: "off", 2: "on", 3: "unknown", 4: "unknown"}[exit_code(outcome)] == as_plane(report).value.value


def test_a_report_with_everything_in_it_is_told_and_read_back() -> None:
    """Evidence of several messages becomes one line with a count."""
    seen = clean()
    for each in at(seen, SIP):
        each.arrived = each.sent.replace(b"192.168.88.10", b"203.0.113.1")
    judgement = judge(seen)
    report = PathReport(
        outcome=judgement.outcome, reason=judgement.reason, responder="far", at="now", seconds=1.0,
        legs=judgement.legs, evidence=judgement.evidence, advice=judgement.advice,
    )  # fmt: skip
    text = tell(report)
    assert from_json(to_json(report)) == report
    assert "udp, on the way out: Via (where answers are sent) was changed from" in text
    assert "(6 times)" in text
    assert "What to do: " in text
