"""
A configuration as blocks: a line, and the lines below it. How lines come in, go out and are written down.

The router keeps its own order of kinds of lines, whatever order they were typed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

ORDER = (
    "version",
    "service",
    "no service",
    "hostname",
    "boot-",
    "enable",
    "no aaa",
    "ip cef",
    "ip inspect",
    "username",
    "archive",
    "class-map",
    "policy-map",
    "zone security",
    "zone-pair",
    "interface",
    "ip forward-protocol",
    "no ip http",
    "ip nat service",
    "no ip nat service",
    "ip nat",
    "ip route",
    "logging",
    "access-list",
    "snmp-server",
    "line",
)


@dataclass(slots=True)
class Block:
    """A line of the first column and those below it, which keep their indent."""

    head: str
    below: list[str] = field(default_factory=list)


def rank(head: str) -> int:
    """Where this kind of line stands; what is of no known kind comes before ``line``."""
    fits = [place for place, kind in enumerate(ORDER) if head.startswith(kind)]
    # "ip nat service" is an "ip nat" as well: the longest kind counts.
    return max(fits, key=lambda place: len(ORDER[place])) if fits else len(ORDER) - 2


class Config:
    """An ordered configuration."""

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self.blocks = [Block(block.head, list(block.below)) for block in blocks]

    def copy(self) -> Config:
        """One that shares nothing."""
        return Config(self.blocks)

    def has(self, head: str) -> bool:
        """Is there such a line in the first column?"""
        return any(block.head == head for block in self.blocks)

    def block(self, head: str) -> Block:
        """The block of this line, made where it belongs if it is not there."""
        for block in self.blocks:
            if block.head == head:
                return block
        made = Block(head)
        at = sum(rank(block.head) <= rank(head) for block in self.blocks)
        self.blocks.insert(at, made)
        return made

    def drop(self, head: str) -> bool:
        """Take out every line that begins with these words, and all below; was there one?"""
        left = [b for b in self.blocks if b.head != head and not b.head.startswith(f"{head} ")]
        gone = len(left) < len(self.blocks)
        self.blocks = left
        return gone

    def lines(self) -> list[str]:
        """Every line with its indent, without marks between them."""
        return [line for block in self.blocks for line in (block.head, *block.below)]

    def text(self) -> str:
        """As it is written down, from ``version`` to ``end``."""
        written: list[str] = []
        kind = None
        for block in self.blocks:
            if kind not in (None, rank(block.head)) or block.below:
                written += [] if written[-1:] == ["!"] else ["!"]
            written += [block.head, *block.below]
            kind = rank(block.head)
        return "\n".join([*written, "!", "end"]) + "\n"


def parse(text: str) -> Config:
    """From its written form; marks and ``end`` are left out."""
    config = Config()
    for line in text.splitlines():
        if line.startswith(" ") and config.blocks:
            config.blocks[-1].below.append(line)
        elif line.strip() and not line.startswith("!") and line != "end":
            config.blocks.append(Block(line))
    return config


def sip_off(config: Config, transport: str) -> bool:
    """Is the ALG's line for the usual port there?"""
    return config.has(f"no ip nat service sip {transport} port 5060")


def translates(config: Config) -> bool:
    """Is an interface inside or outside?"""
    return any(re.match(r" ip nat (?:inside|outside)", line) for line in config.lines())


def differences(old: Config, new: Config) -> str:
    """As ``show archive config differences`` tells them."""
    said: list[str] = []
    for block in (*old.blocks, *(b for b in new.blocks if not old.has(b.head))):
        was = next((b for b in old.blocks if b.head == block.head), None)
        now = next((b for b in new.blocks if b.head == block.head), None)
        if was is not None and now is not None:
            plus = [f" +{line.strip()}" for line in now.below if line not in was.below]
            minus = [f" -{line.strip()}" for line in was.below if line not in now.below]
            said += [block.head, *plus, *minus] if plus or minus else []
        else:
            mark = "-" if now is None else "+"
            said += [f"{mark}{block.head}", *(f" {mark}{line.strip()}" for line in block.below)]
    return "\n".join(["!Contextual Config Diffs:", *(said or ["!No changes were found"])]) + "\n"
