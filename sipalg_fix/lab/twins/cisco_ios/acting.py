"""The commands that do something: levels, configuration mode, saving, reloading, clearing, reverting."""

from __future__ import annotations

import re

from sipalg_fix.lab.twins.cisco_ios import showing
from sipalg_fix.lab.twins.cisco_ios.state import INCOMPLETE, Ask, Kind, Result, State

LOCKED = (
    "Configuration mode is locked by process '484' user 'NETCONF' from terminal '64'. Please try later.\n\n"
)
ENTER = "Enter configuration commands, one per line.  End with CNTL/Z.\n"
TRIES = 3


def nothing(state: State, values: list[str]) -> Result:
    """Taken, without effect here."""
    return Result()


def length(state: State, values: list[str]) -> Result:
    """Lines of a page, 0 for no pages."""
    if not values[0].isdigit() or int(values[0]) > 512:
        return state.invalid(16)
    state.rows = int(values[0])
    return Result()


def width(state: State, values: list[str]) -> Result:
    """Columns, 0 for no end."""
    if not values[0].isdigit() or int(values[0]) > 512:
        return state.invalid(15)
    state.columns = int(values[0])
    return Result()


def leave(state: State, values: list[str]) -> Result:
    """Log out."""
    state.closed = True
    return Result()


def disable(state: State, values: list[str]) -> Result:
    """Back to user level."""
    state.level = 1
    return Result()


def enable(state: State, values: list[str]) -> Result:
    """To level 15, by the password where there is one."""
    if state.level == 15:
        return Result()
    if not state.router.enable_secret:
        return Result(text="% Error in authentication.\n\n")

    def given(tries: int) -> Ask:
        def then(typed: str) -> Result:
            if typed == state.router.enable_secret:
                state.level = 15
                return Result()
            return Result(ask=given(tries - 1)) if tries > 1 else Result(text="% Bad secrets\n\n")

        return Ask(prompt="Password: ", kind=Kind.SECRET, then=then)

    return Result(ask=given(TRIES))


def configure_from(state: State, values: list[str]) -> Result:
    """``configure`` alone asks from where."""

    def then(typed: str) -> Result:
        if typed in ("", "terminal"):
            return configure(state, [])
        return Result(text='?Must be "terminal", "memory" or "network"\n')

    prompt = "Configuring from terminal, memory, or network [terminal]? "
    return Result(ask=Ask(prompt=prompt, kind=Kind.LINE, then=then))


def configure(state: State, values: list[str]) -> Result:
    """Into configuration mode."""
    if state.router.chassis.switches.locked:
        return Result(text=LOCKED)
    state.mode, state.head = "config", ""
    return Result(text=ENTER)


def configure_guarded(state: State, values: list[str]) -> Result:
    """The same, and the configuration goes back by itself unless it is confirmed."""
    router = state.router
    if not values[0].isdigit() or not 1 <= int(values[0]) <= 120:
        return state.invalid(32)
    if router.chassis.switches.locked:
        return Result(text=LOCKED)
    if not router.archiving:
        return Result(text="%Turn config archive on before using Rollback Confirmed Change\n\n")
    if router.revert is not None:
        return Result(text='%Rollback Confirmed Change is in progress. Enter "configure confirm" first\n\n')
    copy = router.guard(int(values[0]), state.user)
    said = f"Rollback Confirmed Change: Backing up current running config to {copy}\n\n"
    return Result(text=said + configure(state, []).text)


def confirm(state: State, values: list[str]) -> Result:
    """Keep what was configured under the timer."""
    if state.router.revert is None:
        return Result(text=showing.NO_TIMER)
    state.router.settle()
    return Result()


def revert_now(state: State, values: list[str]) -> Result:
    """Do not wait for the timer."""
    if state.router.revert is None:
        return Result(text=showing.NO_TIMER)
    state.router.take_back()
    return Result(text="\nTotal number of passes: 1\nRollback Done\n\n")


def copy(state: State, values: list[str]) -> Result:
    """``copy running-config startup-config``."""
    prompt = "Destination filename [startup-config]? "
    return Result(ask=Ask(prompt=prompt, kind=Kind.LINE, then=lambda _: write(state, values)))


