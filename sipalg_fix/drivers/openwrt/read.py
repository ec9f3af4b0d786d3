"""OpenWrt: from its answers to facts."""

from __future__ import annotations

from sipalg_fix.drivers._family import boot_id, unread, whole
from sipalg_fix.drivers.openwrt import config, probes
from sipalg_fix.drivers.openwrt.config import Section
from sipalg_fix.drivers.openwrt.flows import flows, no_tool
from sipalg_fix.drivers.openwrt.helpers import OPTIONS, relevant, sources
from sipalg_fix.drivers.openwrt.identity import identity
from sipalg_fix.drivers.openwrt.kernel import SWITCH, automatic, installed
from sipalg_fix.drivers.openwrt.rules import Rules, custom, rules
from sipalg_fix.drivers.openwrt.staged import Staged, staged
from sipalg_fix.model.facts import Facts, Finding, Helper, Plane, Value, off, on, together, unknown
from sipalg_fix.model.session import Transcript

OTHERS, ELSEWHERE, NO_TOOL, NOT_LOADED = (
    "other helpers of ",
    "set elsewhere: ",
    "no conntrack tool",
    "not loaded",
)
STAGED, OTHERS_STAGED = "staged: ", "staged by others: "
"""Beginnings of notes, and of literal settings."""
AFTER_UPGRADE = (
    "stored in /etc/config: outlasts restarts, and upgrades that keep the settings (not 'sysupgrade -n')"
)
AFTER_UPGRADE_BY_PACKAGE = (
    "off only because the helper's module is not installed: the configuration attaches it once the package "
    "kmod-nf-nathelper-extra is"
)


def parse(seen: Transcript) -> Facts:
    """What the router says of itself; NotUnderstood when it is no OpenWrt, or the account not root."""
    kernel, version, model = identity(seen)
    sections, why = _stored(seen)
    shown = rules(seen, kernel)
    edits = staged(seen, sections)
    startup = _startup(seen, sections, why, kernel)
    running = shown.plane
    helper = Helper(
        name="nf_conntrack_sip",
        running=running,
        startup=startup,
        operational=flows(seen),
        prior=(
            *(note for section in sections for note in _literal(section)),
            *(STAGED + line for line in edits.helpers),
        ),
    )
    return Facts(
        platform="openwrt",
        version=version,
        model=model,
        helpers=(helper,),
        boot_mark=boot_id(seen, probes.BOOT),
        config=tuple(note for section in sections for note in config.notes(section, tuple(section.options))),
        unsaved=None if edits.why else bool(edits.others),
        findings=_findings(helper, edits, startup.evidence == installed(seen).evidence),
        notes=_notes(seen, shown, edits),
    )


def _stored(seen: Transcript) -> tuple[list[Section], str]:
    """The stored configuration, and why it could not be read."""
    reply = seen.get(probes.CONFIG)
    if reply is None or not reply.ok:
        return [], unread(seen, probes.CONFIG)
    if not whole(reply.text, (r"^end of file$",)):
        return [], f"the answer to '{probes.CONFIG.text}' is not whole"
    try:
        sections = config.read(reply.text.rpartition("end of file")[0])
    except ValueError as error:
        return [], f"{config.UCI_FILE} was not understood: {error}"
    if not any(section.kind == "zone" for section in sections):
        return sections, f"{config.UCI_FILE} holds no zone: it is empty, or not the firewall's"
    return sections, ""


def _startup(seen: Transcript, sections: list[Section], why: str, kernel: tuple[int, int]) -> Plane:
    """What the next boot's firewall attaches: the stored configuration, where the module will be there."""
    if why:
        return unknown(why)
    parts = [custom(seen), _configured(seen, sections)]
    if automatic(seen, kernel).value is Value.ON:
        parts.append(unknown(f"{SWITCH} is 1, and what sets it at boot was not read"))
    return together(tuple(parts))


def _configured(seen: Transcript, sections: list[Section]) -> Plane:
    module = installed(seen)
    try:
        found = sources(sections)
    except ValueError as error:
        return unknown(str(error))
    if not found:
        zones = sum(section.kind == "zone" for section in sections)
        return off(f"{config.UCI_FILE}: {zones} zones, none gets the SIP helper")
    lines = tuple(source.line for source in found)
    match module.value:
        case Value.ON:
            return on(*lines)
        case Value.OFF:
            return off(*module.evidence)
        case _:
            return unknown(module.reason, *lines)


def _literal(section: Section) -> tuple[str, ...]:
    return config.notes(section, OPTIONS[section.kind]) if relevant(section) else ()


def _findings(helper: Helper, edits: Staged, attaches: bool) -> tuple[Finding, ...]:
    found = []
    if edits.others:
        message = f"changes of the firewall wait to be committed: {'; '.join(edits.others)}"
        found.append(Finding(code="unsaved-edits", message=message))
    if helper.startup.value is Value.OFF:
        message = AFTER_UPGRADE_BY_PACKAGE if attaches else AFTER_UPGRADE
        found.append(Finding(code="after-upgrade", message=message))
    return tuple(found)


def _notes(seen: Transcript, shown: Rules, edits: Staged) -> tuple[str, ...]:
    own = custom(seen)
    elsewhere = [
        *shown.elsewhere(),
        *(line for line in shown.plane.evidence if line == f"{SWITCH} = 1"),
        *(own.evidence if own.value is Value.ON else ()),
    ]
    return (
        *(f"{OTHERS}{zone}: {' '.join(names)}" for zone, names in shown.zones().items() if names),
        *(ELSEWHERE + line for line in elsewhere),
        *(OTHERS_STAGED + line for line in edits.others),
        *((NO_TOOL,) if no_tool(seen) else ()),
        *(() if shown.loaded else (NOT_LOADED,)),
    )
