"""
SIP ALGs in user space, of the kinds that consumer routers have, as small pure functions; and their relay.

Each is an imitation of what was seen of such boxes (siproxd 0.8: another Via on top, blanks in
Content-Length, non-SIP swallowed; others: what users' reports show), not of a product.
"""

from __future__ import annotations

import re
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sipalg_fix.lab.netns import Namespace

Address = tuple[str, int]
Alter = Callable[[bytes, Address, Address], bytes]
"""Bytes, the phone's address and the public one, to bytes; empty: dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meddler:
    """One kind of ALG: what it does outwards and inwards, and what it answers itself (empty: nothing)."""

    name: str
    out: Alter
    back: Alter
    answer: Alter


def _as_it_is(data: bytes, phone: Address, public: Address) -> bytes:
    del phone, public
    return data


def _nothing(data: bytes, phone: Address, public: Address) -> bytes:
    del data, phone, public
    return b""


def _split(data: bytes) -> tuple[bytes, bytes]:
    head, gap, body = data.partition(b"\r\n\r\n")
    return head + gap, body


def _is_sip(data: bytes) -> bool:
    return b"SIP/2.0" in data.partition(b"\r\n")[0]


def _full(address: Address) -> bytes:
    return f"{address[0]}:{address[1]}".encode()


def _sdp_only(data: bytes, phone: Address, public: Address) -> bytes:
    head, body = _split(data)
    body = body.replace(phone[0].encode(), public[0].encode())
    return re.sub(rb"(?m)^Content-Length: \d+", b"Content-Length: %d" % len(body), head) + body


def _via_out(data: bytes, phone: Address, public: Address) -> bytes:
    return re.sub(
        rb"(?m)^(Via: SIP/2.0/UDP )" + re.escape(_full(phone)), rb"\g<1>" + _full(public), data, count=1
    )


def _via_back(data: bytes, phone: Address, public: Address) -> bytes:
    return re.sub(
        rb"(?m)^(Via: SIP/2.0/UDP )" + re.escape(_full(public)), rb"\g<1>" + _full(phone), data, count=1
    )


def _all_out(data: bytes, phone: Address, public: Address) -> bytes:
    return data.replace(phone[0].encode(), public[0].encode())


def _all_back(data: bytes, phone: Address, public: Address) -> bytes:
    return data.replace(public[0].encode(), phone[0].encode())


def _recase(data: bytes, phone: Address, public: Address) -> bytes:
    del phone, public
    if not _is_sip(data):
        return data
    head, body = _split(data)
    return re.sub(rb"(?m)^([A-Za-z-]+):", lambda name: name[1].lower().capitalize() + b":", head) + body


def _no_rport(data: bytes, phone: Address, public: Address) -> bytes:
    del phone, public
    return data.replace(b";rport", b"")


def _no_invite(data: bytes, phone: Address, public: Address) -> bytes:
    del phone, public
    return b"" if data.startswith(b"INVITE ") else data


def _answer(data: bytes, *methods: bytes, status: bytes = b"200 OK") -> bytes:
    if not data.startswith(methods):
        return b""
    kept = [
        line
        for line in data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        if line.lower().startswith((b"via:", b"from:", b"to:", b"call-id:", b"cseq:"))
    ]
    return b"\r\n".join((b"SIP/2.0 " + status, *kept, b"Content-Length: 0", b"", b""))


def _answer_all(data: bytes, phone: Address, public: Address) -> bytes:
    del phone, public
    return _answer(data, b"OPTIONS", b"REGISTER")


def _proxy_answer(data: bytes, phone: Address, public: Address) -> bytes:
    del phone, public
    return _answer(data, b"OPTIONS") if b"\r\nMax-Forwards: 0\r\n" in data else b""


def _proxy_out(data: bytes, phone: Address, public: Address) -> bytes:
    if not _is_sip(data):
        return b""
    head, body = _split(data)
    body = body.replace(phone[0].encode(), public[0].encode())
    start, _, rest = head.partition(b"\r\n")
    rest = re.sub(rb"(?m)^Max-Forwards: 70", b"Max-forwards: 69", rest)
    rest = re.sub(rb"(?m)^Contact: <sip:100@[^>]+>", b"Contact: <sip:100@%s>" % public[0].encode(), rest)
    rest = re.sub(rb"(?m)^Content-Length: \d+", b"Content-Length:   %d" % len(body), rest)
    via = b"Via: SIP/2.0/UDP %s;branch=z9hG4bKproxy\r\n" % _full(public)
    return start + b"\r\n" + (b"" if start.startswith(b"SIP/2.0") else via) + rest + body


def _proxy_back(data: bytes, phone: Address, public: Address) -> bytes:
    del phone, public
    if not _is_sip(data):
        return b""
    if data.startswith(b"SIP/2.0"):
        return re.sub(rb"Via: [^\r\n]+;branch=z9hG4bKproxy[^\r\n]*\r\n", b"", data, count=1)
    return data


SDP_ONLY = Meddler(name="SDP only", out=_sdp_only, back=_as_it_is, answer=_nothing)
VIA_ONLY = Meddler(name="Via only, both ways", out=_via_out, back=_via_back, answer=_nothing)
REPLACE_ALL = Meddler(name="naive replace-all", out=_all_out, back=_all_back, answer=_nothing)
RECASE = Meddler(name="header re-casing", out=_recase, back=_recase, answer=_nothing)
NO_RPORT = Meddler(name="strips rport", out=_no_rport, back=_as_it_is, answer=_nothing)
ANSWERING = Meddler(name="answering", out=_as_it_is, back=_as_it_is, answer=_answer_all)
INVITE_DROPPING = Meddler(name="INVITE-dropping", out=_no_invite, back=_as_it_is, answer=_nothing)
INWARD_DROPPING = Meddler(name="drops INVITE from outside", out=_as_it_is, back=_no_invite, answer=_nothing)
PROXY = Meddler(name="siproxd-like proxy", out=_proxy_out, back=_proxy_back, answer=_proxy_answer)
PASSING = Meddler(name="passes on unaltered", out=_as_it_is, back=_as_it_is, answer=_nothing)


class MeddlerRelay:
    """A meddler on a router, between what is led to its port and one far address, until :meth:`close`."""

    def __init__(self, meddler: Meddler, router: Namespace, port: int, public: str, far: Address) -> None:
        self._meddler, self._router, self._public, self._target = meddler, router, public, far
        self._selector = selectors.DefaultSelector()
        self._clients: dict[Address, socket.socket] = {}
        self._asleep, self._waker = socket.socketpair()
        self._front = self._bound(("0.0.0.0", port))
        self._selector.register(self._front, selectors.EVENT_READ, None)
        self._selector.register(self._asleep, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> MeddlerRelay:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop, and wait until it has."""
        self._waker.send(b".")
        self._thread.join()
        for each in (self._front, self._asleep, self._waker, *self._clients.values()):
            each.close()
        self._selector.close()

    def _bound(self, address: Address) -> socket.socket:
        made = self._router.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(address)
        return made

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._asleep:
                    return
                if key.fileobj is self._front:
                    self._outward()
                else:
                    self._inward(self._clients[key.data], key.data)

    def _outward(self) -> None:
        data, phone = self._front.recvfrom(65535)
        upstream = self._clients.get(phone)
        if upstream is None:
            upstream = self._clients[phone] = self._bound((self._public, 0))
            self._selector.register(upstream, selectors.EVENT_READ, phone)
        public = upstream.getsockname()
        if answer := self._meddler.answer(data, phone, public):
            self._front.sendto(answer, phone)
        elif altered := self._meddler.out(data, phone, public):
            upstream.sendto(altered, self._target)

    def _inward(self, upstream: socket.socket, phone: Address) -> None:
        data = upstream.recv(65535)
        if altered := self._meddler.back(data, phone, upstream.getsockname()):
            self._front.sendto(altered, phone)
