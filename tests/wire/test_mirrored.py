"""What a server's answers to OPTIONS show: each sign by itself, and what is no sign."""

from __future__ import annotations

import pytest

from sipalg_fix.model.path import Outcome
from sipalg_fix.wire.mirrored import Asked, Shown, Trick, judge

OWN, PUBLIC = "192.168.88.10", "203.0.113.1"
TRUE, OTHER, NAMED = Trick.TRUE, Trick.OTHER_PORT, Trick.PUBLIC


def message(via: str, *, start: str, caller: str, callee: str, call: str) -> bytes:
    return (
        f"{start}\r\nVia: {via}\r\nFrom: <sip:probe@{caller}>;tag=1\r\nTo: {callee}\r\n"
        f"Call-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def asked(
    trick: Trick,
    received: str = PUBLIC,
    *,
    sent_by: str = "",
    caller: str = "",
    callee: str = "<sip:198.51.100.5:5060>;tag=srv",
    more: str = "",
    answered: bool = True,
) -> Asked:
    """One OPTIONS and its answer, with what is odd about that."""
    port = {TRUE: 40000, OTHER: 40001, NAMED: 40000}[trick]
    via_port = 40009 if trick is OTHER else port
    via = f"SIP/2.0/UDP {OWN}:{via_port};branch=z9hG4bKa;rport"
    whom = f"{PUBLIC}:{port}" if trick is NAMED else f"{OWN}:{via_port}"
    sent = message(
        via, start="OPTIONS sip:a SIP/2.0", caller=whom, callee="<sip:198.51.100.5:5060>", call="a@b"
    )
    mirrored = via.replace(f"{OWN}:{via_port}", sent_by or f"{OWN}:{via_port}")
    mirrored = mirrored.replace("rport", f"rport={port}") + (f";received={received}" if received else "")
    answer = message(
        more + mirrored, start="SIP/2.0 200 OK", caller=caller or whom, callee=callee, call="a@b"
    )
    made = Asked(leg="udp", trick=trick, own=OWN, own_port=port, port=5060, sent=sent, copies=1)
    if answered:
        made.take(answer, strayed=False)
    return made


def shown(*all_asked: Asked) -> Shown:
    return judge(all_asked)


def test_nothing_odd_is_no_sign_and_no_all_clear() -> None:
    """Both answers name the public address, and all that was mirrored is as it was."""
    seen = shown(asked(TRUE), asked(OTHER), asked(NAMED))
    assert (seen.outcome, seen.evidence) == (Outcome.INCONCLUSIVE, ())
    assert "no sign" in seen.reason
    assert (seen.nat.seen, seen.nat.port_preserved) == (f"{PUBLIC}:40001", True)


@pytest.mark.parametrize("received", [OWN, ""], ids=["restored", "left-out"])
def test_a_nat_that_one_answer_does_not_know_of_is_an_alg(received: str) -> None:
    """The ordinary OPTIONS seems to come from the private address: the server cannot have seen that."""
    seen = shown(asked(TRUE, received), asked(OTHER))
    assert seen.outcome is Outcome.ALG_REWRITES
    assert PUBLIC in seen.reason
    assert (seen.evidence[0].before, seen.evidence[0].after) == (PUBLIC, OWN)


@pytest.mark.parametrize(
    ("odd", "field"),
    [
        (asked(TRUE, sent_by=f"{PUBLIC}:40000"), "Via"),
        (asked(TRUE, caller=f"{PUBLIC}:40000"), "From"),
        (asked(OTHER, callee="<sip:198.51.100.5:40001>;tag=srv"), "To"),
        (asked(NAMED, caller="10.64.0.2:40000"), "From"),
    ],
)
def test_what_a_server_must_mirror_and_came_altered_is_an_alg(odd: Asked, field: str) -> None:
    """Via, From and To, each by itself."""
    rest = [asked(trick) for trick in (TRUE, OTHER) if trick is not odd.trick]
    seen = shown(odd, *rest)
    assert seen.outcome is Outcome.ALG_REWRITES
    assert [each.field for each in seen.evidence] == [field]


def test_an_entry_in_via_that_nobody_sent_is_a_proxy() -> None:
    """It is in the answer, so somebody else than the server left it there."""
    seen = shown(asked(TRUE, more="SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKb, "), asked(OTHER))
    assert seen.outcome is Outcome.SIP_PROXY


@pytest.mark.parametrize(
    "all_asked",
    [
        pytest.param((asked(TRUE), asked(OTHER, "203.0.113.2")), id="a pool of public addresses"),
        pytest.param((asked(TRUE, OWN), asked(OTHER, OWN)), id="no NAT"),
        pytest.param((asked(TRUE, OWN), asked(OTHER, answered=False)), id="one answer"),
        pytest.param(
            tuple(asked(trick, callee="<sip:198.51.100.5>;tag=srv") for trick in (TRUE, OTHER)),
            id="a server that writes To in its own way",
        ),
        pytest.param(
            tuple(asked(trick, callee='"x" <sip:198.51.100.5:5060>;tag=9') for trick in (TRUE, OTHER)),
            id="a display name",
        ),
    ],
)
def test_what_is_no_sign(all_asked: tuple[Asked, ...]) -> None:
    """None of these is called an ALG, nor clean."""
    seen = shown(*all_asked)
    assert (seen.outcome, seen.evidence) == (Outcome.INCONCLUSIVE, ())


def test_silence_says_nothing_and_one_leg_that_is_answered_does() -> None:
    """No answer at all is unreachable; an answered leg speaks for the path."""
    silent = asked(TRUE, answered=False)
    assert shown(silent, asked(OTHER, answered=False)).outcome is Outcome.UNREACHABLE
    other_leg = [asked(TRUE), asked(OTHER)]
    for each in other_leg:
        each.leg = "udp from port 5060"
    assert shown(silent, *other_leg).outcome is Outcome.INCONCLUSIVE


def test_any_bytes_are_an_answer() -> None:
    """An answer in whatever state is read without an error."""
    for data in (b"", b"SIP/2.0 200", b"SIP/2.0 200 OK\r\nVia: \xff;received=x;rport=y\r\n\r\n"):
        odd = asked(TRUE, answered=False)
        odd.take(data, strayed=True)
        assert shown(odd, asked(OTHER)).outcome is not Outcome.NONE
