"""
RouterOS by its command line, one command an SSH channel.

A command that changes something says nothing when it went well, so that any word of an answer is a refusal;
exit statuses differ between versions and are not relied on alone. There is no terminal, so there are no
prompt, colours or pages, and the login needs none of the suffixes (``admin+cte512w``) that still them.
"""

from __future__ import annotations

import re
from itertools import dropwhile, takewhile

from sipalg_fix.drivers.mikrotik_routeros.wording import DENIED, GUARD_NAME, TAKES_BACK, Rows, Wording
from sipalg_fix.model.session import Command, SshExec
from sipalg_fix.model.step import Find, Step, Tell

ACCESS, PORTS, ENTRIES = "ssh", "/ip firewall service-port", "/system scheduler"
REFUSALS = (DENIED, r"\S")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

FLAG = re.compile(r"(?P<letter>\S) +- +(?P<word>[\w-]+)")
ITEM = re.compile(r"^ *\d+ +(?P<flags>(?:[A-Za-z*+]+ +)*)(?P<values>[a-z][\w-]*=.*)$")
VALUE = re.compile(r'([a-z][\w.-]*)=("(?:[^"\\]|\\.)*"|\S*)')
PAIR = re.compile(r"^ *([a-z][\w-]*): ?(.*)$", re.MULTILINE)


def command(text: str, seconds: float = 30.0) -> Command:
    """A line."""
    return Command(access=ACCESS, text=text, seconds=seconds)


def tell(text: str) -> Tell:
    """A line that changes something."""
    return Tell(command=command(text), refusals=REFUSALS)


HELPER = command(f'{PORTS} print detail without-paging where name="sip"')
END = "end of list"
UDP = f'print detail without-paging where protocol=udp assured=yes; :put "{END}"'


def rows(asked: Command, said: str) -> Rows:
    """The items of ``print detail``, or the one of a menu that has no items."""
    plain = ESCAPES.sub("", said)
    if " print detail" in asked.text:
        return items(plain)
    if END in asked.text and not plain.rstrip().endswith(END):
        return ()
    pairs = {key: value.strip().strip('"') for key, value in PAIR.findall(plain)}
    return (pairs,) if pairs else ()


def items(said: str) -> Rows:
    """
    Each with its flags as properties, true or false, by the legend's own words: a letter that the legend
    does not explain, or no legend, leaves the item without any. Long items go on in lines that are indented.
    """
    known = {flag["letter"]: flag["word"].lower() for flag in FLAG.finditer(" ".join(legend(said)))}
    found: list[dict[str, str]] = []
    for line in said.splitlines():
        if begun := ITEM.match(line):
            flags = "".join(begun["flags"].split())
            explained = set(flags) <= set(known)
            found.append({word: _truth(letter in flags) for letter, word in known.items() if explained})
            found[-1] |= values(begun["values"])
        elif found and line.startswith("   "):
            found[-1] |= values(line)
    return tuple(found)


def legend(said: str) -> list[str]:
    """The lines before the first item that explain the flags."""
    lines = dropwhile(lambda line: not line.startswith("Flags:"), said.splitlines())
    return list(takewhile(lambda line: line.strip() and not ITEM.match(line), lines))


def whole(said: str) -> Rows | None:
    """The items above the mark that the list is at its end, if every line is of one, each with its flags."""
    plain, mark, more = ESCAPES.sub("", said).rstrip().rpartition(END)
    known, found = ["", *legend(plain)], items(plain)
    strange = (line for line in plain.splitlines() if not ITEM.match(line) and not line.startswith("   "))
    good = mark and not more and all(line.strip() in known or line in known for line in strange)
    return found if good and all("assured" in item for item in found) else None


def values(said: str) -> dict[str, str]:
    """``name="sip" ports=5060,5061``, without the quotes."""
    return {name: re.sub(r"\\(.)", r"\1", text.strip('"')) for name, text in VALUE.findall(said)}


def _truth(holds: bool) -> str:
    return "true" if holds else "false"


def count(said: str) -> int | None:
    """A number, alone."""
    found = re.fullmatch(r"\s*(\d+)\s*", ESCAPES.sub("", said))
    return int(found[1]) if found else None


def switch(disabled: str) -> Step:
    """By name: row numbers are of one session only (manual)."""
    return tell(f'{PORTS} set [find name="sip"] disabled={disabled}')


def flush(ports: tuple[int, ...]) -> Step:
    """A connection may end by itself while others are dropped."""
    where = rf'dst-address~":({"|".join(map(str, ports))})\$"'
    line = f":foreach i in=[/ip firewall connection find where {where}] do={{"
    return tell(f"{line}:do {{/ip firewall connection remove $i}} on-error={{}}}}")


def arm(minutes: int) -> tuple[Step, ...]:
    """The router shows an entry that has not run; then a word is set on it."""
    add = f'{ENTRIES} add name={GUARD_NAME} interval={minutes}m policy=read,write on-event="{TAKES_BACK}"'
    waiting = command(f':put [{ENTRIES} get [find name="{GUARD_NAME}"] run-count]')
    armed = tell(f'{ENTRIES} set [find name="{GUARD_NAME}"] comment=armed')
    return tell(add), Find(read=waiting, pick=r"\A\s*0\s*\Z", then=armed)


CLI = Wording(
    name=ACCESS,
    policy="ssh",
    access=SshExec(),
    resource=command("/system resource print"),
    helper=HELPER,
    connections=command("/ip firewall connection print count-only where connection-type=sip"),
    media=command("/ip firewall connection print count-only where expected=yes protocol=udp"),
    tracking=command(f'/ip firewall connection tracking print; :put "{END}"'),
    udp=(
        command(f"/ip firewall connection {UDP}", seconds=120),
        command(f"/ipv6 firewall connection {UDP}", seconds=120),
    ),
    whole=whole,
    acs=command("/tr069-client print"),
    guards=command(f'{ENTRIES} print count-only where name="{GUARD_NAME}"'),
    backup=command(f"{PORTS} print detail without-paging"),
    rows=rows,
    count=count,
    switch=switch,
    flush=flush,
    arm=arm,
    disarm=tell(f"{ENTRIES} remove {GUARD_NAME}"),
    # Asked for directly it waits for a yes.
    reboot=Tell(
        command=command(':execute script="/system reboot"'), refusals=(DENIED, "failure:"), cuts=True
    ),
)
