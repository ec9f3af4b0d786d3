"""Calls by Linux's connection tracking: how many media streams a helper has opened."""

from __future__ import annotations

import json

import pytest

from sipalg_fix.drivers._calls import live_calls, live_streams
from sipalg_fix.drivers._siproxd import live_calls as siproxd_calls
from sipalg_fix.drivers.linux.probes import CALLS, STREAMS
from sipalg_fix.drivers.mikrotik_routeros import WORDINGS
from sipalg_fix.drivers.mikrotik_routeros.read import live_calls as routeros_calls
from sipalg_fix.drivers.mikrotik_routeros.wording import Wording
from sipalg_fix.drivers.pfsense.probes import CALLS as PFSENSE
from sipalg_fix.model.session import Reply, Transcript

SHOWN = "conntrack v1.4.7 (conntrack-tools): {} flow entries have been shown.\n"
MEDIA = (
    "udp      17 119 src=192.168.77.20 dst=203.0.113.9 sport=40000 dport=16384 src=203.0.113.9 "
    "dst=203.0.113.1 sport=16384 dport=40000 [ASSURED] mark=0 use=1\n"
)
CONTROL = MEDIA.replace("40000", "40001").replace("16384", "16385")
OTHER = MEDIA.replace("192.168.77.20", "192.168.77.21")
SIX = "udp      17 28 src=2001:db8::2 dst=2001:db8:1::9 sport=40000 dport=16384 src=2001:db8:1::9 dst=2001:db8::2 sport=16384 dport=40000 mark=0 use=1\n"  # noqa: E501 - one line of a device
SIGNALLING = (
    "udp      17 3599 src=203.0.113.10 dst=203.0.113.1 sport=17810 dport=39737 [UNREPLIED] src=192.168.88.10 "
    "dst=203.0.113.10 sport=39737 dport=17810 mark=0 helper=sip use=1\n"
)
END = "end of calls"


def counted(text: str, status: str = "ok") -> int | None:
    """How many calls this reply shows."""
    return live_calls(Transcript(replies=(Reply(command=CALLS, text=text, status=status),)), CALLS)


@pytest.mark.parametrize(
    ("flows", "calls"),
    [
        *[([], 0), ([MEDIA], 1), ([MEDIA, CONTROL], 1), ([MEDIA, CONTROL, OTHER], 2), ([MEDIA, OTHER], 2)],
        *[([SIGNALLING], 0), ([SIGNALLING, MEDIA], 1)],
    ],
)
def test_each_stream_counts_once(flows: list[str], calls: int) -> None:
    """With its control connection, on the port beside it; signalling that was expected is none."""
    assert counted("".join(flows) + SHOWN.format(len(flows)) + SHOWN.format(0) + END) == calls
    text = SHOWN.format(len(flows)) + "".join(flows) + SHOWN.format(1) + SIX + END
    assert counted(text) == calls + 1


WHOLE = MEDIA + SHOWN.format(1) + SHOWN.format(0) + END


@pytest.mark.parametrize(
    "text",
    [
        "",
        END,
        "sh: 1: conntrack: not found\n",
        "conntrack v1.4.7 (conntrack-tools): Operation failed: sorry, you must be root\n",
        SHOWN.format(0) + END,
        SHOWN.format(2) + MEDIA + SHOWN.format(0) + END,
    ],
)
def test_what_does_not_add_up_is_not_none(text: str) -> None:
    """Nor is a reply that was cut anywhere, or refused."""
    assert counted(text) is None
    assert counted(WHOLE, "refused") is None
    assert counted(WHOLE) == 1


def test_no_part_of_a_reply_is_taken_for_the_whole() -> None:
    """Cut at any character."""
    assert {counted(WHOLE[:n]) for n in range(len(WHOLE))} == {None}


TIMEOUT, PASSING = "9\n120\n", "end of streams"
OFFLOADED = MEDIA.replace("17 119 ", "17 ").replace("ASSURED", "OFFLOAD")


