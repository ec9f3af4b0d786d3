"""OpenWrt: is it one, of which release, and may the account look?"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import find, text, whole
from sipalg_fix.drivers.openwrt import probes
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.session import Transcript


def identity(seen: Transcript) -> tuple[tuple[int, int], str, str]:
    """(first two numbers of the kernel, OpenWrt release, model of the router)."""
    said = text(seen, probes.KERNEL)
    if other := re.match(r"(?!Linux )([A-Z]\w+) \d", said):
        raise NotUnderstood(f"this is {other[1]}, not OpenWrt", code="wrong-platform")
    release = find(seen, probes.KERNEL, r"^Linux (\d+\.\d+)", "Linux kernel release")
    if "No such file" in getattr(seen.get(probes.RELEASE), "text", ""):
        raise NotUnderstood("there is no /etc/openwrt_release: this is no OpenWrt", code="wrong-platform")
    if find(seen, probes.KERNEL, r"^(\d+)$", "user id") != "0":
        message = "the account is not root, and rules and connections are shown to nobody else"
        raise NotUnderstood(message, code="not-privileged")
    version = find(seen, probes.RELEASE, r"^DISTRIB_RELEASE=['\"]?([^'\"\n]+)", "OpenWrt release")
    if not whole(text(seen, probes.RELEASE), (r"^end of release$",)):
        raise NotUnderstood(f"the answer to '{probes.RELEASE.text}' is not whole")
    named = re.search(r"^DISTRIB_DESCRIPTION=['\"]?([^'\"\n]+)", text(seen, probes.RELEASE), re.MULTILINE)
    major, minor = release.split(".")
    return (int(major), int(minor)), version, _model(seen) or (named[1] if named else "")


def _model(seen: Transcript) -> str:
    reply = seen.get(probes.MODEL)
    return reply.text.strip() if reply and reply.ok else ""
