"""
CARP and the synchronised configuration of pfSense and OPNsense: what part a firewall has in a pair.

ifconfig(8) names the state of each shared address. Who takes its configuration from another has nothing set
that says so; it shows by the history, where each merge of the other's sections is a revision (pfSense:
xmlrpc.php; OPNsense: xmlrpc/legacy.inc). Neither synchronises the settings of siproxd of itself
(rc.filter_synchronize; the plugin's siproxd.inc), but packages and scripts may
(merge_installedpackages_section).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sipalg_fix.model.facts import Facts, Finding
from sipalg_fix.model.session import Command, Transcript
from sipalg_fix.model.step import Objection

MERGED = re.compile(r"Merged (?:in config \()?(?P<sections>.*?)(?: config)? sections\)? from XMLRPC client")
STATE = re.compile(r"\bcarp: ([A-Z]+) vhid (\d+)")
SHARED = frozenset({"installedpackages", "OPNsense"})
"""Sections that hold the settings of many packages; which of them were merged is not said."""
UNREAD = "role-unread"


def question(folder: str) -> str:
    """A line for sh: the state of each CARP address, and who wrote the configuration."""
    return (
        "ifconfig -a 2>&1 | grep -o 'carp: [A-Z]* vhid [0-9]*'; grep -ho 'Merged [^<]* from XMLRPC client' "
        f"{folder}/config.xml {folder}/backup/*.xml 2>/dev/null | sort -u; echo end of roles"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A firewall's part in a pair: for ``Facts.standby``, ``Facts.follows`` and ``Facts.overwritten``."""

    standby: bool | None = None
    follows: str = ""
    overwritten: bool | None = None
    findings: tuple[Finding, ...] = ()


def signs(seen: Transcript, command: Command) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """States such as ``BACKUP vhid 1``, and what revisions say of merges; None: the answer is not whole."""
    reply = seen.get(command)
    if reply is None or not reply.ok or not re.search(r"^end of roles\s*\Z", reply.text, re.MULTILINE):
        return None
    states = tuple(f"{state} vhid {vhid}" for state, vhid in STATE.findall(reply.text))
    return states, tuple(match[0] for match in MERGED.finditer(reply.text))


def part(states: Sequence[str], merges: Sequence[str], settings: str) -> Part:
    """From the signs; ``settings`` is in the names of the sections that hold what would be changed."""
    words = {state.partition(" ")[0] for state in states}
    standby = {frozenset({"BACKUP"}): True, frozenset({"MASTER"}): False}.get(frozenset(words))
    taken = {section for merge in merges for section in _sections(merge)}
    named = any(settings in section.lower() for section in taken)
    told = next((merge for merge in merges if settings in merge.lower()), merges[-1] if merges else "")
    return Part(
        standby=standby,
        follows=told,
        overwritten=True if named else None if not taken or taken & SHARED else False,
        findings=_role(standby, ", ".join(states)) if states else (),
    )


def unshown(why: str) -> Finding:
    """For one of a pair of which that could not be told: then nor could it be told whether a change lasts."""
    message = f"whether another node writes its configuration could not be told: {why}"
    return Finding(code=UNREAD, message=message)


def objections(facts: Facts) -> tuple[Objection, ...]:
    """The same as a reason not to change it."""
    return tuple(
        Objection(code=UNREAD, message=each.message) for each in facts.findings if each.code == UNREAD
    )


def _sections(merge: str) -> tuple[str, ...]:
    match = MERGED.search(merge)
    return tuple(re.split(r",\s*", match["sections"])) if match else ()


def _role(standby: bool | None, evidence: str) -> tuple[Finding, ...]:
    says = {
        True: "it stands by",
        False: "it carries the calls",
        None: "whether it stands by could not be told",
    }
    return (Finding(code="ha-role", message=f"{says[standby]}: {evidence}"),)
