"""
pfSense: from its answers to facts.

pfSense has no SIP ALG and no switch for one, in any release. What alters SIP is the package siproxd, a proxy
to which pf redirects all of it. ``write_config`` stores at once in config.xml, which the next boot reads, so
there is no startup plane beside the running one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sipalg_fix.drivers._family import cut, json_object, lines, text, unread, whole
from sipalg_fix.drivers.pfsense import probes
from sipalg_fix.drivers.pfsense.advice import advice, pair
from sipalg_fix.drivers.pfsense.hallmarks import ENDED, lines_of
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import NO_PLANE, Facts, Finding, Helper, Plane, Value, off, on, together, unknown
from sipalg_fix.model.session import Command, Transcript

NO_ALG = "pfSense has no SIP ALG of its own, and the package siproxd is not "
STILL = "still there: "
"""Begins a literal setting: what runs although the proxy is not enabled."""


def parse(seen: Transcript) -> Facts:
    """What the firewall says of itself; NotUnderstood when it is no pfSense, or the account is not root."""
    version = _identity(seen)
    config = _config(seen)
    port = str((config or {}).get("port") or "5060")
    running, daemon, redirect = _running(seen, config), _daemon(seen), _redirect(seen, port)
    live = together((daemon, redirect))
    absent = _absent(seen, config, live)
    still = tuple(
        STILL + name
        for name, plane in (("daemon", daemon), ("redirect", redirect))
        if plane.value is Value.ON and running.value is Value.OFF
    )
    helper = Helper(
        name="siproxd",
        running=running,
        startup=NO_PLANE,
        operational=live,
        prior=(*_literal(config), *still),
    )
    part = pair(seen, config or {})
    return Facts(
        platform="pfsense",
        version=version,
        helpers=() if absent else (helper,),
        not_applicable=absent,
        boot_mark=boot_mark(seen),
        config=tuple(f"{key}={value}" for key, value in sorted((config or {}).items())),
        standby=part.standby,
        follows=part.follows,
        overwritten=part.overwritten,
        findings=(*_nowhere(daemon, redirect), *advice(seen, config or {}), *part.findings),
    )


def _identity(seen: Transcript) -> str:
    said = text(seen, probes.IDENTITY)
    if not whole(said, (ENDED,)):
        raise NotUnderstood("the answer to the first question is not whole")
    if not lines_of(said):
        named = said.splitlines()[0]
        raise NotUnderstood(f"this is {named}, and nothing in it names pfSense", code="wrong-platform")
    if not re.search(r"^0$", said, re.MULTILINE):
        raise NotUnderstood("the account is not admin or root", code="not-privileged")
    match = re.search(r"^version (\d+\.\d\S*)$", said, re.MULTILINE)
    if match is None:
        raise NotUnderstood("no version in /etc/version")
    return match[1]


def _config(seen: Transcript) -> Mapping[str, Any] | None:
    """What pfSense's PHP said of the configuration; None where it said nothing that is whole."""
    reply = seen.get(probes.CONFIG)
    if reply is None or not reply.ok:
        return None
    found = json_object(reply.text.strip().rpartition("\n")[2])
    return found if found is not None and "sipenable" in found and "configured" in found else None


def _running(seen: Transcript, config: Mapping[str, Any] | None) -> Plane:
    if config is None:
        return unknown(unread(seen, probes.CONFIG) or "the configuration was not shown whole")
    said = f"siproxd: sipenable is {config['sipenable']!r}"
    return on(said) if config["sipenable"] == "on" else off(said)


def _literal(config: Mapping[str, Any] | None) -> tuple[str, ...]:
    if config is None:
        return ()
    return ("sipenable absent" if config["sipenable"] is None else f"sipenable={config['sipenable']}",)


def _status(seen: Transcript, command: Command) -> str:
    """The exit status that the command itself printed last; empty for none."""
    reply = seen.get(command)
    match = re.search(r"^status (\d+)\s*\Z", reply.text, re.MULTILINE) if reply and reply.ok else None
    return match[1] if match else ""


def _daemon(seen: Transcript) -> Plane:
    match _status(seen, probes.DAEMON):
        case "0":
            return on(f"pgrep -x siproxd: {text(seen, probes.DAEMON).splitlines()[0]}")
        case "1":
            return off("no process siproxd")
        case _:
            return unknown(unread(seen, probes.DAEMON) or "whether siproxd runs was not shown")


def _redirect(seen: Transcript, port: str) -> Plane:
    """pf prints a port by its name where /etc/services has one."""
    if why := unread(seen, probes.RULES):
        return unknown(why)
    ports = "|".join({"sip", "5060", re.escape(port)})
    said = text(seen, probes.RULES)
    if found := lines(said, rf"^rdr .*\bport = (?:{ports}) .*-> 127\.0\.0\.1\b"):
        return on(*found)
    kinds = (r"^(?:nat|no nat|rdr|no rdr|binat|rdr-anchor|nat-anchor|rdr pass)\b", r"^end of rules\s*\Z")
    return off("pf: no redirect of SIP to the firewall") if whole(said, kinds) else cut(probes.RULES)


def _nowhere(daemon: Plane, redirect: Plane) -> tuple[Finding, ...]:
    if daemon.value is not Value.OFF or redirect.value is not Value.ON:
        return ()
    message = "pf sends all SIP to a proxy that does not run: no phone behind this firewall can register"
    return (Finding(code="redirect-to-nowhere", message=message),)


def _absent(seen: Transcript, config: Mapping[str, Any] | None, live: Plane) -> str:
    """Why there is nothing to speak of: no package, or one that nobody ever set up, and nothing runs."""
    if config is None or config["sipenable"] == "on" or live.value is not Value.OFF:
        return ""
    if config.get("package") is False and _status(seen, probes.PACKAGE) == "1":
        return NO_ALG + "installed"
    return NO_ALG + "set up" if config["configured"] is False else ""


def boot_mark(seen: Transcript) -> str:
    """``booted N``, the moment of the boot; empty when it is not shown."""
    reply = seen.get(probes.BOOT)
    booted = re.search(r"\bsec = (\d+)", reply.text) if reply and reply.ok else None
    return f"booted {booted[1]}" if booted else ""
