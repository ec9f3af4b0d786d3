"""How a plan is carried out, for people: its batches, the rule that stops it, its change windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipalg_fix.model.plan import WINDOW_CLOSED, Plan
from sipalg_fix.model.window import is_open, told
from sipalg_fix.reports.words import count

NAMED: Final = 12
"""How many hosts of a batch are named."""


def batches(plan: Plan) -> tuple[str, ...]:
    """One line a batch; none where all hosts are one."""
    return tuple(
        f"{number}. {', '.join(batch[:NAMED])}{_more(len(batch))}"
        for number, batch in enumerate(plan.batches, start=1)
    )


def _more(hosts: int) -> str:
    return f" and {hosts - NAMED} more" if hosts > NAMED else ""


def pace(plan: Plan) -> str:
    """How long is waited between batches, and when the run stops; empty without a rollout."""
    rule = plan.rollout
    if rule is None:
        return ""
    soak = f"{rule.soak_seconds / 60:g} minutes between batches; " if rule.soak_seconds else ""
    fails = rule.max_fail.number
    most = f"{rule.max_fail.text} of a batch or of all" if rule.max_fail.percent else count(fails, "host")
    return f"{soak}stops if {'a host fails' if not fails else f'more than {most} fail'}"


def windows(plan: Plan) -> Iterator[str]:
    """Each window, and what was so of them when the plan was made."""
    if not plan.windows:
        return
    yield "; ".join(window.text for window in plan.windows)
    yield f"when the plan was made: {told(plan.windows, plan.made)}"
    if WINDOW_CLOSED in plan.accepted:
        yield f"accepted: {WINDOW_CLOSED}, so that it may be carried out at any time"
    elif not is_open(plan.windows, plan.made):
        yield f"carried out outside of it only with: --accept {WINDOW_CLOSED}"
