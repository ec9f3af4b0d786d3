"""
The door of REST, on 7 and later: HTTP requests in, JSON out, everything else is the box's.

Source: the MikroTik manual, page "REST API". Every value is text; a menu of one item is an object, any
other a list. GET reads, PUT adds, PATCH sets, DELETE removes, and POST is any command of the console.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from sipalg_fix.lab.twin import Request, Response
from sipalg_fix.lab.twins.routeros.box import READ, Box, Refusal, Row
from sipalg_fix.lab.twins.routeros.query import matches
from sipalg_fix.lab.twins.routeros.sentences import ALONE, defaults

WORDS = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
         406: "Not Acceptable", 500: "Internal Server Error"}  # fmt: skip
VERBS = {"GET": "print", "PUT": "add", "PATCH": "set", "DELETE": "remove"}


def serve(box: Box, request: Request) -> Response:
    """One request by whoever its Basic credentials say."""
    user = _user(box, request.headers.get("authorization", ""))
    if user is None:
        denied = {"www-authenticate": 'Basic realm="RouterOS"'}
        return _json(401, {"error": 401, "message": WORDS[401]}, denied)
    if not request.path.startswith("/rest/"):
        return _error(404)
    try:
        return _obey(box, user, request)
    except Refusal as refusal:
        return _error(_status(refusal), refusal.message)
    except ValueError:
        return _error(400, "unexpected content")


def _user(box: Box, authorization: str) -> str | None:
    scheme, _, coded = authorization.partition(" ")
    try:
        name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    good = scheme.lower() == "basic" and box.chassis.admits(name, password)
    return name if good and "rest-api" in box.policies(name) else None


def _status(refusal: Refusal) -> int:
    if "no such item" in refusal.message:
        return 404
    if "no such command" in refusal.message:
        return 406
    return 500 if "permissions" in refusal.message else 400


def _obey(box: Box, user: str, request: Request) -> Response:
    path = unquote(request.path).removeprefix("/rest").rstrip("/")
    body = json.loads(request.body or b"{}")
    if not isinstance(body, dict) or not all(isinstance(value, str | list) for value in body.values()):
        raise ValueError(body)
    if request.method == "POST":
        return _command(box, user, path, body)
    verb = VERBS.get(request.method)
    if verb is None:
        return _error(405)
    menu, _, selector = path.rpartition("/")
    if path in box.menus:
        menu, selector = path, ""
    if menu not in box.menus:
        raise Refusal(f"no such command or directory ({path.rpartition('/')[2]})")
    if verb == "print":
        return _look(box, user, menu, selector, dict(parse_qsl(request.query, keep_blank_values=True)))
    return _change(box, user, (menu, verb, selector), body)


def _look(box: Box, user: str, menu: str, selector: str, query: Mapping[str, str]) -> Response:
    box.permit(box.policies(user), "read")
    wanted = query.get(".proplist", "")
    rows = list(box.shown(menu))
    if selector:
        box.pick(menu, selector)
        rows = [row for row in rows if selector in (row.get(".id"), row.get("name"))]
    tests = [f"?{name}={value}" for name, value in query.items() if not name.startswith(".")]
    shown = [_part(row, wanted) for row in rows if matches(row, tests)]
    return _json(200, shown[0] if selector or box.menus[menu].single else shown)


def _change(box: Box, user: str, what: tuple[str, str, str], values: dict[str, str]) -> Response:
    menu, verb, selector = what
    if verb not in box.menus[menu].verbs:
        raise Refusal(f"no such command or directory ({verb})")
    box.permit(box.policies(user), box.menus[menu].policy)
    if verb == "add":
        number = box.add(menu, values, defaults(box, menu, user))
        return _json(201, _shown(box, menu, number))
    row = box.menus[menu].rows[0] if box.menus[menu].single else box.pick(menu, selector)
    match verb:
        case "remove":
            box.remove(menu, row)
            return Response(status=204)
        case "enable" | "disable":
            box.set(menu, row, {"disabled": "no" if verb == "enable" else "yes"})
        case _:
            box.set(menu, row, values)
    return _json(200, _shown(box, menu, row.get(".id", "")))


def _command(box: Box, user: str, path: str, body: dict[str, Any]) -> Response:
    if path in ALONE:
        box.permit(box.policies(user), ALONE[path])
        box.reboot()
        return _json(200, [])
    menu, _, verb = path.rpartition("/")
    if menu not in box.menus or verb not in box.menus[menu].verbs:
        raise Refusal(f"no such command or directory ({verb})")
    if verb in READ:
        box.permit(box.policies(user), "read")
        wanted = body.get(".proplist", [])
        words = [f"?{word}" for word in body.get(".query", [])]
        names = wanted if isinstance(wanted, str) else ",".join(wanted)
        return _json(200, [_part(row, names) for row in box.shown(menu) if matches(row, words)])
    values = {name: text for name, text in body.items() if name not in (".id", "numbers")}
    _change(box, user, (menu, verb, body.get(".id", body.get("numbers", ""))), values)
    return _json(200, [])


def _part(row: Row, wanted: str) -> Row:
    names = [name for name in wanted.split(",") if name in row] if wanted else list(row)
    return {name: row[name] for name in sorted(names)}


def _shown(box: Box, menu: str, number: str) -> Row:
    return _part(next(row for row in box.shown(menu) if row.get(".id", "") == number), "")


def _error(status: int, detail: str = "") -> Response:
    more = {"detail": detail} if detail else {}
    return _json(status, {**more, "error": status, "message": WORDS[status]})


def _json(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(status=status, body=body, headers={"content-type": "application/json", **(headers or {})})
