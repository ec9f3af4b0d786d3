"""
Linux: the startup plane, from the files that are loaded at boot.

A file counts only where something loads it: with systemd its unit must be enabled. Without systemd that
cannot be asked, and a file that is there is taken to be loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sipalg_fix.drivers._family import cut, last_words, unread
from sipalg_fix.drivers.linux import probes
from sipalg_fix.drivers.linux.planes import MODULE, missing, modules
from sipalg_fix.drivers.linux.stored import StoredLine, nft_lines, rules_lines, sysctl_lines
from sipalg_fix.model.facts import Plane, Value, off, on, unknown
from sipalg_fix.model.session import Command, Transcript

END = re.compile(r"\n?\n?^end of file\s*\Z", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The plane and the lines that switch the helper on. ``stores`` are the files that are loaded."""

    plane: Plane
    lines: tuple[StoredLine, ...] = ()
    stores: tuple[str, ...] = ()


def saved(seen: Transcript, kernel: tuple[int, int], running: Plane, automatic: Plane) -> Saved:
    """What the next boot switches on."""
    parts = [
        _nftables(seen),
        _rules(seen, probes.STORED_RULES, probes.RULES_FILES[0], "iptables"),
        _rules(seen, probes.STORED_RULES6, probes.RULES_FILES[1], "ip6tables"),
        _sysctls(seen, kernel, automatic),
    ]
    lines = tuple(line for part in parts for line in part.lines)
    stores = tuple(store for part in parts for store in part.stores)
    if lines:
        shown = [f"{line.path}:{line.number}: {line.text.strip()}" for line in lines]
        return Saved(plane=on(*shown), lines=lines, stores=stores)
    planes = [part.plane for part in parts]
    if some := next((plane for plane in planes if plane.value in (Value.ON, Value.UNKNOWN)), None):
        return Saved(plane=some, stores=stores)
    if not stores:
        return Saved(plane=unknown("no file was found that a unit loads at boot"))
    if running.value is Value.ON:
        why = f"what is in force is in none of the files that are loaded at boot ({', '.join(stores)})"
        return Saved(plane=unknown(why), stores=stores)
    return Saved(plane=off(f"{', '.join(stores)}: no SIP helper is set"), stores=stores)


NOTHING = Saved(plane=off())
"""A file that is not there, or that nothing loads."""


def _text(seen: Transcript, command: Command) -> str | Plane:
    """A file's text, or why there is none."""
    reply = seen.get(command)
    if reply is None or not reply.ok:
        return unknown(unread(seen, command))
    return END.sub("", reply.text) if END.search(reply.text) else cut(command)


def _loaded(seen: Transcript, unit: Command) -> bool | Plane:
    """Is the file loaded at boot? Where there is no systemd to ask, it is taken to be."""
    reply = seen.get(unit)
    if reply is None:
        return unknown(unread(seen, unit))
    said = last_words(reply)
    if re.fullmatch(r"enabled(?:-runtime)?", said) or (reply.status == "exit 127" and "not found" in said):
        return True
    if re.fullmatch(
        r"disabled|masked|static|not-found|.*No such file or directory|.*not been booted.*", said
    ):
        return "not been booted" in said
    return unknown(f"'{unit.text}' said {said!r}")


def _nftables(seen: Transcript) -> Saved:
    if missing(seen, probes.STORED_NFT):
        return NOTHING
    text, loaded = _text(seen, probes.STORED_NFT), _loaded(seen, probes.NFT_UNIT)
    for told in (loaded, text):
        if isinstance(told, Plane):
            return Saved(plane=told)
    if not loaded or not isinstance(text, str):
        return NOTHING
    lines, unclear = nft_lines(text, probes.NFT_FILE)
    found, stores = list(lines), [probes.NFT_FILE]
    for name in probes.included(text):
        command = probes.file(name)
        if missing(seen, command):
            continue
        more = _text(seen, command)
        if isinstance(more, Plane):
            return Saved(plane=more, lines=tuple(found))
        if probes.included(more):
            unclear = unclear or f"{name} includes further files, which were not read"
        theirs, open_question = nft_lines(more, name)
        found += [_by_hand(line) for line in theirs]
        unclear = unclear or open_question
        stores.append(name)
    plane = unknown(unclear) if unclear else off()
    return Saved(plane=plane, lines=tuple(found), stores=tuple(stores))


def _by_hand(line: StoredLine) -> StoredLine:
    """A line of an included file: it cannot be checked alone, so it is not edited."""
    return StoredLine(kind=line.kind, path=line.path, number=line.number, text=line.text, alone=False)


def _rules(seen: Transcript, command: Command, path: str, kind: str) -> Saved:
    if missing(seen, command):
        return NOTHING
    text, loaded = _text(seen, command), _loaded(seen, probes.RULES_UNIT)
    for told in (loaded, text):
        if isinstance(told, Plane):
            return Saved(plane=told)
    if not loaded or not isinstance(text, str):
        return NOTHING
    return Saved(plane=off(), lines=rules_lines(text, path, kind), stores=(path,))


def _sysctls(seen: Transcript, kernel: tuple[int, int], automatic: Plane) -> Saved:
    """The switch for helpers without rules; on kernels that have none there is nothing to store."""
    if missing(seen, probes.AUTOMATIC) and automatic.value is Value.OFF:
        return NOTHING
    reply = seen.get(probes.SYSCTLS)
    if reply is None or not re.search(r"^end of search\s*\Z", reply.text, re.MULTILINE):
        return Saved(
            plane=unknown(unread(seen, probes.SYSCTLS) or "the search of sysctl files was cut short")
        )
    lines = sysctl_lines(reply.text)
    silent = kernel < (4, 7) and "nf_conntrack_helper" not in reply.text
    if (lines or silent) and MODULE not in (modules(seen) or (MODULE,)):
        return Saved(plane=unknown(f"stored to attach helpers by itself, should {MODULE} be loaded at boot"))
    if silent:
        return Saved(plane=on("kernel below 4.7 attaches helpers by itself, and no file says otherwise"))
    return Saved(plane=off(), lines=lines)
