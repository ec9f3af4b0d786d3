"""Logs and HEP streams come to messages as captures do; what is none is counted."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote

import pytest

from sipalg_fix.model.errors import CaptureError
from sipalg_fix.model.passive import Shown
from sipalg_fix.wire.passive import hep, kamailio_log
from sipalg_fix.wire.passive.heard import Heard, NotRead
from sipalg_fix.wire.passive.hep import Listening, message_of
from tests.wire.passive.packets import PHONE, PUBLIC, SERVER, register, watched

MESSAGE = register()


def line(**changed: str) -> str:
    """As Kamailio writes it."""
    fields = {
        "t": "1764000000", "si": PUBLIC, "sp": "5060", "ri": SERVER, "rp": "5060", "pr": "udp",
        "rm": "REGISTER", "cs": "1", "ru": f"sip:{SERVER}", "v1": f"SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bK1",
        "v2": "<null>", "fu": f"sip:4930123456@{SERVER}", "tu": f"sip:4930123456@{SERVER}",
        "ct": f"<sip:4930123456@{PHONE}:5060>", "ci": f"abc@{PHONE}", **changed,
    }  # fmt: skip
    words = (
        f"{key}={value if value == '<null>' else quote(value, safe='')}" for key, value in fields.items()
    )
    return f"Nov 23 10:00:00 sbc kamailio[7]: INFO: <script>: sipalg-fix: {' '.join(words)}\n"


def logged(path: Path, text: str | bytes) -> tuple[list[Heard], NotRead]:
    """What a log holds."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    not_read = NotRead()
    return list(kamailio_log.heard_in([path], not_read)), not_read


PUBLIC_CONTACT = f"<sip:1@{PUBLIC}>"
PUBLIC_VIA = f"SIP/2.0/UDP {PUBLIC}:5060"


@pytest.mark.parametrize(
    ("changed", "shown"),
    [
        ({}, Shown.UNALTERED),
        ({"v1": PUBLIC_VIA, "ct": PUBLIC_CONTACT}, Shown.LOOKS_REWRITTEN),
        ({"v1": PUBLIC_VIA, "v2": f"SIP/2.0/UDP {PHONE}", "ct": PUBLIC_CONTACT}, Shown.PROXY),
        ({"v1": PUBLIC_VIA, "ct": PUBLIC_CONTACT, "ci": "x"}, Shown.CANNOT_SAY),
        ({"ct": "<null>"}, Shown.UNALTERED),
        ({"rp": "5070"}, Shown.CANNOT_SAY),
        ({"ct": f"<sip:1@{PHONE}>\r\nVia: SIP/2.0/UDP {PUBLIC}"}, Shown.UNALTERED),
    ],
)
def test_a_line_is_a_message(tmp_path: Path, changed: dict[str, str], shown: Shown) -> None:
    """The same rules, and no header can make up another."""
    found, not_read = logged(tmp_path / "log", "other line\n" + line(**changed) + "Nov 23 another\n")
    (caller,) = watched(found).callers
    assert caller.shown is shown, caller
    assert caller.first == "2025-11-24T16:00:00+00:00"
    assert not not_read


def test_logs_may_be_rotated_gzipped_and_cut(tmp_path: Path) -> None:
    """What is there is read; lines that lack something are counted."""
    text = line() + line(si="<null>") + line(ci="<null>") + line()[:120]
    found, not_read = logged(tmp_path / "log.1.gz", gzip.compress(text.encode()))
    assert len(found) == 1
    assert not_read == {"log lines of another form": 3}
    assert logged(tmp_path / "log", "")[0] == []
    found, not_read = logged(tmp_path / "log", line() + "x" * 300_000 + "\n" + line())
    assert (len(found), not_read["log lines that are too long"] > 0) == (2, True)


def test_another_log_is_refused(tmp_path: Path) -> None:
    """A log that nobody gave the line to says nothing of anybody, and not that all is well."""
    with pytest.raises(CaptureError, match="xlog") as caught:
        logged(tmp_path / "log", "Nov 23 10:00:00 sbc kamailio: REGISTER from somebody\n")
    assert caught.value.code == "log-format"


def chunk(kind: int, data: bytes) -> bytes:
    return struct.pack(">HHH", 0, kind, 6 + len(data)) + data


