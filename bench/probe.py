"""
What a probe costs: a responder in a process of its own on loopback, and probes one after the other or several
at the same time. CPU time is the kernel's account of each process, in ratios to a session that only greets.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sipalg_fix.model.path import Outcome
from sipalg_fix.wire.certificate import own_certificate, server_context
from sipalg_fix.wire.limits import Limits
from sipalg_fix.wire.probe import Wish, probed
from sipalg_fix.wire.protocol import Transport
from sipalg_fix.wire.responder import Listening, Responder

FAR = "127.0.0.2"
PORTS = Listening(addresses=(FAR,), control=23800, sip=23801, tls=23802, others=(23803, 23804, 23805))
NO_LIMITS = Limits(per_minute_address=10**6, per_minute_prefix=10**6, packets_per_second=10**6)
PROTOTYPE_MS = 2.4
"""CPU of one session of the prototype's responder, over UDP, on another machine."""
TOGETHER = 4
UDP = (Transport.UDP,)
CASES: dict[str, tuple[Transport, ...]] = {
    "greeting only": (),
    "UDP": UDP,
    "TCP": (Transport.TCP,),
    "TLS": (Transport.TLS,),
    "UDP, TCP and TLS": tuple(Transport),
}


def serve(folder: Path) -> None:
    """Be the responder until killed; the pin is the first line."""
    context, pin = server_context(*own_certificate(folder))
    responder = Responder(PORTS, context, NO_LIMITS)
    print(pin, flush=True)

    async def run() -> None:
        await responder.run(asyncio.Event())

    asyncio.run(run())


@contextmanager
def responder() -> Iterator[tuple[str, int]]:
    """Pin and process id of one."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, __file__, "--serve", folder]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            try:
                yield running.stdout.readline().strip(), running.pid
            finally:
                running.kill()


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has had."""
    # The kernel's own sum in ns, where it keeps one: ticks of 10 ms are coarse.
    found = re.match(r"(\d+) ", Path(f"/proc/{pid}/schedstat").read_text())
    if found and int(found[1]):
        return int(found[1]) / 1e9
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def probes(pin: str, transports: tuple[Transport, ...], count: int, together: int) -> list[float]:
    """So many probes, some at the same time; how long each took. All must find the path clean."""
    wish = Wish(host=FAR, port=PORTS.control, pin=pin, transports=transports, phone_port=False)
    took: list[float] = []

    async def some(number: int) -> None:
        for _ in range(number):
            report = await probed(wish, "")
            # By itself, TLS is no proof of anything.
            if {Transport.UDP, Transport.TCP} & set(transports) and report.outcome is not Outcome.NONE:
                raise SystemExit(f"{report.outcome.value}: {report.reason}")
            took.append(report.seconds)

    await asyncio.gather(*(some(count // together) for _ in range(together)))
    return took


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Of each probe of one kind: CPU seconds at the responder and at the probe, and how long it took."""

    far: list[float]
    own: list[float]
    took: list[float]


def measured(pin: str, pid: int, transports: tuple[Transport, ...], count: int) -> Row:
    """One probe after the other. The least is what other work on the machine disturbed least."""
    asyncio.run(probes(pin, transports, 5, 1))
    row = Row(far=[], own=[], took=[])
    for _ in range(count):
        far, own = cpu_of(pid), time.process_time()
        row.took.extend(asyncio.run(probes(pin, transports, 1, 1)))
        row.own.append(time.process_time() - own)
        row.far.append(cpu_of(pid) - far)
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=100, help="probes of each kind")
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    load = os.getloadavg()[0]
    with responder() as (pin, pid):
        rows = {name: measured(pin, pid, which, given.count) for name, which in CASES.items()}
        began, far = time.monotonic(), cpu_of(pid)
        at_once = asyncio.run(probes(pin, UDP, given.count, TOGETHER))
        rate, busy = len(at_once) / (time.monotonic() - began), cpu_of(pid) - far
    floor = rows["greeting only"]
    for name, row in rows.items():
        ratio = statistics.median(row.far) / statistics.median(floor.far)
        print(f"{name}: responder {_both(row.far)} ms of CPU a session, {ratio:.1f} greetings,")
        print(f"    {1 / min(row.far):.0f} sessions a second on one core at best;")
        print(f"    probe {_both(row.own)} ms of CPU; clean path in {_both(row.took)} ms")
    ratio = min(rows["UDP"].far) * 1e3 / PROTOTYPE_MS
    print(f"a UDP session is, at best, {ratio:.1f} times the prototype's {PROTOTYPE_MS} ms")
    each = busy / len(at_once) * 1e3
    print(f"{TOGETHER} UDP probes at a time: {rate:.0f} a second, {each:.1f} ms of the responder's CPU each")
    print(f"load before: {load:.1f} on {os.cpu_count()} processors")


def _both(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:.1f} (at best {min(seconds) * 1e3:.1f})"


if __name__ == "__main__":
    main()
