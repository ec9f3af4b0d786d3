"""Look: ask a device all that its driver wants to know, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from typing import TypeVar

from sipalg_fix.engine.ports import Connections, Prober, Reader
from sipalg_fix.model.assessment import Assessment, Exemption, Intent, assess
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import Facts
from sipalg_fix.model.host import Host
from sipalg_fix.model.packets import NO_PACKETS
from sipalg_fix.model.session import Command, Transcript

Session = TypeVar("Session")

KEEPS_TO_ITSELF = frozenset({"unreachable", "access-denied", "host-key-unknown", "host-key-changed",
                             "certificate-unknown", "certificate-changed", "no-secret", "no-access",
                             "crypto-refused", "timeout"})  # fmt: skip
"""Errors of a second access that leave its planes unread instead of ending the look at the host."""


@contextmanager
def opened(session: AbstractContextManager[Session]) -> Iterator[Session]:
    """
    The session. That it could not be closed properly is passed over: what was said in it stands, and what
    is so after it only a look can tell.
    """
    inside = session.__enter__()
    try:
        yield inside
    except BaseException as error:
        with suppress(DeviceError):
            session.__exit__(type(error), error, error.__traceback__)
        raise
    with suppress(DeviceError):
        session.__exit__(None, None, None)


def ask_all(reader: Reader, driver: Driver, commands: Iterable[Command], seen: Transcript) -> Transcript:
    """
    The transcript with the replies to these commands.

    An access that is not configured, or a second access that cannot be opened, is noted as unread; the
    main access failing is the host's failure (DeviceError).
    """
    for command in commands:
        if seen.why_unread(command.access):
            continue
        why = reader.unread(command.access)
        if not why:
            try:
                seen = seen.plus(reader.ask(command))
                continue
            except DeviceError as error:
                if command.access == driver.first_access or error.code not in KEEPS_TO_ITSELF:
                    raise
                why = f"{error.code}: {error.message}"
        seen = Transcript(
            replies=seen.replies, origin=seen.origin, unread=(*seen.unread, (command.access, why))
        )
    return seen


def transcript_of(reader: Reader, driver: Driver) -> Transcript:
    """A whole look as a transcript: probes, then those that depend on their replies."""
    seen = ask_all(reader, driver, driver.probes, Transcript(origin="this session"))
    return ask_all(reader, driver, driver.more_probes(seen), seen)


def look(connections: Connections, host: Host, driver: Driver) -> Facts:
    """What the device says of itself, by a session opened for this and closed after it."""
    with opened(connections.reader(host, driver)) as reader:
        return driver.parse(transcript_of(reader, driver))


def boot_mark(connections: Connections, host: Host, driver: Driver) -> str:
    """Which boot the device is in; empty when it does not say."""
    with opened(connections.reader(host, driver)) as reader:
        return driver.boot_mark(ask_all(reader, driver, driver.boot_probes, Transcript()))


def judge_host(
    facts: Facts, host: Host, intent: Intent, prober: Prober | None, exempt: Exemption | None, today: date
) -> Assessment:
    """The assessment of a host, with what packets say where a probe point may be asked."""
    packets = prober.packets(host) if prober else NO_PACKETS
    return assess(facts, intent, packets=packets, exempt=exempt, today=today)
