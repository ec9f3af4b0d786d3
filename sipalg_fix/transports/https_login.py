"""
Which login a server wants, and what comes of it. Nothing secret is said before it is clear to what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, Protocol

import httpx

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.session import Basic, Edition, FormLogin, HttpsJson, KeyHeader
from sipalg_fix.transports.line import Credentials, Deadline, Endpoint

TOO_MANY: Final = 429
"""RFC 6585, section 4."""
NO_SUCH_PAGE: Final = (404, 405)
"""The server knows no such login: it is of another make, and whether the account is good is not said."""
WAIT_SECONDS: Final = 45.0
"""How long a server that does not say it is left alone after too many logins."""

_ROTATED: Final = "X-Updated-"
"""UniFi OS sends the next token as ``X-Updated-Csrf-Token``; it comes back as ``X-Csrf-Token``."""


class TooManyLogins(DeviceError):
    """No login is taken for now; ``seconds`` until another may be tried."""

    def __init__(self, endpoint: Endpoint, seconds: float) -> None:
        self.seconds = seconds
        what = f"takes no more logins for now (http {TOO_MANY}); none is tried for {seconds:.0f} seconds"
        super().__init__("timeout", endpoint.error("timeout", what).message)


class Send(Protocol):
    """One request and its reply, whatever its status."""

    def __call__(self, method: str, path: str, body: str, deadline: Deadline) -> httpx.Response:
        """Send it."""


class Login:
    """One login to one server. ``edition`` is what the server is, ``headers`` go with each request."""

    def __init__(self, access: HttpsJson, credentials: Credentials, pause: Callable[[float], None]) -> None:
        self._makes = (
            access.login if isinstance(access.login, tuple) else (Edition(name="", login=access.login),)
        )
        self._told = isinstance(access.login, tuple)
        self._credentials = credentials
        self._pause = pause
        self._token = ""
        self._proven = False
        self.is_stale = False
        """May a token have been made that did not reach us? Nothing is taken without the newest."""
        self.edition = self._makes[0]
        self.headers: dict[str, str] = {}

    def begin(self, endpoint: Endpoint, send: Send) -> None:
        """Find out what the server is, and log in; DeviceError when it does not let us."""
        if self._told:
            self.edition = self._chosen(endpoint, send)
        self.renew(endpoint, send)

    def renew(self, endpoint: Endpoint, send: Send) -> None:
        """Log in, perhaps once more."""
        user, password = self._credentials.username, self._credentials.password
        self._token, self._proven, self.is_stale = "", False, False
        match self.edition.login:
            case Basic():
                self.headers = dict([_basic(user, password)])
            case KeyHeader(header=header):
                if not (password.isascii() and password.isprintable()):
                    raise endpoint.error("no-secret", "needs a key in plain ASCII; this one is not")
                self.headers = {header: password}
            case FormLogin() as form:
                self._fill_in(form, endpoint, send)

    def over(self, reply: httpx.Response) -> bool:
        """Does this reply say nothing but that nobody is logged in?"""
        said = f"{reply.status_code} {reply.content.decode('utf-8', 'replace')}"
        return bool(re.search(self.edition.turned_away, said, re.DOTALL))

    def worth_renewing(self) -> bool:
        """
        A session that has worked has ended, and another one may be asked for. One that never has is not
        worth another login: each of them counts against us.
        """
        return isinstance(self.edition.login, FormLogin) and self._proven

    def worked(self) -> None:
        """A reply came that is for one who is logged in."""
        self._proven = True

    def token(self) -> dict[str, str]:
        """The header in which a form's token goes back."""
        form = self.edition.login
        return {form.csrf_header: self._token} if isinstance(form, FormLogin) and self._token else {}

    def keep_token(self, reply: httpx.Response) -> None:
        """The token that this reply brings; the next request needs the newest."""
        form = self.edition.login
        if isinstance(form, FormLogin) and (name := form.csrf_header):
            rotated = reply.headers.get(_ROTATED + re.sub("^x-", "", name, flags=re.IGNORECASE))
            self._token = rotated or reply.headers.get(name) or self._token

    def lost(self, method: str) -> None:
        """No reply came to this. Each change makes a new token, which then is not known."""
        form = self.edition.login
        has_token = isinstance(form, FormLogin) and form.csrf_header != ""
        self.is_stale = self.is_stale or (has_token and method != "GET")

    def _chosen(self, endpoint: Endpoint, send: Send) -> Edition:
        """
        As the operator says; a key is for those that take keys, a user name for the one that takes names;
        else as the server shows of itself.
        """
        wanted = endpoint.settings.login
        names = ", ".join(edition.name for edition in self._makes)
        if wanted:
            for edition in self._makes:
                if edition.name == wanted:
                    return edition
            raise endpoint.error("no-access", f"has no login {wanted!r}; there are {names}")
        if not self._credentials.username:
            for edition in self._makes:
                if isinstance(edition.login, KeyHeader):
                    return edition
        named = [edition for edition in self._makes if not isinstance(edition.login, KeyHeader)]
        if len(named) == 1:
            return named[0]
        reply = send("GET", "/", "", endpoint.deadline)
        shown = f"{reply.status_code} {reply.headers.get('Location', '')}"
        for edition in self._makes:
            if edition.shown_by and re.search(edition.shown_by, shown):
                return edition
        what = f"does not show what it is (http {shown.strip()}); say 'login:' under extras, one of {names}"
        raise endpoint.error("not-understood", what)

    def _fill_in(self, form: FormLogin, endpoint: Endpoint, send: Send) -> None:
        user = self._credentials.username
        filled = form.body.replace("<username>", _in_json(user))
        filled = filled.replace("<password>", _in_json(self._credentials.password))
        reply = send("POST", form.path, filled, endpoint.deadline)
        if reply.status_code == TOO_MANY:
            seconds = _patience(reply)
            if seconds >= endpoint.deadline.remaining:
                raise TooManyLogins(endpoint, seconds)
            self._pause(seconds)
            reply = send("POST", form.path, filled, endpoint.deadline)
        if reply.status_code == TOO_MANY:
            raise TooManyLogins(endpoint, _patience(reply))
        if reply.status_code >= 500 or reply.status_code in NO_SUCH_PAGE:
            what = f"answered the login with http {reply.status_code}"
            raise endpoint.error("not-understood", what)
        if not reply.is_success:
            raise endpoint.error("access-denied", f"refused user {user!r} (http {reply.status_code})")


def _basic(user: str, password: str) -> tuple[str, str]:
    request = next(httpx.BasicAuth(user, password).auth_flow(httpx.Request("GET", "https://localhost/")))
    return "Authorization", request.headers["Authorization"]


def _patience(reply: httpx.Response) -> float:
    """Seconds to wait, as the server says or as is usual; never so few that it would be hammered."""
    said = reply.headers.get("Retry-After", "")
    return min(max(float(said), 1.0), 600.0) if re.fullmatch(r"[0-9]{1,6}", said) else WAIT_SECONDS


def _in_json(text: str) -> str:
    """The text as it stands between the quotes of a JSON string."""
    return json.dumps(text)[1:-1]
