"""
OpenWrt: the kernel's modules, and whether it attaches helpers without a rule.

The SIP helper comes with the package kmod-nf-nathelper-extra, which is not installed by default.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import unread, whole
from sipalg_fix.drivers.linux.planes import missing
from sipalg_fix.drivers.openwrt import probes
from sipalg_fix.model.facts import Plane, off, on, unknown
from sipalg_fix.model.session import Transcript

MODULE, SWITCH = "nf_conntrack_sip", "nf_conntrack_helper"


def modules(seen: Transcript) -> frozenset[str] | None:
    """What is loaded or built in; None when the list is not whole."""
    reply = seen.get(probes.MODULES)
    if reply is None or not reply.ok or not whole(reply.text, (r"^nf_conntrack$", r"^end of modules$")):
        return None
    return frozenset(reply.text.split())


def automatic(seen: Transcript, kernel: tuple[int, int]) -> Plane:
    """Does the kernel attach helpers without a rule? (It could, before 6.0.)"""
    loaded = modules(seen)
    if loaded is not None and MODULE not in loaded:
        return off(f"{MODULE} is not loaded")
    reply = seen.get(probes.AUTOMATIC)
    if reply and reply.ok and reply.text.strip() in ("0", "1"):
        said = f"{SWITCH} = {reply.text.strip()}"
        return on(said) if reply.text.strip() == "1" else off(said)
    if not missing(seen, probes.AUTOMATIC):
        return unknown(unread(seen, probes.AUTOMATIC) or f"'{probes.AUTOMATIC.text}' gave neither 0 nor 1")
    if kernel >= (6, 0):
        return off(f"kernel {kernel[0]}.{kernel[1]} attaches no helper without a rule")
    return unknown("the kernel does not say whether it attaches helpers by itself")


def installed(seen: Transcript) -> Plane:
    """Will the next boot have the helper's module? On where it is loaded now, or listed for loading."""
    loaded, reply = modules(seen), seen.get(probes.AT_BOOT)
    if loaded is not None and MODULE in loaded:
        return on(f"{MODULE} is loaded")
    if reply is None or not reply.ok or not whole(reply.text, (r"^end of search$",)):
        return unknown(unread(seen, probes.AT_BOOT) or f"the answer to '{probes.AT_BOOT.text}' is not whole")
    if found := re.findall(rf"^.*\b{MODULE}\b.*$", reply.text, re.MULTILINE):
        return on(*found)
    if loaded is None:
        return unknown(unread(seen, probes.MODULES) or f"the answer to '{probes.MODULES.text}' is not whole")
    return off(f"{MODULE} is not installed")
