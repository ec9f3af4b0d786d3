"""A change that cuts the way in to a real router: its own timer takes it back, and nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sipalg_fix.lab.realrouter import RealRouter
from tests.real.test_story import Operator, operator

__all__ = ["operator"]
pytestmark = [pytest.mark.root, pytest.mark.long]
BOOK = "version: 1\nintent: {sip_alg: off}\nhow: {guard: require, guard_minutes: 2}\n"
CUT = "table ip cut {\n chain out {\n type filter hook output priority 0\n tcp dport 22 drop\n }\n}\n"
OTHERS = "tcp dport 2222 drop"
"""A rule that another tool sets while nobody of ours gets in."""
SET = "ct helper set"
DEADLINE = 300.0


def awaited(what: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < until
        threading.Event().wait(0.2)


def test_the_timer_fires_and_the_rules_are_as_before(router: RealRouter, operator: Operator) -> None:
    """The way in is cut when the rules go, and there again when they are back; another tool's rule stays."""
    book, plan = operator.folder / "book.yaml", operator.folder / "plan.json"
    book.write_text(BOOK)
    operator.ends(2, "plan", "-i", operator.inventory, "-p", book, "-o", plan)
    before, saved = router.ruleset(), (router.etc / "nftables.conf").read_text()
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(operator.host, 5, "apply", plan, "--yes")
        awaited(lambda: SET not in router.ruleset())
        router.phone.run("nft", "-f", "-", stdin=CUT)
        router.wires.kernel.run("nft", "add", "rule", "ip", "firewall", "input", *OTHERS.split())
        awaited(lambda: router.ruleset().count(SET) == before.count(SET))
        router.phone.run("nft", "delete", "table", "ip", "cut")
        line = ended.result(DEADLINE)

    assert line["change"] == "rolled-back"
    assert OTHERS in router.ruleset()
    assert router.ruleset().replace(f"\t\t{OTHERS}\n", "") == before
    assert (router.etc / "nftables.conf").read_text() == saved
    assert operator.host(2, "audit", "-i", operator.inventory)["state"] == "enabled"
