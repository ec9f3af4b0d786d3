"""
Making a candidate the running configuration, with what that does to the kernel, and how it can fail.

The SIP template's actions are ``rmmod nf_nat_sip; rmmod nf_conntrack_sip`` when ``disable`` is created
and two modprobes when it is deleted; the exit status of the second decides (vyatta-conntrack templates,
and recorded from a Vyatta CLI, 2026-11).
"""

from __future__ import annotations

from sipalg_fix.lab.twins.edgeos.router import Candidate, EdgeOs, copied
from sipalg_fix.lab.twins.edgeos.tree import Tree, exists, find

LOCKED = "Configuration system temporarily locked due to another commit in progress\n"
NOTHING = "No configuration changes to commit\n"
MODULES = ("system", "conntrack", "modules")
HELPERS = ("ftp", "h323", "pptp", "sip", "tftp")


def commit(router: EdgeOs, candidate: Candidate, comment: str = "commit") -> tuple[str, int]:
    """What the commit prints, and its status. What failed stays in the candidate."""
    working = candidate.working(router.running)
    if working == router.running:
        return NOTHING, 1
    if router.chassis.switches.locked:
        return LOCKED, 1
    router.chassis.wrote()
    text, good = _helpers(router, router.running, working)
    candidate.unsaved = candidate.unsaved or (good and not text)  # recorded: no warning after an error
    wanted = router.revisions_wanted
    if good:
        router.running = working
        candidate.edits.clear()
    else:
        router.running = _with_old_conntrack(router.running, working)
        text += "[[system conntrack]] failed\nCommit failed\n"
    if router.revisions_wanted:
        if not wanted:
            router.archive("root", "init", "commit")
        router.archive(candidate.user, "cli", comment)
    return text, 0 if good else 1


def _with_old_conntrack(old: Tree, new: Tree) -> Tree:
    """The parts of a commit that did not fail: all but the subtree of ``system conntrack``."""
    mixed = copied(new)
    below = find(old, MODULES[:2])
    mixed.setdefault("system", {}).pop("conntrack", None)
    if below is not None:
        mixed["system"]["conntrack"] = copied(below)
    return mixed


def _helpers(router: EdgeOs, old: Tree, new: Tree) -> tuple[str, bool]:
    """Load and unload helper modules; what that prints, and whether the subtree is good."""
    text = ""
    for verb in ("modprobe", "rmmod"):
        for helper in HELPERS:
            path = (*MODULES, helper, "disable")
            was, now = exists(old, path), exists(new, path)
            if was == now or now != (verb == "rmmod"):
                continue
            order = ("conntrack", "nat") if verb == "modprobe" else ("nat", "conntrack")
            errors = [act(router, verb, f"nf_{half}_{helper}") for half in order]
            if any(errors):
                text += f"[ {' '.join(path)} ]\n{''.join(errors)}\n"
            if errors[-1]:
                return text, False
    return text, True


def act(router: EdgeOs, verb: str, module: str) -> str:
    """modprobe or rmmod one module; what went wrong. Nothing happens while the switch ``stay_on`` is on."""
    if verb == "modprobe":
        return router.kernel.modprobe(module)
    if router.chassis.switches.stay_on and module in router.kernel.loaded:
        return ""
    return router.kernel.rmmod(module)
