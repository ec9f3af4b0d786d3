"""Linux: reasons not to take a rule out, and rules that no command of ours can put back."""

from __future__ import annotations

import re
from collections import Counter

from sipalg_fix.drivers.linux import nft
from sipalg_fix.drivers.linux.planes import AUTOMATIC_ON
from sipalg_fix.drivers.linux.read import NO_TOOL, OTHER_HELPER
from sipalg_fix.model.facts import Facts, Value
from sipalg_fix.model.step import Objection

NAME = r"[A-Za-z_.][\w/.-]*"
BY_HAND = "take it out by hand, then plan again"
DOES_MORE = re.compile(
    r"\b(?:accept|drop|reject|return|jump|goto|queue|continue|masquerade|snat|dnat|redirect|tproxy|log|"
    r"notrack|dup|fwd|limit|quota|update|add|mark set|zone set|label set|dscp set|--zone|--timeout|--notrack|"
    r"--ctevents|--expevents)\b"
)
"""Statements with an effect of their own, which goes when the rule goes."""


def impossible(prior: tuple[str, ...]) -> str:
    """Why a rule among these cannot be taken out and put back exactly; empty when all can."""
    for note in prior:
        kind, _, said = note.partition(" ")
        if kind == "nested":
            return f"a rule sets the helper in a chain without a name; {BY_HAND}: {said}"
        if kind == "nft" and not all(re.fullmatch(NAME, name) for name in said.split()[1:3]):
            return f"a table or chain has a name that must be quoted; {BY_HAND}: {said}"
    rules = [re.sub(r"^(nft \S+ \S+ \S+|ip\S+ \S+ \S+) \d+ ", r"\1 ", note) for note in prior]
    twice = [rule for rule, count in Counter(rules).items() if count > 1 and not rule.startswith("stored ")]
    if twice:
        return f"the same rule stands more than once in its chain; {BY_HAND}: {twice[0]}"
    return ""


def objections(facts: Facts) -> tuple[Objection, ...]:
    """What a person should accept by name before rules are taken out."""
    (helper,) = facts.helpers
    found = []
    more = [note for note in helper.prior if note.startswith(("nft ", "ip")) and _does_more(note)]
    if more:
        message = f"the rule does something else besides, which goes with it: {'; '.join(more)}"
        found.append(Objection(code="rule-does-more", message=message))
    others = [note.removeprefix(OTHER_HELPER) for note in facts.notes if note.startswith(OTHER_HELPER)]
    if AUTOMATIC_ON in helper.prior and others:
        message = f"the switch for automatic helpers also serves {', '.join(others)}"
        found.append(Objection(code="other-helpers", message=message))
    if helper.startup.value is Value.UNKNOWN:
        message = f"after the next boot it may be on again: {helper.startup.reason}"
        found.append(Objection(code="not-in-store", message=message))
    if NO_TOOL in facts.notes:
        message = "there is no conntrack tool: connections that are rewritten now go on being rewritten"
        found.append(Objection(code="no-flush", message=message))
    found += [
        Objection(code=finding.code, message=finding.message)
        for finding in facts.findings
        if finding.code == "managed-elsewhere"
    ]
    return tuple(found)


def _does_more(note: str) -> bool:
    return bool(
        DOES_MORE.search(re.sub(r'comment "[^"]*"|--comment (?:"[^"]*"|\S+)', "", nft.COMMENT.sub("", note)))
    )
