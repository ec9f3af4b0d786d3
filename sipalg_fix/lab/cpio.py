"""Archives in the format ``newc`` of cpio, which the Linux kernel unpacks as its first root file system."""

from __future__ import annotations

import stat
from pathlib import Path

_END = "TRAILER!!!"


class Archive:
    """Files, directories and links by absolute path; directories on the way are made. All owned by root."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._made: set[str] = {"/", ""}
        self._number = 0

    def file(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        """A file; another one of the same path, or in a later archive, replaces it."""
        self._parents(path)
        self._entry(path, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def copy(self, source: Path, path: str) -> None:
        """A file of this machine, links followed, with its mode."""
        self.file(path, source.read_bytes(), stat.S_IMODE(source.stat().st_mode))

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        self._parents(path)
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def directory(self, path: str, mode: int = 0o755) -> None:
        """A directory."""
        if path in self._made:
            return
        self._parents(path)
        self._made.add(path)
        self._entry(path, stat.S_IFDIR | mode, b"")

    def has(self, path: str) -> bool:
        """Is a directory of this path in it already?"""
        return path in self._made

    def packed(self) -> bytes:
        """The whole archive, with its end mark."""
        return bytes(self._bytes + self._record(_END, 0, b""))

    def _parents(self, path: str) -> None:
        self.directory(path.rpartition("/")[0])

    def _entry(self, path: str, mode: int, data: bytes) -> None:
        self._bytes += self._record(path.lstrip("/"), mode, data)

    def _record(self, name: str, mode: int, data: bytes) -> bytes:
        self._number += 1
        links = 2 if stat.S_ISDIR(mode) else 1
        encoded = name.encode() + b"\0"
        # c_ino, c_mode, c_uid, c_gid, c_nlink, c_mtime, c_filesize, 4 device numbers, c_namesize, c_check
        fields = (self._number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        head = b"070701" + "".join(f"{field:08X}" for field in fields).encode() + encoded
        return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
