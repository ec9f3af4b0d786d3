"""
How a virtual router is reached on loopback by TCP or TLS: accept, hand over, misbehave, drop, stop.

The servers for the RouterOS API and for HTTPS say what is spoken; this says how connections live and
die: one thread each, all of them joined when the listener stops, and none left waiting for a peer.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sipalg_fix.lab.twin import Chassis

GARBAGE = b"\xff\xfe\x9d\x81\xc0\xaf\xf8\x00\xed\xa0\x80\xfe\xff" * 3 + b"\r\n\r\n"
"""No RouterOS word (0xFF is a reserved control byte), no HTTP status line, and no UTF-8."""

AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset and forgets what was not sent, as a box does that lost its power."""

JOIN_SECONDS = 10.0
"""How long each thread is waited for at the end."""


@dataclass(slots=True, eq=False, kw_only=True)
class Link:
    """One accepted connection. ``down`` is set when the box goes down under it."""

    wire: socket.socket
    thread: threading.Thread | None = None
    down: bool = False

    def cut(self, how: int = socket.SHUT_RDWR) -> None:
        """
        End it from any thread: whoever reads or writes on it here is woken.

        With ``SHUT_RD`` only the reader is, and the peer sees nothing but the reset when it is closed.
        """
        self.down = True
        with contextlib.suppress(OSError):  # it may be closed already, which is what we want
            self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            # Not SSLSocket.shutdown: that takes the TLS object away from the thread that is using it.
            socket.socket.shutdown(self.wire, how)

    def check(self) -> None:
        """
        ConnectionAbortedError if the box went down. Call it under the chassis lock before each answer.

        What arrived just before, or arrives after, was sent to a box that is no more.
        """
        if self.down:
            raise ConnectionAbortedError

    def starve(self) -> None:
        """Send nothing more and hear nothing more, until the peer or the listener ends it."""
        while self.wire.recv(4096):
            pass


class Listener:
    """
    A listening socket, the thread that accepts, and a thread for each connection.

    ``converse`` is called in the connection's own thread, after the TLS handshake if there is one; the
    connection ends when it returns. ``other`` is the second certificate, shown while the twin's switch
    ``new_host_key`` is on.
    """

    def __init__(
        self,
        chassis: Chassis,
        converse: Callable[[Link], None],
        *,
        tls: ssl.SSLContext | None,
        other: ssl.SSLContext | None,
        address: str,
        port: int,
    ) -> None:
        self._chassis = chassis
        self._converse = converse
        self._tls = tls
        self._other = other
        self._address = address
        self._port = port
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._links: list[Link] = []
        self._threads: list[threading.Thread] = []
        self._door: socket.socket | None = None
        self._porter: threading.Thread | None = None

    def start(self) -> tuple[str, int]:
        """Listen; the address and the port are those that clients may connect to at once."""
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        door = socket.create_server((self._address, self._port), family=family, backlog=64)
        self._door = door
        with self._chassis.lock:
            self._chassis.on_down.append(self._drop)
        self._porter = threading.Thread(target=self._accept, args=(door,), name="lab-accept", daemon=True)
        self._porter.start()
        host, port = door.getsockname()[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """
        Close everything and wait for every thread; call it without holding the chassis lock.

        RuntimeError if a thread does not end, which would be a defect of ours.
        """
        self._stopping.set()
        with self._chassis.lock, contextlib.suppress(ValueError):
            self._chassis.on_down.remove(self._drop)
        if self._door is not None:
            with contextlib.suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
            self._door.close()
        if self._porter is not None:
            self._porter.join()
        with self._guard:
            links = list(self._links)
        for link in links:
            link.cut()
        for thread in self._threads:
            thread.join(JOIN_SECONDS)
        left = [thread.name for thread in self._threads if thread.is_alive()]
        if left:
            raise RuntimeError(f"server of {self._chassis.name}: still running: {', '.join(left)}")

    def deliver(self, link: Link, reply: bytes, *, welcome: bool) -> bool:
        """
        Send a reply as the switches will have it; False means that the conversation is over.

        ``welcome`` says that the peer has logged in, which is when the box begins to hang up or to stall.
        """
        switches = self._chassis.switches
        if switches.slow:
            self._stopping.wait(switches.slow)
        if switches.garbage:
            reply = GARBAGE
        if welcome and (switches.hang_up or switches.half_reply):
            link.wire.sendall(reply[: len(reply) // 2])
            if not switches.hang_up:
                link.starve()
            return False
        link.wire.sendall(reply)
        return not link.down

    def _accept(self, door: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                wire, _ = door.accept()
            except OSError:
                # Closed by stop(), or a client that gave up while it waited in the queue.
                self._stopping.wait(0.01)
                continue
            link = Link(wire=wire)
            with self._chassis.lock:
                coming_up = self._chassis.resets > 0
                if coming_up:
                    self._chassis.resets -= 1
            if coming_up:
                link.cut(socket.SHUT_RD)
                wire.close()
                continue
            thread = threading.Thread(target=self._serve, args=(link,), name="lab-link", daemon=True)
            link.thread = thread
            with self._guard:
                self._links.append(link)
            self._threads = [old for old in self._threads if old.is_alive()] + [thread]
            thread.start()

    def _serve(self, link: Link) -> None:
        try:
            link.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._secure(link)
            self._converse(link)
        except OSError:
            # A peer that vanishes, or does not like our certificate, is an ordinary end of a
            # conversation: its own side sees it, and there is nobody here to tell.
            pass
        finally:
            with self._guard:
                self._links.remove(link)
                link.wire.close()

    def _secure(self, link: Link) -> None:
        """The TLS handshake, with the certificate that is the twin's at this moment."""
        if self._tls is None:
            return
        context = self._tls
        if self._chassis.switches.new_host_key and self._other is not None:
            context = self._other
        with self._guard:
            if link.down:
                raise ConnectionAbortedError
            secure = context.wrap_socket(link.wire, server_side=True, do_handshake_on_connect=False)
            link.wire = secure
        secure.do_handshake()

    def _drop(self) -> None:
        """The box went down. The connection that brought the command hears its reply first."""
        with self._guard:
            links = list(self._links)
        for link in links:
            link.down = True
            if link.thread is not threading.current_thread():
                link.cut(socket.SHUT_RD)