def hep3(data: bytes = MESSAGE, *, family: int = 2, kind: int = 1, more: bytes = b"") -> bytes:
    """A datagram of version 3."""
    v6 = family == 10
    pack = socket.inet_pton
    places = (
        (5, pack(socket.AF_INET6, "2001:db8::1")) if v6 else (3, socket.inet_aton(PUBLIC)),
        (6, pack(socket.AF_INET6, "2001:db8::2")) if v6 else (4, socket.inet_aton(SERVER)),
    )
    body = b"".join(chunk(*each) for each in places)
    numbers = ((1, bytes([family])), (2, b"\x11"), (7, b"\x13\xc4"), (8, b"\x13\xc4"), (11, bytes([kind])))
    body += b"".join(chunk(number, value) for number, value in numbers)
    body += chunk(9, struct.pack(">I", 1_764_000_000)) + chunk(10, struct.pack(">I", 500_000)) + more
    body += chunk(15, data)
    return b"HEP3" + struct.pack(">H", 6 + len(body)) + body


HEP2 = struct.pack(">BBBBHH", 2, 16, 2, 17, 5060, 5060) + socket.inet_aton(PUBLIC) + socket.inet_aton(SERVER)
HEP1 = b"\x01" + HEP2[1:] + MESSAGE
HEP2 += bytes(12) + MESSAGE
FOREIGN = struct.pack(">HHH", 0x1234, 15, 8) + b"xx"


@pytest.mark.parametrize("datagram", [hep3(), hep3(more=FOREIGN), HEP1, HEP2], ids=["3", "vendor", "1", "2"])
def test_versions_of_hep(datagram: bytes) -> None:
    """Addresses, ports and the message."""
    not_read = NotRead()
    found = message_of(datagram, not_read)
    assert found is not None
    assert (found.source, found.target, found.source_port, found.transport) == (PUBLIC, SERVER, 5060, "udp")
    assert found.data == MESSAGE
    assert found.at in (0.0, 1_764_000_000.5)
    six = message_of(hep3(family=10), not_read)
    assert six is not None
    assert six.source == "2001:db8::1"


@pytest.mark.parametrize(
    "datagram",
    [
        b"", b"HEP3", b"HEP3\xff\xff", hep3()[:-1], hep3(kind=5), hep3(b"RTCP"), hep3(family=7), HEP2[:20],
        b"\x02" * 9,
    ],
)  # fmt: skip
def test_what_is_no_hep_is_counted(datagram: bytes) -> None:
    """Never a message, never a failure."""
    not_read = NotRead()
    assert message_of(datagram, not_read) is None
    assert sum(not_read.values()) == 1


def test_a_stream_ends_at_its_bound() -> None:
    """After so many messages, or so many seconds; junk does not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    stream = hep.heard_in(Listening(address="127.0.0.1", port=port, count=2), NotRead())

    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for each in (hep3(), b"junk", hep3(), hep3()):
                sock.sendto(each, ("127.0.0.1", port))

    sender = threading.Thread(target=send)
    sender.start()
    assert len(list(stream)) == 2
    sender.join()
    assert list(hep.heard_in(Listening(address="127.0.0.1", port=port, seconds=0.001), NotRead())) == []


def test_a_port_that_is_taken_is_named() -> None:
    """With a code, before anything else."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with pytest.raises(CaptureError, match=str(port)) as caught:
            hep.heard_in(Listening(address="127.0.0.1", port=port), NotRead())
    assert caught.value.code == "hep-port"


def test_ctrl_c_ends_with_the_report(tmp_path: Path) -> None:
    """What was heard until then is told, with its exit code."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    words = [sys.executable, "-m", "sipalg_fix", "passive", "--hep", f"127.0.0.1:{port}", "--output", "csv"]
    running = subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(tmp_path)}
    )
    needle = f"0100007F:{port:04X}"
    deadline = threading.Event()
    for _ in range(2000):
        if needle in Path("/proc/net/udp").read_text():
            break
        deadline.wait(0.01)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(hep3(), ("127.0.0.1", port))
    # The datagram is in the listener's buffer already, and is read before the end.
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    assert said.startswith("address,")
    assert running.returncode == 0
