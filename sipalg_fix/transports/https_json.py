"""
HTTPS that speaks JSON: by httpx, over connections of our own.

httpx knows no pin, and its timeouts are for one read each, so that a device that sends a byte now and
then would never time out. Its transport is therefore put together here: the device is made sure of on
the connection that will carry the login, and one deadline counts for everything.
"""

from __future__ import annotations

import re
import select
import ssl
import time
import typing
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote

import httpcore
import httpx

from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.session import Command, HttpsJson
from sipalg_fix.transports.https_login import Login
from sipalg_fix.transports.line import MOST, Credentials, Deadline, Endpoint, Said, hush
from sipalg_fix.transports.sockets import hang_up
from sipalg_fix.transports.ssh_keys import KeyStore
from sipalg_fix.transports.tls import receive, secure, send

_COMMAND: Final = re.compile(r"([A-Z]+) ((?:<prefix>)?/[^ ]*)(?: (.*))?", re.DOTALL)


class HttpsLine:
    """
    A logged-in client. Redirects are replies, proxies and .netrc of the environment do not count.

    One that several hosts share is told by ``serve`` for which of them the next commands are.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        access: HttpsJson,
        keys: KeyStore,
        credentials: Credentials,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        hush("httpx", "httpcore")
        self._endpoint = endpoint
        self._site = access.site
        self._transport = _Transport(endpoint, keys)
        self._login = Login(access, credentials, pause)
        self._client = httpx.Client(
            transport=self._transport,
            trust_env=False,
            follow_redirects=False,
            headers={
                "User-Agent": "sipalg-fix",
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # a small reply must not unfold into a large one
            },
        )
        try:
            self._login.begin(endpoint, self._send)
        except BaseException:
            self.close()
            raise

    def serve(self, endpoint: Endpoint) -> None:
        """Speak for this host of the same server from now on, until its deadline."""
        self._endpoint = self._transport.endpoint = endpoint

    def say(self, command: Command) -> Said:
        """
        ``METHOD /path`` and perhaps a body. The text is the reply's body; the status ``http NNN``.

        A session that has ended meanwhile is begun again, once: a request that was turned away for it was
        not looked at, so that it can be sent again.
        """
        parts = _COMMAND.fullmatch(command.text)
        if parts is None:
            raise self._endpoint.error("internal", f"cannot be asked {command.text!r}: not METHOD /path body")
        request = (parts[1], self._path(parts[2]), parts[3] or "")
        deadline = self._endpoint.deadline.sooner(command.seconds)
        if self._login.is_stale:
            self._renew()
        reply = self._send(*request, deadline)
        if self._login.over(reply) and self._login.worth_renewing():
            self._renew()
            reply = self._send(*request, deadline)
        if self._login.over(reply):
            what = f"does not accept this login (http {reply.status_code})"
            raise self._endpoint.error("access-denied", what)
        self._login.worked()
        return Said(text=_text(reply), status=f"http {reply.status_code}")

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _renew(self) -> None:
        self._client.cookies.clear()
        self._login.renew(self._endpoint, self._send)

    def _path(self, path: str) -> str:
        """The path on this server, for this host. A body is left as it is: a device's words may be in it."""
        site = self._endpoint.settings.controller_site or self._site
        return path.replace("<prefix>", self._login.edition.prefix).replace("<site>", quote(site, safe=""))

    def _send(self, method: str, path: str, body: str, deadline: Deadline) -> httpx.Response:
        """One request, whatever comes of it. A form's token goes with it, and the next one is kept."""
        self._transport.deadline = deadline
        headers = {"Content-Type": "application/json"} if body else {}
        url = httpx.URL(
            scheme="https", host=self._endpoint.address, port=self._endpoint.port, raw_path=path.encode()
        )
        headers |= self._login.headers | self._login.token()
        try:
            reply = self._client.request(method, url, content=body.encode() or None, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, DeviceError) as error:
            self._login.lost(method)
            if isinstance(error, DeviceError):
                raise
            raise self._endpoint.error("not-understood", "does not answer with HTTP") from None
        self._login.keep_token(reply)
        return reply


class _Transport(httpx.BaseTransport):
    """
    httpx's requests over httpcore's connections over our sockets. ``endpoint`` is whom the present request
    is for, ``deadline`` when it must be answered.
    """

    def __init__(self, endpoint: Endpoint, keys: KeyStore) -> None:
        self.deadline = endpoint.deadline
        self.endpoint = endpoint
        self._pool = httpcore.ConnectionPool(
            network_backend=_Network(self, keys), max_connections=1, http2=False, retries=0
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request and its whole reply; DeviceError, but for httpx's own."""
        assert isinstance(request.stream, httpx.SyncByteStream)
        # To httpcore this is plain HTTP: what is below it is secure, or there is no connection at all.
        url = httpcore.URL(
            scheme=b"http", host=request.url.raw_host, port=self.endpoint.port, target=request.url.raw_path
        )
        ours = httpcore.Request(
            method=request.method, url=url, headers=request.headers.raw, content=request.stream
        )
        try:
            reply = self._pool.handle_request(ours)
            try:
                content = self._read(typing.cast("Iterable[bytes]", reply.stream))
            finally:
                reply.close()
        except httpcore.RemoteProtocolError as error:
            if "without" in str(error):  # "disconnected without sending a response", "closed without …"
                raise self.endpoint.lost("before it had answered") from None
            raise self.endpoint.error("not-understood", "does not answer with HTTP") from None
        except httpcore.LocalProtocolError:
            raise self.endpoint.error("not-understood", "cannot be asked this in valid HTTP") from None
        except (httpcore.NetworkError, httpcore.TimeoutException):
            raise self.endpoint.lost("before it had answered") from None
        # Not decoded: no encoding was asked for.
        headers = [(name, value) for name, value in reply.headers if name.lower() != b"content-encoding"]
        return httpx.Response(reply.status, headers=headers, content=content, request=request)

    def _read(self, stream: Iterable[bytes]) -> bytes:
        content = bytearray()
        for part in stream:
            content += part
            if len(content) > MOST:
                raise self.endpoint.error("not-understood", f"answered with more than {MOST >> 20} MiB")
        return bytes(content)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Network(httpcore.NetworkBackend):
    """What httpcore wants of a network: here, a connection that is secure from its first byte."""

    def __init__(self, transport: _Transport, keys: KeyStore) -> None:
        self._transport = transport
        self._keys = keys

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """To our endpoint, whatever the URL: there is no other that we may talk to."""
        del host, port, timeout, local_address, socket_options
        return _Stream(self._transport, secure(self._transport.endpoint, self._keys))


class _Stream(httpcore.NetworkStream):
    """One connection."""

    def __init__(self, transport: _Transport, sock: ssl.SSLSocket) -> None:
        self._transport = transport
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes; empty at the end."""
        del timeout
        return receive(self._transport.endpoint, self._sock, max_bytes, self._transport.deadline)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of them."""
        del timeout
        send(self._transport.endpoint, self._sock, buffer, self._transport.deadline)

    def close(self) -> None:
        """Hang up."""
        hang_up(self._sock)

    def get_extra_info(self, info: str) -> Any:
        """Whether the peer has closed (or spoken out of turn), so that no request is lost on it."""
        if info != "is_readable":
            return None
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(0))


def _text(reply: httpx.Response) -> str:
    """The body; JSON is UTF-8 (RFC 8259), and anything else is told as well as it can be."""
    return reply.content.decode("utf-8", "replace")
