"""
Linux: commands that take lines out of a stored file, or put them back, and say so only when it is true.

One POSIX shell line: every line must still be as it was read; a copy beside the file is edited, checked
by the tool that will load it, and moved into place in one step; then the lines are read back. A disk that
is full, or a check that fails, leaves the file as it was. A line that is as wanted already is left alone.
"""

from __future__ import annotations

from shlex import quote

from sipalg_fix.drivers.linux.probes import ACCESS, NFT_FILE
from sipalg_fix.drivers.linux.stored import MARK, StoredLine
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import Step, Tell

CHECKS = {
    "nft": 'nft -c -f "$t"',
    "iptables": 'iptables-restore --test < "$t"',
    "ip6tables": 'ip6tables-restore --test < "$t"',
    "sysctl": "true",
}
STORED = "stored"


def take_out(lines: tuple[StoredLine, ...]) -> tuple[Step, ...]:
    """Comment these lines out, a command for each file."""
    return tuple(_command(path, some, out=True) for path, some in _by_file(lines).items())


def put_back(lines: tuple[StoredLine, ...]) -> tuple[Step, ...]:
    """Make these lines what they were, a command for each file."""
    return tuple(_command(path, some, out=False) for path, some in _by_file(lines).items())


def by_hand(lines: tuple[StoredLine, ...]) -> str:
    """What a person must do first, because a command cannot do it safely; empty when there is nothing."""
    parts = [line for line in lines if not line.alone]
    if not parts:
        return ""
    shown = "; ".join(f"{line.path}:{line.number}: {line.text.strip()}" for line in parts)
    return (
        f"what is loaded at boot sets the helper in lines that hold more than that rule, or in a file that "
        f"{NFT_FILE} includes; take it out there by hand, then plan again: {shown}"
    )


def _by_file(lines: tuple[StoredLine, ...]) -> dict[str, list[StoredLine]]:
    found: dict[str, list[StoredLine]] = {}
    for line in lines:
        found.setdefault(line.path, []).append(line)
    return found


def _command(path: str, lines: list[StoredLine], *, out: bool) -> Tell:
    old = _are(lines, "" if out else MARK)
    new = _are(lines, MARK if out else "")
    change = f"s/^/{MARK}/" if out else f"s/^{MARK}//"
    edits = " ".join(f"-e {quote(f'{line.number}{change}')}" for line in lines)
    text = (
        f'f=$(readlink -f {quote(path)}); t="$f.sipalg-fix"; '
        f"if {new}; then echo {STORED}; elif {old}; then "
        f'{{ cp -p "$f" "$t" && sed {edits} "$f" > "$t" && {CHECKS[lines[0].kind]} && mv "$t" "$f" && sync '
        f'&& {new} && echo {STORED}; }} || {{ rm -f "$t"; exit 1; }}; '
        f'else echo "$f is not as it was read"; exit 1; fi'
    )
    command = Command(access=ACCESS, text=text, seconds=60)
    return Tell(command=command, expects=f"^{STORED}$", code="save-failed")


def _are(lines: list[StoredLine], mark: str) -> str:
    """A shell test: do the lines say this?"""
    tests = (f'[ "$(sed -n {line.number}p "$f")" = {quote(mark + line.text)} ]' for line in lines)
    return " && ".join(tests)
