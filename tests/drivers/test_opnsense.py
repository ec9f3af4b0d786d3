"""OPNsense's revert timer: on a firewall that behaves, and by real shells and a real PHP."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.drivers.opnsense import DRIVER
from sipalg_fix.drivers.opnsense.guard import FILE, GUARD, PROOF, SCRIPT
from sipalg_fix.drivers.opnsense.probes import REST, SSH
from sipalg_fix.lab.twin import Request
from sipalg_fix.lab.twins.opnsense import OpnsenseTwin, from_options
from sipalg_fix.model.driver import Armed
from sipalg_fix.model.errors import Refused
from sipalg_fix.model.facts import Facts, State, Value
from sipalg_fix.model.session import Command, Reply, SshExec, Transcript
from sipalg_fix.model.step import Find, Step, Tell, found, judge
from sipalg_fix.transports.ssh_exec import wrapped

MINUTES = GUARD.least_minutes
LOGIN = "Basic " + base64.b64encode(b"key1:secret1").decode()
UNCONFIGURED = ((SSH, "not configured"),)


def ask(twin: OpnsenseTwin, command: Command) -> Reply:
    """The firewall, asked by the door that the command names."""
    if command.access == SSH:
        done = twin.exec("root", shell_line(command.text), "")
        said = (done.stdout + done.stderr).rstrip("\n")
        return Reply(command=command, text=said, status=f"exit {done.status}")
    method, path, *body = command.text.split(" ", 2)
    headers = {"authorization": LOGIN, **({"content-type": "application/json"} if body else {})}
    request = Request(method=method, path=path, query="", headers=headers, body="".join(body).encode())
    response = twin.serve(request)
    return Reply(command=command, text=response.body.decode(), status=f"http {response.status}")


def shell_line(text: str) -> str:
    """As the transport hands it to root's csh."""
    access = DRIVER.accesses[SSH]
    assert isinstance(access, SshExec)
    return wrapped(access.wrap, text)


def look(twin: OpnsenseTwin, unread: tuple[tuple[str, str], ...] = ()) -> Facts:
    """What the driver makes of the firewall now."""
    asked = [command for command in DRIVER.probes if command.access not in dict(unread)]
    replies = tuple(ask(twin, command) for command in asked)
    return DRIVER.parse(Transcript(replies=replies, unread=unread))


def carry_out(twin: OpnsenseTwin, steps: tuple[Step, ...]) -> None:
    """Each command, judged."""
    for step in steps:
        match step:
            case Tell():
                judge(step, ask(twin, step.command))
            case Find():
                for tell in found(step, ask(twin, step.read)):
                    judge(tell, ask(twin, tell.command))
            case _:
                raise AssertionError(step)


def armed(facts: Facts) -> Armed:
    """The plan's steps, guarded."""
    return GUARD.arm(facts, DRIVER.remedy(facts), MINUTES)


def pending(twin: OpnsenseTwin) -> Value:
    """What the proof says."""
    return GUARD.pending(Transcript(replies=(ask(twin, PROOF),))).value


def test_nobody_confirms_and_all_is_as_before() -> None:
    """Minutes later siproxd is enabled, runs and is fed; the history says why; and nothing is left over."""
    twin = from_options("fw", {})
    before, kept = look(twin), twin.snapshot()
    carry_out(twin, armed(before).forward)
    assert (look(twin).state, pending(twin)) == (State.DISABLED, Value.ON)
    twin.chassis.advance(MINUTES * 60 + 1)
    assert look(twin).settings == before.settings
    assert twin.snapshot() == kept
    assert twin.box.config.history[-1].description == "sipalg-fix: enable siproxd again"
    assert pending(twin) is Value.OFF


def test_a_guard_that_was_told_does_nothing() -> None:
    """Neither the process nor its file is left, and when its time comes nothing happens."""
    twin = from_options("fw", {})
    steps = armed(look(twin))
    carry_out(twin, (*steps.forward, *steps.keep))
    assert pending(twin) is Value.OFF
    revisions = len(twin.box.config.history)
    twin.chassis.advance(MINUTES * 60 + 1)
    assert (look(twin).state, len(twin.box.config.history)) == (State.DISABLED, revisions)


