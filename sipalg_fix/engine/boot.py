"""Boot: restart a device and believe it only when it shows another boot."""

from __future__ import annotations

from sipalg_fix.engine.look import boot_mark, opened
from sipalg_fix.engine.patience import GOING_DOWN, first_look
from sipalg_fix.engine.run import Ports, say
from sipalg_fix.engine.steps import Hand
from sipalg_fix.model.change import Phase
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError, NotUnderstood
from sipalg_fix.model.host import Host
from sipalg_fix.model.step import Step

BOOT_SECONDS = 300.0


def restart(
    ports: Ports, host: Host, driver: Driver, hand: Hand, steps: tuple[Step, ...], seconds: float
) -> None:
    """
    Restart and wait for a new boot; DeviceError ``not-rebooted`` when the old one goes on answering,
    or what the last try met when nothing answers within ``seconds``. A device that does not say which
    boot it is in is not restarted: it could never be shown that it was.
    """
    before = first_look(ports, host, lambda host: boot_mark(ports.connections, host, driver))
    if not before:
        raise NotUnderstood("the router does not say which boot it is in, so it is not restarted")
    begun = ports.clock.monotonic()
    with opened(ports.connections.writer(host, driver)) as writer:
        hand.carry_out(steps, writer, Phase.REBOOT)
    last: DeviceError | None = None
    wait = 0.5
    while ports.clock.monotonic() - begun < seconds:
        try:
            after = boot_mark(ports.connections, host, driver)
            last = None
            if driver.rebooted(before, after, ports.clock.monotonic() - begun):
                return
        except DeviceError as error:
            if error.code not in GOING_DOWN:
                raise
            last = error
        say(ports, host.name, "rebooting", "waiting for a new boot")
        ports.clock.pause(wait)
        wait = min(wait * 1.5, 5.0)
    if last is not None:
        raise last
    raise DeviceError(
        "not-rebooted",
        f"the restart was accepted, but {seconds:.0f} seconds later the same boot still answers ({before})",
    )
