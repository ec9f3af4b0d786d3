"""Who of a pair may be under way when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import Host
from sipalg_fix.model.pair import apart, as_seen, standby_first, waves

HOSTS = st.lists(
    st.tuples(st.sampled_from(["", "", "x", "y"]), st.sampled_from([None, True, False])), max_size=12
).map(
    lambda drawn: [
        Host(name=f"r{number}", platform="toy", pair=pair, standby=standby)
        for number, (pair, standby) in enumerate(drawn)
    ]
)


def names(hosts: Sequence[Host]) -> list[str]:
    return [host.name for host in hosts]


@given(HOSTS)
def test_no_part_holds_two_of_one_pair(hosts: list[Host]) -> None:
    """Nobody is lost or twice, members keep their order, and there is no part too many."""
    parts = waves(hosts)
    assert sorted(names([host for part in parts for host in part])) == sorted(names(hosts))
    assert not any(apart(one, other) for part in parts for one, other in combinations(part, 2))
    for pair in ("x", "y"):
        in_parts = [host.name for part in parts for host in part if host.pair == pair]
        assert in_parts == [host.name for host in hosts if host.pair == pair]
    alone = [host.name for host in hosts if not host.pair]
    assert [host.name for part in parts[:1] for host in part if not host.pair] == alone
    sizes = [len([host for host in hosts if host.pair == pair]) for pair in ("x", "y")]
    assert len(parts) == max([*sizes, int(bool(alone))], default=0)


@given(HOSTS)
def test_who_stands_by_goes_first(hosts: list[Host]) -> None:
    """Within a pair and nowhere else: a host that stands alone keeps its place, a pair its places."""
    ordered = standby_first(hosts)
    assert [host.pair for host in ordered] == [host.pair for host in hosts]
    assert [host for host in ordered if not host.pair] == [host for host in hosts if not host.pair]
    assert set(names(ordered)) == set(names(hosts))
    for pair in ("x", "y"):
        ranks = [(True, None, False).index(host.standby) for host in ordered if host.pair == pair]
        assert ranks == sorted(ranks)


def test_a_router_knows_better_than_the_inventory() -> None:
    """Parts change by a failover; a router that does not say leaves what the inventory says."""
    host = Host(name="a", platform="toy", pair="x", standby=True)
    silent = Facts(platform="toy", version="1")
    assert as_seen(host, silent) == host
    assert as_seen(host, replace(silent, standby=False)).standby is False
    alone = replace(host, pair="", standby=None)
    assert as_seen(alone, replace(silent, standby=True)) == alone
