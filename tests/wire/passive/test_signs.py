"""What each message shows of the address that it came from, and what it does not."""

from __future__ import annotations

import pytest

from sipalg_fix.model.passive import BASIS, SHOWS, WORDS, Caller, Shown, Sign, exit_code, masked, to_json
from sipalg_fix.wire.passive.heard import Heard
from tests.wire.passive.packets import PHONE, PUBLIC, SERVER, answer, heard, register, watched

PUBLIC_ALL = {"via": f"{PUBLIC}:5060", "contact": f"{PUBLIC}:5060"}
PROXY_VIA = f"Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK0\r\n"


def invite(
    *, via: str, contact: str, origin: str, address: str, more: str = "", call_id: str = "r@x"
) -> bytes:
    """An INVITE with an offer."""
    body = f"v=0\r\no=- 1 1 IN IP4 {origin}\r\ns=-\r\nc=IN IP4 {address}\r\nm=audio 9 RTP/AVP 0\r\n{more}"
    return (
        f"INVITE sip:200@{SERVER} SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK1;rport\r\n"
        f"From: <sip:100@{SERVER}>;tag=1\r\nTo: <sip:200@{SERVER}>\r\nCall-ID: {call_id}\r\n"
        f"CSeq: 1 INVITE\r\nContact: <sip:100@{contact}>\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def only(*messages: Heard) -> Caller:
    """The one address that is judged."""
    (caller,) = watched(messages).callers
    return caller


HOSTED = (f"{PHONE}:5060", f"{PHONE}:5060", PHONE)
"""Via, Contact and Call-ID of a phone that knows its own address alone."""


@pytest.mark.parametrize(
    ("data", "shown", "sign", "box"),
    [
        (register(), Shown.UNALTERED, Sign.AS_WRITTEN, ""),
        (register(**PUBLIC_ALL), Shown.LOOKS_REWRITTEN, Sign.INSIDE_LEFT, "Linux nf_nat_sip"),
        (register(**PUBLIC_ALL, call_id="random"), Shown.CANNOT_SAY, None, ""),
        (register(**PUBLIC_ALL, call_id=f"a@{PUBLIC}"), Shown.CANNOT_SAY, None, ""),
        (register(via=PUBLIC, contact=PHONE), Shown.LOOKS_REWRITTEN, Sign.VIA_ONLY, ""),
        (register(contact=f"{PUBLIC}:5060"), Shown.LOOKS_REWRITTEN, Sign.CONTACT_ONLY, ""),
        (register(via="phone.example", contact="phone.example"), Shown.CANNOT_SAY, None, ""),
        (register(via="198.51.100.7:5060", contact="198.51.100.7:5060"), Shown.CANNOT_SAY, None, ""),
        (
            register(via=f"{PUBLIC}:5060", contact=PUBLIC, extra=PROXY_VIA),
            Shown.PROXY,
            Sign.EXTRA_VIA,
            "",
        ),
        (
            register(via=PUBLIC, contact=PUBLIC, extra=PROXY_VIA).replace(b"Max-F", b"Max-f"),
            Shown.PROXY,
            Sign.EXTRA_VIA,
            "siproxd",
        ),
        (
            register(via=PUBLIC, contact=PUBLIC, extra=PROXY_VIA).replace(b"Length: 0", b"Length:   0"),
            Shown.PROXY,
            Sign.EXTRA_VIA,
            "siproxd",
        ),
        (
            invite(via=PHONE, contact=PHONE, origin=PHONE, address=PHONE),
            Shown.UNALTERED,
            Sign.AS_WRITTEN,
            "",
        ),
        (
            invite(via=PHONE, contact=PHONE, origin=PHONE, address=PUBLIC),
            Shown.LOOKS_REWRITTEN,
            Sign.SDP_ONLY,
            "",
        ),
        (
            invite(
                via=PUBLIC, contact=PUBLIC, origin=PUBLIC, address=PUBLIC,
                more=f"a=candidate:1 1 UDP 2130706431 {PHONE} 20000 typ host\r\n",
            ),
            Shown.LOOKS_REWRITTEN,
            Sign.INSIDE_LEFT,
            "Linux nf_nat_sip",
        ),
        (
            invite(via=PUBLIC, contact=PUBLIC, origin="0.0.0.0", address="0.0.0.0"),
            Shown.LOOKS_REWRITTEN,
            Sign.HOLD_ORIGIN,
            "Linux nf_nat_sip",
        ),
        (
            invite(via=PUBLIC, contact=PUBLIC, origin=PUBLIC, address="0.0.0.0"),
            Shown.CANNOT_SAY,
            None,
            "",
        ),
    ],
)  # fmt: skip
def test_a_request_shows(data: bytes, shown: Shown, sign: Sign | None, box: str) -> None:
    """The sign, what it speaks for, and whose fingerprint it is."""
    caller = only(heard(data))
    assert caller.shown is shown, caller
    assert [each.sign for each in caller.signs] == ([sign] if sign else [])
    assert caller.box == box
    assert caller.reason


def test_the_port_that_the_kernel_puts_into_the_request() -> None:
    """Request-URI with the phone's Via port, from another source port: nf_nat_sip and Cisco phones."""
    data = register(via=f"{PHONE}:6060").replace(f"sip:{SERVER} ".encode(), f"sip:{SERVER}:6060 ".encode(), 1)
    caller = only(heard(data, source_port=40001))
    assert (caller.shown, caller.box) == (Shown.REWRITES, "Linux nf_nat_sip")
    assert caller.signs[0].after == f"{SERVER}:6060"
    assert only(heard(data, source_port=6060)).shown is Shown.UNALTERED


def test_a_length_that_is_the_offers_alone() -> None:
    """The kernel writes the distance from v= to the end over the length of a body of several parts."""
    offer = b"v=0\r\no=- 1 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n--b--\r\n"
    body = b"--b\r\nContent-Type: application/sdp\r\n\r\n" + offer
    head = register(**PUBLIC_ALL, call_id="x").partition(b"Content-Length")[0].replace(b"REGISTER", b"INVITE")
    for length, shown in ((len(offer), Shown.REWRITES), (len(body), Shown.CANNOT_SAY)):
        caller = only(heard(head + b"Content-Length: %d\r\n\r\n" % length + body))
        assert caller.shown is shown


@pytest.mark.parametrize(
    ("via", "server", "shown"),
    [
        (f"{PHONE}:5060;received={PHONE};rport=5060", SERVER, Shown.REWRITES),
        (f"{PHONE}:5060;received={PUBLIC};rport=5060", SERVER, Shown.UNALTERED),
        (f"{PHONE}:5060;received={PHONE}", "10.1.1.1", Shown.CANNOT_SAY),
        (f"{PHONE}:5060", SERVER, Shown.CANNOT_SAY),
    ],
)
def test_answers_at_the_phone(via: str, server: str, shown: Shown) -> None:
    """A public server cannot have been asked from a private address; a private one can."""
    caller = only(heard(register(), PHONE, server), heard(answer(via), server, PHONE))
    assert caller.shown is shown


def test_an_answer_must_repeat_its_request() -> None:
    """Another address in Via, From or To is a box's doing; what servers add is not."""
    request = heard(register(), PHONE)
    for other in (answer(f"{PUBLIC}:5060"), answer(f"{PHONE}:5060", to="198.51.100.9")):
        caller = only(request, heard(other, SERVER, PHONE))
        assert (caller.shown, caller.signs[0].sign) == (Shown.REWRITES, Sign.ECHO_DIFFERS)
    fine = only(request, heard(answer(f"{PHONE}:5060;rport=5060"), SERVER, PHONE))
    assert fine.shown is Shown.CANNOT_SAY


def test_copies_on_both_sides() -> None:
    """The same bytes are a clean passage; other addresses are not; a Via more is a proxy."""
    before = heard(register(), PHONE)
    for data, shown, field in (
        (register(), Shown.UNALTERED, ""),
        (register(**PUBLIC_ALL), Shown.REWRITES, "Via"),
        (register().replace(b"Max-Forwards", b"max-forwards"), Shown.REWRITES, "spelling of Max-Forwards"),
        (register(via=PUBLIC, extra=PROXY_VIA.replace("bK0", "bK1")), Shown.PROXY, "Via"),
    ):
        report = watched([before, heard(data)])
        for caller in report.callers:
            assert caller.shown is shown, data
            assert caller.signs[0].field == field
    changed = watched([before, heard(register(**PUBLIC_ALL))]).callers[0]
    assert [
        (each.field, each.before, each.after) for each in changed.signs if each.sign is Sign.COPIES_DIFFER
    ] == [
        ("Via", f"{PHONE}:5060", f"{PUBLIC}:5060"),
        ("Contact", f"{PHONE}:5060", f"{PUBLIC}:5060"),
    ]


def test_what_a_server_passes_on_is_no_copy() -> None:
    """A registrar that forwards to another adds its Via and sends elsewhere: nothing is wrong with that."""
    onward = register(via=SERVER, extra=PROXY_VIA.replace("bK0", "bK1"))
    report = watched([heard(register()), heard(onward, SERVER, "203.0.113.99")])
    assert [(caller.address, caller.shown) for caller in report.callers] == [(PUBLIC, Shown.UNALTERED)]
    assert report.servers == (SERVER, "203.0.113.99")


def test_a_phone_that_learns_its_address_is_not_flagged() -> None:
    """Private first, public after the first answer, from the same port: phones do that by themselves."""
    first, then = register(), register(**PUBLIC_ALL)
    learnt = only(heard(first), heard(then))
    assert learnt.shown is Shown.UNALTERED
    assert only(heard(then), heard(first)).shown is Shown.LOOKS_REWRITTEN
    assert only(heard(first), heard(then, source_port=5062)).shown is Shown.LOOKS_REWRITTEN


def test_other_ports_say_nothing_of_5060() -> None:
    """Boxes look at 5060: what comes unaltered elsewhere is no news."""
    caller = only(heard(register(), target_port=5070))
    assert caller.shown is Shown.CANNOT_SAY
    assert "5060" in caller.reason


def test_names_are_masked_unless_asked_for() -> None:
    """Neither the report nor its JSON holds a number."""
    messages = [heard(register()), heard(register(**PUBLIC_ALL), "198.51.100.1")]
    report = watched(messages)
    assert "4930123456" not in to_json(report)
    assert report.callers[0].users == ("…56",)
    assert watched(messages, show_names=True).callers[0].users == ("4930123456",)
    assert [masked(name) for name in ("100", "1234567")] == ["…", "…67"]


def test_the_exit_code_is_the_worst() -> None:
    """2 for anything flagged, 0 only if all came unaltered, 3 for what cannot be told and for silence."""
    clean, unknown = heard(register()), heard(register(**PUBLIC_ALL, call_id="x"), "198.51.100.1")
    flagged = heard(register(**PUBLIC_ALL))
    assert [exit_code(watched(each)) for each in ([clean], [clean, unknown], [unknown, flagged], [])] == [
        0,
        3,
        2,
        3,
    ]


def test_every_sign_is_explained() -> None:
    """Words for people, what it speaks for, and where that is said."""
    assert set(SHOWS) == set(WORDS) == set(BASIS) == set(Sign)
