"""A real Kamailio as registrar, in a namespace; what it logs and where it sends HEP, the test says."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from sipalg_fix.lab.netns import Namespace
from tests.real.told import PATIENCE, Told

MODULES = ("sl", "tm", "pv", "xlog", "textops", "siputils", "usrloc", "registrar")
CONFIG = """\
debug=2
log_stderror=yes
log_prefix=""
memdbg=5
children=1
tcp_children=1
auto_aliases=no
disable_tcp=no
listen=udp:{address}:5060
listen=tcp:{address}:5060
{load}
{parameters}
event_route[core:worker-one-init] {{
    xlog("{ready}\n");
}}
request_route {{
{route}
    if (is_method("REGISTER")) {{
        save("location");
        exit;
    }}
    sl_send_reply("200", "OK");
}}
"""
READY = "sockets are bound and a worker runs"


class Kamailio:
    """Runs from ``with`` to its end, and is listening when ``with`` begins."""

    def __init__(
        self, directory: Path, place: Namespace, address: str, *, route: str = "", parameters: str = ""
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.log = directory / "kamailio.log"
        load = "\n".join(f'loadmodule "{name}.so"' for name in MODULES)
        config = directory / "kamailio.cfg"
        config.write_text(
            CONFIG.format(address=address, load=load, route=route, parameters=parameters, ready=READY)
        )
        words = ["kamailio", "-f", str(config), "-DD", "-E", "-m", "16", "-M", "4", "-Y", str(directory)]
        words += ["-w", str(directory), "-P", str(directory / "pid")]
        with place.inside():
            self._process = subprocess.Popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        self.told = Told(self._process.stdout, self.log)

    def __enter__(self) -> Kamailio:
        try:
            self.told.wait_for(READY)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self._end()

    def _end(self) -> None:
        """No child of it outlives a test: Kamailio gives its children a minute to end."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.told.end()