def streaming(text: str, status: str = "ok") -> int | None:
    """How many streams this reply shows."""
    return live_streams(Transcript(replies=(Reply(command=STREAMS, text=text, status=status),)), STREAMS)


@pytest.mark.parametrize(
    ("flows", "number"),
    [
        *[([], 0), ([MEDIA], 1), ([MEDIA, CONTROL], 1), ([MEDIA, CONTROL, OTHER], 2)],
        *[([OFFLOADED], 1), ([OFFLOADED.replace("OFFLOAD", "HW_OFFLOAD")], 1)],
        ([MEDIA.replace("17 119", "17 116")], 0),
        ([MEDIA.replace("17 119", "17 3599")], 1),
        ([MEDIA.replace("40000", "5060")], 0),
        ([MEDIA.replace("16384", "443")], 0),
        ([MEDIA.replace("16384", "51820")], 0),
        ([SIGNALLING.replace("[UNREPLIED] ", "").replace("mark", "[ASSURED] mark")], 0),
        ([f"ipv4     2 {MEDIA}"], 1),
    ],
)
def test_each_stream_that_passes_counts_once(flows: list[str], number: int) -> None:
    """In use within the last seconds, between ports that audio may have."""
    shown = SHOWN.format(7)
    six = SIX.replace("28", "119").replace("mark", "[ASSURED] mark")
    assert streaming(TIMEOUT + shown + "".join(flows) + shown + PASSING) == number
    assert streaming(TIMEOUT + "".join(flows) + shown + six + shown + PASSING) == number + 1


STREAM = TIMEOUT + MEDIA + SHOWN.format(1) + SHOWN.format(0) + PASSING


def test_no_part_of_streams_is_taken_for_the_whole() -> None:
    """Cut at any character, refused, or with a line of something else."""
    assert streaming(STREAM) == 1
    assert {streaming(STREAM[:n]) for n in range(len(STREAM))} == {None}
    assert streaming(STREAM, "refused") is None
    assert streaming(STREAM.replace("9\n", "0\n", 1)) is None
    lines = STREAM.splitlines()
    for place, line in enumerate(lines):
        without = streaming("\n".join(lines[:place] + lines[place + 1 :]))
        assert without == (0 if line == MEDIA.strip() else None)
        assert streaming("\n".join([*lines[:place], "rubbish", *lines[place:]])) is None


@pytest.mark.parametrize("by", WORDINGS, ids=lambda by: by.name)
@pytest.mark.parametrize(("number", "calls_up"), [(0, 0), (1, 1), (2, 1), (3, 2), (12, 6)])
def test_routeros_counts_media(by: Wording, number: int, calls_up: int) -> None:
    """The same by each access; what is cut is no number, or at least not none."""
    rows = json.dumps([{".id": f"*{n:X}"} for n in range(number)])
    said = {"api": f'{{"ret": "{number}"}}\n', "ssh": f"{number}\r\n", "rest": rows}[by.name]

    def counted_by(text: str, status: str = "ok") -> int | None:
        reply = Reply(command=by.media, text=text, status=status)
        return routeros_calls(by, Transcript(replies=(reply,)))

    assert (counted_by(said), counted_by(said, "refused"), counted_by("")) == (calls_up, None, None)
    cut = {counted_by(said[:n]) for n in range(len(said))} - {calls_up}
    assert 0 not in cut


SETTINGS = "sip_listen_port = 5060\nrtp_proxy_enable = 1\nrtp_port_low = 7070\nrtp_port_high = 7079\n"
HEAD = "USER     COMMAND    PID   FD  PROTO  LOCAL ADDRESS         FOREIGN ADDRESS      \n"
SIP = "nobody   siproxd    41007 4   udp4   *:5060                *:*                  \n"
LOOKED_UP = "nobody   siproxd    41007 6   udp4   127.0.0.1:31845       127.0.0.1:53         \n"
UNBOUND = "nobody   siproxd    41007 7   udp4   *:*                   *:*                  \n"
NAMELESS = "?        ?          ?     ?   udp4   *:51820               *:*                  \n"
STRANGER = "unbound  unbound    39211 5   udp4   192.168.1.1:7070      *:*                  \n"
RUNS, RUNS_NOT = "41007\nstatus 0\n", "status 1\n"


