"""
How OPNsense takes requests apart and puts replies together: paths, accounts, bodies, PHP's JSON.

Sources: replies recorded from OPNsense's own api.php, 2026-11; ``Router.php``, ``ApiControllerBase.php``
and ``ACL.xml`` of opnsense/core. Recorded, and worth knowing: a path is looked up before anybody asks
who wants to know; without an Authorization header everything is 404; a body is read as JSON only if
its type says so, and one that cannot be read is as good as none.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import json
import urllib.parse
from dataclasses import dataclass
from typing import Any

from sipalg_fix.lab.twin import Request, Response
from sipalg_fix.lab.twins.opnsense.box import Box

PRIVILEGES = {
    "page-all": ("*",),
    "page-services-siproxd": ("api/siproxd/*",),
    "page-system-status": ("api/core/system/status*",),
    "page-diagnostics-rebootsystem": ("api/core/system/reboot",),
    "page-system-firmware-manualupdate": ("api/core/firmware/*",),
    "page-diagnostics-configurationhistory": ("api/core/backup/*",),
    "page-status-services": ("api/core/service/*",),
    "page-status-carp": ("api/diagnostics/interface/get_vip_status",),
    "page-firewall-nat-portforward-edit": ("api/firewall/d_nat/*",),
    "page-diagnostics-showstates": (
        "api/diagnostics/firewall/query_states*",
        "api/diagnostics/firewall/kill_states*",
    ),
    "page-system-login-logout": (
        "api/diagnostics/system/system_information",
        "api/diagnostics/system/system_time",
    ),
}
"""What a key may reach, by the privileges of its user."""

SHELL = "shell"
"""The level of an account that logs in by SSH and has no API key."""

JSON = "application/json; charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request by somebody who may make it. ``parameters`` are what follows the action in the path."""

    box: Box
    request: Request
    user: str
    parameters: tuple[str, ...]

    @property
    def posted(self) -> bool:
        """Is it a POST? Whatever changes anything asks."""
        return self.request.method == "POST"

    def post(self) -> dict[str, Any]:
        """The body's values; nothing if it cannot be read."""
        return body_values(self.request)


def locate(path: str) -> tuple[tuple[str, str, str], tuple[str, ...]] | None:
    """Module, controller, action, without underscores and case, and what follows; None if it is too short."""
    words = [word for word in path.split("/") if word]
    if len(words) < 4 or words[0] != "api":
        return None
    module, controller, action = (word.replace("_", "").lower() for word in words[1:4])
    return (module, controller, action), tuple(words[4:])


def credentials(header: str) -> tuple[str, str] | None:
    """Key and secret of a Basic header; None if it is none."""
    kind, _, text = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return key, secret


def admitted(box: Box, request: Request) -> str | None:
    """The key of whoever asks, if its secret is right. An SSH account is no API key."""
    given = credentials(request.headers["authorization"])
    if given is None or not box.chassis.admits(*given):
        return None
    return given[0] if box.chassis.users[given[0]].level != SHELL else None


def may_reach(box: Box, key: str, path: str) -> bool:
    """Do the privileges of this key cover the path? They know no methods."""
    privileges = box.chassis.users[key].level.split(",")
    patterns = [pattern for name in privileges for pattern in PRIVILEGES.get(name, ())]
    return any(fnmatch.fnmatchcase(path.strip("/"), pattern) for pattern in patterns)


def is_json(request: Request) -> bool:
    """Does the type of the body say JSON?"""
    kind = request.headers.get("content-type", "").replace(" ", "").lower()
    return kind in ("application/json", "application/json;charset=utf-8")


def body_values(request: Request) -> dict[str, Any]:
    """The body as PHP has it in ``$_POST``: JSON, or a form with ``general[enabled]=1``."""
    text = request.body.decode("utf-8", "replace")
    if is_json(request):
        try:
            found = json.loads(text)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
    values: dict[str, Any] = {}
    for name, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        *outer, last = name.replace("]", "").split("[")
        place: Any = values
        for key in outer:
            place = place.setdefault(key, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[last] = value
    return values


def php_json(value: Any) -> bytes:
    """JSON as PHP writes it: no blanks, slashes escaped, nothing but ASCII."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode()


def reply(value: Any, status: int = 200) -> Response:
    """A JSON reply."""
    return Response(status=status, body=php_json(value), headers={"Content-Type": JSON})


def refusal(status: int, message: str) -> Response:
    """401, 403 and 400 have this body."""
    return reply({"status": status, "message": message}, status)


def fault(status: int, message: str) -> Response:
    """404 and 500 come from further outside, and have another."""
    return Response(status=status, body=php_json({"errorMessage": message}))
