"""
Terminal: the bytes of one interactive SSH session, waited for and never polled.
"""

from __future__ import annotations

import codecs
from typing import Final

import paramiko

from sipalg_fix.transports.line import MOST, Deadline, Endpoint
from sipalg_fix.transports.screen import render

QUIET_SECONDS: Final = 0.08
"""How long nothing may follow what looks like a prompt that was not seen before, or like a question."""

TAIL: Final = 4096
"""Characters at the end of what came in which prompts and questions are looked for."""


class Terminal:
    """What one session has shown since it was last wiped, as it came (``raw``)."""

    def __init__(self, endpoint: Endpoint, channel: paramiko.Channel, newline: str = "\n") -> None:
        self._endpoint = endpoint
        self._channel = channel
        self._newline = newline
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.raw = ""

    def wipe(self) -> None:
        """Forget what was shown."""
        self.raw = ""

    def tail(self, since: int) -> str:
        """The end of what was shown after this place in ``raw``, as a person would see it."""
        return render(self.raw[max(since, len(self.raw) - TAIL) :])

    def type(self, text: str, deadline: Deadline, *, enter: bool = True) -> None:
        """Send keys, and Enter after them."""
        try:
            self._channel.settimeout(deadline.left(self._endpoint))
            self._channel.sendall((text + (self._newline if enter else "")).encode())
        except TimeoutError:
            raise deadline.missed(self._endpoint) from None
        except (OSError, EOFError, paramiko.SSHException):
            raise self._endpoint.lost("before it had heard the command") from None

    def more(self, deadline: Deadline) -> None:
        """Wait until something more is shown; DeviceError ``timeout`` or ``connection-lost``."""
        if not self._receive(deadline.left(self._endpoint)):
            raise deadline.missed(self._endpoint)

    def still(self, seconds: float = QUIET_SECONDS) -> bool:
        """Does nothing more come for so long? If something does, it is there when this returns."""
        return not self._receive(seconds)

    def _receive(self, seconds: float) -> bool:
        self._channel.settimeout(seconds)
        try:
            data = self._channel.recv(65536)
        except TimeoutError:
            return False
        except (OSError, EOFError, paramiko.SSHException):
            data = b""
        if not data:
            raise self._endpoint.lost("before it had answered")
        self.raw += self._decode(data)
        if len(self.raw) > MOST:
            raise self._endpoint.error("not-understood", f"answered with more than {MOST >> 20} MiB")
        return True
