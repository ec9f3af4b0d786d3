"""
The door of the package pfSense-pkg-RESTAPI 2: its command prompt, and who may use it.

Sources: its documentation (Authentication and Authorization) and its code (Auth.inc, Endpoint.inc,
Command.inc, StringField.inc). A line is given to ``exec`` of PHP with `` 2>&1`` behind it: one array item a
line, with the blanks at its end taken off. What other commands of the line write to standard error is the web
server's.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

from sipalg_fix.lab.twin import Chassis, Exec, Request, Response

PATH = "/api/v2/diagnostics/command_prompt"
PRIVILEGES = {"admin", "page-all", "api-v2-diagnostics-command-prompt-post"}
"""admin is of the group admins, which has page-all."""
LONGEST = 1024
STATUS = {
    200: "ok",
    400: "bad request",
    401: "unauthorized",
    403: "forbidden",
    404: "not found",
    405: "method not allowed",
}


def serve(chassis: Chassis, key: str, run: Callable[[str], Exec], request: Request) -> Response:
    """One request; what it may do is settled before its body is looked at."""
    if request.path.rstrip("/") != PATH:
        return _answer(404, "ENDPOINT_NOT_FOUND", "There is nothing here.")
    user = _by_key(chassis, key, request) or _by_name(chassis, request)
    if user is None:
        return _answer(401, "AUTH_AUTHENTICATION_FAILED", "Authentication failed.")
    if not PRIVILEGES & set(chassis.users[user].level.split(",")):
        why = "Authorization failed. You do not have sufficient privileges to access this resource."
        return _answer(403, "AUTH_AUTHORIZATION_FAILED", why)
    if request.method != "POST":
        why = f"Resource at {PATH} does not support the requested HTTP method `{request.method}`"
        return _answer(405, "ENDPOINT_METHOD_NOT_ALLOWED", why)
    return _prompt(run, request)


def _by_key(chassis: Chassis, key: str, request: Request) -> str | None:
    good = key and request.headers.get("x-api-key") == key and not chassis.switches.refuse_login
    return next(iter(chassis.users)) if good else None


def _by_name(chassis: Chassis, request: Request) -> str | None:
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name if scheme.lower() == "basic" and chassis.admits(name, password) else None


def _prompt(run: Callable[[str], Exec], request: Request) -> Response:
    try:
        asked = json.loads(request.body or b"{}")
    except ValueError:
        why = "Request body could not be decoded as JSON."
        return _answer(400, "JSON_CONTENT_HANDLER_COULD_NOT_DECODE_JSON", why)
    command = asked.get("command") if isinstance(asked, dict) else None
    if not isinstance(command, str) or not command:
        return _answer(400, "MODEL_FIELD_REQUIRED", "Field `command` is required.")
    if len(command.encode()) > LONGEST:
        why = f"Field `command` exceeds the maximum character length of {LONGEST}."
        return _answer(400, "LENGTH_VALIDATOR_MAXIMUM_CONSTRAINT", why)
    done = run(f"{command} 2>&1")
    lines = done.stdout.removesuffix("\n").split("\n")
    output = "\n".join(line.rstrip() for line in lines)
    return _answer(200, "SUCCESS", "", {"output": output, "result_code": done.status})


def _answer(status: int, response_id: str, message: str, data: Any = None) -> Response:
    body = {
        "code": status,
        "status": STATUS[status],
        "response_id": response_id,
        "message": message,
        "data": [] if data is None else data,
    }
    return Response(
        status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
