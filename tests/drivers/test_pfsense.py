"""pfSense: what its commands do to a firewall that behaves, and what a real PHP makes of them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.drivers.pfsense import DRIVER
from sipalg_fix.drivers.pfsense.guard import FILE, GUARD, PROOF
from sipalg_fix.drivers.pfsense.probes import CONFIG
from sipalg_fix.lab.twins.pfsense import PfsenseTwin, from_options
from sipalg_fix.model.errors import Refused
from sipalg_fix.model.facts import Facts, State, Value
from sipalg_fix.model.session import Command, Reply, Transcript
from sipalg_fix.model.step import Find, Step, Tell, commands, found, judge

Ask = Callable[[Command], Reply]
WAYS: dict[str, dict[str, Any]] = {
    "2.7": {},
    "2.6, before config_set_path": {"version": "2.6.0-RELEASE"},
    "another port": {"port": "5070"},
    "enabled and stopped": {"running": False, "redirect": False},
    "enabled, stopped, redirected": {"running": False},
    "one of a pair": {"pair": "192.168.1.2"},
}
each_way = pytest.mark.parametrize("options", WAYS.values(), ids=WAYS)


def asked(twin: PfsenseTwin) -> Ask:
    """The firewall, asked over an exec channel."""

    def ask(command: Command) -> Reply:
        done = twin.exec("admin", command.text, "")
        said = (done.stdout + done.stderr).rstrip("\n")
        return Reply(command=command, text=said, status=f"exit {done.status}")

    return ask


def look(twin: PfsenseTwin) -> Facts:
    """What the driver makes of the firewall now."""
    return DRIVER.parse(Transcript(replies=tuple(map(asked(twin), DRIVER.probes))))


def carry_out(steps: tuple[Step, ...], ask: Ask) -> None:
    """Each command, judged."""
    for step in steps:
        match step:
            case Tell():
                judge(step, ask(step.command))
            case Find():
                for tell in found(step, ask(step.read)):
                    judge(tell, ask(tell.command))
            case _:
                raise AssertionError(step)


@each_way
def test_the_proxy_goes_and_sip_goes_on(options: dict[str, Any]) -> None:
    """Disabled, stopped, no longer redirected, old states dropped, for good; and all the way back."""
    twin = from_options("fw", options)
    before = look(twin)
    stored = twin.snapshot()["config"]
    remedy = DRIVER.remedy(before)
    carry_out((*remedy.forward, *DRIVER.flush(before)), asked(twin))
    assert look(twin).state is State.DISABLED
    twin.exec("admin", "true", "")
    assert (twin.alg, twin.black_hole) == (False, False)
    assert not any("127.0.0.1" in line for line in twin.snapshot()["states"])
    twin.exec("admin", "/sbin/shutdown -r now", "")
    assert look(twin).state is State.DISABLED
    carry_out(remedy.inverse, asked(twin))
    assert look(twin).settings == before.settings
    assert twin.snapshot()["config"] == stored
    assert (twin.pid is not None, twin.black_hole) == (True, False)


def test_the_packages_own_code_alone_would_send_sip_nowhere() -> None:
    """The reason for all this: disabled by its page's function, the daemon stops and the redirect stays."""
    twin = from_options("fw", {})
    script = (
        'require_once("config.inc"); require_once("/usr/local/pkg/siproxd.inc"); '
        'config_set_path("installedpackages/siproxdsettings/config/0/sipenable", ""); '
        'write_config("by hand"); sync_package_siproxd();'
    )
    assert twin.exec("admin", f"php -r '{script}'", "").status == 0
    assert twin.black_hole
    facts = look(twin)
    assert facts.state is State.PARTIAL
    assert "redirect-to-nowhere" in [finding.code for finding in facts.findings]
    carry_out(DRIVER.remedy(facts).flush, asked(twin))
    assert (look(twin).state, twin.black_hole) == (State.DISABLED, False)


def test_a_change_that_leaves_the_daemon_is_refused() -> None:
    """It is believed only when neither process nor redirect is there."""
    twin = from_options("fw", {})
    twin.chassis.switches.stay_on = True
    with pytest.raises(Refused, match="still runs"):
        carry_out(DRIVER.remedy(look(twin)).forward, asked(twin))


