"""
OPNsense: from its answers to facts.

OPNsense has no SIP ALG. What alters SIP is the proxy of the plugin os-siproxd. ``set`` stores at once in
config.xml, which the next boot reads, so there is no startup plane beside the running one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sipalg_fix.drivers._family import json_object, unread
from sipalg_fix.drivers.opnsense import probes
from sipalg_fix.drivers.opnsense.guard import shell_note
from sipalg_fix.drivers.opnsense.redirects import redirects
from sipalg_fix.model.errors import NotUnderstood
from sipalg_fix.model.facts import NO_PLANE, Facts, Finding, Helper, Plane, Value, off, on, unknown
from sipalg_fix.model.session import Command, Transcript

PLUGIN = "os-siproxd"
RUNS_ON = "service=running"
"""Among the literal settings, when the daemon runs although it is not enabled."""


def parse(seen: Transcript) -> Facts:
    """What the firewall says of itself; NotUnderstood when it is no OPNsense, or shows too little."""
    general = _general(seen)
    firmware = answer(seen, probes.FIRMWARE)
    version = _version(seen, firmware)
    running = _running(seen, general)
    if not version and running.value is Value.UNKNOWN:
        raise NotUnderstood(f"neither version nor siproxd's settings could be read: {running.reason}")
    why = unread(seen, probes.FIRMWARE) or f"the answer to '{probes.FIRMWARE.text}' names no version"
    findings = [] if version else [Finding(code="version-unread", message=why)]
    absent = "" if general is not None else _absent(seen, firmware)
    operational = _operational(seen)
    prior = [f"enabled={general['enabled']}"] if general else []
    if running.value is Value.OFF and operational.value is Value.ON:
        prior.append(RUNS_ON)
    helper = Helper(
        name="siproxd", running=running, startup=NO_PLANE, operational=operational, prior=tuple(prior)
    )
    scalars = {key: value for key, value in (general or {}).items() if isinstance(value, str)}
    return Facts(
        platform="opnsense",
        version=version or "unknown",
        helpers=() if absent else (helper,),
        not_applicable=absent,
        boot_mark=boot_mark(seen),
        config=tuple(f"siproxd {key}={scalars[key]}" for key in sorted(scalars)),
        findings=(*findings, *redirects(seen, running)),
        notes=(shell_note(seen),),
    )


def answer(seen: Transcript, command: Command) -> Mapping[str, Any] | None:
    """The JSON object of an answered request, or None."""
    reply = seen.get(command)
    return json_object(reply.text) if reply is not None and reply.ok else None


def _general(seen: Transcript) -> Mapping[str, Any] | None:
    """siproxd's settings, or None; a refusal for want of privileges is the account's, and an error."""
    reply = seen.get(probes.GENERAL)
    if reply and reply.status == "http 403":
        message = "the API user lacks the privilege 'Services: Siproxd'"
        raise NotUnderstood(message, code="not-privileged")
    found = (answer(seen, probes.GENERAL) or {}).get("general")
    return found if isinstance(found, dict) and found.get("enabled") in ("0", "1") else None


def _version(seen: Transcript, firmware: Mapping[str, Any] | None) -> str:
    """The product's version, from the API or by SSH; empty when neither says."""
    said = seen.get(probes.VERSION)
    if said and said.ok and (match := probes.NAMED.match(said.text)):
        return match[1]
    if firmware is None:
        return ""
    product, version = str(firmware.get("product_id", "")), str(firmware.get("product_version", ""))
    if product and not product.lower().startswith(("opnsense", "unknown")):
        raise NotUnderstood(f"this is {product}, not OPNsense", code="wrong-platform")
    return version if re.match(r"\d+\.\d", version) else ""


def _running(seen: Transcript, general: Mapping[str, Any] | None) -> Plane:
    if general is not None:
        said = f'siproxd: "enabled":"{general["enabled"]}"'
        return on(said) if general["enabled"] == "1" else off(said)
    by_shell = seen.get(probes.ENABLED)
    if seen.get(probes.GENERAL) is None and by_shell and by_shell.ok and by_shell.text.strip() in ("0", "1"):
        said = f"{probes.ENABLED.text}: {by_shell.text.strip()}"
        return on(said) if by_shell.text.strip() == "1" else off(said)
    return unknown(unread(seen, probes.GENERAL) or "the answer holds no settings of siproxd")


def _operational(seen: Transcript) -> Plane:
    """
    Does the daemon run? ``disabled`` is said of a daemon that does not run, and of one that could not be
    asked (ServiceController.php): it counts where the backend is shown to answer.
    """
    shown = seen.get(probes.DAEMON)
    if shown and (match := re.search(r"^siproxd is (not )?running.*$", shown.text, re.MULTILINE)):
        return off(match[0]) if match[1] else on(match[0])
    said = str((answer(seen, probes.SERVICE) or {}).get("status", ""))
    words = f"siproxd service: {said}"
    match said:
        case "running":
            return on(words)
        case "stopped":
            return off(words)
        case "disabled" if "uptime" in (answer(seen, probes.TIME) or {}):
            return off(words)
        case "disabled":
            return unknown("it is called disabled; whether the backend answers could not be told")
        case "":
            return unknown(unread(seen, probes.SERVICE) or "the answer holds no status of the service")
        case _:
            return unknown(words)


def _absent(seen: Transcript, firmware: Mapping[str, Any] | None) -> str:
    """
    Why there is nothing to speak of: the API knows no such endpoint *and* the list of plugins, which must
    be that of an OPNsense, does not hold it as installed. The 404 alone is also given without a login.
    """
    reply = seen.get(probes.GENERAL)
    if reply is None or reply.status != "http 404" or "Endpoint not found" not in reply.text:
        return ""
    packages = [p for p in (firmware or {}).get("package", []) if isinstance(p, dict)]
    plugins = (firmware or {}).get("plugin")
    real = any(p.get("installed") == "1" and re.match(r"\d", str(p.get("version"))) for p in packages)
    if not real or not isinstance(plugins, list) or not _version(seen, firmware):
        return ""
    there = [p for p in plugins if not isinstance(p, dict) or p.get("name") == PLUGIN]
    if any(not isinstance(p, dict) or p.get("installed") != "0" for p in there):
        return ""
    return f"OPNsense has no SIP ALG of its own, and the plugin {PLUGIN} is not installed"


def boot_mark(seen: Transcript) -> str:
    """``uptime N`` by the API; by SSH ``booted N``, only where the API is not configured."""
    said = str((answer(seen, probes.TIME) or {}).get("uptime", ""))
    if match := re.fullmatch(r"(?:(\d+) \D+, )?(\d+):(\d\d):(\d\d)", said):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return f"uptime {((days * 24 + hours) * 60 + minutes) * 60 + seconds}"
    reply = seen.get(probes.BOOT)
    booted = re.search(r"\bsec = (\d+)", reply.text) if reply and reply.ok else None
    return f"booted {booted[1]}" if booted and seen.get(probes.TIME) is None else ""
