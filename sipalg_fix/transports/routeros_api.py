"""
RouterOS API: sentences of words, by the RouterOS-api package, over a connection of our own.

The package opens a TLS context and reads the CAs for each connection, checks no pin and leaves Nagle's
delay on; so it is given a connection instead, and does what it is good at: the coding of words. Source
of the protocol: the MikroTik manual, page "API".

Login is in one round (RouterOS 6.43 and later); a device that answers with a challenge is an older one,
and gets the digest it asks for. The first round holds the password: over TLS only the device that was
made sure of can read it; with ``plain``, which is for a host to say, whoever is in between can, too.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
from collections.abc import Iterable
from typing import Any, Final

from routeros_api.base_api import Connection
from routeros_api.exceptions import RouterOsApiError
from routeros_api.sentence import ResponseSentence

from sipalg_fix.model.session import Command
from sipalg_fix.transports.line import MOST, Credentials, Deadline, Endpoint, Said
from sipalg_fix.transports.sockets import dial, hang_up
from sipalg_fix.transports.ssh_keys import KeyStore
from sipalg_fix.transports.tls import receive, secure, send

END: Final = b"\x00"
"""The empty word that ends a sentence, as it is coded."""

_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD: Final = re.compile(rf'(?:[^\s"]|{_QUOTED.pattern}|")+')

Row = dict[str, str]


class ApiLine:
    """An open connection, logged in."""

    def __init__(self, endpoint: Endpoint, keys: KeyStore, credentials: Credentials) -> None:
        self._endpoint = endpoint
        sock = dial(endpoint) if endpoint.settings.plain else secure(endpoint, keys)
        self._wire = _Wire(endpoint, sock)
        self._connection: Any = Connection(self._wire)
        try:
            self._log_in(credentials)
        except BaseException:
            self.close()
            raise

    def say(self, command: Command) -> Said:
        """
        Send one sentence (:func:`words`). Each row of the answer is a line of JSON with sorted keys, and so
        is what ``!done`` brings: a value, or ``.tag`` where the sentence had one. A ``!trap`` is the status
        ``trap`` and its message.
        """
        self._wire.deadline = self._endpoint.deadline.sooner(command.seconds)
        rows, done, traps = self._talk(words(command.text))
        if traps:
            return Said(text="\n".join(traps), status="trap")
        return Said(text="\n".join(json.dumps(row, sort_keys=True) for row in (*rows, done) if row))

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    def _log_in(self, credentials: Credentials) -> None:
        name = f"=name={credentials.username}"
        _, done, traps = self._talk(["/login", name, f"=password={credentials.password}"])
        if not traps and "ret" in done:
            try:
                challenge = bytes.fromhex(done["ret"])
            except ValueError:
                raise self._endpoint.error("not-understood", "sent a challenge that is not hex") from None
            digest = hashlib.md5(b"\0" + credentials.password.encode() + challenge, usedforsecurity=False)
            _, _, traps = self._talk(["/login", name, f"=response=00{digest.hexdigest()}"])
        if traps:
            what = f"refused user {credentials.username!r} with this password: {traps[0]}"
            raise self._endpoint.error("access-denied", what)

    def _talk(self, words: Iterable[str]) -> tuple[list[Row], Row, list[str]]:
        """One sentence and its answer: rows, what came with ``!done``, messages of traps."""
        rows, traps = list[Row](), list[str]()
        try:
            self._connection.send_sentence([word.encode() for word in words])
            while True:
                sentence = self._connection.receive_sentence()
                if sentence[:1] == [b"!fatal"]:
                    said = b" ".join(sentence[1:]).decode("utf-8", "replace")
                    raise self._endpoint.lost(f"with the words {said!r}")
                reply = ResponseSentence.parse(sentence)
                row = {_text(key): _text(value) for key, value in reply.attributes.items()}
                if reply.type == b"done":
                    row |= {} if reply.tag is None else {".tag": _text(reply.tag)}
                    return rows, row, traps
                if reply.type == b"trap":
                    traps.append(row.get("message", "no message"))
                elif reply.type == b"re":
                    rows.append(row)
        except (RouterOsApiError, IndexError, TypeError):
            # Malformed lengths, words and sentences; the package's own words quote what was sent.
            raise self._endpoint.error("not-understood", "does not answer as the RouterOS API does") from None


class _Wire:
    """
    What the package wants of a socket. A sentence goes out in one piece, and bytes come in as many as
    there are; the package would ask the kernel word by word and byte by byte.
    """

    def __init__(self, endpoint: Endpoint, sock: socket.socket) -> None:
        self.deadline: Deadline = endpoint.deadline
        self._endpoint = endpoint
        self._sock = sock
        self._out = bytearray()
        self._in = bytearray()
        self._received = 0

    def send(self, word: bytes) -> None:
        """One coded word."""
        self._out += word
        if word == END:
            data, self._out = bytes(self._out), bytearray()
            self._received = 0
            send(self._endpoint, self._sock, data, self.deadline)

    def receive(self, length: int) -> bytes:
        """At least one byte and at most so many."""
        if not self._in:
            self._in += receive(self._endpoint, self._sock, 65536, self.deadline)
            self._received += len(self._in)
            if not self._in:
                raise self._endpoint.lost("before it had answered")
        if max(length, self._received) > MOST:
            raise self._endpoint.error("not-understood", f"answers with more than {MOST >> 20} MiB")
        data = bytes(self._in[:length])
        del self._in[:length]
        return data

    def close(self) -> None:
        """Hang up."""
        hang_up(self._sock)


def words(command: str) -> list[str]:
    """
    The words of a sentence. One that holds blanks has them in quotes, as the router's own console writes
    values: ``=on-event="/system reboot"``, with a backslash before a quote or a backslash.
    """
    found = (match[0] for match in _WORD.finditer(command))
    return [_QUOTED.sub(lambda part: re.sub(r"\\(.)", r"\1", part[1]), word) for word in found]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
