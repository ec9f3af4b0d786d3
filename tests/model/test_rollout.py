"""Batches and budgets: pure functions, as tables."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.rollout import Rollout, Share, batches_of, over_budget, too_large

TEN = tuple("abcdefghij")


def share(text: str) -> Share:
    """``5`` or ``25%``."""
    return Share(number=int(text.removesuffix("%")), percent=text.endswith("%"))


def rollout(serial: str = "", fail: str = "0") -> Rollout:
    """A rollout with these sizes."""
    return Rollout(serial=tuple(map(share, serial.split())), max_fail=share(fail))


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [
        ("", [10]),
        ("1", [1] * 10),
        ("1 5 25%", [1, 5, 2, 2]),
        ("3", [3, 3, 3, 1]),
        ("1%", [1] * 10),
        ("100%", [10]),
        ("1 100%", [1, 9]),
        ("50", [10]),
        ("9 1", [9, 1]),
    ],
)
def test_batches_have_the_sizes_that_the_playbook_says(serial: str, sizes: list[int]) -> None:
    """A share is of all hosts; the last size goes on for the rest; none is empty."""
    batches = batches_of(TEN, rollout(serial))
    assert [len(batch) for batch in batches] == sizes
    assert tuple(host for batch in batches for host in batch) == TEN


def test_without_a_rollout_all_are_one_batch() -> None:
    """And of no hosts there is none."""
    assert batches_of(TEN, None) == (TEN,)
    assert batches_of((), rollout("1 5")) == ()


def test_canaries_go_first_and_count_in_no_batch_after() -> None:
    """In the inventory's order; those that are not changed are not missed."""
    batches = batches_of(TEN, rollout("4"), canaries={"j", "c", "unchanged"})
    assert batches == (("c", "j"), ("a", "b", "d", "e"), ("f", "g", "h", "i"))


def mates(host: str, batch: Collection[str]) -> bool:
    """``a`` and ``b`` are a pair, ``c`` and ``d``, and so on."""
    index = "abcdefghij".index(host)
    return "abcdefghij"[index ^ 1] in batch


def test_two_of_a_pair_are_never_in_one_batch() -> None:
    """Not even where all would be one, nor among canaries."""
    assert batches_of(TEN, None, apart=mates) == (tuple("acegi"), tuple("bdfhj"))
    assert batches_of(TEN[:4], rollout("4"), canaries={"a", "b"}, apart=mates) == (
        ("a",), ("b",), ("c",), ("d",),
    )  # fmt: skip


@given(
    st.lists(st.sampled_from(TEN), unique=True),
    st.lists(st.integers(1, 12).map(str) | st.integers(1, 100).map(lambda n: f"{n}%"), max_size=3),
    st.frozensets(st.sampled_from(TEN)),
    st.booleans(),
)
def test_every_host_is_in_one_batch_once(
    hosts: list[str], serial: list[str], canaries: frozenset[str], paired: bool
) -> None:
    """Whatever the sizes, the canaries and the pairs."""
    apart = mates if paired else lambda host, batch: False
    batches = batches_of(hosts, rollout(" ".join(serial)), canaries=canaries, apart=apart)
    assert sorted(host for batch in batches for host in batch) == sorted(hosts)
    assert all(batches)
    if paired:
        assert not any(mates(host, set(batch) - {host}) for batch in batches for host in batch)


@pytest.mark.parametrize(
    ("fail", "failed", "size", "in_all", "whole", "stops"),
    [
        ("0", 0, 5, 0, 10, False),
        ("0", 1, 5, 1, 10, True),
        ("1", 1, 5, 1, 10, False),
        ("1", 2, 5, 2, 10, True),
        ("1", 1, 1, 2, 10, True),
        ("20%", 1, 5, 1, 10, False),
        ("20%", 2, 5, 2, 10, True),
        ("20%", 1, 5, 2, 10, False),
        ("20%", 1, 5, 3, 10, True),
        ("20%", 1, 1, 1, 10, True),
        ("20%", 1, 4, 1, 10, True),
        ("0%", 1, 5, 1, 10, True),
        ("100%", 5, 5, 10, 10, False),
        ("5", 5, 5, 5, 10, False),
    ],
)
def test_the_budget(fail: str, failed: int, size: int, in_all: int, whole: int, stops: bool) -> None:
    """Spent to the last is not over; it is counted per batch and in total; parts of a host do not count."""
    why = over_budget(share(fail), failed=failed, size=size, failed_in_all=in_all, whole=whole)
    assert bool(why) is stops, why


@pytest.mark.parametrize(
    ("sizes", "stock", "largest"),
    [([], 100, 0), ([10], 10, 0), ([11], 22, 0), ([11], 21, 11), ([1, 60], 100, 60), ([50, 50], 100, 0)],
)
def test_what_is_too_much_at_once(sizes: list[int], stock: int, largest: int) -> None:
    """More than half of the inventory in one batch, from eleven hosts on."""
    assert too_large([("x",) * size for size in sizes], stock) == largest
