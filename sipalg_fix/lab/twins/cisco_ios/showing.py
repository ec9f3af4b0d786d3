"""What the ``show`` commands print."""

from __future__ import annotations

from collections.abc import Callable

from sipalg_fix.lab.twins.cisco_ios import factory
from sipalg_fix.lab.twins.cisco_ios.config import differences
from sipalg_fix.lab.twins.cisco_ios.router import CiscoIos, Entry
from sipalg_fix.lab.twins.cisco_ios.state import State

NO_TIMER = "%No Rollback Confirmed Change pending\n"
UNITS = (("year", 31_536_000), ("week", 604_800), ("day", 86_400), ("hour", 3600), ("minute", 60))

LOCK = """Parser Configure Lock
---------------------
Owner PID : {pid}
User : {user}
TTY : {tty}
Type : {kind}
State : {state}
Class : {cls}
Count : {count}
Pending Requests : 0
User debug info : {info}

"""

COUNTERS = """SIP info pool used chunk entries number: {held}

RECEIVE
Register:           {seen} -> 200-OK:            {seen}
Invite:             0 -> 200-OK:            0   Rexmit-invite           0
Update:             0 -> 200-OK:            0
Bye:                0 -> 200-OK:            0

Events
Null dport:                   0   Media Port Zero:                0
Malform Media:                0   No Content Length:              0

Errors
Create Token Err:             0    Add portlist Err:              0
Invalid Offset:               0    Invalid Pktlen:                0

"""


def uptime(seconds: float) -> str:
    """As ``show version`` has it, to the minute."""
    parts, left = list[str](), int(seconds)
    for unit, size in UNITS:
        count, left = divmod(left, size)
        if count or (unit == "minute" and not parts):
            parts.append(f"{count} {unit}{'s' * (count != 1)}")
    return ", ".join(parts)


def version(state: State) -> str:
    """The release, the hardware, and how long it has been up."""
    router = state.router
    chassis = router.chassis
    restarted = router.date(chassis.booted_at)
    return factory.show_version(router.options, router.host_name, uptime(chassis.uptime), restarted)


def running(state: State) -> str:
    """What is in force."""
    router = state.router
    text = router.running.text()
    changed, saved = router.date(router.changed_at), router.date(router.saved_at)
    head = (
        f"!\n! Last configuration change at {changed} by {router.changed_by}\n"
        f"! NVRAM config last updated at {saved} by {router.changed_by}\n!\n"
    )
    size = len(head) + len(text)
    return f"Building configuration...\n\nCurrent configuration : {size} bytes\n{head}{text}\n"


def startup(state: State) -> str:
    """What the next boot loads."""
    saved = state.router.startup
    if saved is None:
        return "startup-config is not present\n"
    text = saved.text()
    head = f"Using {len(text)} out of 262136 bytes\n!\n! Last configuration change at {_saved_at(state)}\n!\n"
    return f"{head}{text}\n"


def _saved_at(state: State) -> str:
    return f"{state.router.date(state.router.saved_at)} by {state.router.changed_by}"


def unsaved(state: State) -> str:
    """The saved configuration against what is in force."""
    if state.router.startup is None:
        return "%Error opening nvram:startup-config (No such file or directory)\n"
    return differences(state.router.startup, state.router.running)


def timer(state: State) -> str:
    """The revert timer."""
    revert = state.router.revert
    if revert is None:
        return NO_TIMER
    return (
        f"Time configured(or reconfigured): {state.router.date(revert.since)}\n"
        f"Timer type: absolute timer\nTimer value: {revert.minutes} min\nUser: {revert.user}\n"
    )


def archive(state: State) -> str:
    """The copies of the configuration."""
    if not state.router.archiving:
        return " Archive feature not enabled\n"
    copies = state.router.copies
    head = "The maximum archive configurations allowed is 10.\n"
    head += f"There are currently {copies} archive configurations saved.\n"
    head += f"The next archive file will be named flash:archive-<timestamp>-{copies}\n Archive #  Name\n"
    return head + "".join(f"   {n + 1}        flash:archive-{n}\n" for n in range(min(copies, 10)))


def lock(state: State) -> str:
    """Who holds the configuration."""
    held = state.router.chassis.switches.locked
    return LOCK.format(
        pid=484 if held else -1,
        user="NETCONF" if held else "unknown",
        tty=64 if held else -1,
        kind="EXCLUSIVE" if held else "NO LOCK",
        state="LOCKED" if held else "FREE",
        cls="EXPOSED" if held else "unknown",
        count=int(held),
        info="configure exclusive" if held else "",
    )


HEAD = f"Pro {'Inside global':<21} {'Inside local':<21} {'Outside local':<21} Outside global\n"


def translations(state: State) -> str:
    """All translations, the rules of port forwards aside; IOS says nothing where there is none."""
    return _table(state.router, lambda entry: f"{entry.line()}\n")


def verbose(state: State) -> str:
    """All translations with what is known of each; the ALG's have an application type."""

    def told(entry: Entry) -> str:
        flags = "flags: extended, sip-alg" if entry.sip else "flags: extended"
        times = "create 00:10:12, use 00:00:04 timeout:300000, left 00:04:55,"
        return f"{entry.line()}\n    {times}\n    {flags}, use_count: 0, entry-id: 1, lc_entries: 0\n"

    return _table(state.router, told)


def _table(router: CiscoIos, told: Callable[[Entry], str]) -> str:
    rows = "".join(told(entry) for entry in router.entries)
    return (HEAD + rows if rows else "") + (_total(router) if router.options.xe else "")


def _total(router: CiscoIos) -> str:
    return f"Total number of translations: {len(router.entries)}\n\n"


def statistics(state: State) -> str:
    """NAT at large."""
    count = len(state.router.entries)
    return (
        f"Total active translations: {count} (0 static, {count} dynamic; {count} extended)\n"
        "Outside interfaces:\n  GigabitEthernet0/0\nInside interfaces: \n  GigabitEthernet0/1\n"
        "Hits: 59230465  Misses: 3\n"
    )


def counters(state: State) -> str:
    """What the forwarding processor of IOS-XE holds for the SIP ALG, and has seen."""
    router = state.router
    held = sum(entry.sip for entry in router.entries)
    if router.options.inspect == "zones":
        held = max(held, router.options.phones)
    return COUNTERS.format(held=held, seen=f"{held:>2}")


def reload(state: State) -> str:
    """A reload that is scheduled."""
    due = [timer.due for timer in state.router.reload if not timer.cancelled]
    if not due:
        return "No reload is scheduled.\n"
    return f"Reload scheduled for {state.router.date(due[-1])} by {state.user} on vty0\n"
