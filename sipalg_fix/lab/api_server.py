"""
The RouterOS API on loopback: words and sentences in front of a twin that talks in lists of strings.

Source: the MikroTik manual, page "API": length coding of words, ``.tag``, the login of 6.43 and later
(name and password in one sentence) and the older one (challenge, and MD5 of a zero byte, the password
and the challenge). Two things it does not say, from published logs of routers: RouterOS 6.47 still
hands out a challenge to a bare ``/login`` and then refuses every response to it; and a command before
login is answered ``!fatal``, ``not logged in``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from sipalg_fix.lab.listener import Link, Listener
from sipalg_fix.lab.twin import HasApi

LONGEST = 1 << 20
"""Bytes in one word; a peer that announces more is hung up on."""

Sentence = list[str]


@dataclass(slots=True, kw_only=True)
class Guest:
    """Who is on the line: nobody, somebody who was challenged, or a user."""

    user: str | None = None
    challenge: str | None = None


class ApiServer:
    """
    One twin, reachable by the RouterOS API; TLS if ``tls`` is given.

    As a context manager it is started, and ``address`` is where it listens. Switches: ``slow``,
    ``half_reply``, ``garbage``, ``refuse_login``, ``hang_up``, and with TLS ``new_host_key``, which
    shows the certificate in ``other``.
    """

    def __init__(
        self,
        twin: HasApi,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        *,
        other: ssl.SSLContext | None = None,
    ) -> None:
        self._twin = twin
        self._listener = Listener(
            twin.chassis, self._converse, tls=tls, other=other, address=address, port=port
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
        guest = Guest()
        with link.wire.makefile("rb") as stream:
            while (sentence := read_sentence(stream)) is not None:
                if not sentence:
                    continue  # an empty sentence is ignored, says the manual
                welcome = guest.user is not None
                replies = self._answer(link, guest, sentence)
                data = b"".join(encode(reply) for reply in replies)
                if not self._listener.deliver(link, data, welcome=welcome):
                    return
                if replies[-1][0] == "!fatal":
                    return

    def _answer(self, link: Link, guest: Guest, sentence: Sentence) -> list[Sentence]:
        tags = [word for word in sentence if word.startswith(".tag=")]
        words = [word for word in sentence if not word.startswith(".tag=")]
        command = words[0] if words else ""
        with self._twin.chassis.lock:
            link.check()
            if command == "/login":
                replies = self._login(guest, words)
            elif command == "/quit":
                replies = [["!fatal", "session terminated on request"]]
            elif guest.user is None:
                replies = [["!fatal", "not logged in"]]
            else:
                replies = self._twin.talk(guest.user, words)
        return [[*reply, *tags] for reply in replies]

    def _login(self, guest: Guest, words: Sentence) -> list[Sentence]:
        given = dict(word[1:].partition("=")[::2] for word in words[1:] if word.startswith("="))
        name = given.get("name", "")
        if "response" in given:
            good = self._twin.old_login and self._responds(guest, name, given["response"])
        elif self._twin.old_login or "name" not in given:
            guest.challenge = secrets.token_hex(16)
            return [["!done", f"=ret={guest.challenge}"]]
        else:
            good = self._twin.chassis.admits(name, given.get("password", ""))
        if not good:
            reason = "cannot log in" if self._twin.old_login else "invalid user name or password (6)"
            return [["!trap", f"=message={reason}"], ["!done"]]
        # The password is right; whether this user may come in by this door is for the twin to say.
        verdict = self._twin.talk(name, ["/login"])
        if verdict[0][0] == "!done":
            guest.user = name
        return verdict

    def _responds(self, guest: Guest, name: str, response: str) -> bool:
        """Is this the right answer to the challenge? Each challenge is good for one answer."""
        challenge, guest.challenge = guest.challenge, None
        known = self._twin.chassis.users.get(name)
        if challenge is None or known is None:
            return False
        digest = hashlib.md5(
            b"\0" + known.password.encode() + bytes.fromhex(challenge), usedforsecurity=False
        )
        right = hmac.compare_digest(f"00{digest.hexdigest()}", response)
        return right and self._twin.chassis.admits(name, known.password)


def encode_length(length: int) -> bytes:
    """The length of a word in one to five bytes: the number of leading ones tells how many follow."""
    for size, mark in ((1, 0x00), (2, 0x80), (3, 0xC0), (4, 0xE0)):
        if length < 1 << (7 * size):
            return (length | mark << 8 * (size - 1)).to_bytes(size, "big")
    return b"\xf0" + length.to_bytes(4, "big")


def encode(sentence: Iterable[str]) -> bytes:
    """A sentence as bytes, with the empty word that ends it."""
    words = [word.encode("utf-8", "surrogateescape") for word in sentence]
    return b"".join(encode_length(len(word)) + word for word in words) + b"\0"


def read_sentence(stream: BinaryIO) -> Sentence | None:
    """The next sentence; None when the peer has gone, or sends what is no sentence."""
    words: Sentence = []
    while (word := _read_word(stream)) is not None:
        if not word:
            return words
        words.append(word.decode("utf-8", "surrogateescape"))
    return None


def _read_word(stream: BinaryIO) -> bytes | None:
    first = stream.read(1)
    if not first or first[0] >= 0xF8:  # reserved control bytes, which nothing uses yet
        return None
    more = next(n for n, top in enumerate((0x80, 0xC0, 0xE0, 0xF0, 0xF8)) if first[0] < top)
    rest = stream.read(more)
    value = first[0] & (0x7F >> more) if more else first[0]
    length = int.from_bytes(bytes([value]) + rest, "big")
    if len(rest) < more or length > LONGEST:
        return None
    word = stream.read(length)
    return word if len(word) == length else None
