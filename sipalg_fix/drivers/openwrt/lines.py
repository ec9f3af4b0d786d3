"""
OpenWrt: the lines that change something.

Each is one line for a POSIX shell (BusyBox), may be sent twice, and looks first whether a section is still
the one that was read: places move when somebody adds a zone.
"""

from __future__ import annotations

from shlex import quote

from sipalg_fix.drivers.openwrt.config import UCI_FILE, Setting
from sipalg_fix.drivers.openwrt.helpers import Change
from sipalg_fix.drivers.openwrt.probes import ACCESS
from sipalg_fix.model.session import Command
from sipalg_fix.model.step import Tell

STAGED, STORED = "staged", "stored"
COPY = "/etc/sipalg-fix.firewall"
"""Beside /etc/config, where uci takes no notice of it: on the same disk, to be moved back without room."""


def tell(
    line: str, expects: str = "", *, tolerates: tuple[str, ...] = (), code: str = "command-refused"
) -> Tell:
    """A command with an exit status that says whether it was obeyed."""
    command = Command(access=ACCESS, text=line, seconds=90)
    return Tell(command=command, expects=expects, tolerates=tolerates, code=code)


RELOAD = Tell(
    command=Command(access=ACCESS, text="/etc/init.d/firewall reload 2>&1", seconds=90),
    # A zone that fw4 cannot read is left out altogether, and its reload still ends well (recorded).
    refusals=("does not appear to be loaded", r"Error: ", r"^\[!\] Section @zone.* skipped"),
)


def stage(changes: tuple[Change, ...]) -> Tell:
    """Set all options, without storing any; what was staged of the same options before is replaced."""
    places = [quote(f"firewall.{change.ref}.{change.option}") for change in changes]
    parts = [
        f"{{ uci -q revert {place}; {_put(change, change.after)}; }}"
        for place, change in zip(places, changes, strict=True)
    ]
    return tell(_all(parts, changes), f"^{STAGED}$")


def back(changes: tuple[Change, ...]) -> Tell:
    """Make all options what they were: what was only staged is withdrawn, what was stored is staged anew."""
    parts = []
    for change in changes:
        place = quote(f"firewall.{change.ref}.{change.option}")
        is_back = f'[ "$(uci -q get {place})" = {quote(change.before.text)} ]'
        again = _put(change, change.before) if change.before.values else f"uci delete {place}"
        parts.append(f"{{ uci -q revert {place}; {is_back} || {again}; }}")
    return tell(_all(parts, changes), f"^{STAGED}$")


def commit(changes: tuple[Change, ...], *, after: bool = True) -> Tell:
    """Store what is staged, and see that it is stored and nothing else is lost; else all is as it was."""
    wanted = [(change, change.after if after else change.before) for change in changes]
    checks = "".join(
        f' && [ "$(uci -q get {quote(f"firewall.{change.ref}.{change.option}")})" = {quote(value.text)} ]'
        for change, value in wanted
    )
    count = f"[ \"$(grep -c '^config' {UCI_FILE})\" = \"$(grep -c '^config' {COPY})\" ]"
    text = (
        f"cp -p {UCI_FILE} {COPY} || {{ rm -f {COPY}; exit 1; }}; "
        f"if uci commit firewall{checks} && {count}; then rm -f {COPY} && sync && echo {STORED}; "
        f"else mv {COPY} {UCI_FILE}; echo 'not stored, and put back as it was'; exit 1; fi"
    )
    return tell(text, f"^{STORED}$", code="save-failed")


def _all(parts: list[str], changes: tuple[Change, ...]) -> str:
    """All of it, or an error: first whether the sections are the ones that were read."""
    known = dict.fromkeys((change.ref, *change.known_by) for change in changes if change.known_by[0])
    tests = [
        f'[ "$(uci -q get {quote(f"firewall.{ref}.{name}")})" = {quote(value)} ]'
        for ref, name, value in known
    ]
    moved = f"{{ {' && '.join(tests)}; }} || {{ echo 'the sections are not as they were read'; exit 1; }}; "
    return f"{moved if tests else ''}{' && '.join(parts)} && echo {STAGED}"


def _put(change: Change, value: Setting) -> str:
    place = f"firewall.{change.ref}.{change.option}"
    if not value.values:
        return f'{{ [ -z "$(uci -q get {quote(place)})" ] || uci delete {quote(place)}; }}'
    if not value.several:
        return f"uci set {quote(f'{place}={value.text}')}"
    left = [text for text in change.before.values if text in value.values]
    if change.before.several and tuple(left) == value.values and len(left) < len(change.before.values):
        gone = dict.fromkeys(text for text in change.before.values if text not in value.values)
        return " && ".join(f"uci del_list {quote(f'{place}={text}')}" for text in gone)
    listed = " && ".join(f"uci add_list {quote(f'{place}={text}')}" for text in value.values)
    return f"{{ uci -q delete {quote(place)}; {listed}; }}"
