"""
Streams that may be calls, as pf's state table shows them, whether or not siproxd has a part in them.

A state has its own time left, which each packet of UDP that was answered sets to ``udp.multiple``
(pf.conf(5); FreeBSD's pf_print_state.c for the words). From ``adaptive.start`` states on pf shortens all
timeouts in proportion. A flow has a state on each interface that it passes; the ends on the router's side of
both, before and after translation, are the same.
"""

from __future__ import annotations

import re

from sipalg_fix.drivers._calls import AGE_SECONDS, may_be_audio
from sipalg_fix.model.session import Command, Transcript

END = "end of streams"
LINES = (
    "pfctl -si 2>&1 && pfctl -st 2>&1 && echo start of streams && { pfctl -vss 2>&1 && "
    f"echo {END}; }} | sed -n -e '/ udp .*MULTIPLE:MULTIPLE/{{N;p;}}' -e '/^{END}/p'"
)
"""Of tables of 100,000 states only what may be a stream is sent; the end mark is pfctl's own success."""
WHOLE = re.compile(
    rf"(?P<settings>.*)^start of streams\n(?P<states>.*)^{END}\s*",
    re.MULTILINE | re.DOTALL,
)
ENTRIES = re.compile(r"^ *current entries +(\d+) *$", re.MULTILINE)
TIMEOUT = re.compile(r"^(udp\.multiple|adaptive\.start|adaptive\.end) +(\d+)(?:s| states) *$", re.MULTILINE)
STATE = re.compile(
    r"\S+ udp (?P<left>\S+)(?: \((?P<left_stack>\S+)\))? (?P<way>->|<-) "
    r"(?P<right>\S+)(?: \((?P<right_stack>\S+)\))? +MULTIPLE:MULTIPLE *"
)
END_POINT = re.compile(r"(?P<host>\S+?)(?::(?P<four>\d{1,5})|\[(?P<six>\d{1,5})\])")
AGE = re.compile(r" *age \d+:\d\d:\d\d, expires in (\d+):(\d\d):(\d\d), \d+:\d+ pkts, \d+:\d+ bytes\b.*")
UNSURE = 0.9
"""The number of states moves while timeouts are shortened by it."""


def live_streams(seen: Transcript, command: Command) -> int | None:
    """
    How many streams pass that may be calls, each counted once with its control connection. None for a reply
    that is cut, refused or does not add up.
    """
    reply = seen.get(command)
    match = WHOLE.fullmatch("\n".join(reply.text.splitlines())) if reply and reply.ok else None
    limit = _in_use_from(match["settings"]) if match else None
    lines = match["states"].splitlines() if match else []
    if limit is None or len(lines) % 2:
        return None
    streams = set()
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        state, age = STATE.fullmatch(first), AGE.fullmatch(second)
        ends = _ends(state) if state else None
        if not ends or not age:
            return None
        hours, minutes, seconds = (int(part) for part in age.groups())
        if 3600 * hours + 60 * minutes + seconds >= limit and may_be_audio(*(port for _, port in ends)):
            streams.add(frozenset((host, port // 2) for host, port in ends))
    return len(streams)


def _in_use_from(settings: str) -> float | None:
    """So many seconds a state has left whose last packet is not long ago; None where that is not shown."""
    entries, shown = ENTRIES.findall(settings), TIMEOUT.findall(settings)
    values = {name: int(number) for name, number in shown}
    if len(entries) != 1 or len(shown) != 3 or len(values) != 3:
        return None
    number, start, end = int(entries[0]), values["adaptive.start"], values["adaptive.end"]
    share = 1.0
    if 0 < start < end and number > UNSURE * start:
        share = UNSURE * min(max(end - number, 0) / (end - start), 1.0)
    return values["udp.multiple"] * share - AGE_SECONDS


def _ends(state: re.Match[str]) -> tuple[tuple[str, int], ...] | None:
    """
    Its two ends as they are inside the router: of what leaves, those before translation, in parentheses; of
    what comes in, those after it. A port of 0 is not printed.
    """
    out = state["way"] == "->"
    ends = []
    for side in ("left", "right"):
        text = (out and state[f"{side}_stack"]) or state[side]
        match = END_POINT.fullmatch(text)
        if match is None:
            return None
        ends.append((match["host"], int(match["four"] or match["six"])))
    return tuple(ends)
