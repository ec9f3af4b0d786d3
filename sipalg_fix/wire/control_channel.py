"""The control channel as the responder serves it: one session a connection, one line a message."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from sipalg_fix.wire.keeping import Keeper
from sipalg_fix.wire.limits import plain_address
from sipalg_fix.wire.lines import Lines
from sipalg_fix.wire.protocol import (
    VERSION,
    Deposit,
    End,
    Hello,
    Kept,
    Refusal,
    Report,
    Send,
    Sent,
    Session,
    from_line,
    to_line,
)
from sipalg_fix.wire.sessions import NotGranted, Open, Parcel, Sessions

if TYPE_CHECKING:
    from sipalg_fix.wire.protocol import Control

_HELLO_SECONDS = 5.0
_TOGETHER = 8192
"""Bytes of answers that wait for no more: a probe reads a report while what it asked for next is sent."""

Post = Callable[[Parcel], bool]


async def serve_control(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    sessions: Sessions,
    post: Post,
    tell: Callable[[str], None],
    keeper: Keeper | None = None,
) -> None:
    """Talk with one probe until it leaves, errs, or its session ends."""
    peer = plain_address(writer.get_extra_info("peername")[0])
    me = plain_address(writer.get_extra_info("sockname")[0])
    session: Open | None = None
    try:
        lines = Lines(reader, writer)
        session = await _opened(lines, writer, sessions, peer, me)
        tell(f"session for {sessions.alias(peer)}")
        await _Talk(sessions, session, post, keeper).serve(lines, writer)
    except (NotGranted, ValueError) as error:
        writer.write(to_line(Refusal(reason=str(error))))
        tell(f"refused {sessions.alias(peer)}: {error}")
    except (OSError, TimeoutError):
        pass  # it left, or fell silent
    finally:
        if session is not None:
            sessions.close(session)
        writer.close()


async def _opened(lines: Lines, writer: asyncio.StreamWriter, sessions: Sessions, peer: str, me: str) -> Open:
    first = await lines.some(_HELLO_SECONDS)
    hello = from_line(first[0]) if len(first) == 1 else None
    if not isinstance(hello, Hello):
        raise NotGranted("hello is expected first")
    if hello.v != VERSION:
        raise NotGranted(f"this responder speaks version {VERSION} of the protocol")
    session = sessions.open(peer, me, hello.life, time.monotonic())
    granted = Session(
        sid=session.sid,
        key=session.key.hex(),
        address=peer,
        me=me,
        sip_port=sessions.ports.sip,
        tls_port=sessions.ports.tls,
        other_port=session.other_port,
        life=round(session.ends - time.monotonic()),
    )
    writer.write(to_line(granted))
    return session


class _Talk:
    """What is said to one probe once it has a session."""

    def __init__(self, sessions: Sessions, session: Open, post: Post, keeper: Keeper | None) -> None:
        self._sessions, self._session, self._post, self._keeper = sessions, session, post, keeper

    async def serve(self, lines: Lines, writer: asyncio.StreamWriter) -> None:
        """Until it leaves, or has asked enough. Answers to what came together go together."""
        left = self._sessions.limits.questions
        while left > 0 and (asked := await lines.some(self._session.ends - time.monotonic())):
            said: list[bytes] = []
            for place, line in enumerate(asked[:left]):
                said += self._answer(from_line(line))
                if place + 1 < len(asked[:left]) and sum(map(len, said)) < _TOGETHER:
                    continue
                writer.write(b"".join(said))
                said.clear()
                if writer.is_closing():
                    return
                # A probe that asks and does not read is left when its answers do not fit any more.
                async with asyncio.timeout(max(0.0, self._session.ends - time.monotonic())):
                    await writer.drain()
            left -= len(asked)

    def _answer(self, message: Control) -> list[bytes]:
        if isinstance(message, Report):
            lines = [to_line(record) for record in self._sessions.report(self._session, message.since)]
            return [*lines, to_line(End(state=self._session.state))]
        if isinstance(message, Send):
            return [to_line(_sent(self._sessions, self._session, message, self._post))]
        if isinstance(message, Deposit):
            return [to_line(_kept(self._keeper, message, self._session.peer))]
        raise NotGranted("only report, send and deposit are expected now")


def _kept(keeper: Keeper | None, message: Deposit, peer: str) -> Kept:
    if keeper is None:
        return Kept(problem="this responder takes no reports")
    try:
        keeper.keep(message.data, message.label, peer, time.monotonic())
    except NotGranted as error:
        return Kept(problem=str(error))
    return Kept()


def _sent(sessions: Sessions, session: Open, wish: Send, post: Post) -> Sent:
    try:
        parcel = sessions.request(session, wish, time.monotonic())
    except NotGranted as error:
        return Sent(problem=str(error))
    if not post(parcel):
        return Sent(problem="the connection is gone")
    return Sent(data=b64encode(parcel.data).decode(), copies=parcel.copies)
