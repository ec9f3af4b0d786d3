"""
Network namespaces that live exactly as long as a file descriptor of this process.

Nothing gets a name and nothing is left under /run: when the descriptor is closed, or the process ends in
whatever way, the kernel removes the namespace with its interfaces, rules and tracked connections. So two
runs cannot collide, and a killed run leaves nothing behind.

Linux only; needs CAP_SYS_ADMIN, for instance inside ``unshare -Urnm``. Python 3.11 has no ``os.setns``.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_SIOCETHTOOL = 0x8946
# linux/ethtool.h: ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO
_OFFLOADS = (0x1F, 0x24, 0x2C)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _own() -> int:
    """A descriptor of the namespace the calling thread is in."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """A network namespace; :meth:`close` (or leaving ``with``) ends it. Errors are OSError."""

    def __init__(self, title: str) -> None:
        self.title = title
        home = _own()
        try:
            _checked(_libc().unshare(_CLONE_NEWNET), f"no network namespace for {title}")
            try:
                self._fd = _own()
            finally:
                _checked(_libc().setns(home, _CLONE_NEWNET), "no way back from a new network namespace")
        finally:
            os.close(home)
        self.run("ip", "link", "set", "lo", "up")

    def __enter__(self) -> Namespace:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go. The kernel removes the namespace when no process and no socket is left in it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @contextmanager
    def inside(self) -> Iterator[None]:
        """
        While this lasts, the calling thread is in the namespace.

        Sockets, processes and threads that it makes are born there and stay there. Other threads of the
        process are not moved.
        """
        home = _own()
        try:
            _checked(_libc().setns(self._fd, _CLONE_NEWNET), f"cannot enter {self.title}")
            try:
                yield
            finally:
                _checked(_libc().setns(home, _CLONE_NEWNET), f"cannot leave {self.title}")
        finally:
            os.close(home)

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        """A socket of this namespace, to be used from anywhere in this process."""
        with self.inside():
            return socket.socket(family, kind)

    def run(self, *command: str, stdin: str = "", keep: tuple[int, ...] = ()) -> str:
        """
        Standard output of a command run here. OSError, with what it said, if it fails.

        ``keep`` are descriptors that the command inherits.
        """
        with self.inside():
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, check=False, pass_fds=keep
            )
        if done.returncode != 0:
            said = done.stderr.strip() or f"exit status {done.returncode}"
            raise OSError(f"{self.title}: {' '.join(command)}: {said}")
        return done.stdout

    def sysctl(self, name: str, value: str) -> None:
        """Set a kernel parameter of this namespace, such as ``net.ipv4.ip_forward``."""
        with self.inside():
            Path("/proc/sys", *name.split(".")).write_text(value)

    def join(self, interface: str, other: Namespace, other_interface: str) -> None:
        """
        Lay a cable (a veth pair) from here to another namespace; both ends are up.

        Segmentation offloads are switched off, because with them a veth hands a message of several
        segments to the kernel's SIP code in one piece, which no wire does.
        """
        far = f"peer name {other_interface} netns /proc/self/fd/{other._fd}"
        self.run(*f"ip link add {interface} type veth {far}".split(), keep=(other._fd,))
        for side, name in ((self, interface), (other, other_interface)):
            side._plain_wire(name)
            side.run("ip", "link", "set", name, "up")

    def _plain_wire(self, interface: str) -> None:
        with self.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            for command in _OFFLOADS:
                off = ctypes.create_string_buffer(struct.pack("=II", command, 0))
                asked = struct.pack("16sP", interface.encode(), ctypes.addressof(off))
                fcntl.ioctl(control.fileno(), _SIOCETHTOOL, asked.ljust(40, b"\0"))
