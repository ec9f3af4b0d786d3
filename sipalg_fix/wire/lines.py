"""The lines of a control connection, as many at once as have come: a wait costs more than a line."""

from __future__ import annotations

import asyncio

from sipalg_fix.wire.protocol import LINE_LIMIT


class Lines:
    """The lines that one end hears."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._rest = b""

    async def some(self, seconds: float) -> list[bytes]:
        """
        At least one, or none at the end of the stream. OSError when the connection breaks.

        Whoever says nothing for so long is hung up on: :class:`TimeoutError`. :class:`ValueError` for a line
        that is too long.
        """
        loop = asyncio.get_running_loop()
        late = loop.call_later(max(0.0, seconds), self._writer.transport.abort)
        try:
            while b"\n" not in self._rest:
                if len(self._rest) > LINE_LIMIT:
                    raise ValueError("the line is too long")
                more = await self._reader.read(LINE_LIMIT)
                if not more and loop.time() >= late.when():
                    raise TimeoutError
                if not more:
                    return []
                self._rest += more
        finally:
            late.cancel()
        *lines, self._rest = self._rest.split(b"\n")
        return lines
