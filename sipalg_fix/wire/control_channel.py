"""The control channel as the responder serves it: one session a connection, one line a message."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from sipalg_fix.wire.keeping import Keeper
from sipalg_fix.wire.limits import plain_address
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
        session = await _opened(reader, writer, sessions, peer, me)
        tell(f"session for {sessions.alias(peer)}")
        await _talk(reader, writer, sessions, session, post, keeper)
    except (NotGranted, ValueError) as error:
        writer.write(to_line(Refusal(reason=str(error))))
        tell(f"refused {sessions.alias(peer)}: {error}")
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        pass  # it left, or fell silent
    finally:
        if session is not None:
            sessions.close(session)
        writer.close()


async def _line(reader: asyncio.StreamReader, ends: float) -> Control | None:
    async with asyncio.timeout(max(0.0, ends - time.monotonic())):
        line = await reader.readline()
    return from_line(line) if line else None


async def _opened(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sessions: Sessions, peer: str, me: str
) -> Open:
    hello = await _line(reader, time.monotonic() + _HELLO_SECONDS)
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


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    sessions: Sessions,
    session: Open,
    post: Post,
    keeper: Keeper | None,
) -> None:
    for _ in range(sessions.limits.questions):
        message = await _line(reader, session.ends)
        if message is None:
            return
        if isinstance(message, Report):
            lines = [to_line(record) for record in sessions.report(session, message.since)]
            writer.write(b"".join((*lines, to_line(End(state=session.state)))))
        elif isinstance(message, Send):
            writer.write(to_line(_sent(sessions, session, message, post)))
        elif isinstance(message, Deposit):
            writer.write(to_line(_kept(keeper, message, session.peer)))
        else:
            raise NotGranted("only report, send and deposit are expected now")
        if writer.is_closing():
            return
        # A probe that asks and does not read is left when its answers do not fit any more.
        async with asyncio.timeout(max(0.0, session.ends - time.monotonic())):
            await writer.drain()


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
