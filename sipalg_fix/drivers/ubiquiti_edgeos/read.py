"""EdgeOS: from its answers to facts."""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import boot_id, find, last_words, off_if, on_if, text, unread, whole
from sipalg_fix.drivers.ubiquiti_edgeos.config import (
    Path,
    first_absent,
    set_line,
    set_paths,
)
from sipalg_fix.drivers.ubiquiti_edgeos.hallmarks import NAMED, OTHERS
from sipalg_fix.drivers.ubiquiti_edgeos.probes import (
    ABSENT,
    BOOT,
    DISABLE,
    HOST_NAME,
    MODEL,
    MODULE,
    MODULES,
    QUEUE,
    REVISIONS,
    RUNNING,
    SIP,
    SWITCH,
    USED,
    USG,
    VERSION,
)
from sipalg_fix.drivers.ubiquiti_edgeos.saved import job_pending, saved
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import Facts, Finding, Helper, Value
from sipalg_fix.model.session import Transcript


def parse(seen: Transcript) -> Facts:
    """What the router says of itself; NotUnderstood when it is no EdgeOS, or shows too little."""
    version, model = _identity(seen)
    _look_allowed(seen)
    running = off_if(
        seen, RUNNING, SWITCH, must_hold=(HOST_NAME,), absent="running: no 'modules sip disable'"
    )
    said = "" if unread(seen, RUNNING) else text(seen, RUNNING)
    paths = set_paths(said) if whole(said, (HOST_NAME,)) else ()
    operational = on_if(
        seen,
        MODULES,
        r"^nf_(?:nat|conntrack)_sip ",
        must_hold=(r"^nf_conntrack ", r"^end of modules$"),
        absent="/proc/modules: no SIP module",
    )
    reply = seen.get(MODULES)
    loaded = MODULE.findall(reply.text) if reply else []
    startup, unsaved = saved(seen, paths)
    sip = tuple(set_line(path) for path in paths if path[: len(SIP)] == SIP)
    helper = Helper(
        name="nf_nat_sip",
        running=running,
        startup=startup,
        operational=operational,
        prior=(*sip, *(f"module {name}" for name, _, _ in loaded)),
    )
    return Facts(
        platform="ubiquiti_edgeos",
        version=version,
        model=model,
        helpers=(helper,),
        boot_mark=boot_id(seen, BOOT),
        config=tuple(set_line(path) for path in paths),
        unsaved=unsaved,
        findings=_findings(seen, paths, model),
        notes=_notes(paths, loaded),
    )


def _identity(seen: Transcript) -> tuple[str, str]:
    if unread(seen, VERSION):
        _look_allowed(seen)
    said = text(seen, VERSION)
    if OTHERS.search(said):
        message = "'show version' says VyOS or Vyatta, where the same line may mean the opposite"
        raise NotUnderstood(message, code="wrong-platform")
    return find(seen, VERSION, NAMED, "EdgeOS version"), find(seen, VERSION, MODEL, "model")


def _look_allowed(seen: Transcript) -> None:
    """An operator is told so in words, or knows none of the commands (Vyatta capture, prompt ``>``)."""
    reply = seen.get(RUNNING)
    if reply and re.search(r"Must be an admin user|Invalid command: \[(?:show|cat)\]", reply.text):
        message = f"the account may not read the configuration: {last_words(reply)}; it must be level admin"
        raise NotUnderstood(message, code="not-privileged")


def _findings(seen: Transcript, paths: tuple[Path, ...], model: str) -> tuple[Finding, ...]:
    found = []
    unms = {path[2] for path in paths if path[:2] == ("service", "unms") and len(path) > 2}
    if model.startswith(USG):
        message = "a UniFi controller provisions this gateway: a change on its command line will not last"
        found.append(Finding(code="managed-elsewhere", message=message))
    elif "connection" in unms and "disable" not in unms:
        message = "UISP manages this router (service unms): a change here will be overwritten by UISP"
        found.append(Finding(code="managed-elsewhere", message=message))
    jobs = re.findall(r"^\d+\s+\S.*$", text(seen, QUEUE), re.MULTILINE) if not unread(seen, QUEUE) else []
    if job_pending(seen).value is Value.ON:
        message = (
            "a commit-confirm is pending: unconfirmed, it restarts the router into an older configuration"
        )
        found.append(Finding(code="guard-left", message=message))
    elif jobs:
        message = f"a job is queued, perhaps a commit-confirm of before a restart: {'; '.join(jobs)}"
        found.append(Finding(code="job-queued", message=message))
    return tuple(found)


def _notes(paths: tuple[Path, ...], loaded: list[tuple[str, str, str]]) -> tuple[str, ...]:
    used = [
        USED + name for name, count, by in loaded if int(count) > len(by.strip("-,").split(",")) - (by == "-")
    ]
    revisions = [REVISIONS] if any(path[1:3] == ("config-management", REVISIONS) for path in paths) else []
    return (ABSENT + " ".join(first_absent(paths, DISABLE)), *used, *revisions)
