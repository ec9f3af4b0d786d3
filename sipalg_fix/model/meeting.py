"""
Meeting: which platform a router is of that is only known by its address and login, from what it shows.

Exactly one platform must be shown by its own hallmarks. With none, or several, it stays unknown: nothing is
weighed, and none is the likeliest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from sipalg_fix.model.driver import Driver, Hallmarks, nothing_to_do
from sipalg_fix.model.errors import DeviceError, NotUnderstood
from sipalg_fix.model.facts import Facts, Finding
from sipalg_fix.model.host import AUTO, Host
from sipalg_fix.model.session import Command, SshExec, Transcript, redact

ACCESS: Final = "ssh"
"""The one access of a host whose platform is to be found out."""
GREETING: Final = Command(access=ACCESS, text="")
"""Nothing is sent: the answer is how the SSH server names itself."""
DETECTED: Final = "platform-detected"
"""The finding that says which platform was found out, and by what."""
LINES, WIDTH, SHORT = 3, 160, 60
"""How much is quoted: lines, and characters of a line that shows a platform, and of one that does not."""


def _parse(seen: Transcript) -> NoReturn:
    del seen
    raise NotUnderstood("the platform is not known yet")


STRANGER: Final = Driver(
    platform=AUTO,
    title="not known yet",
    aliases=(),
    accesses={ACCESS: SshExec()},
    probes=(GREETING,),
    parse=_parse,
    remedy=nothing_to_do,
)
"""What is known of a router whose platform is not: how to log in, and nothing to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What a router has shown: how it greeted, and its answers to the questions of each driver."""

    greeting: str
    answers: tuple[tuple[Driver, Hallmarks, Transcript], ...] = ()


def greeted(greeting: str, drivers: Iterable[Driver]) -> tuple[tuple[Driver, Hallmarks], ...]:
    """The drivers that may ask a router which greets so, each once, with their hallmarks."""
    each = {driver.platform: driver for driver in drivers}.values()
    return tuple(
        (d, d.hallmarks) for d in each if d.hallmarks is not None and d.hallmarks.greeting.search(greeting)
    )


def asking(driver: Driver, hallmarks: Hallmarks) -> Driver:
    """The driver while it is not known to be the right one: it asks for its hallmarks and nothing else."""
    return replace(
        STRANGER,
        platform=driver.platform,
        accesses={hallmarks.access: hallmarks.by},
        probes=hallmarks.questions,
        secrets=driver.secrets,
    )


def taken_for(host: Host, driver: Driver, hallmarks: Hallmarks) -> Host:
    """The host as one of this platform: its one access by the name that the driver has for it."""
    return replace(host, platform=driver.platform, accesses={hallmarks.access: host.accesses[ACCESS]})


def decided(met: Meeting) -> tuple[Driver, Hallmarks, Finding]:
    """
    The platform, and by which lines it is shown. DeviceError ``platform-unclear`` where that is none or
    several, ``no-access`` where the router cannot be looked at by the one access that it was met by.
    """
    shown = [
        (driver, hallmarks, lines)
        for driver, hallmarks, seen in met.answers
        if (lines := hallmarks.shown(seen))
    ]
    if len(shown) != 1:
        raise DeviceError("platform-unclear", _unclear(met, {d.platform: lines for d, _, lines in shown}))
    driver, hallmarks, lines = shown[0]
    told = f"{driver.platform}, shown by: {'; '.join((_quoted(met.greeting), *map(_quoted, lines)))}"
    if hallmarks.lacks:
        raise DeviceError("no-access", f"this is {told}. {hallmarks.lacks}")
    return driver, hallmarks, Finding(code=DETECTED, message=f"the platform is {told}")


def marked(facts: Facts, finding: Finding) -> Facts:
    """The facts with how the platform was found out."""
    return replace(facts, findings=(*facts.findings, finding))


def _unclear(met: Meeting, shown: Mapping[str, tuple[str, ...]]) -> str:
    if shown:
        fit = "; ".join(f"{name} by {', '.join(map(_quoted, lines))}" for name, lines in shown.items())
        return f"it shows the hallmarks of several platforms: {fit}. Name its platform in the inventory"
    secrets = [pattern for driver, _, _ in met.answers for pattern in driver.secrets]
    said: dict[str, dict[str, None]] = {}
    for reply in (reply for _, _, seen in met.answers for reply in seen.replies):
        answer = _quoted(redact(reply.text, secrets), SHORT) if reply.text.strip() else "nothing"
        said.setdefault(answer, {})[_quoted(reply.command.text, SHORT)] = None
    each = "; ".join(f"{answer} to {', '.join(asked)}" for answer, asked in said.items())
    heard = (
        f"it says {each}" if each else "no platform that can be found out greets so, and nothing was asked"
    )
    return (
        f"it shows the hallmarks of no platform. Its SSH server is {_quoted(met.greeting)}; {heard}. "
        "Name its platform in the inventory, if 'sipalg-fix platforms' lists it"
    )


def _quoted(text: str, width: int = WIDTH) -> str:
    """The beginning of what was said, in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = " / ".join(lines[:LINES])
    more = len(lines) > LINES or len(shown) > width
    return repr(shown[:width]) + (" …" if more else "")
