"""
The REST API of the virtual OPNsense, one function an action, in one table.

Sources: replies recorded from OPNsense's own api.php, 2026-11 (siproxd, authentication, backup,
firmware, system); ``DNatController.php`` (26.1 and later), ``FirewallController.php`` and
``SystemController.php`` of opnsense/core for what was not recorded.

Switches: ``locked`` is a write that ends in the 500 of any unexpected error, for OPNsense has no lock
that it tells of; ``refuse_writes`` is 403; with ``save_fails`` a write says it is saved and is not.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sipalg_fix.lab.twin import Request, Response
from sipalg_fix.lab.twins.opnsense import carp, model, requests
from sipalg_fix.lab.twins.opnsense.box import Box
from sipalg_fix.lab.twins.opnsense.config import Revision, difference
from sipalg_fix.lab.twins.opnsense.pf import lockout
from sipalg_fix.lab.twins.opnsense.requests import Call

ACTION_ENDS = "\n\n"
"""What configd puts behind the outcome of an action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An action. ``stores`` changes the configuration, ``acts`` changes what runs; both ask for a POST."""

    answer: Callable[[Call], Any]
    parameters: int = 0
    stores: bool = False
    acts: bool = False
    since: tuple[int, int] = (0, 0)


def serve(box: Box, request: Request) -> Response:
    """Answer one request."""
    place = requests.locate(request.path)
    route = ROUTES.get(place[0]) if place else None
    if place is None or route is None or not _exists(box, place[0], route, place[1]):
        return requests.fault(404, "Endpoint not found")
    if "authorization" not in request.headers:
        return requests.fault(404, "Endpoint not found")
    key = requests.admitted(box, request)
    if key is None:
        return requests.refusal(401, "Authentication Failed")
    writes = request.method == "POST" and (route.stores or route.acts)
    if not requests.may_reach(box, key, request.path) or (writes and box.chassis.switches.refuse_writes):
        return requests.refusal(403, "Forbidden")
    if requests.is_json(request) and not request.body:
        return requests.refusal(400, "Invalid JSON syntax")
    if writes and route.stores and box.chassis.switches.locked:
        return requests.fault(500, "Unexpected error, check log for details")
    found = route.answer(Call(box=box, request=request, user=key, parameters=place[1]))
    return found if isinstance(found, Response) else requests.reply(found)


def _exists(box: Box, key: tuple[str, str, str], route: Route, parameters: tuple[str, ...]) -> bool:
    release = tuple(int(part) for part in box.version.split("_")[0].split(".")[:2])
    return (
        release >= route.since and len(parameters) >= route.parameters and (box.plugin or key[0] != "siproxd")
    )


# siproxd


def general_get(call: Call) -> Any:
    """The settings, with every option of a choice."""
    settings = call.box.siproxd
    return {"general": model.shown(settings)} if call.request.method == "GET" and settings else []


def general_set(call: Call) -> Any:
    """Store settings. It says ``saved`` for whatever it did not understand."""
    settings = call.box.siproxd
    if not call.posted or settings is None:
        return {"result": "failed"}
    new, faults = model.patched(settings, call.post().get("general"))
    if faults:
        return {"result": "failed", "validations": faults}
    call.box.config.settings.siproxd = new
    _save(call)
    return {"result": "saved"}


def service_status(call: Call) -> Any:
    """What the daemon is, judged by the words of its script; ``unkown`` is spelt so."""
    said = call.box.configd_run("siproxd status") or ""
    if "not running" in said:
        return {"status": "stopped" if call.box.enabled else "disabled"}
    if "is running" in said:
        return {"status": "running"}
    return {"status": "unkown" if call.box.enabled else "disabled"}


def reconfigure(call: Call) -> Any:
    """Stop, generate, and start if enabled. It says ``ok`` whatever came of it."""
    if not call.posted:
        return {"status": "failed"}
    for action in ("siproxd stop", "template reload OPNsense/Siproxd"):
        call.box.configd_run(action)
    if call.box.enabled:
        call.box.configd_run("siproxd start")
    return {"status": "ok"}


def service_action(action: str) -> Callable[[Call], Any]:
    """start, stop, restart: the outcome of the script, which is ``OK`` for a script that refused."""

    def act(call: Call) -> Any:
        if not call.posted:
            return {"response": []}
        outcome = call.box.configd_run(f"siproxd {action}")
        return {"response": None if outcome is None else outcome + ACTION_ENDS}

    return act


# core


def firmware_info(call: Call) -> Any:
    """Product and packages; a plugin that could be installed is listed too, with ``installed`` 0."""
    kernel = _package("kernel", "14.3", "FreeBSD kernel set", installed=True)
    plugins = [
        _package("os-acme-client", "4.10", "ACME Client", installed=False),
        _package(
            "os-siproxd",
            "1.3_2",
            "Siproxd is a proxy daemon for the SIP protocol",
            installed=call.box.plugin,
        ),
    ]
    product = {"product_version": call.box.version, "product_name": "OPNsense", "product_id": "opnsense"}
    return {
        "product_id": "opnsense",
        "product_version": call.box.version,
        "package": [kernel],
        "plugin": plugins,
        "changelog": [],
        "product": product,
    }


def _package(name: str, version: str, comment: str, *, installed: bool) -> dict[str, str]:
    known = {"name": name, "version": version, "comment": comment, "flatsize": "50.6KiB", "locked": "0"}
    rest = {"automatic": "0", "license": "BSD2CLAUSE", "repository": "OPNsense", "origin": f"opnsense/{name}"}
    there = str(int(installed))
    return {
        **known,
        **rest,
        "provided": "1",
        "installed": there,
        "path": f"OPNsense/{name}",
        "configured": there,
    }


def firmware_status(call: Call) -> Any:
    """A GET tells of the last check only."""
    product = {"product_version": call.box.version, "product_name": "OPNsense", "product_arch": "amd64"}
    message = "Firmware status requires to check for update first to provide more information."
    return {"product": product, "status_msg": message, "status": "none"}


def system_status(call: Call) -> Any:
    """Whether OPNsense has anything to say."""
    system = {"status": 2, "message": "No pending messages", "title": "System"}
    words = {"dialogTitle": "System Status", "dialogCloseButton": "Close"}
    return {"metadata": {"system": system, "translations": words, "subsystems": []}}


def reboot(call: Call) -> Any:
    """Only a POST reboots."""
    if not call.posted:
        return {"status": "failed"}
    call.box.configd_run("system reboot")
    return {"status": "ok"}


def firmware_reboot(call: Call) -> Any:
    """The other door to the same, with another word for no."""
    if not call.posted:
        return {"status": "failure"}
    call.box.configd_run("system reboot")
    return {"status": "ok", "msg_uuid": "4ad1e7a2-6a1b-4b8e-9f0e-3f1f6a1f2c11"}


def service_search(call: Call) -> Any:
    """The services that are enabled: a proxy that is not is not listed, whether it runs or not."""
    rows = [_service("configd", "System Configuration Daemon", running=call.box.configd)]
    if call.box.enabled:
        rows.append(_service("siproxd", "Siproxd Daemon", running=call.box.daemon.pid is not None))
    phrase = str(call.post().get("searchPhrase", "")) if call.posted else ""
    rows = [row for row in rows if phrase.lower() in f"{row['name']} {row['description']}".lower()]
    return {"total": len(rows), "rowCount": len(rows), "current": 1, "rows": rows}


def _service(name: str, title: str, *, running: bool) -> dict[str, Any]:
    return {"id": name, "locked": 0, "running": int(running), "description": title, "name": name}


# core/backup


def backups(call: Call) -> Any:
    """The copies, newest first."""
    if call.parameters[0] != "this":
        return {"items": []}
    return {"items": [_copy(revision) for revision in reversed(call.box.config.history)]}


def _copy(revision: Revision) -> dict[str, Any]:
    return {
        "time": f"{revision.time:.2f}",
        "time_iso": revision.iso,
        "description": revision.description,
        "username": revision.user,
        "filesize": len(revision.xml.encode()),
        "id": revision.id,
    }


def diff(call: Call) -> Any:
    """From the second to the first, escaped for a page."""
    newer, older = (call.box.config.find(name) for name in call.parameters[1:3])
    lines = difference(older, newer) if older and newer and call.parameters[0] == "this" else []
    return {"items": [html.escape(line) for line in lines]}


def download(call: Call) -> Any:
    """A copy as it is, secrets included; without a name the newest; nothing at all for a wrong name."""
    history = call.box.config.history
    found = call.box.config.find(call.parameters[1]) if len(call.parameters) > 1 else history[-1]
    if found is None or call.parameters[0] != "this":
        return Response(status=200, headers={"Content-Type": "text/html; charset=UTF-8"})
    name = (
        f"attachment; filename=config-{call.box.config.host}.example.net-{found.id.removeprefix('config-')}"
    )
    headers = {"Content-Type": "application/octet-stream", "Content-Disposition": name}
    return Response(status=200, body=found.xml.encode(), headers=headers)


def revert(call: Call) -> Any:
    """Take back a copy. Nothing that runs hears of it before a reconfigure or a reboot."""
    if not call.posted:
        return {"status": "failed"}
    found = call.box.config.find(call.parameters[0])
    if found is None:
        return {"status": "not_found"}
    call.box.revert(found)
    _save(call)
    return {"status": "reverted"}


# firewall, diagnostics


def forwards(call: Call) -> Any:
    """The port forwards, behind those that OPNsense makes to protect its own web interface."""
    own = [forward.row() for forward in call.box.config.settings.forwards]
    ports = ("443", "80", "22")
    rows = [lockout(number, port) for number, port in reversed(list(enumerate(ports)))]
    return {"rows": rows + own, "rowCount": len(own), "total": len(own), "current": 1}


def toggle_forward(call: Call) -> Any:
    """Disable or enable a port forward; it acts after ``apply``."""
    forward = call.box.forward(call.parameters[0])
    if not call.posted or forward is None:
        return {"result": "failed"}
    wanted = call.parameters[1] if len(call.parameters) > 1 else ""
    forward.disabled = wanted == "1" if wanted in ("0", "1") else not forward.disabled
    outcome = "Disabled" if forward.disabled else "Enabled"
    _save(call)
    return {"result": outcome}


def apply_filter(call: Call) -> Any:
    """Load the rules as they are configured now."""
    outcome = call.box.configd_run("filter reload skip_alias") if call.posted else None
    return {"status": "error" if not call.posted else outcome and outcome + ACTION_ENDS}


def query_states(call: Call) -> Any:
    """The state table, by a phrase that stands anywhere in an entry."""
    if not call.posted:
        return {"rows": [], "rowCount": 0, "total": 0, "current": 0}
    phrase = str(call.post().get("searchPhrase", "")).lower()
    rows = [state.row() for state in call.box.filter.states if phrase in state.text()]
    return {"rows": rows, "rowCount": len(rows), "total": len(rows), "current": 1}


def kill_states(call: Call) -> Any:
    """Forget the states that a phrase finds; without one, nothing."""
    phrase = str(call.post().get("filter", "")).lower() if call.posted else ""
    if not phrase:
        return {"result": "failed"}
    call.box.chassis.wrote()
    kept = [state for state in call.box.filter.states if phrase not in state.text()]
    dropped = len(call.box.filter.states) - len(kept)
    call.box.filter.states = kept
    return {"result": "ok", "dropped_states": dropped}


def system_time(call: Call) -> Any:
    """Uptime and clock."""
    chassis = call.box.chassis
    days, rest = divmod(int(chassis.uptime), 86_400)
    clock = f"{rest // 3600:02d}:{rest % 3600 // 60:02d}:{rest % 60:02d}"
    uptime = f"{days} {'days' if days > 1 else 'day'}, {clock}" if days else clock
    changed = call.box.config.history[-1].time
    return {
        "uptime": uptime,
        "datetime": _date(chassis.now),
        "config": _date(changed),
        "loadavg": "0.21, 0.18, 0.15",
    }


def _date(epoch: float) -> str:
    """PHP's ``D M j G:i:s T Y``."""
    moment = time.gmtime(epoch)
    clock = f"{moment.tm_hour}:{moment.tm_min:02d}:{moment.tm_sec:02d}"
    return time.strftime(f"%a %b {moment.tm_mday} {clock} UTC %Y", moment)


