"""
OpenWrt: options are staged and the firewall reloaded; what was shown to work is committed.

A reload takes in what is staged, so nothing is written to flash before a fresh session has seen it work, and
a restart before that brings back what was. A commit on a full disk says nothing, exits 0 and leaves an empty
file (recorded), so it goes by a copy. (Like every ``uci commit``, it drops comments from the file.)
"""

from __future__ import annotations

from sipalg_fix.drivers.linux.change import FLOW
from sipalg_fix.drivers.openwrt import probes
from sipalg_fix.drivers.openwrt.config import ABSENT, from_notes
from sipalg_fix.drivers.openwrt.helpers import Change, changes, sources
from sipalg_fix.drivers.openwrt.lines import RELOAD, back, commit, stage, tell
from sipalg_fix.drivers.openwrt.read import ELSEWHERE, NO_TOOL, NOT_LOADED, OTHERS, OTHERS_STAGED, STAGED
from sipalg_fix.drivers.openwrt.staged import applied
from sipalg_fix.model.facts import Facts, Helper, Value
from sipalg_fix.model.step import NOTHING, Disruption, Find, Objection, Remedy, Step

BY_HAND = "see to it by hand, then plan again"


def remedy(facts: Facts) -> Remedy:
    """Stage and reload, commit after that; or only commit what is in force already."""
    (helper,) = facts.helpers
    if helper.running.value not in (Value.ON, Value.OFF):
        return NOTHING
    running, stored = helper.running.value is Value.ON, helper.startup.value is Value.ON
    gone = flush(facts) if helper.operational.value is Value.ON and not running else ()
    if not running and not stored:
        return Remedy(flush=gone, disruption=Disruption.NEW_CALLS) if gone else NOTHING
    if why := _by_hand(facts, helper):
        return Remedy(impossible=why)
    try:
        todo = _changes(facts, helper)
    except ValueError as error:
        return Remedy(impossible=str(error))
    objections = (*_edits(facts), *_not_stored(helper))
    if not todo:
        return Remedy(impossible=f"nothing in {helper.name}'s configuration explains what the rules do")
    diff = tuple(line for change in todo for line in change.diff)
    if not running:
        return Remedy(
            save=(stage(todo), commit(todo)),
            resave=(back(todo), commit(todo, after=False)),
            flush=gone,
            diff=diff,
            objections=objections,
        )
    return Remedy(
        forward=(stage(todo), RELOAD),
        inverse=(back(todo), RELOAD),
        save=(commit(todo),),
        resave=(back(todo), commit(todo, after=False)),
        disruption=Disruption.NEW_CALLS,
        diff=diff,
        objections=objections,
    )


def _changes(facts: Facts, helper: Helper) -> tuple[Change, ...]:
    """What to set; of what is staged already and in force, what that is."""
    sections = from_notes(helper.prior)
    lines = tuple(note.removeprefix(STAGED) for note in helper.prior if note.startswith(STAGED))
    if lines:
        known = {section.ref: section for section in sections}
        after = applied(lines, sections)
        return tuple(
            Change(ref=ref, option=option, before=known[ref].options.get(option, ABSENT), after=new)
            for (ref, option), new in after.items()
        )
    notes = [note.removeprefix(OTHERS) for note in facts.notes if note.startswith(OTHERS)]
    pairs = (note.partition(": ") for note in notes)
    return changes(sections, {zone: tuple(names.split()) for zone, _, names in pairs})


def _by_hand(facts: Facts, helper: Helper) -> str:
    """Why no command of ours can do it; empty where one can."""
    if elsewhere := [note.removeprefix(ELSEWHERE) for note in facts.notes if note.startswith(ELSEWHERE)]:
        return f"the SIP helper is set outside the zones of the firewall; {BY_HAND}: {'; '.join(elsewhere)}"
    pending = [note for note in helper.prior if note.startswith(STAGED)]
    if pending and helper.running.value is Value.ON:
        said = "; ".join(note.removeprefix(STAGED) for note in pending)
        return (
            f"somebody's change of the helpers is not committed; commit or revert it, then plan again: {said}"
        )
    if helper.startup.value is Value.UNKNOWN and not from_notes(helper.prior):
        return f"what the firewall would load could not be read; {BY_HAND}: {helper.startup.reason}"
    if NOT_LOADED in facts.notes:
        return "the firewall is not loaded ('/etc/init.d/firewall start'), so what it would do cannot be seen"
    try:
        found = sources(from_notes(helper.prior))
    except ValueError as error:
        return f"the configuration is not understood; {BY_HAND}: {error}"
    if not found and not pending:
        return (
            "a rule attaches the SIP helper, the stored configuration does not: reload the firewall by hand"
        )
    return ""


def _edits(facts: Facts) -> tuple[Objection, ...]:
    others = [note.removeprefix(OTHERS_STAGED) for note in facts.notes if note.startswith(OTHERS_STAGED)]
    if not others and facts.unsaved is not None:
        return ()
    said = "; ".join(others) or "it could not be read which"
    message = f"the reload and the commit would take in changes of somebody else: {said}"
    return (Objection(code="unsaved-edits", message=message),)


def _not_stored(helper: Helper) -> tuple[Objection, ...]:
    if helper.startup.value is not Value.UNKNOWN:
        return ()
    message = f"after the next boot it may be on again: {helper.startup.reason}"
    return (Objection(code="not-in-store", message=message),)


def flush(facts: Facts) -> tuple[Step, ...]:
    """
    Drop the connections that the helper works on: they would go on being rewritten. With ``conntrack`` just
    these; without it the kernel of OpenWrt drops all connections of one address, so those of the phones.
    """
    if NO_TOOL in facts.notes:
        pick = r"^ipv[46] .*? udp .*?src=(?P<src>[\da-f.:]+) dst=\S+ sport=\d+ dport=5060 "
        then = tell("echo <src> > /proc/net/nf_conntrack")
        return (Find(read=probes.TRACKED, pick=pick, then=then, least=0, most=10_000),)
    line = "conntrack -D{} -p <proto> -s <src> -d <dst> --sport <sport> --dport <dport>"
    gone = ("0 flow entries have been deleted",)
    return tuple(
        Find(
            read=probes.FLOWS,
            pick=FLOW.format(address),
            then=tell(line.format(family), tolerates=gone),
            least=0,
            most=10_000,
        )
        for address, family in ((r"[\d.]+", ""), (r"[\da-f:]*:[\da-f:.]*", " -f ipv6"))
    )
