"""
Linux: what the next boot loads, as lines of files.

/etc/nftables.conf with what it includes (loaded by nftables.service), /etc/iptables/rules.v4 and
rules.v6 (by netfilter-persistent), and for older kernels the switch nf_conntrack_helper in sysctl files.
A line can be taken out by a command only where it is a whole rule in one of the files themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sipalg_fix.drivers.linux import nft
from sipalg_fix.drivers.linux.iptables import HELPER

OBJECT = re.compile(
    r'\bct\s+helper\s+(?:(?:ip6?|inet|arp|bridge|netdev)\s+\S+\s+)?"?([\w./-]+)"?\s*\{[^}]*?\btype\s+"?([\w-]+)"?',
)
SET_LINE = re.compile(r"\bct\s+helper\s+set\b([^;\n]*)")
LOOSE_SET = re.compile(r"\bct\s+helper\s+set\b")
ALONE = re.compile(
    r"\s*(?:net[./]netfilter[./]|options\s+nf_conntrack\s+)nf_conntrack_helper\s*=\s*1\s*$",
)
MARK = "#sipalg-fix# "
"""What a line begins with that was taken out by this tool: a comment to nft, iptables and sysctl alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLine:
    """One line that switches a SIP helper on at the next boot. ``text`` is literal, blanks included."""

    kind: str
    """nft, iptables, ip6tables or sysctl: what checks the file after an edit."""
    path: str
    number: int
    text: str
    alone: bool
    """Is the line one whole rule, so that a comment mark before it takes out nothing else?"""

    @property
    def note(self) -> str:
        """All of it in one line, to be kept among the literal settings."""
        return f"stored {self.kind} {self.path}:{self.number}:{'rule' if self.alone else 'part'}:{self.text}"


def from_note(note: str) -> StoredLine | None:
    """A line from its note; None for another note."""
    match = re.fullmatch(r"stored (\w+) ([^:]+):(\d+):(rule|part):(.*)", note)
    if match is None:
        return None
    kind, path, number, how, text = match.groups()
    return StoredLine(kind=kind, path=path, number=int(number), text=text, alone=how == "rule")


def uncommented(line: str) -> str:
    """The line without its comment; a ``#`` between quotes begins none."""
    return re.sub(r"""^((?:[^#"]|"[^"]*")*)#.*$""", r"\1", line)


def nft_lines(said: str, path: str) -> tuple[tuple[StoredLine, ...], str]:
    """The lines of an nftables file that set a SIP helper, and what could not be told, in words."""
    raw = said.split("\n")
    bare = [uncommented(line) for line in raw]
    objects = dict(OBJECT.findall("\n".join(bare)))
    found, unclear = list[StoredLine](), ""
    for number, line in enumerate(bare, start=1):
        if not LOOSE_SET.search(line):
            continue
        match = SET_LINE.search(line)
        names = [name for name in re.findall(r"[\w./-]+", match[1] if match else "") if name in objects]
        kinds = {objects[name] for name in names}
        if any(nft.SIP.fullmatch(kind) for kind in kinds):
            alone = _alone(line) and not raw[number - 2 if number > 1 else 0].endswith("\\")
            found.append(StoredLine(kind="nft", path=path, number=number, text=raw[number - 1], alone=alone))
        elif not kinds:
            unclear = f"{path}:{number} sets a helper that the file does not declare: {line.strip()}"
    if len(LOOSE_SET.findall("\n".join(bare))) < len(re.findall(r"\bct\s+helper\s+set\b", " ".join(bare))):
        unclear = f"{path} sets a helper over more than one line"
    return tuple(found), unclear


def _alone(line: str) -> bool:
    """One rule and nothing else on this line?"""
    bare = re.sub(r'"[^"]*"', '""', line.strip().removesuffix(";"))
    balanced = bare.count("{") == bare.count("}") and not bare.startswith("}")
    return (
        balanced
        and ";" not in bare
        and not bare.endswith("\\")
        and not re.search(r"\b(?:table|chain)\b", bare)
    )


def rules_lines(said: str, path: str, kind: str) -> tuple[StoredLine, ...]:
    """The lines of an iptables-restore file that set the SIP helper."""
    return tuple(
        StoredLine(kind=kind, path=path, number=number, text=line, alone=True)
        for number, line in enumerate(said.split("\n"), start=1)
        if line.lstrip().startswith(("-A", "-I", "[")) and HELPER.search(line)
    )


def sysctl_lines(said: str) -> tuple[StoredLine, ...]:
    """The lines of ``grep -n`` over sysctl and modprobe files that switch automatic helpers on."""
    found = re.findall(r"^([^:\n]+):(\d+):(.*)$", said, re.MULTILINE)
    return tuple(
        StoredLine(kind="sysctl", path=path, number=int(number), text=line, alone=bool(ALONE.match(line)))
        for path, number, line in found
        if re.search(r"nf_conntrack_helper\s*=\s*[1-9]", uncommented(line).partition(";")[0])
    )
