"""
Rollout: who goes first, how many at once, how long to wait, and when to stop. Pure; carried out elsewhere.

A plan's hosts are put into batches once, when the plan is made: what is reviewed is what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

Batch = tuple[str, ...]

FEW: Final = 10
"""A batch of no more hosts than this is never too many: so many are under way at once anyway."""
ALL: Final = 4
"""From so many hosts on, an inventory is not changed as a whole without a word."""
LARGE_PERCENT: Final = 50
"""A batch of more than this share of the inventory is objected to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So many hosts, or so many in a hundred."""

    number: int
    percent: bool = False

    def of(self, whole: int) -> int:
        """How many of ``whole`` that is; parts of a host do not count."""
        return whole * self.number // 100 if self.percent else self.number

    @property
    def text(self) -> str:
        """As a playbook says it."""
        return f"{self.number}%" if self.percent else str(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """
    The playbook's words. ``canary`` is a selection pattern: these hosts are the first batches. ``serial``
    are the sizes of the batches after that, of all hosts that are changed, and its last goes on for the
    rest; without it the rest is one batch. ``max_fail`` is how many may fail, in each batch and in total.
    """

    canary: str = ""
    serial: tuple[Share, ...] = ()
    soak_seconds: float = 0.0
    max_fail: Share = field(default_factory=lambda: Share(number=0))


def no_mate(host: str, batch: Collection[str]) -> bool:
    """Where no host has a mate, any may go with any."""
    del host, batch
    return False


def batches_of(
    hosts: Sequence[str],
    rollout: Rollout | None,
    *,
    canaries: Collection[str] = (),
    apart: Callable[[str, Collection[str]], bool] = no_mate,
) -> tuple[Batch, ...]:
    """
    These hosts in batches: all of them, each once, in their own order but for canaries, which come first.

    ``apart``: may this host not go into a batch with these? It then waits for a later one. Sizes are at
    least one.
    """
    first = [host for host in hosts if host in canaries]
    rest = [host for host in hosts if host not in canaries]
    batches: list[Batch] = []
    while first:
        batches.append(_filled(first, len(first), apart))
    sizes = [max(1, share.of(len(hosts))) for share in rollout.serial] if rollout else []
    number = 0
    while rest:
        size = sizes[min(number, len(sizes) - 1)] if sizes else len(rest)
        batches.append(_filled(rest, size, apart))
        number += 1
    return tuple(batches)


def _filled(waiting: list[str], size: int, apart: Callable[[str, Collection[str]], bool]) -> Batch:
    """The next batch, taken from those who wait."""
    batch: list[str] = []
    for host in tuple(waiting):
        if len(batch) < size and not apart(host, batch):
            batch.append(host)
            waiting.remove(host)
    return tuple(batch)


def too_large(batches: Sequence[Batch], stock: int) -> int:
    """The size of the largest batch, if that is too much of an inventory of ``stock`` hosts; else 0."""
    largest = max(map(len, batches), default=0)
    return largest if largest > FEW and largest * 100 > stock * LARGE_PERCENT else 0


def over_budget(max_fail: Share, *, failed: int, size: int, failed_in_all: int, whole: int) -> str:
    """
    Why the run must stop, with ``failed`` hosts of a batch of ``size``, and of all; empty while it need not.
    """
    for number, of_how_many, what in ((failed, size, "this batch"), (failed_in_all, whole, "the plan")):
        allowed = max_fail.of(of_how_many)
        if number > allowed:
            told = f"{allowed} ({max_fail.text})" if max_fail.percent else str(allowed)
            return f"{number} of {of_how_many} hosts of {what} failed, and max_fail allows {told}"
    return ""