def medium(host: str, port: int) -> str:
    """A socket that siproxd has bound for a medium, or for its control."""
    return f"nobody   siproxd    41007 9   udp4   {f'{host}:{port}':<21} *:*                  \n"


INSIDE = medium("192.168.1.1", 7070) + medium("192.168.1.1", 7071)
OUTSIDE = medium("198.51.100.7", 7072) + medium("198.51.100.7", 7073)
VIDEO = INSIDE.replace("707", "709") + OUTSIDE.replace("707", "709")
"""Of another range than the file's, as after it was written anew."""


def proxied(runs: str, sockets: str, settings: str = SETTINGS, status: str = "ok") -> int | None:
    """How many calls a firewall with siproxd shows."""
    text = f"{runs}{settings}end of settings\n{HEAD}{sockets}{END}\n"
    return siproxd_calls(Transcript(replies=(Reply(command=PFSENSE, text=text, status=status),)), PFSENSE)


@pytest.mark.parametrize(
    ("runs", "sockets", "calls"),
    [
        *[(RUNS, SIP, 0), (RUNS, SIP + LOOKED_UP + UNBOUND + NAMELESS + STRANGER, 0)],
        *[
            (RUNS, SIP + INSIDE, 1),
            (RUNS, INSIDE + OUTSIDE + SIP, 1),
            (RUNS, SIP + INSIDE + OUTSIDE + VIDEO, 2),
        ],
        *[(RUNS, SIP + medium("192.168.1.1", 7071), 1), (RUNS_NOT, NAMELESS, 0), (RUNS_NOT, "", 0)],
        *[(RUNS, "", None), (RUNS, INSIDE, None), (RUNS, SIP + "sockstat: no memory\n", None)],
        *[(RUNS_NOT, SIP, None), ("41007\n41008\nstatus 0\n", SIP, None), ("status 0\n", SIP, None)],
        *[("41007\nstatus 1\n", SIP, None), ("pgrep: cannot\nstatus 3\n", "", None), (RUNS + "x\n", SIP, 0)],
        (RUNS, SIP.replace("41007", "41000"), None),
    ],
)
def test_siproxd_is_seen_by_its_sockets(runs: str, sockets: str, calls: int | None) -> None:
    """Each medium with its control, two of them for a call; a list without SIP's own proves nothing."""
    assert proxied(runs, sockets) == calls
    assert proxied(runs, sockets, status="refused") is None


@pytest.mark.parametrize(
    "settings",
    [
        *("", "grep: /usr/local/etc/siproxd.conf: No such file or directory\n"),
        *(SETTINGS.replace("enable = 1", "enable = 0"), SETTINGS.replace("5060", "5070")),
        *(SETTINGS.replace("port_high", "port_low"), SETTINGS.replace("7079", "7070")),
        *(SETTINGS.replace("7079", ""), SETTINGS + "sip_listen_port = 5070\n"),
    ],
)
def test_media_that_may_pass_it_by_are_not_told(settings: str) -> None:
    """Where siproxd may relay none, as by a file that names no range. It must run to carry any."""
    assert proxied(RUNS, SIP, settings) is None
    assert proxied(RUNS_NOT, "", settings) == 0


def test_no_part_of_what_siproxd_shows_is_taken_for_the_whole() -> None:
    """Cut at any character."""
    for text in (
        f"{RUNS}{SETTINGS}end of settings\n{HEAD}{SIP}{INSIDE}{END}",
        f"{RUNS_NOT}end of settings\n{HEAD}{END}",
    ):
        replies = [Reply(command=PFSENSE, text=text[:n]) for n in range(len(text))]
        assert {siproxd_calls(Transcript(replies=(reply,)), PFSENSE) for reply in replies} == {None}
