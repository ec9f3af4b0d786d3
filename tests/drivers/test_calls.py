"""Calls by Linux's connection tracking: how many media streams a helper has opened."""

from __future__ import annotations

import json

import pytest

from sipalg_fix.drivers._calls import live_calls
from sipalg_fix.drivers.linux.probes import CALLS
from sipalg_fix.drivers.mikrotik_routeros import WORDINGS
from sipalg_fix.drivers.mikrotik_routeros.read import live_calls as routeros_calls
from sipalg_fix.drivers.mikrotik_routeros.wording import Wording
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