@pytest.mark.parametrize("command", ["/sbin/shutdown -r now", "POST /api/core/system/reboot {}"])
def test_a_restart_ends_it(command: str) -> None:
    """The change is stored and stays; nothing is left that could take it back, or stand in another's way."""
    twin = from_options("fw", {})
    steps = armed(look(twin))
    carry_out(twin, steps.forward)
    ask(twin, Command(access=REST if command.startswith("POST") else SSH, text=command))
    assert pending(twin) is Value.OFF
    twin.chassis.advance(MINUTES * 60 + 1)
    assert look(twin).state is State.DISABLED
    carry_out(twin, steps.forward[-2:])


def test_what_others_stored_meanwhile_stays() -> None:
    """It puts one flag back, not a configuration of minutes ago."""
    twin = from_options("fw", {"port_forward": True})
    carry_out(twin, armed(look(twin)).forward)
    post = "POST /api/siproxd/general/set "
    edit = post + '{"general":{"rtp_timeout":"600"}}'
    judge(Tell(command=Command(access=REST, text=edit)), ask(twin, Command(access=REST, text=edit)))
    twin.box.config.settings.forwards[0].disabled = True
    twin.box.save("root", "", description="somebody else")
    twin.chassis.advance(MINUTES * 60 + 1)
    stored = twin.snapshot()
    assert (stored["siproxd"]["enabled"], stored["siproxd"]["rtp_timeout"]) == ("1", "600")
    assert stored["forwards"][0]["disabled"] == "1"


def test_a_daemon_that_did_not_run_is_not_started() -> None:
    """Enabled and stopped is what was there."""
    twin = from_options("fw", {"running": False})
    before = look(twin)
    carry_out(twin, armed(before).forward)
    twin.chassis.advance(MINUTES * 60 + 1)
    assert (look(twin).settings, twin.snapshot()["running"]) == (before.settings, False)


def test_a_change_that_never_came_disturbs_nobody() -> None:
    """Armed, then cut off: when it fires the daemon goes on as the same process, and nothing is stored."""
    twin = from_options("fw", {})
    carry_out(twin, armed(look(twin)).forward[:1])
    pid, revisions = twin.box.daemon.pid, len(twin.box.config.history)
    twin.chassis.advance(MINUTES * 60 + 1)
    assert (twin.box.daemon.pid, len(twin.box.config.history)) == (pid, revisions)


def test_one_at_a_time() -> None:
    """A second guard would put back what the first one has already put back, or not."""
    twin = from_options("fw", {})
    steps = armed(look(twin))
    carry_out(twin, steps.forward[:1])
    with pytest.raises(Refused, match="another guard"):
        carry_out(twin, steps.forward[:1])


def test_it_is_not_armed_where_the_flag_cannot_be_read() -> None:
    """What could not be put back later is found out first."""
    twin = from_options("fw", {})
    steps = armed(look(twin))
    twin.box.plugin = False
    with pytest.raises(Refused, match="does not read as on"):
        carry_out(twin, steps.forward[:1])
    assert (pending(twin), twin.snapshot()["jobs"]) == (Value.OFF, [])


@pytest.mark.parametrize(
    ("unread", "words"),
    [
        (UNCONFIGURED, "the access 'ssh' is not configured"),
        (((SSH, "unreachable: no answer from 192.0.2.1"),), "the access 'ssh' could not be used"),
    ],
)
def test_without_ssh_there_is_none_and_it_says_why(unread: tuple[tuple[str, str], ...], words: str) -> None:
    """The API alone has no timer."""
    facts = look(from_options("fw", {}), unread)
    assert words in GUARD.unavailable(facts)
    assert DRIVER.remedy(facts).forward


def test_who_is_not_root_arms_none() -> None:
    """An administrator's shell may read neither the configuration nor pf."""
    twin = from_options("fw", {})
    replies = [ask(twin, command) for command in DRIVER.probes]
    others = [
        Reply(command=each.command, text="1000") if each.command.text == "id -u" else each for each in replies
    ]
    assert "is not root's" in GUARD.unavailable(DRIVER.parse(Transcript(replies=tuple(others))))


