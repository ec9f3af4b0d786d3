"""
A TCP port on loopback whose far side is a network namespace of the lab.

So a client of this process or another reaches a service behind the lab's wires without an interface or an
address being added to the machine's own network. Bytes are passed on as they come, a half-close too. What
the lab's rules drop stays dropped: the client's connection is open, and nothing comes back.
"""

from __future__ import annotations

import asyncio
import socket
import threading

from sipalg_fix.lab.netns import Namespace

_CHUNK = 65536


class Relay:
    """Listens from the start until :meth:`close`; ``port`` is chosen by the system."""

    def __init__(self, namespace: Namespace, target: tuple[str, int]) -> None:
        self._namespace = namespace
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._connections: set[asyncio.Task[None]] = set()
        listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._serve(listening),), daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening, drop every connection, and wait until that is so."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()
            self._loop.close()

    async def _serve(self, listening: socket.socket) -> None:
        server = await asyncio.start_server(self._accept, sock=listening)
        await self._stopped.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._join(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = self._namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        far.setblocking(False)
        try:
            await self._loop.sock_connect(far, self._target)
            far_reader, far_writer = await asyncio.open_connection(sock=far)
        except OSError:
            # The client sees what a real one would: the connection breaks.
            far.close()
            writer.transport.abort()
            return
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        except OSError:
            pass
        finally:
            writer.transport.abort()
            far_writer.transport.abort()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        target.write(data)
        await target.drain()
    target.write_eof()