def system_information(call: Call) -> Any:
    """Name and versions."""
    versions = [f"OPNsense {call.box.version}-amd64", "FreeBSD 14.3-RELEASE-p5", "OpenSSL 3.0.18"]
    name = f"{call.box.config.host}.example.net"
    return {"name": name, "versions": versions, "updates": "Click to check for updates."}


def _save(call: Call) -> None:
    description = f"{call.request.path} made changes"
    call.box.save(f"{call.user}@127.0.0.1", call.user, description=description)


def _constant(value: Any) -> Callable[[Call], Any]:
    return lambda call: value


NO_ROWS = {"rows": [], "rowCount": 0, "total": 0, "current": 1}

ROUTES: Mapping[tuple[str, str, str], Route] = {
    ("siproxd", "general", "get"): Route(answer=general_get),
    ("siproxd", "general", "set"): Route(answer=general_set, stores=True),
    ("siproxd", "service", "status"): Route(answer=service_status),
    ("siproxd", "service", "reconfigure"): Route(answer=reconfigure, acts=True),
    ("siproxd", "service", "start"): Route(answer=service_action("start"), acts=True),
    ("siproxd", "service", "stop"): Route(answer=service_action("stop"), acts=True),
    ("siproxd", "service", "restart"): Route(answer=service_action("restart"), acts=True),
    ("siproxd", "service", "showregistrations"): Route(answer=_constant({"response": ""})),
    ("siproxd", "user", "searchuser"): Route(answer=_constant(NO_ROWS)),
    ("siproxd", "domain", "searchdomain"): Route(answer=_constant(NO_ROWS)),
    ("siproxd", "domain", "get"): Route(answer=_constant({"domain": {"domains": {"domain": []}}})),
    ("core", "firmware", "info"): Route(answer=firmware_info),
    ("core", "firmware", "status"): Route(answer=firmware_status),
    ("core", "firmware", "reboot"): Route(answer=firmware_reboot),
    ("core", "firmware", "running"): Route(answer=_constant({"status": "ready"})),
    ("core", "system", "status"): Route(answer=system_status),
    ("core", "system", "reboot"): Route(answer=reboot),
    ("core", "service", "search"): Route(answer=service_search),
    ("core", "backup", "providers"): Route(
        answer=_constant({"items": {"this": {"description": "This Firewall", "dirname": "/conf/backup"}}})
    ),
    ("core", "backup", "backups"): Route(answer=backups, parameters=1),
    ("core", "backup", "diff"): Route(answer=diff, parameters=3),
    ("core", "backup", "download"): Route(answer=download, parameters=1),
    ("core", "backup", "revertbackup"): Route(answer=revert, parameters=1, stores=True),
    ("firewall", "dnat", "searchrule"): Route(answer=forwards, since=(26, 1)),
    ("firewall", "dnat", "togglerule"): Route(
        answer=toggle_forward, parameters=1, stores=True, since=(26, 1)
    ),
    ("firewall", "dnat", "apply"): Route(answer=apply_filter, acts=True, since=(26, 1)),
    ("diagnostics", "interface", "getvipstatus"): Route(answer=lambda call: carp.by_api(call.box)),
    ("diagnostics", "firewall", "querystates"): Route(answer=query_states),
    ("diagnostics", "firewall", "killstates"): Route(answer=kill_states, acts=True),
    ("diagnostics", "system", "systemtime"): Route(answer=system_time),
    ("diagnostics", "system", "systeminformation"): Route(answer=system_information),
}
"""Every action, by module, controller and action without underscores and in lower case."""