def test_it_has_nothing_to_put_back_where_nothing_is_on() -> None:
    """Off is off."""
    facts = look(from_options("fw", {"enabled": False}))
    assert "nothing in force" in GUARD.unavailable(facts)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("ls: /tmp/sipalg-fix.guard: No such file or directory\nend of proof", Value.OFF),
        ("/tmp/sipalg-fix.guard\nend of proof", Value.UNKNOWN),
        ("/tmp/sipalg-fix.guard\n812 /bin/sh -c : sipalg-fix reverts unless told; [ ! -e", Value.ON),
        ("ls: /tmp/sipalg-fix.guard: No such file or directory", Value.UNKNOWN),
        ("", Value.UNKNOWN),
    ],
)
def test_only_a_whole_answer_proves_that_it_is_gone(said: str, value: Value) -> None:
    """FreeBSD's words for a file that is not there; a file alone is not nothing."""
    reply = Reply(command=PROOF, text=said, status="exit 0")
    assert GUARD.pending(Transcript(replies=(reply,))).value is value


def test_a_daemon_that_ran_although_disabled_is_brought_back_as_it_was() -> None:
    """The API's start says OK and starts nothing: by root's shell it can be done."""
    twin = from_options("fw", {"enabled": False, "running": True})
    before = look(twin)
    remedy = DRIVER.remedy(before)
    carry_out(twin, remedy.forward)
    assert look(twin).state is State.DISABLED
    alone = from_options("fw", {"enabled": False, "running": True})
    carry_out(twin, DRIVER.remedy(look(alone, UNCONFIGURED)).inverse)
    assert look(twin).state is State.DISABLED
    carry_out(twin, remedy.inverse)
    assert look(twin).settings == before.settings


# By real shells and a real PHP.

PHP = shutil.which("php")
with_php = pytest.mark.skipif(PHP is None, reason="needs php")
STUBS = r"""<?php
namespace OPNsense\Core {
    class Config {
        private static $one = null;
        public $tree;
        public static function getInstance() { return self::$one ?? (self::$one = new Config()); }
        public function lock() {
            file_put_contents(getenv("LOG"), "lock\n", FILE_APPEND);
            $this->tree = json_decode(file_get_contents(getenv("TREE")), true);
            return $this;
        }
        public function save($revision = null) {
            $this->tree["revision"] = $revision;
            file_put_contents(getenv("TREE"), json_encode($this->tree));
            file_put_contents(getenv("LOG"), "save\n", FILE_APPEND);
        }
    }
}
namespace OPNsense\Siproxd {
    class Field {
        public $value;
        public function __construct($value) { $this->value = $value; }
        public function __toString() { return $this->value; }
    }
    class General {
        private $fields = [];
        public function __construct() {
            foreach (\OPNsense\Core\Config::getInstance()->tree["siproxd"] as $name => $value) {
                $this->fields[$name] = new Field($value);
            }
        }
        public function __get($name) { return $this->fields[$name]; }
        public function setNodes($given) {
            foreach ($given as $name => $value) { $this->fields[$name]->value = $value; }
        }
        public function serializeToConfig($all = false, $unchecked = false) {
            foreach ($this->fields as $name => $field) {
                \OPNsense\Core\Config::getInstance()->tree["siproxd"][$name] = (string)$field;
            }
        }
    }
}
"""
TREE: dict[str, Any] = {
    "siproxd": {"enabled": "0", "if_inbound": "lan", "host_outbound": ""},
    "system": {"hostname": "fw"},
}
LOADER = "/usr/local/opnsense/mvc/script/load_phalcon.php"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with classes of OPNsense's names and what they store."""
    (tmp_path / "load.php").write_text(STUBS)
    (tmp_path / "tree").write_text(json.dumps(TREE))
    return tmp_path


def environment(place: Path) -> dict[str, str]:
    return {"TREE": str(place / "tree"), "LOG": str(place / "log"), "PATH": "/usr/bin:/bin"}


