"""
HTTPS on loopback in front of a twin that answers requests: HTTP/1.1 with keep-alive, any method.

Source: RFC 9112. What a request means, and who may make it, is the twin's business; this reads
requests, writes replies, and misbehaves as the switches say.
"""

from __future__ import annotations

import email.utils
import http
import http.client
import ssl
from types import TracebackType
from typing import BinaryIO, Self

from sipalg_fix.lab.listener import Link, Listener
from sipalg_fix.lab.twin import HasWeb, Request, Response

LONGEST_LINE = 1 << 16
LARGEST_BODY = 1 << 24

CREDENTIALS = ("authorization", "cookie", "x-api-key")
"""Headers by which a client says who it is."""


class BadRequest(Exception):
    """What came is no HTTP request."""


class HttpsServer:
    """
    One twin, reachable by HTTPS with ``certificate``.

    As a context manager it is started, and ``address`` is where it listens. Switches: ``slow``,
    ``garbage``, ``new_host_key`` (shows the certificate in ``other``); ``half_reply`` and ``hang_up``
    spoil replies to requests that carry credentials, unless the reply is 401. ``refuse_login`` is
    looked at by the twin.
    """

    def __init__(
        self,
        twin: HasWeb,
        certificate: ssl.SSLContext,
        other: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._twin = twin
        self._listener = Listener(
            twin.chassis, self._converse, tls=certificate, other=other, address=address, port=port
        )

    def start(self) -> tuple[str, int]:
        """Listen; gives the address and port."""
        return self._listener.start()

    def stop(self) -> None:
        """Close every connection and wait for every thread."""
        self._listener.stop()

    def __enter__(self) -> Self:
        self.address = self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _converse(self, link: Link) -> None:
        with link.wire.makefile("rb") as stream:
            go_on = True
            while go_on:
                try:
                    request = self._read(link, stream)
                except BadRequest:
                    self._send(link, None, Response(status=400), last=True)
                    return
                if request is None:
                    return
                with self._twin.chassis.lock:
                    link.check()
                    response = self._twin.serve(request)
                last = "close" in request.headers.get("connection", "").lower()
                go_on = self._send(link, request, response, last=last)

    def _read(self, link: Link, stream: BinaryIO) -> Request | None:
        """The next request; None when the peer has gone."""
        line = stream.readline(LONGEST_LINE)
        if line == b"\r\n":  # an empty line before a request is to be ignored (RFC 9112, 2.2)
            line = stream.readline(LONGEST_LINE)
        if not line:
            return None
        words = line.decode("latin-1").split()
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise BadRequest
        try:
            fields = http.client.parse_headers(stream)
        except http.client.HTTPException:
            raise BadRequest from None
        headers: dict[str, str] = {}
        for name, value in fields.items():
            known = headers.get(name.lower())
            headers[name.lower()] = f"{known}, {value}" if known is not None else value
        if words[2] == "HTTP/1.0" and "keep-alive" not in headers.get("connection", "").lower():
            headers["connection"] = "close"
        if headers.get("expect", "").lower() == "100-continue":
            link.wire.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        path, _, query = words[1].partition("?")
        return Request(
            method=words[0], path=path, query=query, headers=headers, body=read_body(stream, headers)
        )

    def _send(self, link: Link, request: Request | None, response: Response, *, last: bool) -> bool:
        bare = request is not None and request.method == "HEAD"
        reply = head(response, now=self._twin.chassis.now, last=last) + (b"" if bare else response.body)
        known = request is not None and any(name in request.headers for name in CREDENTIALS)
        welcome = known and response.status != 401
        return self._listener.deliver(link, reply, welcome=welcome) and not last


def read_body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    """The body, by its announced length or in chunks; BadRequest if it is cut off or makes no sense."""
    try:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return b"".join(iter(lambda: _chunk(stream), b""))
        length = int(headers.get("content-length", "0"))
    except ValueError:
        raise BadRequest from None
    return _exactly(stream, length)


def _chunk(stream: BinaryIO) -> bytes:
    size = int(stream.readline(LONGEST_LINE).partition(b";")[0], 16)
    data = _exactly(stream, size)
    if size:
        stream.readline(LONGEST_LINE)
    else:
        http.client.parse_headers(stream)  # the trailer, mostly empty
    return data


def _exactly(stream: BinaryIO, length: int) -> bytes:
    if not 0 <= length <= LARGEST_BODY:
        raise BadRequest
    data = stream.read(length)
    if len(data) < length:
        raise BadRequest
    return data


def head(response: Response, *, now: float, last: bool) -> bytes:
    """The status line and the headers, the empty line included. The date is the twin's own."""
    try:
        phrase = http.HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    fields = {
        "Date": email.utils.formatdate(now, usegmt=True),
        **response.headers,
        "Content-Length": str(len(response.body)),
        "Connection": "close" if last else "keep-alive",
    }
    lines = [f"HTTP/1.1 {response.status} {phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")
