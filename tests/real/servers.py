"""SIP software that nobody here has written, in a namespace, for as long as a test needs it."""

from __future__ import annotations

import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sipalg_fix.lab.netns import Namespace

_CONFIG = """\
debug=0
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:{address}:5060
loadmodule "sl.so"
loadmodule "xlog.so"
event_route[core:worker-one-init] {{
    xlog("L_ALERT", "ready\\n");
}}
request_route {{
    sl_send_reply("200", "OK");
    exit;
}}
"""


def missing(*programs: str) -> str:
    """Which of these Debian packages' programs cannot be found; empty: none."""
    lacking = [name for name in programs if shutil.which(name) is None]
    packages = " ".join({"sipp": "sip-tester"}.get(name, name) for name in lacking)
    return f"{', '.join(lacking)} is missing: apt-get install {packages}" if lacking else ""


@contextmanager
def running(place: Namespace, ready: str, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a namespace, from when it has said ``ready`` on its standard error, to the end."""
    with place.inside():
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process:
        try:
            wait_for(process, ready)
            yield process
        finally:
            process.terminate()
            # What it says while it ends must not fill the pipe.
            process.communicate(timeout=20)


def wait_for(process: subprocess.Popen[bytes], ready: str, seconds: float = 20) -> None:
    """Return when a program has said a word on its standard error; OSError with what it said instead."""
    assert process.stderr is not None
    said, ends = b"", time.monotonic() + seconds
    with selectors.DefaultSelector() as watched:
        watched.register(process.stderr, selectors.EVENT_READ)
        while ready.encode() not in said:
            left = ends - time.monotonic()
            more = process.stderr.read1(4096) if left > 0 and watched.select(left) else b""  # type: ignore[attr-defined]  # a pipe is buffered
            if not more:
                raise OSError(f"{process.args!r} did not start: {said.decode(errors='replace')[-500:]}")
            said += more


@contextmanager
def kamailio(place: Namespace, address: str, directory: Path) -> Iterator[None]:
    """A kamailio that answers every request to UDP port 5060 of an address with 200."""
    config = directory / "kamailio.cfg"
    config.write_text(_CONFIG.format(address=f"[{address}]" if ":" in address else address))
    words = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "16", "-M", "4", "-Y", str(directory)]
    with running(place, "ready", *words):
        yield
