"""
Linux: rules are taken out one by one by what they say, and put back where they were.

Rules of others are not touched and no table is reloaded. Each command that puts a rule back looks first
whether it is there, so it may be sent after a change that stopped half-way.
"""

from __future__ import annotations

import re
import shlex

from sipalg_fix.drivers.linux.edit import by_hand, put_back, take_out
from sipalg_fix.drivers.linux.objections import impossible, objections
from sipalg_fix.drivers.linux.planes import AUTOMATIC_ON, SYSCTL
from sipalg_fix.drivers.linux.probes import ACCESS, FLOWS
from sipalg_fix.drivers.linux.read import NO_TOOL
from sipalg_fix.drivers.linux.stored import StoredLine, from_note
from sipalg_fix.model.facts import Facts, Helper, Value
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import NOTHING, Disruption, Find, Remedy, Step, Tell

NFT = re.compile(r"nft (\S+) (\S+) (\S+) (\d+) (.*)")
TABLES = re.compile(r"(ip6?tables(?:-legacy)?) (\S+) (\S+) (\d+) (.*)")


def tell(line: str, expects: str = "", tolerates: tuple[str, ...] = ()) -> Tell:
    """A command with an exit status that says whether it was obeyed."""
    command = Command(access=ACCESS, text=line, seconds=60)
    return Tell(command=command, expects=expects, tolerates=tolerates)


def remedy(facts: Facts) -> Remedy:
    """Rules and switch off now, the stored lines after that; old flows are dropped last."""
    (helper,) = facts.helpers
    stored = tuple(line for line in map(from_note, helper.prior) if line is not None)
    match helper.running.value:
        case Value.ON:
            return _disable(facts, helper, stored)
        case Value.OFF:
            return _finish(facts, helper, stored)
        case _:
            return NOTHING


def _disable(facts: Facts, helper: Helper, stored: tuple[StoredLine, ...]) -> Remedy:
    if why := impossible(helper.prior) or _unstored(helper, stored):
        return Remedy(impossible=why)
    forward, inverse, diff = list[Step](), list[Step](), list[str]()
    for note in helper.prior:
        if rule := NFT.fullmatch(note):
            family, table, chain, _, text = rule.groups()
            forward.append(_delete_nft(f"{family} {table} {chain}", text))
            inverse.append(_restore_nft(*rule.groups()))
            diff.append(f"-{family} {table} {chain}: {text}")
        elif line := TABLES.fullmatch(note):
            tool, table, chain, _, text = line.groups()
            forward.append(tell(f"{tool} -t {table} -D {shlex.quote(chain)} {_quoted(text)}"))
            inverse.append(_restore_line(*line.groups()))
            diff.append(f"-{tool} {table}: -A {chain} {text}")
        elif note == AUTOMATIC_ON:
            forward.append(tell(f"sysctl -w {SYSCTL}=0", f"^{re.escape(SYSCTL)} = 0$"))
            inverse.append(tell(f"sysctl -w {SYSCTL}=1", f"^{re.escape(SYSCTL)} = 1$"))
    return Remedy(
        forward=tuple(forward),
        inverse=tuple(inverse),
        save=take_out(stored),
        resave=put_back(stored),
        disruption=Disruption.NEW_CALLS,
        diff=tuple(diff),
        objections=objections(facts),
    )


def _finish(facts: Facts, helper: Helper, stored: tuple[StoredLine, ...]) -> Remedy:
    if why := _unstored(helper, stored):
        return Remedy(impossible=why)
    gone = flush(facts) if helper.operational.value is Value.ON else ()
    if not stored and not gone:
        return NOTHING
    disruption = Disruption.NEW_CALLS if gone else Disruption.NONE
    return Remedy(save=take_out(stored), resave=put_back(stored), flush=gone, disruption=disruption)


def _unstored(helper: Helper, stored: tuple[StoredLine, ...]) -> str:
    """Why what the next boot switches on cannot be taken out by a command; empty when it can."""
    if helper.startup.value is Value.ON and not stored:
        said = "; ".join(helper.startup.evidence)
        return f"{said}: write '{SYSCTL} = 0' into a file in /etc/sysctl.d by hand, then plan again"
    return by_hand(stored)


def _delete_nft(place: str, text: str) -> Find:
    """Handles are given when a rule is made: looked up by the rule's own words when it is to go."""
    read = Command(access=ACCESS, text=f"nft -s -a list chain {place}")
    pick = rf"^\s*{re.escape(text)} # handle (?P<handle>\d+)$"
    return Find(read=read, pick=pick, then=tell(f"nft delete rule {place} handle <handle>"))


def _restore_nft(family: str, table: str, chain: str, index: str, text: str) -> Tell:
    """``index`` N adds after the rule that is Nth from 0 (nft(8), "Rules"); the first is inserted."""
    place, rule = f"{family} {table} {chain}", shlex.quote(text)
    add = f"add rule {place} index {int(index) - 1}" if int(index) else f"insert rule {place}"
    there = f"nft -s list chain {place} | sed 's/^[[:space:]]*//' | grep -qxF -- {rule}"
    return tell(f"{there} || nft {add} {rule}")


def _restore_line(tool: str, table: str, chain: str, number: str, text: str) -> Tell:
    words, chain = _quoted(text), shlex.quote(chain)
    there = f"{tool} -t {table} -C {chain} {words} 2>/dev/null"
    return tell(f"{there} || {tool} -t {table} -I {chain} {number} {words}")


def _quoted(text: str) -> str:
    """The words of a saved rule for a shell, whatever a comment in it holds."""
    return " ".join(map(shlex.quote, shlex.split(text)))


FLOW = (
    r"^(?P<proto>udp|tcp) .*?src=(?P<src>{0}) dst=(?P<dst>{0}) "
    r"sport=(?P<sport>\d+) dport=(?P<dport>\d+) .*\bhelper=sip"
)


def flush(facts: Facts) -> tuple[Step, ...]:
    """
    Drop the connections that the helper works on, and no other: they would go on being rewritten for as
    long as they are used (measured), and their expectations go with them. ``conntrack -D`` cannot select
    by helper, so each is looked up and named.
    """
    if NO_TOOL in facts.notes:
        return ()
    gone = ("0 flow entries have been deleted",)
    line = "conntrack -D{} -p <proto> -s <src> -d <dst> --sport <sport> --dport <dport>"
    families = ((r"[\d.]+", ""), (r"[\da-f:]*:[\da-f:.]*", " -f ipv6"))
    return tuple(
        Find(
            read=FLOWS,
            pick=FLOW.format(address),
            then=tell(line.format(family), "", gone),
            least=0,
            most=10_000,
        )
        for address, family in families
    )
