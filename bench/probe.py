"""
What a probe costs: a responder in a process of its own on loopback, and probes one after the other or several
at the same time. CPU time is the kernel's account of each process, in ratios to a session that only greets.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


def measured(
    pin: str, pid: int, transports: tuple[Transport, ...], count: int
) -> tuple[float, float, list[float]]:
    """CPU seconds of responder and probe for one session, and how long each probe took."""
    asyncio.run(probes(pin, transports, 5, 1))
    far, own = cpu_of(pid), resource.getrusage(resource.RUSAGE_SELF)
    took = asyncio.run(probes(pin, transports, count, 1))
    far, now = cpu_of(pid) - far, resource.getrusage(resource.RUSAGE_SELF)
    mine = now.ru_utime + now.ru_stime - own.ru_utime - own.ru_stime
    return far / count, mine / count, took


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
        rows = {name: measured(pin, pid, transports, given.count) for name, transports in CASES.items()}
        began, far = time.monotonic(), cpu_of(pid)
        at_once = asyncio.run(probes(pin, UDP, 4 * given.count, 8))
        rate, busy = len(at_once) / (time.monotonic() - began), cpu_of(pid) - far
    floor = rows["greeting only"][0]
    for name, (theirs, mine, took) in rows.items():
        print(f"{name}: responder {theirs * 1e3:.2f} ms of CPU a session, {theirs / floor:.1f} greetings,")
        print(f"    {1 / theirs:.0f} sessions a second on one core; probe {mine * 1e3:.2f} ms of CPU,")
        print(f"    clean path in {statistics.median(took) * 1e3:.1f} ms, at best {min(took) * 1e3:.1f} ms")
    ratio = rows["UDP"][0] * 1e3 / PROTOTYPE_MS
    print(f"a UDP session is {ratio:.1f} times the prototype's {PROTOTYPE_MS} ms")
    each = busy / len(at_once) * 1e3
    print(f"8 UDP probes at a time on one machine: {rate:.0f} a second, {each:.2f} ms of responder CPU each")
    print(f"load before: {load:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