def test_a_configuration_that_cannot_be_written_is_left_alone() -> None:
    """write_config returns -1: nothing is stopped and nothing reloaded; the way back has nothing to write."""
    twin = from_options("fw", {})
    remedy, before = DRIVER.remedy(look(twin)), twin.snapshot()
    twin.chassis.switches.save_fails = True
    with pytest.raises(Refused, match="not stored"):
        carry_out(remedy.forward, asked(twin))
    assert twin.snapshot() == before
    carry_out(remedy.inverse, asked(twin))
    assert twin.snapshot()["config"] == before["config"]


def test_sent_twice_it_is_stored_once() -> None:
    """A crash between sending and hearing adds no revision."""
    twin = from_options("fw", {})
    remedy = DRIVER.remedy(look(twin))
    carry_out(remedy.forward * 2, asked(twin))
    assert twin.snapshot()["revisions"] == 2
    carry_out(remedy.inverse * 2, asked(twin))
    assert twin.snapshot()["revisions"] == 3


def test_states_are_dropped_by_phone_and_never_all() -> None:
    """This very session is a state, too."""
    twin = from_options("fw", {})
    before = look(twin)
    assert not any("-F" in line.split() for line in commands(DRIVER.flush(before)))
    twin.filter.redirects = []
    carry_out(DRIVER.flush(before), asked(twin))
    listed = "".join(line for line, _ in twin.filter.table(0.0))
    assert "192.168.1.1:22" in listed
    assert "127.0.0.1" not in listed


def test_hygiene_is_said_and_never_changed() -> None:
    """Static ports, timeouts and scrub are advice: on a firewall without a proxy nothing is sent."""
    twin = from_options("fw", {"package": False, "static_ports": 2, "disablescrub": True})
    facts = look(twin)
    codes = {finding.code for finding in facts.findings}
    assert codes == {"advice-static-port", "advice-udp-timeouts", "advice-scrub"}
    assert facts.state is State.NOT_APPLICABLE
    assert DRIVER.remedy(facts).empty


def test_an_unsettled_guard_takes_the_change_back() -> None:
    """Two minutes later siproxd is enabled, runs and is fed; one whose file is gone does nothing."""
    for settled in (False, True):
        twin = from_options("fw", {})
        before, ask = look(twin), asked(twin)
        carry_out(GUARD.arm(before, DRIVER.remedy(before), 2).forward, ask)
        assert GUARD.pending(Transcript(replies=(ask(PROOF),))).value is Value.ON
        if settled:
            twin.exec("admin", f"rm {FILE}", "")
        twin.chassis.advance(121)
        assert look(twin).helpers[0].running.value is (Value.OFF if settled else Value.ON)
        assert GUARD.pending(Transcript(replies=(ask(PROOF),))).value is Value.OFF


def test_a_later_boot_is_another_boot() -> None:
    """A clock that is set moves the moment of boot a little; that is none."""
    assert DRIVER.rebooted("booted 1795000000", "booted 1795000100", 60)
    assert not DRIVER.rebooted("booted 1795000000", "booted 1795000003", 60)
    assert not DRIVER.rebooted("", "booted 1795000003", 60)


# By a real PHP.

PHP = shutil.which("php")
with_php = pytest.mark.skipif(PHP is None, reason="needs php")
CONFIG_INC = """<?php
$config = json_decode(file_get_contents(getenv("TREE")), true);
function write_config($why) {
    global $config;
    if (getenv("FULL")) { return -1; }
    file_put_contents(getenv("TREE"), json_encode($config));
    file_put_contents(getenv("LOG"), "write_config\\n", FILE_APPEND);
    return $config;
}
if (getenv("NEW")) {
    function config_set_path($path, $value) {
        global $config;
        $place = &$config;
        foreach (explode("/", $path) as $key) { $place = &$place[$key]; }
        $place = $value;
    }
}
"""
LOGS = '<?php\nfunction {0}() {{ file_put_contents(getenv("LOG"), "{0}\\n", FILE_APPEND); }}\n'
TREE: dict[str, Any] = {
    "system": {"optimization": "conservative", "disablescrub": ""},
    "nat": {"outbound": {"mode": "hybrid", "rule": [{"staticnatport": ""}, {"interface": "wan"}]}},
    "virtualip": {"vip": [{"mode": "carp"}, {"mode": "ipalias"}]},
    "hasync": {"synchronizetoip": "192.168.1.2", "pfsyncenabled": "on"},
    "installedpackages": {"siproxdsettings": {"config": [{"sipenable": "on", "port": "5070"}]}},
}