def write(state: State, values: list[str]) -> Result:
    """Save, in the words of one of the four ways in which routers do, or not at all."""
    router = state.router
    router.saves += 1
    if router.chassis.switches.refuse_writes:
        return state.invalid()
    if router.chassis.switches.save_fails:
        said = "Building configuration...\n% Compressed configuration is too large for nvram\n"
        return Result(text=said, ask=Ask(prompt="Truncate config?? [no]: ", kind=Kind.LINE, then=_failed))
    if router.options.save == "busy" and router.saves == 1:
        return Result(text="startup-config file open failed (Device or resource busy)\n")
    if router.options.save == "overwrite":
        said = "Warning: Attempting to overwrite an NVRAM configuration previously written\n"
        said += "by a different version of the system image.\n"
        prompt = "Overwrite the previous NVRAM configuration?[confirm]"
        return Result(text=said, ask=Ask(prompt=prompt, kind=Kind.KEY, then=lambda key: _saved(state, key)))
    return _saved(state, "y")


def _failed(typed: str) -> Result:
    return Result(text="[FAILED]\n")


def _saved(state: State, key: str) -> Result:
    if key not in ("y", "Y", ""):
        return Result()
    state.router.save()
    said = "Building configuration...\n"
    if state.router.options.save == "compressed":
        return Result(text=f"{said}Compressed configuration from 22772 bytes to 7054 bytes[OK]\n")
    return Result(text=f"{said}[OK]\n")


def reload(state: State, values: list[str]) -> Result:
    """Restart now."""

    def proceed(key: str) -> Result:
        if key in ("y", "Y", ""):
            state.router.reboot()
        return Result()

    return _save_first(state, Ask(prompt="Proceed with reload? [confirm]", kind=Kind.KEY, then=proceed))


def reload_in(state: State, values: list[str]) -> Result:
    """Restart later, with notices to all."""
    if not values[0].isdigit() or int(values[0]) < 1:
        return state.invalid(10)
    minutes, router = int(values[0]), state.router
    due = router.date(router.chassis.now + 60 * minutes)

    def proceed(key: str) -> Result:
        if key in ("y", "Y", ""):
            router.reload_in(minutes)
        return Result()

    prompt = (
        f"Reload scheduled for {due} (in {minutes} minutes) by {state.user} on vty0\n"
        "Reload reason: Reload Command\nProceed with reload? [confirm]"
    )
    return _save_first(state, Ask(prompt=prompt, kind=Kind.KEY, then=proceed))


def _save_first(state: State, ask: Ask) -> Result:
    """Where something is not saved there is a question before the question."""
    if not state.router.modified:
        return Result(ask=ask)
    prompt = "\nSystem configuration has been modified. Save? [yes/no]: "

    def then(typed: str) -> Result:
        if typed.lower() in ("y", "yes"):
            return Result(text=write(state, []).text, ask=ask)
        if typed.lower() in ("n", "no"):
            return Result(ask=ask)
        return Result(
            text="% Please answer 'yes' or 'no'.\n", ask=Ask(prompt=prompt, kind=Kind.LINE, then=then)
        )

    return Result(ask=Ask(prompt=prompt, kind=Kind.LINE, then=then))


def reload_cancel(state: State, values: list[str]) -> Result:
    """Stay up after all."""
    if not state.router.cancel_reload():
        return Result(text="%No reload is scheduled.\n")
    state.router.tell("\n\n\n\x07***\n*** --- SHUTDOWN ABORTED ---\n***\n")
    return Result()


def clear(state: State, values: list[str]) -> Result:
    """Forget all translations, or one that is named by its inner and outer ends."""
    router = state.router
    if router.chassis.switches.refuse_writes:
        return state.invalid()
    if values == ["*"]:
        router.clear(lambda _: True)
        return Result()
    named = re.fullmatch(r"(udp|tcp) inside (\S+) (\d+) (\S+) (\d+)(?: forced)?", values[0])
    if named is None:
        return Result(text=INCOMPLETE)
    protocol, outer, inner = named[1], f"{named[2]}:{named[3]}", f"{named[4]}:{named[5]}"
    gone = router.clear(lambda e: (e.protocol, e.outer, e.inner) == (protocol, outer, inner))
    return Result(text="" if gone else "%Translation not found\n")
