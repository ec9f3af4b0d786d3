"""Streams that may be calls, by RouterOS's connections: the same by each access, none from a part."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import settings as tries
from hypothesis import strategies as st

from sipalg_fix.drivers.mikrotik_routeros import WORDINGS
from sipalg_fix.drivers.mikrotik_routeros.streams import live_streams, seconds
from sipalg_fix.drivers.mikrotik_routeros.wording import Wording
from sipalg_fix.model.session import Reply, Transcript

Row = Mapping[str, str]

by_each = pytest.mark.parametrize("by", WORDINGS, ids=lambda by: by.name)

TRACKING = {"enabled": "auto", "udp-stream-timeout": "3m", "total-entries": "12"}
LEGEND = (
    "Flags: E - expected, S - seen-reply, A - assured, C - confirmed, D - dying, \r\n"
    "F - fasttrack, s - srcnat, d - dstnat \r\n"
)


def flow(source: str, target: str, timeout: str = "2m59s", fasttrack: str = "false") -> Row:
    """A connection, its ports beside its addresses as of old."""
    return {"src-address": source, "dst-address": target, "timeout": timeout, "fasttrack": fasttrack}


def apart(source: tuple[str, str], target: tuple[str, str], timeout: str = "2m59s") -> Row:
    """One of IPv6, or of a later version."""
    ends = {"src-address": source[0], "src-port": source[1], "dst-address": target[0], "dst-port": target[1]}
    return {**ends, "timeout": timeout, "fasttrack": "false"}


AUDIO = flow("192.168.88.20:40000", "203.0.113.9:20000")
CONTROL = flow("192.168.88.20:40001", "203.0.113.9:20001")
OTHER = flow("192.168.88.21:40000", "203.0.113.9:20000")
SIX = apart(("2001:db8:88::20", "40000"), ("2001:db8:9::9", "20000"))


def settings_said(by: Wording, settings: Row) -> str:
    """The settings of connection tracking in the words of this access."""
    match by.name:
        case "api":
            return json.dumps(settings)
        case "ssh":
            return "".join(f"{key:>20}: {value}\r\n" for key, value in settings.items()) + "end of list\r\n"
        case _:
            return json.dumps(settings)


def list_said(by: Wording, rows: Sequence[Row]) -> str:
    """A list in the words of this access."""
    match by.name:
        case "api":
            return "\n".join(json.dumps(row) for row in (*rows, {".tag": "streams"}))
        case "ssh":
            return LEGEND + "".join(item(number, row) for number, row in enumerate(rows)) + "end of list\r\n"
        case _:
            return json.dumps(list(rows))


def item(number: int, row: Row) -> str:
    """One item of ``print detail``, over three lines."""
    pairs = [f"{key}={value}" for key, value in row.items() if key != "fasttrack"]
    flags = f" SAC {'F' if row.get('fasttrack') == 'true' else ' '}s "
    return (
        f"{number:>2} {flags} protocol=udp {pairs[0]} \r\n        {' '.join(pairs[1:])} \r\n"
        "        orig-bytes=25 675 orig-rate=87.2kbps \r\n\r\n"
    )


def streams(by: Wording, *said: str, status: str = "ok") -> int | None:
    """What is read from the settings and the two lists."""
    replies = [
        Reply(command=command, text=text, status=status)
        for command, text in zip((by.tracking, *by.udp), said, strict=True)
    ]
    return live_streams(by, Transcript(replies=tuple(replies)))


def counted(
    by: Wording, four: Sequence[Row], six: Sequence[Row] = (), settings: Row = TRACKING
) -> int | None:
    """The same, of whole answers."""
    return streams(by, settings_said(by, settings), list_said(by, four), list_said(by, six))


@by_each
@pytest.mark.parametrize(
    ("four", "six", "number"),
    [
        *[((), (), 0), ((AUDIO,), (), 1), ((AUDIO, CONTROL), (), 1), ((AUDIO, CONTROL, OTHER), (), 2)],
        *[((AUDIO,), (SIX,), 2), ((), (SIX,), 1)],
        ((apart(("192.168.88.20", "40000"), ("203.0.113.9", "20000")), CONTROL), (), 1),
        ((flow("192.168.88.20:40000", "203.0.113.9:20000", "2m56s"),), (), 0),
        ((flow("192.168.88.20:40000", "203.0.113.9:20000", "3m"),), (), 1),
        ((flow("192.168.88.20:40000", "203.0.113.9:20000", "00:02:58"),), (), 1),
        ((flow("192.168.88.20:40000", "203.0.113.9:20000", "41s", fasttrack="true"),), (), 1),
        ((flow("192.168.88.20:40000", "203.0.113.9:443"),), (), 0),
        ((flow("192.168.88.20:500", "203.0.113.9:20000"),), (), 0),
        *[
            ((flow("192.168.88.20:40000", f"203.0.113.9:{port}"),), (), 0)
            for port in (1194, 1701, 1900, 3544, 4500, 5060, 5061, 5353, 13231, 51820)
        ],
    ],
)
def test_each_stream_in_use_counts_once(
    by: Wording, four: Sequence[Row], six: Sequence[Row], number: int
) -> None:
    """With the one that controls it; not what is known to be none, nor what is silent."""
    assert counted(by, four, six) == number


@by_each
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {**TRACKING, "enabled": "no"},
        {**TRACKING, "total-entries": "0"},
        {**TRACKING, "total-entries": ""},
        {**TRACKING, "active-ipv4": "no"},
        {**TRACKING, "udp-stream-timeout": "soon"},
        {**TRACKING, "udp-stream-timeout": "0s"},
        {"enabled": "auto", "udp-stream-timeout": "3m"},
    ],
)
def test_nothing_is_told_where_connections_are_not_tracked(by: Wording, settings: Row) -> None:
    """Or where it is not shown that they are: an empty list proves nothing then."""
    assert counted(by, (), settings=settings) is None


@by_each
@pytest.mark.parametrize(
    "row",
    [
        flow("192.168.88.20", "203.0.113.9:20000"),
        flow("2001:db8::2:40000", "203.0.113.9:20000"),
        flow("192.168.88.20:40000", "203.0.113.9:20000", ""),
        flow("192.168.88.20:40000", "203.0.113.9:20000", "179"),
        {"timeout": "2m59s"},
        apart(("192.168.88.20", "many"), ("203.0.113.9", "20000")),
    ],
)
def test_one_connection_that_is_not_understood_spoils_the_answer(by: Wording, row: Row) -> None:
    """Nothing is left out for being strange."""
    assert counted(by, (AUDIO, row, OTHER)) is None


def test_letters_that_are_not_explained_are_not_understood() -> None:
    """Whether such a connection is FastTracked is not known."""
    (by,) = (by for by in WORDINGS if by.name == "ssh")
    said = list_said(by, (AUDIO,))
    settings, none = settings_said(by, TRACKING), list_said(by, ())
    assert streams(by, settings, said, none) == 1
    assert streams(by, settings, said.replace("F - fast", "F - \r\nfast"), none) == 1
    for spoiled in (
        said.replace(LEGEND, ""),
        said.replace(" SAC ", " SAQ "),
        f"expected end of command\n{said}",
    ):
        assert streams(by, settings, spoiled, none) is None


@pytest.mark.parametrize(
    ("name", "said", "status"),
    [
        ("api", "no such command or directory (ipv6)\nno such command prefix", "trap"),
        ("ssh", "bad command name ipv6 (line 1 column 2)\r\n", "ok"),
        ("ssh", "bad command name ipv6 (line 1 column 2)\r\n", "exit 1"),
    ],
)
def test_a_router_without_ipv6_has_no_streams_of_it(name: str, said: str, status: str) -> None:
    """Of IPv4 it must still show them."""
    (by,) = (by for by in WORDINGS if by.name == name)
    settings, four = settings_said(by, TRACKING), list_said(by, (AUDIO,))
    replies = tuple(
        Reply(command=command, text=text, status=how)
        for command, text, how in zip(
            (by.tracking, *by.udp), (settings, four, said), ("ok", "ok", status), strict=True
        )
    )
    assert live_streams(by, Transcript(replies=replies)) == 1
    assert live_streams(by, Transcript(replies=(replies[0], replies[2]))) is None
    assert streams(by, settings, said, four, status=status) is None


@by_each
def test_refused_or_not_asked_is_not_none(by: Wording) -> None:
    """Of the settings, and of either list."""
    whole = (settings_said(by, TRACKING), list_said(by, (AUDIO,)), list_said(by, ()))
    assert streams(by, *whole) == 1
    assert streams(by, *whole, status="refused") is None
    assert live_streams(by, Transcript()) is None
    for place in range(3):
        said = [*whole]
        said[place] = "not enough permissions (9)"
        assert streams(by, *said) is None


@by_each
def test_no_part_of_an_answer_is_taken_for_the_whole(by: Wording) -> None:
    """Cut at any character."""
    whole = (settings_said(by, TRACKING), list_said(by, (AUDIO, OTHER)), list_said(by, (SIX,)))
    assert streams(by, *whole) == 3
    for place, text in enumerate(whole):
        for end in range(len(text.rstrip())):
            said = [*whole]
            said[place] = text[:end]
            assert streams(by, *said) is None, said[place]


TEXTS = st.text(max_size=12) | st.sampled_from(["192.168.88.20:40000", "203.0.113.9:20000", "2m59s", "true"])
STRANGE = st.dictionaries(
    st.sampled_from([*AUDIO, "src-port", "dst-port"]), TEXTS | st.integers() | st.none(), max_size=6
)


@tries(max_examples=50)
@given(
    by=st.sampled_from(WORDINGS),
    known=st.lists(st.sampled_from([AUDIO, CONTROL, OTHER, SIX]), max_size=3),
    strange=st.lists(STRANGE, max_size=3),
    texts=st.lists(st.text(max_size=60), min_size=3, max_size=3),
    which=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_whatever_is_said_nothing_breaks(
    by: Wording, known: list[Row], strange: list[Row], texts: list[str], which: list[bool]
) -> None:
    """A number, or that it cannot be told; of text that is no answer, never a number."""
    listed = "\n".join(json.dumps(row) for row in (*known, *strange, {".tag": "streams"}))
    rows = listed if by.name == "api" else json.dumps([*known, *strange])
    told = [settings_said(by, TRACKING), list_said(by, known), rows if by.name != "ssh" else texts[2]]
    said = [text if kept else other for text, other, kept in zip(told, texts, which, strict=True)]
    number = streams(by, *said)
    assert number is None or 0 <= number <= 2 * len(known) + len(strange)


@tries(max_examples=50)
@given(text=st.text(max_size=30) | st.from_regex(r"(\d{1,3}(w|d|h|m|s|ms)){0,4}|\d{1,2}:\d\d:\d\d"))
def test_a_duration_is_understood_or_not(text: str) -> None:
    """Never less than none."""
    number = seconds(text)
    assert number is None or number >= 0


@pytest.mark.parametrize(
    ("said", "number"),
    [
        *[("2m59s", 179), ("3m", 180), ("1d2h", 93600), ("1w", 604800), ("59s980ms", 59.98), ("0s", 0)],
        *[("00:02:59", 179), ("1d00:00:01", 86401), ("1w2d03:04:05", 788645), ("00:00:59.98", 59.98)],
        *[("", None), ("179", None), ("2m59", None), ("soon", None), ("2:59", None), ("-3m", None)],
    ],
)
def test_durations_in_every_form(said: str, number: float | None) -> None:
    """As the API, the command line and REST write them."""
    assert seconds(said) == (None if number is None else pytest.approx(number))
