"""
The controller's API: what each path answers, on a classic controller and below a console's prefix.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sipalg_fix.lab.twin import Request, Response
from sipalg_fix.lab.twins.unifi.sessions import Sessions, envelope, plain
from sipalg_fix.lab.twins.unifi.site import Controller, Site

PREFIX = "/proxy/network"
PAGE = b"<!doctype html><html><head><title>UniFi OS</title></head></html>\n"


def serve(controller: Controller, sessions: Sessions, request: Request) -> Response:
    """Answer one request."""
    path = request.path
    if path == "/":
        if controller.console:
            return Response(status=200, body=PAGE, headers={"Content-Type": "text/html"})
        return Response(status=302, headers={"Location": "/manage"})
    login = "/api/auth/login" if controller.console else "/api/login"
    if path == login and request.method == "POST":
        return sessions.log_in(request)
    if controller.console:
        if not path.startswith(PREFIX + "/"):
            return plain(404, {"error": {"code": 404, "message": "Not Found"}})
        path = path.removeprefix(PREFIX)
    level, refused = sessions.level(request)
    if refused is not None:
        return refused
    return sessions.rotated(request, _answer(controller, request, path, level))


def _answer(controller: Controller, request: Request, path: str, level: str) -> Response:
    if path == "/api/self/sites":
        return envelope(200, [{"name": name, "desc": name.title()} for name in controller.sites])
    match = re.fullmatch(r"/api/s/([^/]+)/(.+)", path)
    if match is None:
        return envelope(404, msg="api.err.NotFound")
    site = controller.sites.get(match[1])
    if site is None:
        return envelope(401, msg="api.err.NoSiteContext")
    if request.method == "GET":
        return _shown(controller, site, match[2])
    switches = controller.chassis.switches
    if level != "admin" or switches.refuse_writes:
        return envelope(403, msg="api.err.NoPermission")
    if switches.locked:
        return envelope(503, msg="api.err.ServerBusy")
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return envelope(400, msg="api.err.InvalidPayload")
    return _changed(controller, site, request.method, match[2], body)


def _shown(controller: Controller, site: Site, path: str) -> Response:
    """What a GET below a site gives."""
    match path.split("/"):
        case ["stat", "sysinfo"]:
            return envelope(200, [{"version": controller.version, "hostname": "unifi", "timezone": "UTC"}])
        case ["stat", "device"]:
            return envelope(200, site.devices())
        case ["stat", "device-basic"]:
            return envelope(200, site.basic())
        case ["get", "setting"]:
            return envelope(200, list(site.settings.values()))
        case ["get", "setting", key]:
            return envelope(200, [site.settings[key]] if key in site.settings else [])
        case _:
            return envelope(404, msg="api.err.NotFound")


def _changed(controller: Controller, site: Site, method: str, path: str, body: dict[str, Any]) -> Response:
    """What a PUT or POST below a site does."""
    match method, path.split("/"):
        case (("PUT" | "POST"), ["set", "setting", key]) if key in site.settings:
            return _stored(controller, site, key, body)
        case "PUT", ["rest", "setting", key, identity] if site.settings.get(key, {}).get("_id") == identity:
            return _stored(controller, site, key, body)
        case "POST", ["cmd", "devmgr"]:
            macs = body.get("macs")
            known = isinstance(macs, list) and controller.order(site, str(body.get("cmd")), macs)
            return envelope(200, []) if known else envelope(400, msg="api.err.UnknownDevice")
        case _:
            return envelope(404, msg="api.err.NotFound")


def _stored(controller: Controller, site: Site, key: str, body: dict[str, Any]) -> Response:
    switch = body.get("sip_module", False)
    if body.get("key", key) != key or not isinstance(switch, bool):
        return envelope(400, msg="api.err.InvalidPayload")
    return envelope(200, [controller.store(site, key, body)])