@pytest.fixture
def php(place: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs the script in one of its ways."""

    def run(way: str) -> subprocess.CompletedProcess[str]:
        script = SCRIPT.replace(LOADER, str(place / "load.php"))
        return subprocess.run(
            [str(PHP), "-d", "display_errors=1", "-r", script, "--", way],
            capture_output=True, text=True, check=False, env=environment(place),
        )  # fmt: skip

    return run


@with_php
def test_the_flag_alone_is_put_back_by_a_real_php(
    php: Callable[[str], subprocess.CompletedProcess[str]], place: Path
) -> None:
    """Locked, then read, then stored, once; nothing else is touched; a look stores nothing."""
    assert (php("look").stdout, json.loads((place / "tree").read_text())) == ("off\n", TREE)
    for _ in range(2):
        done = php("back")
        assert (done.stdout, done.stderr, done.returncode) == ("on\n", "", 0)
    stored = json.loads((place / "tree").read_text())
    why = {"username": "root", "description": "sipalg-fix: enable siproxd again"}
    assert stored == {**TREE, "siproxd": {**TREE["siproxd"], "enabled": "1"}, "revision": why}
    assert (place / "log").read_text().split() == ["lock", "lock", "save", "lock"]
    assert php("look").stdout == "on\n"


def real(place: Path, line: str) -> str:
    """A line of the guard with this place's PHP, configctl and file, as csh gives it to sh."""
    for there, here in (
        (LOADER, place / "load.php"),
        ("/usr/local/bin/php", PHP),
        ("/usr/local/sbin/configctl", place / "configctl"),
        (FILE, place / "guard"),
    ):
        line = line.replace(there, str(here))
    done = subprocess.run(
        ["tcsh", "-f", "-c", shell_line(line.replace(f"sleep {MINUTES * 60}", f"read x <{place / 'clock'}"))],
        capture_output=True, text=True, check=False, env=environment(place), timeout=30,
    )  # fmt: skip
    return done.stdout + done.stderr


@with_php
@pytest.mark.skipif(shutil.which("tcsh") is None, reason="needs tcsh, which is FreeBSD's csh")
@pytest.mark.parametrize("settled", [False, True])
def test_real_shells_arm_it_and_let_it_fire(place: Path, settled: bool) -> None:
    """Armed by csh and sh, it outlives them; then it fires, or is ended first."""
    (place / "tree").write_text(json.dumps({"siproxd": {"enabled": "1"}}))
    (place / "configctl").write_text(
        f'#!/bin/sh\necho "$*" >>{place}/actions; [ $2 != start ] || echo >{place}/fired\n'
    )
    (place / "configctl").chmod(0o755)
    for name in ("clock", "fired"):
        os.mkfifo(place / name)
    fired = os.open(place / "fired", os.O_RDWR)
    (start, *_), (stop,) = (
        armed(look(from_options("fw", {}))).forward,
        armed(look(from_options("fw", {}))).keep,
    )
    assert isinstance(start, Tell)
    assert isinstance(stop, Tell)
    assert real(place, start.command.text) == "armed\n"
    assert real(place, start.command.text) == "another guard is armed\n"
    (place / "tree").write_text(json.dumps({"siproxd": {"enabled": "0"}}))
    clock = os.open(place / "clock", os.O_RDWR)
    pid = int((place / "guard").read_text())
    if settled:
        gone = os.pidfd_open(pid)
        assert real(place, stop.command.text) == "settled\n"
        assert select.select([gone], [], [], 30)[0], "the timer still runs"
        assert not (place / "guard").exists()
        os.close(gone)
    else:
        os.write(clock, b"\n")
        assert select.select([fired], [], [], 30)[0], "it did not fire"
        assert (place / "actions").read_text().splitlines() == [
            "template reload OPNsense/Siproxd",
            "siproxd start",
        ]
    stored = json.loads((place / "tree").read_text())
    assert stored["siproxd"]["enabled"] == ("0" if settled else "1")
    for each in (fired, clock):
        os.close(each)
