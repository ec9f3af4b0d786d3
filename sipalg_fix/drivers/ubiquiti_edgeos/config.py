"""
EdgeOS configurations as paths: the ``set`` lines of the running one, the braces of config.boot.

Both name the same nodes, so they can be compared. A path is a tuple of words, without quotes:
``("system", "host-name", "edge-01")``. A node that holds nothing (``sip { }``) is a path of its own.
"""

from __future__ import annotations

import re
import shlex

Path = tuple[str, ...]

FOOTER = re.compile(r"^/\* === vyatta-config-version: .*=== \*/\s*$", re.MULTILINE)
"""The last line but comments of every config.boot; without it the file is cut, or is none."""

SECRET = (
    r"(?:encrypted-password|plaintext-password|pre-shared-secret|pre-shared-key|community|md5-key|"
    r"encrypted-key|plaintext-key|plaintext-pswd|plaintext-secret|private-key|shared-secret|shared-key|"
    r"wpa-passphrase|passphrase|password|secret|passwd|privkey|key)"
)
"""Nodes whose value is a secret, in EdgeOS and the Vyatta templates it comes from."""

SECRETS = (
    re.compile(rf"^set (?:[^\n]*? )?{SECRET} (?P<secret>\S[^\n]*)", re.MULTILINE),
    re.compile(rf"^\s*{SECRET} (?P<secret>\"[^\"\n]*\"|[^\s{{]+)", re.MULTILINE),
    # wss://uisp.example:443+KEY+allowUntrustedCertificate
    re.compile(r"\bconnection ['\"]?wss?://[^\s+'\"]*\+(?P<secret>[^\s'\"]+)"),
)


def words(line: str) -> Path:
    """The words of a line, without the quotes that one place prints and another does not."""
    try:
        return tuple(shlex.split(line))
    except ValueError:
        return tuple(word.strip("'\"") for word in line.split())


def set_paths(said: str) -> tuple[Path, ...]:
    """The nodes of ``show configuration commands``, in its order."""
    return tuple(words(line)[1:] for line in said.splitlines() if line.startswith("set "))


def boot_paths(said: str) -> tuple[Path, ...]:
    """
    The nodes of a config.boot, in its order. Deactivated nodes (``!``) are left out with all below them.

    :class:`ValueError` when it is cut or is no such file: braces that do not fit, no footer.
    """
    footer = FOOTER.search(said)
    if footer is None:
        raise ValueError("it ends without the line vyatta-config-version")
    found: list[Path] = []
    above: list[tuple[Path, bool, int]] = []
    for line in _plain(said[: footer.start()]):
        path, live, _ = above[-1] if above else ((), True, 0)
        node = words(line.lstrip("! ").removesuffix("{"))
        live = live and not line.startswith("!")
        if line == "}":
            _close(above, found)
        elif line.endswith("{"):
            above.append(((*path, *node), live, len(found)))
        elif live:
            found.append((*path, *node))
    if above:
        raise ValueError("a brace is not closed")
    return tuple(found)


def _plain(said: str) -> list[str]:
    """The lines that are no comments."""
    bare = re.sub(r"^\s*/\*.*?\*/\s*$", "", said, flags=re.DOTALL | re.MULTILINE)
    return [line.strip() for line in bare.splitlines() if line.strip()]


def _close(above: list[tuple[Path, bool, int]], found: list[Path]) -> None:
    if not above:
        raise ValueError("a brace closes that was not opened")
    path, live, before = above.pop()
    if live and len(found) == before:
        found.append(path)


def secretless(paths: tuple[Path, ...]) -> frozenset[Path]:
    """The nodes with their secrets taken out: those are masked in one place and not in another."""
    name = re.compile(SECRET)
    return frozenset(
        next((path[: n + 1] for n, word in enumerate(path) if name.fullmatch(word)), path) for path in paths
    )


def first_absent(paths: tuple[Path, ...], wanted: Path) -> Path:
    """The shortest beginning of ``wanted`` that no node has: what a change back must delete."""
    for length in range(1, len(wanted)):
        if not any(path[:length] == wanted[:length] for path in paths):
            return wanted[:length]
    return wanted


def set_line(path: Path) -> str:
    """The node as a line, quoted only where a word needs it."""
    return "set " + " ".join(word if re.fullmatch(r"[^\s'\"]+", word) else f"'{word}'" for word in path)
