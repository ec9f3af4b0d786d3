"""
A file system in memory: paths, owners, modes, and the ways in which a router's flash refuses.

Contents are text; bytes that are no UTF-8 travel as surrogate escapes. Errors are OSError with the errno
that Linux gives, so that tools can print what real ones print.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

ROOT = "root"


@dataclass(slots=True, kw_only=True)
class Node:
    """A file, or a directory if ``data`` is None. ``mode`` holds the permission bits alone."""

    data: str | None
    owner: str = ROOT
    mode: int = 0o644
    changed: float = 0.0


@dataclass(slots=True, kw_only=True)
class Live:
    """A file whose contents are made when it is read, as in /proc. ``write`` takes what is written."""

    read: Callable[[], str]
    write: Callable[[str], None] | None = None
    mode: int = 0o444


def fault(number: int, path: str) -> OSError:
    """The error that Linux would give for this path."""
    return OSError(number, os.strerror(number), path)


@dataclass(slots=True, kw_only=True)
class FileSystem:
    """
    All paths are absolute and normal (:func:`absolute` makes them so).

    ``read_only`` and ``full`` hold path prefixes ("/" for everything): nothing below the first can be
    changed; below the second nothing can be stored, though a file can still be made or cut to nothing, as
    on a real full disk. What is under ``volatile`` is gone after a boot. ``wrote`` hears of every change.
    """

    now: Callable[[], float] = lambda: 0.0
    wrote: Callable[[], None] = lambda: None
    read_only: set[str] = field(default_factory=set)
    full: set[str] = field(default_factory=set)
    volatile: tuple[str, ...] = ("/tmp", "/run", "/var/run", "/var/tmp")
    live: dict[str, Live] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=lambda: {"/": Node(data=None, mode=0o755)})

    # Looking.

    def exists(self, path: str) -> bool:
        """Is there anything of this name?"""
        return path in self.nodes or path in self.live

    def is_dir(self, path: str) -> bool:
        """Is it a directory?"""
        node = self.nodes.get(path)
        return node is not None and node.data is None

    def mode(self, path: str) -> int:
        """The permission bits."""
        return self.live[path].mode if path in self.live else self._node(path).mode

    def may(self, user: str, path: str, bit: int) -> bool:
        """May the user read (4), write (2) or execute (1)? Root may all but execute what nobody may."""
        mode = self.mode(path)
        if user == ROOT:
            return bit != 1 or self.is_dir(path) or bool(mode & 0o111)
        owner = ROOT if path in self.live else self._node(path).owner
        return bool(mode >> (6 if owner == user else 0) & bit)

    def read(self, path: str, user: str = ROOT) -> str:
        """The contents of a file."""
        if path in self.live:
            if not self.may(user, path, 4):
                raise fault(errno.EACCES, path)
            return self.live[path].read()
        node = self._node(path)
        if node.data is None:
            raise fault(errno.EISDIR, path)
        if not self.may(user, path, 4):
            raise fault(errno.EACCES, path)
        return node.data

    def names(self, path: str) -> list[str]:
        """What a directory holds, sorted as the C locale sorts."""
        if not self.is_dir(path):
            raise fault(errno.ENOTDIR if self.exists(path) else errno.ENOENT, path)
        prefix = path.rstrip("/") + "/"
        return sorted(each[len(prefix) :] for each in self._all() if posixpath.dirname(each) == path != each)

    def below(self, path: str) -> Iterator[str]:
        """The path and everything under it, parents first."""
        prefix = path.rstrip("/") + "/"
        yield from sorted(each for each in self._all() if each == path or each.startswith(prefix))

    def _all(self) -> list[str]:
        return [*self.nodes, *(path for path in self.live if path not in self.nodes)]

    # Changing.

    def write(self, path: str, text: str, user: str = ROOT, *, append: bool = False) -> None:
        """Replace or extend a file, made if need be. An error half-way leaves what a real one would."""
        if path == "/dev/null":
            return
        if path in self.live:
            accept = self.live[path].write
            if accept is None or user != ROOT:
                raise fault(errno.EACCES, path)
            accept(text)
            return
        node = self.nodes.get(path)
        if node is None:
            self._may_change(posixpath.dirname(path), user)
            node = self.nodes[path] = Node(data="", owner=user)
        elif node.data is None:
            raise fault(errno.EISDIR, path)
        else:
            self._refuse_read_only(path)
            if not self.may(user, path, 2):
                raise fault(errno.EACCES, path)
        kept = (node.data or "") if append else ""
        node.data = kept
        node.changed = self.now()
        self.wrote()
        if text and self._under(self.full, path):
            raise fault(errno.ENOSPC, path)
        node.data = kept + text

    def make_dir(self, path: str, user: str = ROOT, mode: int = 0o755) -> None:
        """Make one directory."""
        if self.exists(path):
            raise fault(errno.EEXIST, path)
        self._may_change(posixpath.dirname(path), user)
        self.nodes[path] = Node(data=None, owner=user, mode=mode, changed=self.now())
        self.wrote()

    def make_dirs(self, path: str) -> None:
        """Make a directory and its parents, for setting up a twin."""
        if path != "/":
            self.make_dirs(posixpath.dirname(path))
        self.nodes.setdefault(path, Node(data=None, mode=0o755))

    def put(self, path: str, text: str, mode: int = 0o644) -> None:
        """Lay down a file and its directories, for setting up a twin; no limits, nobody is told."""
        self.make_dirs(posixpath.dirname(path))
        self.nodes[path] = Node(data=text, mode=mode)

    def remove(self, path: str, user: str = ROOT) -> None:
        """Remove a file, or an empty directory."""
        self._node(path)
        self._may_change(posixpath.dirname(path), user)
        if self.is_dir(path) and self.names(path):
            raise fault(errno.ENOTEMPTY, path)
        del self.nodes[path]
        self.wrote()

    def rename(self, old: str, new: str, user: str = ROOT) -> None:
        """Give a file or directory another path; a file that is there is replaced, in one step."""
        node = self._node(old)
        for each in (old, new):
            self._may_change(posixpath.dirname(each), user)
        if self.exists(new) and self.is_dir(new) != (node.data is None):
            raise fault(errno.EISDIR if self.is_dir(new) else errno.ENOTDIR, new)
        if old == new:
            return
        self.nodes.pop(new, None)
        for each in list(self.below(old)):
            self.nodes[new + each[len(old) :]] = self.nodes.pop(each)
        self.wrote()

    def set_mode(self, path: str, mode: int, user: str = ROOT) -> None:
        """Set the permission bits; only the owner and root may."""
        node = self._node(path)
        self._refuse_read_only(path)
        if user not in (ROOT, node.owner):
            raise fault(errno.EPERM, path)
        node.mode = mode
        node.changed = self.now()
        self.wrote()

    def boot(self) -> None:
        """What a boot does: volatile files are gone."""
        for path in [each for each in self.nodes if self._under(set(self.volatile), each)]:
            if path not in self.volatile:
                del self.nodes[path]

    # Rules.

    def _node(self, path: str) -> Node:
        node = self.nodes.get(path)
        if node is None:
            parent = posixpath.dirname(path)
            around = self.nodes.get(parent)
            raise fault(
                errno.ENOTDIR if around is not None and around.data is not None else errno.ENOENT, path
            )
        return node

    def _may_change(self, directory: str, user: str) -> None:
        if not self.is_dir(directory):
            raise fault(errno.ENOTDIR if self.exists(directory) else errno.ENOENT, directory)
        self._refuse_read_only(directory)
        if not self.may(user, directory, 2):
            raise fault(errno.EACCES, directory)

    def _refuse_read_only(self, path: str) -> None:
        if self._under(self.read_only, path):
            raise fault(errno.EROFS, path)

    @staticmethod
    def _under(prefixes: set[str], path: str) -> bool:
        return any(path == each or path.startswith(each.rstrip("/") + "/") for each in prefixes)


def absolute(path: str, directory: str) -> str:
    """The path seen from a directory, without ``.``, ``..`` and double slashes."""
    found = posixpath.normpath(posixpath.join(directory, path))
    return "/" + found.lstrip("/")
