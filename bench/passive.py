"""
What listening costs: a capture of REGISTERs of many customers, read as a stream out of a pipe, so that it is
nowhere as a whole. CPU time is in ratios to reading the same packets with dpkt alone.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sipalg_fix.model.passive import Shown
from sipalg_fix.wire.passive import capture
from sipalg_fix.wire.passive.files import unpacked
from sipalg_fix.wire.passive.glance import glance
from sipalg_fix.wire.passive.heard import NotRead
from sipalg_fix.wire.passive.watch import Watch

HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
SERVER = bytes((203, 0, 113, 10))
MESSAGE = (
    "REGISTER sip:203.0.113.10 SIP/2.0\r\nVia: SIP/2.0/UDP {via}:5060;branch=z9hG4bK{number};rport\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:49301{user}@203.0.113.10>;tag=a\r\nTo: <sip:49301{user}@203.0.113.10>\r\n"
    "Call-ID: {number}@192.168.1.10\r\nCSeq: 1 REGISTER\r\nContact: <sip:49301{user}@{via}:5060>\r\n"
    "User-Agent: bench\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER, MESSAGE, UPDATE\r\n"
    "Expires: 600\r\nContent-Length: 0\r\n\r\n"
)


def record(number: int, customers: int) -> bytes:
    """One REGISTER; every third customer sits behind an ALG."""
    customer = number % customers
    source = bytes((100, customer >> 16 & 255 | 128, customer >> 8 & 255, customer & 255))
    public = ".".join(map(str, source))
    via = public if customer % 3 == 0 else "192.168.1.10"
    data = MESSAGE.format(via=via, number=number, user=customer).encode()
    datagram = struct.pack(">HHHH", 5060, 5060, 8 + len(data), 0) + data
    packet = (
        struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(datagram), 1, 0, 60, 17, 0) + source + SERVER + datagram
    )
    frame = bytes(12) + b"\x08\x00" + packet
    return struct.pack("<IIII", 1_764_000_000 + number // 1000, 0, len(frame), len(frame)) + frame


def fed(count: int, customers: int) -> io.BufferedReader:
    """A pipe with a capture in it, which a thread fills."""
    out, into = os.pipe()

    def fill() -> None:
        with os.fdopen(into, "wb", 1 << 20) as pipe:
            pipe.write(HEAD)
            for number in range(count):
                pipe.write(record(number, customers))

    threading.Thread(target=fill, daemon=True).start()
    return os.fdopen(out, "rb", 1 << 20)


def frames(file: io.BufferedReader, not_read: NotRead) -> Iterator[capture.Frame]:
    """Its frames, as dpkt gives them."""
    return capture.frames_of(*unpacked(file), "bench", not_read)


def memory() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def listened(count: int, customers: int) -> tuple[float, int, Watch]:
    """CPU seconds, the most bytes of memory that were gained, and the watch."""
    not_read, most, before = NotRead(), 0, memory()
    watch = Watch(not_read)
    with fed(count, customers) as file:
        began = time.thread_time()
        for number, heard in enumerate(capture.messages_in(frames(file, not_read), not_read)):
            watch.take(heard)
            if not number % 10_000:
                most = max(most, memory() - before)
        took = time.thread_time() - began
    assert not not_read, not_read
    assert watch.messages == count
    return took, most, watch


def dpkt_alone(count: int, customers: int) -> float:
    """CPU seconds to read the frames and throw them away."""
    with fed(count, customers) as file:
        began = time.thread_time()
        assert sum(1 for _ in frames(file, NotRead())) == count
        return time.thread_time() - began


def main() -> None:
    """Measure, and print a table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--messages", type=int, default=1_000_000)
    asked.add_argument("--customers", type=int, default=50_000)
    wish = asked.parse_args()
    sample = max(1, wish.messages // 10)
    alone = dpkt_alone(sample, wish.customers) / sample
    looked = time.thread_time()
    for number in range(sample):
        glance(record(number, wish.customers)[58:])
    looked = (time.thread_time() - looked) / sample
    print(f"{'messages':>10} {'customers':>10} {'CPU s':>8} {'a second':>9} {'to dpkt':>8} {'memory MB':>10}")
    for count in (sample, wish.messages):
        took, gained, watch = listened(count, wish.customers)
        numbers = f"{took:>8.1f} {count / took:>9.0f} {took / count / alone:>8.1f} {gained / 1e6:>10.0f}"
        print(f"{count:>10} {wish.customers:>10} {numbers}", flush=True)
    began = time.thread_time()
    counts = watch.report("pcap", "2026-11-28T00:00:00+00:00").counts
    print(f"report: {time.thread_time() - began:.1f} s")
    print(f"dpkt alone {alone * 1e6:.1f} us a packet; a look at a message (made anew) {looked * 1e6:.1f} us")
    print(f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    assert counts[Shown.LOOKS_REWRITTEN] == (min(wish.customers, wish.messages) + 2) // 3


if __name__ == "__main__":
    main()
