"""The virtual pfSense: its shell, its PHP held to a real one, and pf in pfctl's words."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from sipalg_fix.lab.php.script import Php
from sipalg_fix.lab.php.values import PhpError
from sipalg_fix.lab.twins.pfsense import from_options

PHP = shutil.which("php")
SCRIPTS = (
    'echo "a", 1, true, false, null, "\\n";',
    '$a = array("x" => 1, "y" => array("z" => "on")); echo $a["y"]["z"], isset($a["y"]["q"]) ? "yes" : "no";',
    'echo 1 === "1" ? "same" : "other", 1 == "1" ? "alike" : "unlike", "0" ? "true" : "false";',
    "$n = 0; foreach (array(3, 4, 5) as $x) { if ($x > 3) { $n += $x; } } echo $n;",
    'if (!isset($u["a"]) || $u["a"] === "b") { echo "first"; } else { echo "second"; }',
    'function_exists("nothing") ? 1 : 2; echo function_exists("json_encode") ? "there" : "not";',
    '$t = array("k" => array()); $t["k"]["n"] = "v"; unset($t["k"]["m"]); echo empty($t["k"]["m"]);',
    '$t = array("k" => array()); $t["k"]["n"] = "v"; $t["l"] = $t["k"]; echo $t["l"]["n"];',
    'echo json_encode(array("a" => 1, "b" => null, "c" => true, "d" => "x/y", "e" => array("f" => "g")));',
    'echo "one"; exit(3); echo "two";',
    'echo "a" . 1 . "b", \'$x\\n\', 2 - 3;',
    'if (false) { nothing(); } else { echo "skipped"; }',
    'echo $u["a"]["b"] ?? "none", "x" ?? nothing(), null ?? null ?? 1 + 1, ($u ?? "") === "" ? "y" : "n";',
    'foreach ($u["rows"] ?? array() as $row) { echo $row; } $t = ""; echo $t["k"]["m"] ?? "none";',
    'echo -1 === -1 && !(2 < 1) ? "holds" : "fails";',
)


@pytest.mark.skipif(PHP is None, reason="needs php")
@pytest.mark.parametrize("script", SCRIPTS)
def test_php_means_what_a_real_php_means(script: str) -> None:
    """What is printed and the exit status are the same."""
    real = subprocess.run([str(PHP), "-r", script], capture_output=True, text=True, check=False)
    ours = from_options("fw", {}).exec("admin", 'php -r "$(cat)"', script)
    assert (ours.stdout, ours.status) == (real.stdout, real.returncode)


@pytest.mark.parametrize("script", ["while (1) {}", "echo ;", "$a = `ls`;", "nothing();", "5 = 6;"])
def test_what_it_does_not_know_it_says(script: str) -> None:
    """No script is half understood."""
    with pytest.raises(PhpError):
        Php().run(script)


def test_the_exec_channel_has_no_menu() -> None:
    """rc.initial hands a command to sh; two lines of pf are those of a published session."""
    twin = from_options("fw", {"enabled": False})
    done = twin.exec("admin", "echo $0; pfctl -sn", "")
    assert done.stdout.splitlines()[0] == "sh"
    assert "no rdr proto carp all" in done.stdout
    assert "to any -> 198.51.100.7 port 1024:65535" in done.stdout


def test_the_redirect_is_the_packages() -> None:
    """On the inbound interface, for all but the firewall itself, to the port that is set."""
    twin = from_options("fw", {"port": "5070"})
    assert "rdr on em1 inet proto udp from any to ! (em1) port = 5070 -> 127.0.0.1 port 5070" in (
        twin.exec("admin", "pfctl -sn", "").stdout
    )
    assert "port = sip -> 127.0.0.1 port 5060" in from_options("fw", {}).exec("admin", "pfctl -sn", "").stdout


def test_a_state_outlives_its_rule() -> None:
    """Phones go on by the proxy's address until their states are dropped, by address."""
    twin = from_options("fw", {})
    twin.filter.redirects = []
    assert twin.exec("admin", "pfctl -ss | grep -c 127.0.0.1:5060", "").stdout == "2\n"
    twin.exec("admin", "pfctl -k 192.168.1.21", "")
    assert twin.exec("admin", "pfctl -ss | grep -c 127.0.0.1:5060", "").stdout == "1\n"


def test_before_2_7_there_is_no_config_set_path() -> None:
    """A script that calls it all the same dies, as it would."""
    script = 'php -r \'require_once("config.inc"); config_set_path("a", "b");\''
    assert from_options("fw", {}).exec("admin", script, "").status == 0
    old = from_options("fw", {"version": "2.6.0-RELEASE"}).exec("admin", script, "")
    assert old.status == 255
    assert "undefined function config_set_path" in old.stdout


def test_config_xml_is_the_tree() -> None:
    """What a backup takes off the box."""
    text = from_options("fw", {"pair": "192.168.1.2"}).exec("admin", "cat /cf/conf/config.xml", "").stdout
    assert text.startswith('<?xml version="1.0"?>\n<pfsense>\n')
    assert "<sipenable>on</sipenable>" in text
    assert "<synchronizetoip>192.168.1.2</synchronizetoip>" in text
