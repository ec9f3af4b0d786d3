"""The control channel as a probe uses it: one connection, whose far end is known before a word is said."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING

from sipalg_fix.wire.certificate import client_context, pin_of, pinning_context
from sipalg_fix.wire.lines import Lines
from sipalg_fix.wire.protocol import (
    LINE_LIMIT,
    VERSION,
    Deposit,
    End,
    Hello,
    Kept,
    Record,
    Refusal,
    Report,
    Send,
    Sent,
    Session,
    from_line,
    to_line,
)

if TYPE_CHECKING:
    from sipalg_fix.wire.protocol import Control

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CONNECT_SECONDS = 4.2
"""Until a session stands: a few tries of TCP where packets are lost, and a whole probe in six seconds."""
AGAIN_SECONDS = 0.7
TRIES = 4
_PATIENCE = 5.0


class Unreachable(Exception):
    """No session with the responder; the text says why."""

    is_distrust = False


class NotTrusted(Unreachable):
    """The responder's certificate is not the one that it should be. Nothing was said to it."""

    is_distrust = True


class _Wire:
    """A connection over which messages go. :class:`Unreachable` when it is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self._lines = Lines(reader, writer)
        self._heard: deque[bytes] = deque()

    def say(self, *messages: Control) -> None:
        """Say something."""
        if self.writer.transport.is_closing():
            raise Unreachable("the responder closed the control connection")
        self.writer.write(b"".join([to_line(message) for message in messages]))

    async def hear(self, seconds: float = _PATIENCE) -> Control:
        """The next message."""
        try:
            if not self._heard:
                self._heard.extend(await self._lines.some(seconds))
            if not self._heard:
                raise Unreachable("the responder closed the control connection")
            return from_line(self._heard.popleft())
        except TimeoutError:
            raise Unreachable(f"the responder did not answer within {seconds:.1f} seconds") from None
        except (OSError, ValueError) as error:
            self.writer.transport.abort()
            raise Unreachable(f"the control connection broke: {_reason(error)}") from None


class ControlLine:
    """
    An open session. Several tasks may ask at the same time: answers come in the order of the questions, and
    each asker reads its own when it is its turn.
    """

    def __init__(self, wire: _Wire, session: Session, pin: str) -> None:
        self.session = session
        self.pin = pin
        self.address: str = wire.writer.get_extra_info("peername")[0]
        """The responder's address: where everything else is sent to."""
        self.own: str = wire.writer.get_extra_info("sockname")[0]
        self._wire = wire
        self._turn = asyncio.Lock()
        self._state = 0

    async def report(self) -> list[Record]:
        """
        What arrived there or changed since the last time; :class:`Unreachable` when it is gone.

        Not to be cancelled half-way: the next answer would be amiss.
        """
        self._wire.say(Report(since=self._state))
        async with self._turn:
            records: list[Record] = []
            while True:
                message = await self._wire.hear()
                if isinstance(message, End):
                    self._state = message.state
                    return records
                if not isinstance(message, Record):
                    raise Unreachable(f"the responder said {type(message).__name__} instead of a record")
                records.append(message)

    async def send(self, *wishes: Send) -> list[Sent]:
        """Have it send something; an answer for each wish. :class:`Unreachable` when it is gone."""
        # Answers are read to their end even when nobody waits for them any more, or the next would be amiss.
        work = asyncio.ensure_future(self._send(wishes))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(work)

    async def _send(self, wishes: tuple[Send, ...]) -> list[Sent]:
        self._wire.say(*wishes)
        async with self._turn:
            answers = []
            for _ in wishes:
                message = await self._wire.hear()
                if not isinstance(message, Sent):
                    raise Unreachable(f"the responder said {type(message).__name__} when asked to send")
                answers.append(message)
            return answers

    async def deposit(self, packed: str, label: str) -> str:
        """Hand a report over; why it was not kept, or nothing. :class:`Unreachable` when it is gone."""
        self._wire.say(Deposit(data=packed, label=label))
        async with self._turn:
            message = await self._wire.hear()
        if isinstance(message, Refusal):
            return f"the responder refuses: {message.reason}"
        return message.problem if isinstance(message, Kept) else "the responder takes no reports"

    def close(self) -> None:
        """End the session."""
        self._wire.writer.transport.abort()


async def connect(host: str, port: int, *, pin: str = "", authority: str = "", life: int = 30) -> ControlLine:
    """
    Open a session. ``pin`` as :func:`sipalg_fix.wire.certificate.pin_of` writes it; without one the
    certificate must be signed for ``host`` by an authority: the system's, or one of the file ``authority``.
    """
    context = pinning_context() if pin else client_context(authority)
    ends = time.monotonic() + CONNECT_SECONDS
    try:
        reader, writer = await _opened(host, port, context, ends)
    except ssl.SSLCertVerificationError as error:
        raise NotTrusted(
            f"the certificate of {host} port {port} cannot be verified ({error.verify_message}); "
            "compare the pin that the responder prints, and give it with --pin"
        ) from None
    except (OSError, ValueError) as error:
        raise Unreachable(f"{host} port {port}: {_reason(error)}") from None
    shown = pin_of(writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b"")
    try:
        if pin and shown != pin:
            raise NotTrusted(
                f"{host} port {port} shows another certificate than the pinned one: {shown}, not {pin}. "
                "Somebody may be in between, or the responder has a new certificate"
            )
        wire = _Wire(reader, writer)
        wire.say(Hello(v=VERSION, life=life))
        session = await wire.hear(max(0.5, ends - time.monotonic()))
        if isinstance(session, Refusal):
            raise Unreachable(f"the responder at {host} port {port} refuses: {session.reason}")
        if not isinstance(session, Session):
            raise Unreachable(f"{host} port {port} is no responder")
    except Unreachable:
        writer.transport.abort()
        raise
    return ControlLine(wire, session, shown)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"no TLS there ({error.reason})"
    return str(getattr(error, "strerror", None) or error) or "the connection broke"


async def _opened(host: str, port: int, context: ssl.SSLContext, ends: float) -> Streams:
    """
    The first connection that stands. TCP tries again after 1, 3 and 7 seconds only, so where packets are
    lost another connection is begun meanwhile; those that come too late are let go.
    """
    tries: list[asyncio.Task[Streams]] = []
    done: set[asyncio.Task[Streams]] = set()
    try:
        while not done and (left := ends - time.monotonic()) > 0:
            opening = asyncio.open_connection(host, port, ssl=context, limit=2 * LINE_LIMIT)
            tries.append(asyncio.ensure_future(opening))
            patience = min(left, AGAIN_SECONDS) if len(tries) < TRIES else left
            done, _ = await asyncio.wait(tries, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise OSError(f"no answer within {CONNECT_SECONDS:g} seconds")
        chosen = next((each for each in done if not each.exception()), next(iter(done)))
        tries.remove(chosen)
        return chosen.result()
    finally:
        for each in tries:
            each.add_done_callback(_let_go)
            each.cancel()


def _let_go(opened: asyncio.Task[Streams]) -> None:
    if not opened.cancelled() and not opened.exception():
        opened.result()[1].transport.abort()
