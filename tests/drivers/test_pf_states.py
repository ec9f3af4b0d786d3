"""Streams by pf's state table: each counted once, and nothing told of a reply that is not whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.drivers._pf_states import live_streams
from sipalg_fix.drivers.pfsense.probes import STREAMS
from sipalg_fix.model.session import Reply, Transcript

SETTINGS = (
    "State Table                          Total             Rate\n"
    "  current entries                       {entries}               \n"
    "tcp.first                   120s\nudp.multiple                 60s\n"
    "adaptive.start            60000 states\nadaptive.end             120000 states\nstart of streams\n"
)
END = "end of streams\n"
LAN = "em1 udp 198.51.100.7:20000 <- 192.168.1.20:40000       MULTIPLE:MULTIPLE\n"
WAN = "em0 udp 203.0.113.1:3111 (192.168.1.20:40000) -> 198.51.100.7:20000       MULTIPLE:MULTIPLE\n"
CONTROL = LAN.replace("20000", "20001").replace("40000", "40001")
SIX = "em0 udp 2001:db8::1[40000] -> 2001:db8:1::9[20000]       MULTIPLE:MULTIPLE\n"
SIX_IN = "em1 udp 2001:db8:1::9[20000] <- 2001:db8::1[40000]       MULTIPLE:MULTIPLE\n"
FORWARD = "em0 udp 192.168.1.20:40000 (203.0.113.1:9000) <- 198.51.100.7:20000       MULTIPLE:MULTIPLE\n"
SIP = "all udp 127.0.0.1:5060 (203.0.113.10:5060) <- 192.168.1.21:5060       MULTIPLE:MULTIPLE\n"
TUNNEL = LAN.replace("20000", "51820")
NAT_PORT = WAN.replace("3111", "5060")


def table(*states: str, left: int = 59, entries: int = 22) -> str:
    """A whole reply."""
    age = f"   age 00:01:10, expires in 00:00:{left:02}, 3500:3490 pkts, 700000:698000 bytes, rule 80\n"
    return SETTINGS.format(entries=entries) + "".join(state + age for state in states) + END


def counted(text: str, status: str = "ok") -> int | None:
    """How many streams this reply shows."""
    return live_streams(Transcript(replies=(Reply(command=STREAMS, text=text, status=status),)), STREAMS)


@pytest.mark.parametrize(
    ("states", "streams"),
    [
        *[([], 0), ([LAN], 1), ([WAN], 1), ([LAN, WAN], 1), ([LAN, WAN, CONTROL], 1), ([FORWARD, LAN], 1)],
        *[([SIX, SIX_IN], 1), ([SIX, LAN], 2), ([SIP], 0), ([TUNNEL], 0), ([NAT_PORT], 1)],
    ],
)
def test_each_stream_counts_once(states: list[str], streams: int) -> None:
    """On whichever interfaces it has a state, and with its control connection."""
    assert counted(table(*states)) == streams


@pytest.mark.parametrize(
    ("left", "entries", "streams"),
    [
        *[(57, 22, 1), (56, 22, 0), (30, 90_000, 1), (20, 90_000, 0), (0, 120_000, 1)],
        *[(51, 60_000, 1), (40, 60_000, 0)],
    ],
)
def test_time_left_tells_what_is_in_use(left: int, entries: int, streams: int) -> None:
    """Also where a table that is filling up shortens it."""
    assert counted(table(LAN, left=left, entries=entries)) == streams


@pytest.mark.parametrize(
    "text",
    [
        "",
        END,
        "pfctl: /dev/pf: Permission denied\n",
        table(LAN).replace("udp.multiple", "udp.many"),
        table(LAN).replace("adaptive.end", "adaptive"),
        table(LAN).replace("current", "past"),
        table(LAN).replace("expires in", "ends in"),
        table(LAN + WAN),
        table("em1 udp what is this MULTIPLE:MULTIPLE\n"),
    ],
)
def test_what_does_not_add_up_is_not_none(text: str) -> None:
    """A reply that says too little is no zero; nor is one that was refused."""
    assert counted(text) is None
    assert counted(table(LAN), "refused") is None
    assert live_streams(Transcript(), STREAMS) is None


WHOLE = table(LAN, WAN, SIX)


@given(st.integers(min_value=0, max_value=len(WHOLE.rstrip()) - 1))
def test_a_cut_reply_has_no_number(at: int) -> None:
    """Wherever it was cut."""
    assert counted(WHOLE[:at]) is None


@given(st.text(max_size=60), st.integers(min_value=0, max_value=len(WHOLE)))
def test_it_never_raises(noise: str, at: int) -> None:
    """Whatever stands in it."""
    number = counted(WHOLE[:at] + noise + WHOLE[at:])
    assert number is None or number >= 0
