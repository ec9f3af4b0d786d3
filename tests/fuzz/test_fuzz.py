"""Whatever strangers send or a file holds, nothing fails and nothing hangs."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipalg_fix.model.sip.difference import compare
from tests.fuzz.targets import TARGETS

EDITS = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 60), st.one_of(st.binary(max_size=8), st.just(b"\r\n"))),
    max_size=6,
)
"""Where, how many bytes go, and what comes in their place."""


def edited(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """The seed with something of it replaced."""
    for place, gone, instead in edits:
        at = place % (len(seed) + 1)
        seed = seed[:at] + instead + seed[at + gone :]
    return seed


@pytest.mark.parametrize("name", TARGETS)
def test_anything_at_all(name: str) -> None:
    """Bytes of no meaning."""
    target, _ = TARGETS[name]

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=300))
    def holds(data: bytes) -> None:
        target(data)

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_almost_right(name: str) -> None:
    """What it takes, with some of it cut, doubled or replaced."""
    target, seeds = TARGETS[name]

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(seeds), EDITS, st.sampled_from(seeds), st.booleans())
    def holds(seed: bytes, edits: list[tuple[int, int, bytes]], other: bytes, joined: bool) -> None:
        target(edited(seed, edits) + (other if joined else b""))

    holds()


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str) -> None:
    """Fuzzing begins where reading goes deep."""
    target, seeds = TARGETS[name]
    for seed in seeds:
        target(seed)


HEAD = b"INVITE sip:a@b SIP/2.0\r\nVia: x\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
OFFER = HEAD + b"\r\nv=0\r\n"
LONG = {
    "names": HEAD + b"".join(b"x%d:y\r\n" % n for n in range(5000)),
    "one name": HEAD + b"v:x\n" * 15000,
    "offer of many kinds": OFFER + b"".join(b"a=x%d:1\n" % n for n in range(5000)),
    "offer of one kind": OFFER + b"b=a\n" * 15000,
    "media": OFFER + b"m=a\n" * 15000,
    "commas": HEAD + b"v:" + b"," * 60000,
    "addresses without end": HEAD + b"m:" + b"sip:" * 15000,
    "blanks before Via": HEAD + b"v: a" + b" " * 60000 + b"b",
    "parameters": HEAD + b"v:SIP/2.0/UDP a" + b";branch " * 7000,
    "folds": HEAD + b"\r\n " * 20000,
    "line ends": b"\r\n" * 30000,
    "candidates": OFFER + b"a=candidate:" + b"1 " * 30000,
}
"""As long as a datagram can be, and made to be looked at again and again."""


@pytest.mark.parametrize("name", LONG)
def test_long_messages_do_not_take_for_ever(name: str) -> None:
    """Each would take minutes with a search that begins anew at every byte."""
    for data in (LONG[name] + b"\r\n\r\n", LONG[name][:-1] + b"\r\n\r\n"):
        TARGETS["sip"][0](data)
        assert compare(LONG[name], data)