@pytest.fixture
def php(tmp_path: Path) -> Callable[..., Reply]:
    """Runs a command's ``php -r`` part with files of pfSense's names, before 2.7 or after."""
    (tmp_path / "config.inc").write_text(CONFIG_INC)
    (tmp_path / "filter.inc").write_text(LOGS.format("filter_configure_sync"))
    (tmp_path / "siproxd.inc").write_text(LOGS.format("sync_package_siproxd"))
    (tmp_path / "tree").write_text(json.dumps(TREE))

    def run(command: Command, **environment: str) -> Reply:
        match = re.search(r"php -r '([^']*)'", command.text)
        assert match is not None
        script = match[1].replace("/usr/local/pkg/siproxd.inc", str(tmp_path / "siproxd.inc"))
        done = subprocess.run(
            [str(PHP), "-d", f"include_path={tmp_path}", "-d", "display_errors=1", "-r", script],
            capture_output=True, text=True, check=False,
            env={"TREE": str(tmp_path / "tree"), "LOG": str(tmp_path / "log"), **environment},
        )  # fmt: skip
        return Reply(command=command, text=done.stdout + done.stderr, status=f"exit {done.returncode}")

    return run


@with_php
def test_what_is_read_is_read_by_a_real_php(php: Callable[..., Reply]) -> None:
    """One line of JSON, no notice or warning beside it, and nothing written."""
    reply = php(CONFIG)
    assert reply.status == "exit 0"
    assert json.loads(reply.text) == {
        "configured": True,
        "sipenable": "on",
        "port": "5070",
        "if_inbound": None,
        "package": True,
        "outbound": "hybrid",
        "static": 1,
        "carp": 1,
        "sync": "192.168.1.2",
        "pfsync": "on",
        "optimization": "conservative",
        "disablescrub": True,
    }


@with_php
@pytest.mark.parametrize("new", [{}, {"NEW": "1"}], ids=["2.6", "2.7"])
def test_the_flag_is_written_by_a_real_php(
    php: Callable[..., Reply], tmp_path: Path, new: dict[str, str]
) -> None:
    """Stored first, then acted on, in this order; stored once; and back again; nothing else is touched."""
    remedy = DRIVER.remedy(look(from_options("fw", {})))
    (forward,), (inverse,) = remedy.forward, remedy.inverse
    assert isinstance(forward, Tell)
    assert isinstance(inverse, Tell)
    for _ in range(2):
        assert php(forward.command, **new).text == "stored\n"
    changed = json.loads((tmp_path / "tree").read_text())
    assert changed["installedpackages"]["siproxdsettings"]["config"][0] == {"sipenable": "", "port": "5070"}
    act = ["sync_package_siproxd", "filter_configure_sync"]
    assert (tmp_path / "log").read_text().split() == ["write_config", *act, *act]
    judge(inverse, php(inverse.command, **new))
    assert json.loads((tmp_path / "tree").read_text()) == TREE


@with_php
def test_a_refusal_to_store_ends_a_real_php(php: Callable[..., Reply], tmp_path: Path) -> None:
    """-1 ends it before anything is stopped."""
    (forward,) = DRIVER.remedy(look(from_options("fw", {}))).forward
    assert isinstance(forward, Tell)
    reply = php(forward.command, FULL="1")
    assert (reply.text, reply.status) == ("not stored\n", "exit 1")
    assert not (tmp_path / "log").exists()
