"""
Linux: running, startup and operational, each from its own answers.

Loaded modules are not a SIP ALG: since kernel 4.7 helpers are not attached by themselves unless the
sysctl nf_conntrack_helper says so, and since 6.0 there is no such switch; rules attach them (measured:
rewriting followed the rule, and flows begun under it went on being rewritten after it was gone).
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._family import cut, last_words, unread, whole
from sipalg_fix.drivers.linux import iptables, nft, probes
from sipalg_fix.drivers.linux.iptables import Line
from sipalg_fix.drivers.linux.nft import Rule
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import Plane, off, on, unknown
from sipalg_fix.model.session import Command, Transcript

MODULE = "nf_conntrack_sip"
SYSCTL = "net.netfilter.nf_conntrack_helper"
AUTOMATIC_ON = f"{SYSCTL} = 1"
CT_TARGET = re.compile(r'\bxt target "?CT\b|# xt_CT\b')
"""A rule made by ``iptables -j CT``, as nft shows it: without saying which helper."""


def missing(seen: Transcript, command: Command) -> bool:
    """Is the tool or file not there? The shell, or the tool that reads the file, must say so."""
    reply = seen.get(command)
    if reply is None or reply.ok:
        return False
    no_tool = reply.status == "exit 127" and "not found" in reply.text
    return no_tool or (reply.status in ("exit 1", "exit 2") and "No such file or directory" in reply.text)


def rules_of_nft(
    seen: Transcript, by_iptables: tuple[Line, ...]
) -> tuple[Plane | None, tuple[Rule, ...], tuple[Rule, ...]]:
    """
    (plane, SIP rules, all rules that are nft's own); no plane where there is no nft.

    Of a rule made by ``iptables -j CT`` nft does not say which helper it sets: iptables-save must have
    shown as many (it leaves out tables that hold chains of others).
    """
    if missing(seen, probes.NFT):
        return None, (), ()
    reply = seen.get(probes.NFT)
    if reply and "Operation not permitted" in reply.text:
        raise NotUnderstood(f"the account may not read the rules: {last_words(reply)}", code="not-privileged")
    if why := unread(seen, probes.NFT):
        return unknown(why), (), ()
    if reply is None or not whole(reply.text, (r"^end of ruleset$",)):
        return cut(probes.NFT), (), ()
    try:
        ruleset = nft.read(reply.text.rpartition("end of ruleset")[0])
    except ValueError as error:
        return unknown(f"the ruleset was not understood: {error}"), (), ()
    sets, unclear = nft.sip_rules(ruleset)
    own = nft.native(ruleset, reply.text)
    if sets:
        return on(*(rule.line for rule in sets)), sets, own
    hidden = [rule for rule in ruleset.rules if CT_TARGET.search(rule.text)]
    if unclear or len(hidden) > len([line for line in by_iptables if " -j CT" in f" {line.text}"]):
        return unknown(f"what this rule sets could not be told: {(*unclear, *hidden)[0].line}"), (), own
    return off(f"nft: {len(ruleset.rules)} rules, none sets a SIP helper"), (), own


def rules_of_iptables(seen: Transcript, command: Command, tool: str) -> tuple[Plane | None, tuple[Line, ...]]:
    """(plane, all rules) of one iptables; no plane where it is not there."""
    if missing(seen, command):
        return None, ()
    if why := unread(seen, command):
        return unknown(why), ()
    reply = seen.get(command)
    if reply is None or not whole(reply.text, (r"^end of rules$",)):
        return cut(command), ()
    try:
        rules = iptables.read(reply.text, tool)
    except ValueError as error:
        return unknown(f"'{command.text}': {error}"), ()
    if sets := iptables.sip_rules(rules):
        return on(*(rule.line for rule in sets)), rules
    return off(f"{tool}: {len(rules)} rules, none sets a SIP helper"), rules


def modules(seen: Transcript) -> frozenset[str] | None:
    """What is loaded or built in; None when the list is not whole."""
    reply = seen.get(probes.MODULES)
    if reply is None or not reply.ok or not whole(reply.text, (r"^end of modules$",)):
        return None
    return frozenset(reply.text.split())


def automatic(seen: Transcript, kernel: tuple[int, int]) -> Plane:
    """Are helpers attached without a rule?"""
    loaded = modules(seen)
    if loaded is not None and MODULE not in loaded:
        return off(f"{MODULE} is not loaded")
    reply = seen.get(probes.AUTOMATIC)
    if reply and reply.ok and re.fullmatch(r"[01]\s*", reply.text):
        said = f"{SYSCTL} = {reply.text.strip()}"
        return on(said) if said == AUTOMATIC_ON else off(said)
    if not missing(seen, probes.AUTOMATIC):
        return unknown(unread(seen, probes.AUTOMATIC) or f"'{probes.AUTOMATIC.text}' gave neither 0 nor 1")
    if kernel >= (6, 0):
        return off(f"kernel {kernel[0]}.{kernel[1]} attaches no helper without a rule")
    return unknown(f"the kernel ({kernel[0]}.{kernel[1]}) does not say whether it attaches helpers by itself")


def flows(seen: Transcript) -> Plane:
    """Connections that a SIP helper works on now; without the module there can be none."""
    reply = seen.get(probes.FLOWS)
    said = reply.text if reply else ""
    if found := re.findall(r"^.*\bhelper=sip(?:-\d+)?(?=\s|$).*$", said, re.MULTILINE):
        return on(*(line.strip() for line in found))
    if (
        reply
        and reply.ok
        and len(re.findall(r"entries have been shown", said)) == 2
        and whole(said, ("^end of flows$",))
    ):
        return off("conntrack: no connection has the helper sip")
    loaded = modules(seen)
    if loaded is not None and MODULE not in loaded:
        return off(f"{MODULE} is not loaded")
    return unknown(
        unread(seen, probes.FLOWS) or f"conntrack did not list the connections: {said.strip()[:80]}"
    )
