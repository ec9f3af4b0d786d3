"""The virtual pfSense's REST package, held to curl, and its ``exec`` to PHP's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sipalg_fix.lab.certificates import self_signed
from sipalg_fix.lab.https_server import HttpsServer
from sipalg_fix.lab.twins.pfsense import PfsenseTwin, from_options

KEY = "0123456789abcdef0123"
PATH = "/api/v2/diagnostics/command_prompt"
Curl = Callable[..., tuple[int, dict[str, Any]]]
LINES = (
    "echo a; echo b",
    "printf 'a  \\n\\n b\\t\\n'",
    "echo one; ls /nothing/here || exit 3",
    "true",
    "false && echo no",
    "printf 'no newline'",
)


@pytest.fixture
def twin() -> PfsenseTwin:
    return from_options("fw", {"key": KEY})


@pytest.fixture
def curl(twin: PfsenseTwin, tmp_path: Path) -> Iterator[Curl]:
    """Real curl against the twin, which verifies its certificate: status and JSON."""
    certificate, _, pem = self_signed(tmp_path, "fw")
    with HttpsServer(twin, certificate) as server:
        host, port = server.address

        def run(*words: str, path: str = PATH) -> tuple[int, dict[str, Any]]:
            done = subprocess.run(
                ["curl", "-q", "-s", "--max-time", "20", "--cacert", str(pem), "-w", "\n%{http_code}", *words,
                 f"https://{host}:{port}{path}"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            body, _, status = done.stdout.rpartition("\n")
            return int(status), json.loads(body)

        yield run


def posted(command: str) -> tuple[str, ...]:
    return ("-H", "Content-Type: application/json", "-d", json.dumps({"command": command}))


@pytest.mark.parametrize("login", [("-H", f"X-API-Key: {KEY}"), ("-u", "admin:pfsense")])
def test_curl_is_answered_in_the_documented_envelope(curl: Curl, login: tuple[str, ...]) -> None:
    """A line is run as root, with its exit status and what its last command wrote as an error."""
    status, answer = curl(*login, *posted("id -u; cat /nothing"))
    assert (status, answer["code"], answer["status"], answer["response_id"]) == (200, 200, "ok", "SUCCESS")
    output, error = answer["data"]["output"].split("\n")
    assert (output, "nothing" in error, answer["data"]["result_code"]) == ("0", True, 1)


def test_curl_is_refused_by_name(curl: Curl) -> None:
    """No login, a wrong key, another method, another path, a line that is too long: nothing is run."""
    key = ("-H", f"X-API-Key: {KEY}")
    assert curl(*posted("id"))[1]["response_id"] == "AUTH_AUTHENTICATION_FAILED"
    assert curl("-H", "X-API-Key: other", *posted("id"))[0] == 401
    assert curl(*key)[0] == 405
    assert curl(*key, path="/api/v2/other")[0] == 404
    status, answer = curl(*key, *posted("echo " + "x" * 1020))
    assert (status, answer["response_id"]) == (400, "LENGTH_VALIDATOR_MAXIMUM_CONSTRAINT")


@pytest.mark.skipif(shutil.which("php") is None, reason="needs php")
@pytest.mark.parametrize("line", LINES)
def test_a_line_comes_back_as_by_phps_own_exec(curl: Curl, line: str) -> None:
    """Blanks at the ends of lines are gone, empty lines are not, the status is the shell's."""
    script = (
        'exec(command: $argv[1] . " 2>&1", output: $o, result_code: $s); '
        'echo json_encode([implode("\\n", $o), $s]);'
    )
    real = subprocess.run(
        ["php", "-r", script, "--", line], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    )
    output, status = json.loads(real.stdout)
    data = curl("-u", "admin:pfsense", *posted(line))[1]["data"]
    if "ls" not in line:
        assert data["output"] == output
    assert data["result_code"] == status
