"""
Who may ask a controller what: logins with their cookies and tokens, keys, and how many logins are too many.

Sources: go-unifi and UniFi-API-client (paths, cookies, headers, X-Updated-Csrf-Token); what a client is told
when it is turned away, as its issues quote it.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from sipalg_fix.lab.twin import Chassis, Request, Response

WINDOW = 45.0
"""Seconds in which logins are counted."""


def envelope(status: int, data: list[Any] | None = None, msg: str = "") -> Response:
    """A reply of the Network application."""
    meta = {"rc": "error", "msg": msg} if msg else {"rc": "ok"}
    return plain(status, {"meta": meta, "data": data or []})


def plain(status: int, body: Any, **headers: str) -> Response:
    """A reply in JSON."""
    text = json.dumps(body, separators=(",", ":")).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status=status, body=text, headers={"Content-Type": "application/json;charset=UTF-8"} | named
    )


@dataclass(slots=True, kw_only=True)
class Sessions:
    """``count`` is how often somebody tried to log in; ``limit`` how often within the window, 0 for any."""

    chassis: Chassis
    console: bool
    key: str = ""
    limit: int = 0
    count: int = 0
    expire_after: int = 0
    """After so many requests a session has ended; 0 for never."""
    _open: dict[str, tuple[str, str]] = field(default_factory=dict)
    """User and present token, by cookie."""
    _asked: dict[str, int] = field(default_factory=dict)
    _recent: list[float] = field(default_factory=list)

    def forget(self) -> None:
        """End every session."""
        self._open.clear()

    def log_in(self, request: Request) -> Response:
        """A login form: a session, or why there is none."""
        self.count += 1
        now = self.chassis.now
        self._recent = [at for at in self._recent if at > now - WINDOW]
        if self.limit and len(self._recent) >= self.limit:
            words = {
                "code": "AUTHENTICATION_FAILED_LIMIT_REACHED",
                "message": "You've reached the login limit",
            }
            return plain(429, words) if self.console else envelope(429, msg="api.err.LoginLimit")
        self._recent.append(now)
        try:
            given = json.loads(request.body)
            user, password = str(given["username"]), str(given["password"])
        except (ValueError, KeyError, TypeError):
            return envelope(400, msg="api.err.Invalid")
        known = self.chassis.users.get(user)
        if known is None or known.level == "shell" or not self.chassis.admits(user, password):
            words = {
                "code": "AUTHENTICATION_FAILED_INVALID_CREDENTIALS",
                "message": "Invalid username or password",
            }
            return plain(403, words) if self.console else envelope(400, msg="api.err.Invalid")
        cookie, token = uuid.uuid4().hex, uuid.uuid4().hex
        self._open[cookie] = (user, token)
        self._asked[cookie] = 0
        if self.console:
            held = f"TOKEN={cookie}; path=/; samesite=strict; secure; httponly"
            return plain(200, {"username": user}, Set_Cookie=held, X_Csrf_Token=token)
        held = f"unifises={cookie}; Path=/; Secure; HttpOnly"
        return Response(status=200, body=b'{"meta":{"rc":"ok"},"data":[]}', headers={"Set-Cookie": held})

    def level(self, request: Request) -> tuple[str, Response | None]:
        """The level of who asks, and the reply that turns away whoever may not."""
        if key := request.headers.get("x-api-key", ""):
            good = key == self.key and self.key and not self.chassis.switches.refuse_login
            return ("admin", None) if good else ("", self._nobody())
        cookie = self._cookie(request)
        known = self._open.get(cookie)
        if known is None:
            return "", self._nobody()
        self._asked[cookie] += 1
        if self.expire_after and self._asked[cookie] > self.expire_after:
            del self._open[cookie]
            return "", self._nobody()
        user, token = known
        if self.console and request.method != "GET" and request.headers.get("x-csrf-token") != token:
            return "", plain(403, {"error": {"code": 403, "message": "Invalid CSRF token"}})
        return self.chassis.users[user].level, None

    def rotated(self, request: Request, response: Response) -> Response:
        """On a console each change makes a new token, which the next one must bring."""
        cookie = self._cookie(request)
        if self.console and request.method != "GET" and cookie in self._open:
            token = uuid.uuid4().hex
            self._open[cookie] = (self._open[cookie][0], token)
            response.headers["X-Updated-Csrf-Token"] = token
        return response

    def _cookie(self, request: Request) -> str:
        name = "TOKEN" if self.console else "unifises"
        pairs = (part.strip().partition("=") for part in request.headers.get("cookie", "").split(";"))
        return next((value for key, _, value in pairs if key == name), "")

    def _nobody(self) -> Response:
        if self.console:
            return plain(401, {"error": {"code": 401, "message": "Unauthorized"}})
        return envelope(401, msg="api.err.LoginRequired")
