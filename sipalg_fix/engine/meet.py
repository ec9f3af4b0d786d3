"""Meet: find out which platform a host is of where its inventory says ``auto``. Looks only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sipalg_fix.engine.look import ask_all, opened, transcript_of
from sipalg_fix.engine.ports import Connections, Reader, Stranger
from sipalg_fix.model.driver import Driver
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.facts import Facts, Finding
from sipalg_fix.model.host import Host
from sipalg_fix.model.meeting import Meeting, asking, decided, greeted, marked, taken_for
from sipalg_fix.model.session import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A host whose platform was found out, and the login in which it was, to go on with."""

    host: Host
    """Of its own platform."""
    driver: Driver
    by: Finding
    reader: Reader

    def look(self) -> Facts:
        """What the device says of itself, and by what its platform is known; so does a DeviceError."""
        try:
            return marked(self.driver.parse(transcript_of(self.reader, self.driver)), self.by)
        except DeviceError as error:
            raise DeviceError(error.code, f"{error.message} ({self.by.message})") from None


@contextmanager
def met(connections: Connections, host: Host, drivers: Mapping[str, Driver]) -> Iterator[Met]:
    """One login to the host; DeviceError ``platform-unclear`` where its platform is not shown."""
    with opened(connections.stranger(host)) as stranger:
        driver, hallmarks, by = decided(shown_by(stranger, host, drivers.values()))
        known = taken_for(host, driver, hallmarks)
        driver = driver.over(known.accesses)
        yield Met(host=known, driver=driver, by=by, reader=stranger.reader(known, driver))


def shown_by(stranger: Stranger, host: Host, drivers: Iterable[Driver]) -> Meeting:
    """How it greets, and its answers to each driver that asks what greets so."""
    answers = []
    for driver, hallmarks in greeted(stranger.greeting, drivers):
        unsure = asking(driver, hallmarks)
        reader = stranger.reader(taken_for(host, driver, hallmarks), unsure)
        seen = ask_all(reader, unsure, hallmarks.questions, Transcript(origin="this session"))
        answers.append((driver, hallmarks, seen))
    return Meeting(greeting=stranger.greeting, answers=tuple(answers))
