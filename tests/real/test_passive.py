"""Independent traffic through the real kernel: what is said of a capture is what the router does."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.lab import paths, realrouter
from sipalg_fix.lab.netns import Namespace
from sipalg_fix.lab.paths import Chain
from sipalg_fix.lab.realrouter import ALG, PLAIN
from sipalg_fix.model.passive import PassiveReport, Shown, Sign
from sipalg_fix.wire.passive.capture import heard_in
from sipalg_fix.wire.passive.heard import NotRead
from sipalg_fix.wire.passive.kamailio_log import MARK, XLOG
from sipalg_fix.wire.passive.watch import Watch
from tests.real.conftest import need
from tests.real.kamailio import Kamailio
from tests.real.servers import missing
from tests.real.told import Told

pytestmark = pytest.mark.root
PATIENCE = 20.0

REGISTER = """\
<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
  <send retrans="500"><![CDATA[
REGISTER sip:[remote_ip] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:4930123456@[remote_ip]>;tag=[call_number]
To: <sip:4930123456@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:4930123456@[local_ip]:[local_port];transport=[transport]>
Expires: 60
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
"""


@pytest.fixture(autouse=True)
def needed() -> None:
    """The kernel's ALG, and the programs."""
    need(realrouter.availability() or missing("kamailio", "sipp", "tcpdump"))


@contextmanager
def capture(place: Namespace, interface: str, file: Path) -> Iterator[None]:
    """tcpdump from here to the end of the block, by when it has written the last answer."""
    words = [
        "tcpdump",
        "-i",
        interface,
        "-U",
        "--immediate-mode",
        "-n",
        "-w",
        "-",
        "-Z",
        "root",
        "port 5060",
    ]
    with place.inside():
        running = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    told = Told(running.stdout, file)
    try:
        line = running.stderr.readline()
        while line and b"listening on" not in line:
            line = running.stderr.readline()
        assert line, "tcpdump did not start"
        yield
        told.wait_for("SIP/2.0 200")
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(PATIENCE)
        told.end()
        running.stderr.close()


def register(path: Chain, directory: Path, transport: str = "u1") -> None:
    """One REGISTER by sipp, from the phone's port 5060."""
    scenario = directory / "register.xml"
    scenario.write_text(REGISTER)
    path.phone.run(
        "sipp", "-sf", str(scenario), "-m", "1", "-i", paths.PHONE, "-p", "5060", "-t", transport, "-nostdin",
        "-timeout", "10s", "-timeout_error", f"{paths.FAR}:5060",
    )  # fmt: skip


def heard(*files: Path) -> PassiveReport:
    """What is said of captures."""
    not_read = NotRead()
    watch = Watch(not_read)
    for each in heard_in(files, not_read):
        watch.take(each)
    return watch.report("pcap", "2026-11-23T10:00:00+00:00")


@contextmanager
def standing(tmp_path: Path, *rulesets: str) -> Iterator[Chain]:
    """A path with a registrar at its end."""
    with ExitStack() as made:
        path = made.enter_context(Chain(*rulesets))
        made.enter_context(Kamailio(tmp_path / "kamailio", path.far, paths.FAR))
        yield path


@pytest.mark.parametrize("transport", ["u1", "t1"])
@pytest.mark.parametrize("alg", [True, False], ids=["alg", "plain"])
def test_each_side_of_a_router_says_what_it_does(tmp_path: Path, alg: bool, transport: str) -> None:
    """At the registrar, at the phone, on the router, and from two files: flagged with the ALG, else not."""
    far, phone, router = (tmp_path / f"{name}.pcap" for name in ("far", "phone", "router"))
    with standing(tmp_path, PLAIN + (ALG if alg else "")) as path, ExitStack() as listening:
        listening.enter_context(capture(path.far, "eth0", far))
        listening.enter_context(capture(path.phone, "eth0", phone))
        listening.enter_context(capture(path.routers[0], "any", router))
        register(path, tmp_path, transport)
    at_registrar, at_phone, on_router, both = heard(far), heard(phone), heard(router), heard(far, phone)
    for report, address in (
        (at_registrar, paths.PUBLIC),
        (at_phone, paths.PHONE),
        (on_router, paths.PUBLIC),
        (both, paths.PUBLIC),
    ):
        caller = next(each for each in report.callers if each.address == address)
        shown = {
            True: {Shown.REWRITES} if report is not at_registrar else {Shown.LOOKS_REWRITTEN},
            False: {Shown.UNALTERED},
        }[alg]
        assert caller.shown in shown, (address, caller)
        assert report.servers == (paths.FAR,)
        assert caller.box == ("Linux nf_nat_sip" if alg else "")
    if alg:
        changed = {each.field: (each.before, each.after) for each in on_router.callers[0].signs}
        assert changed["Via"] == (f"{paths.PHONE}:5060", f"{paths.PUBLIC}:5060")
        assert {"Via", "Contact"} <= set(changed)
    assert not re.search("4930123456", repr((at_registrar, at_phone, on_router)))
    assert Sign.AS_WRITTEN in {each.sign for each in at_registrar.callers[0].signs} or alg


def cli(*words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the document of a run of the program, outside of all namespaces."""
    done = subprocess.run(
        [sys.executable, "-m", "sipalg_fix", "passive", *words, "--output", "json"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("alg", [True, False], ids=["alg", "plain"])
def test_a_real_kamailio_logs_what_is_needed(tmp_path: Path, alg: bool) -> None:
    """The documented xlog line, as Kamailio writes it, says what a capture at the registrar says."""
    page = (Path(__file__).parents[2] / "docs/reference/passive.md").read_text()
    assert XLOG in page
    route = f'if (is_method("REGISTER")) {{ {XLOG} }}'
    with ExitStack() as made:
        path = made.enter_context(Chain(PLAIN + (ALG if alg else "")))
        registrar = made.enter_context(Kamailio(tmp_path / "kamailio", path.far, paths.FAR, route=route))
        register(path, tmp_path)
        registrar.told.wait_for(MARK)
    code, told = cli("--kamailio-log", str(registrar.log))
    (caller,) = told["callers"]
    assert (code, caller["shown"]) == ((2, "looks-rewritten") if alg else (0, "came-unaltered")), told
    assert (caller["address"], told["servers"]) == (paths.PUBLIC, [paths.FAR])
    assert caller["box"] == ("Linux nf_nat_sip" if alg else "")
    assert told["not_read"] == {}
    assert caller["first"].startswith("20")


@pytest.mark.parametrize("version", [3, 2])
@pytest.mark.parametrize("alg", [True, False], ids=["alg", "plain"])
def test_a_real_kamailio_sends_hep(tmp_path: Path, alg: bool, version: int) -> None:
    """A stream of siptrace's says the same; it ends at its bound."""
    parameters = f"""
loadmodule "siptrace.so"
modparam("siptrace", "trace_to_database", 0)
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "hep_mode_on", 1)
modparam("siptrace", "hep_version", {version})
modparam("siptrace", "duplicate_uri", "sip:{paths.FAR}:9060")
"""
    with ExitStack() as made:
        path = made.enter_context(Chain(PLAIN + (ALG if alg else "")))
        made.enter_context(
            Kamailio(
                tmp_path / "kamailio",
                path.far,
                paths.FAR,
                parameters=parameters,
                route='if (is_method("REGISTER")) { sip_trace(); }',
            )
        )
        words = [sys.executable, "-m", "sipalg_fix", "passive", "--hep", f"{paths.FAR}:9060", "--count", "1"]
        with path.far.inside():
            listener = subprocess.Popen([*words, "--output", "json"], stdout=subprocess.PIPE, text=True)
        # Nobody hears what is sent before the listener is there: the phone registers until it has heard one.
        ends = time.monotonic() + PATIENCE
        while listener.poll() is None and time.monotonic() < ends:
            register(path, tmp_path)
        said, _ = listener.communicate(timeout=PATIENCE)
    told = json.loads(said)
    (caller,) = told["callers"]
    shown = (listener.returncode, caller["shown"])
    assert shown == ((2, "looks-rewritten") if alg else (0, "came-unaltered")), told
    assert (told["source"], caller["address"], caller["ports"]) == ("hep", paths.PUBLIC, ["udp 5060"])
