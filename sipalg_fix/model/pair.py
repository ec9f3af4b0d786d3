"""
Pair: routers of which one stands in for another (an HA pair, a stack of separately managed members).

Two members of one pair are never under way at the same time, and who stands by goes before who carries the
calls. Which pair a host is of, and whether it stands by, are its own: ``Host.pair`` and ``Host.standby``.

Who takes its configuration from another is not written to like others: what is overwritten is changed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import Host

FOLLOWS = "follows-another"
"""Finding, objection and error: the router takes its configuration from another one."""


def apart(one: Host, other: Host) -> bool:
    """Must these two hosts not be under way at the same time?"""
    return bool(one.pair) and one.pair == other.pair and one.name != other.name


def standby_first(hosts: Sequence[Host]) -> tuple[Host, ...]:
    """
    The same hosts, each pair's members in the order in which they may be changed: who stands by, who does
    not say, who carries the calls. All else stays where it is, and so do the places that a pair has.
    """
    members: dict[str, list[Host]] = {}
    for host in hosts:
        if host.pair:
            members.setdefault(host.pair, []).append(host)
    waiting = {pair: iter(sorted(those, key=_rank)) for pair, those in members.items()}
    return tuple(next(waiting[host.pair]) if host.pair else host for host in hosts)


def waves(hosts: Sequence[Host]) -> tuple[tuple[Host, ...], ...]:
    """
    The hosts in parts, one to be ended before the next is begun, so that no part holds two members of one
    pair. Members keep the order given; all others are in the first part.
    """
    parts: list[list[Host]] = []
    had: dict[str, int] = {}
    for host in hosts:
        number = had.get(host.pair, 0) if host.pair else 0
        had[host.pair] = number + 1
        if number == len(parts):
            parts.append([])
        parts[number].append(host)
    return tuple(map(tuple, parts))


def as_seen(host: Host, facts: Facts) -> Host:
    """The host with the part in its pair that it says itself: that may have changed since the inventory."""
    return host if facts.standby is None or not host.pair else replace(host, standby=facts.standby)


def following(facts: Facts) -> str:
    """What is to be said of a router that takes its configuration from another; empty for any other."""
    if not facts.follows:
        return ""
    head = f"it {'stands by and ' if facts.standby else ''}takes"
    match facts.overwritten:
        case True:
            return (
                f"{head} these settings from another router ({facts.follows}): a change here is undone; "
                "change that router, and this one follows"
            )
        case False:
            return (
                f"{head} its configuration from another router ({facts.follows}), yet not these settings: "
                "change that router first; this one needs the same change"
            )
        case None:
            return (
                f"{head} its configuration from another router ({facts.follows}); whether these settings are "
                "among it could not be told: change that router first, then look whether this one follows"
            )


def same_part(host: Host, now: Facts, then: Facts) -> bool:
    """Has the host the part among others that it had then? In a pair, one it no longer tells is another."""
    if host.pair and now.standby is not then.standby:
        return False
    return (bool(now.follows), now.overwritten) == (bool(then.follows), then.overwritten)


def _rank(host: Host) -> int:
    return {True: 0, None: 1, False: 2}[host.standby]
