"""
Configuration mode: which lines are known where, and what they do to the running configuration at once.

A line of the first column is understood in every mode; it leaves the block that was being edited.
"""

from __future__ import annotations

import re

from sipalg_fix.lab.twins.cisco_ios import commands
from sipalg_fix.lab.twins.cisco_ios.state import INCOMPLETE, Result, State

BLOCKS = {
    r"interface (\S.*)": "config-if",
    r"archive": "config-archive",
    r"line (con|aux|vty|console) .*": "config-line",
    r"class-map type inspect .*": "config-cmap",
    r"policy-map type inspect \S+": "config-pmap",
    r"zone-pair security .*": "config-sec-zone-pair",
    r"router \S+.*": "config-router",
}
"""Lines that open a block, and the mode they open."""

PLAIN = (
    r"hostname \S+",
    r"ip route \S+ \S+ \S+.*",
    r"ip nat inside source .*",
    r"ip nat service (?:sip|allow-sip-even-rtp-ports|skinny|ftp|rtsp).*",
    r"ip (?:domain|name-server|cef|http|forward-protocol|inspect|access-list|ssh|ftp|tftp) ?.*",
    r"(?:access-list|logging|snmp-server|ntp|username|enable|service|aaa|zone|clock|banner|file) ?.*",
)
"""Lines of the first column that stand alone."""

BELOW = {
    "config-if": r"(?:ip|description|shutdown|duplex|speed|zone-member|mtu|encapsulation|load-interval) ?.*",
    "config-archive": r"(?:path|maximum|write-memory|time-period|log) ?.*",
    "config-line": r"(?:login|transport|password|exec-timeout|logging|length|privilege|access-class) ?.*",
    "config-cmap": r"(?:match|description) .*",
    "config-pmap": r"(?:class|inspect|pass|drop|description) ?.*",
    "config-sec-zone-pair": r"service-policy .*",
    "config-router": r"\S.*",
}
SIP = re.compile(r"ip nat service sip(?: (?P<transport>\S+)(?: port(?: (?P<port>\S+))?)?)?")


def run(state: State, line: str) -> Result:
    """One line of configuration mode."""
    router = state.router
    text = " ".join(line.split())
    verb = text.split(" ")[0]
    if not text or verb.startswith("!"):
        return Result()
    if verb in ("end", "exit"):
        state.mode, state.head = ("config" if verb == "exit" and state.mode != "config" else ""), ""
        return Result()
    if verb == "do":
        return commands.run(state, text.removeprefix("do").strip())
    if router.chassis.switches.refuse_writes:
        return state.invalid()
    before = router.running.copy()
    result = _edit(state, text)
    router.edited(before, state.user)
    return result


def _edit(state: State, text: str) -> Result:
    no = text.startswith("no ")
    wanted = text.removeprefix("no ") if no else text
    if sip := SIP.fullmatch(wanted):
        return _sip(state, sip, text, no=no)
    for pattern, mode in BLOCKS.items():
        if re.fullmatch(pattern, wanted):
            return _block(state, wanted, mode, no=no)
    if state.mode != "config" and re.fullmatch(BELOW[state.mode], wanted):
        return _below(state, wanted, no=no)
    if any(re.fullmatch(pattern, wanted) for pattern in PLAIN):
        return _plain(state, wanted, no=no)
    return state.invalid(3 if no else 0)


def _sip(state: State, sip: re.Match[str], text: str, *, no: bool) -> Result:
    """The SIP service of NAT: off is a line for the usual port, on is one for any other."""
    transport, port = sip["transport"], sip["port"]
    if transport is None or port is None:
        return Result(text=INCOMPLETE)
    if transport not in ("udp", "tcp") or (transport == "tcp" and not state.router.options.knows_tcp):
        return state.invalid(text.index(f" {transport}") + 1)
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        return state.invalid(text.rindex(port))
    line = f"ip nat service sip {transport} port {port}"
    running = state.router.running
    usual = port == "5060"
    running.drop(line if no else f"no {line}")
    if no and usual:
        running.block(f"no {line}")
    elif not no and not usual:
        running.block(line)
    state.mode, state.head = "config", ""
    return Result()


def _block(state: State, wanted: str, mode: str, *, no: bool) -> Result:
    if no:
        state.router.running.drop(wanted)
        state.mode, state.head = "config", ""
        return Result()
    state.router.running.block(wanted)
    state.mode, state.head = mode, wanted
    return Result()


def _below(state: State, wanted: str, *, no: bool) -> Result:
    block = state.router.running.block(state.head)
    single = re.match(r"ip address|description|path|maximum", wanted)
    if no or single:
        gone = single[0] if single and not no else wanted
        block.below[:] = [b for b in block.below if not f"{b.strip()} ".startswith(f"{gone} ")]
    if not no and f" {wanted}" not in block.below:
        block.below.append(f" {wanted}")
    return Result()


def _plain(state: State, wanted: str, *, no: bool) -> Result:
    running = state.router.running
    if wanted.startswith("hostname "):
        running.drop("hostname")
        running.block("hostname Router" if no else wanted)
    elif no:
        running.drop(wanted)
    else:
        running.block(wanted)
    state.mode, state.head = "config", ""
    return Result()
