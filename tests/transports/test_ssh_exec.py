"""Single commands over real SSH, run by real shells."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from small_devices import WRONG_REF, SmallBox, connections, host_at, refused, small_driver, trust

from sipalg_fix.lab.keys import new_host_key
from sipalg_fix.lab.ssh_server import SshServer
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.session import Answer, Command, Reply, SshExec
from sipalg_fix.transports.ssh_exec import wrapped
from sipalg_fix.transports.ssh_keys import KeyStore

HOST_KEY = new_host_key()
AWKWARD = """printf '%s\\n' "it's" 'a!b' "$((1+1))" `echo tick` \\$HOME"""


@pytest.fixture
def box() -> SmallBox:
    return SmallBox()


@pytest.fixture
def server(box: SmallBox) -> Iterator[SshServer]:
    with SshServer(box, HOST_KEY) as running:
        yield running


def run(keys: KeyStore, server: SshServer, *commands: Command, wrap: str = "<command>") -> list[Reply]:
    """The replies to these commands in one session."""
    driver = small_driver(commands, accesses={"exec": SshExec(wrap=wrap)})
    host = host_at(server.address, ["exec"])
    trust(keys, host, driver)
    with connections(keys).reader(host, driver) as reader:
        return [reader.ask(command) for command in commands]


def command(text: str, *answers: Answer, seconds: float = 10.0) -> Command:
    return Command(access="exec", text=text, answers=answers, seconds=seconds)


def test_each_command_has_its_status_and_both_its_streams(
    box: SmallBox, server: SshServer, keys: KeyStore
) -> None:
    """Errors stand after the output, and one login serves them all."""
    replies = run(
        keys, server, command("echo out; echo err >&2; exit 3"), command("true"), command("printf 'a\\r\\nb'")
    )
    assert [(reply.status, reply.text) for reply in replies] == [
        ("exit 3", "out\nerr"),
        ("exit 0", ""),
        ("exit 0", "a\nb"),
    ]
    assert [reply.ok for reply in replies] == [False, True, True]
    assert len(box.chassis.tried) == 1


def test_much_output_comes_whole(server: SshServer, keys: KeyStore) -> None:
    """More than a window of the channel."""
    (reply,) = run(keys, server, command("yes 0123456789 | head -n 300000"))
    assert (len(reply.text), reply.status) == (3_300_000 - 1, "exit 0")


def test_answers_are_its_standard_input(server: SshServer, keys: KeyStore) -> None:
    """There are no prompts to wait for on an exec channel."""
    answers = (Answer(question="", text="yes"), Answer(question="", text="q", enter=False))
    (reply,) = run(keys, server, command("cat", *answers))
    assert reply.text == "yes\nq"


@pytest.mark.parametrize("shell", ["sh", "bash", "tcsh"])
def test_a_command_for_sh_survives_the_login_shell(
    box: SmallBox, server: SshServer, keys: KeyStore, shell: str
) -> None:
    """csh expands ``!`` even between single quotes, and sh must see what was meant."""
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    box.shell = [shell, "-c"]
    (reply,) = run(keys, server, command(AWKWARD), wrap="/bin/sh -c '<command>'")
    assert reply.text == "it's\na!b\n2\ntick\n$HOME"


def test_an_unwrapped_command_is_sent_as_it_is() -> None:
    """And in a wrap without quotes it is put in as it is."""
    assert wrapped("<command>", "echo 'a'") == "echo 'a'"
    assert wrapped("doas <command>", "echo 'a'") == "doas echo 'a'"
    assert wrapped("sh -c '<command>'", "echo 'a' b") == r"sh -c 'echo '\''a'\'' b'"


@pytest.mark.parametrize(("switch", "code"), [("half_reply", "timeout"), ("hang_up", "connection-lost")])
def test_half_an_answer_is_an_error(
    box: SmallBox, server: SshServer, keys: KeyStore, switch: str, code: str
) -> None:
    """Without its exit status an answer is none."""
    setattr(box.chassis.switches, switch, True)
    with pytest.raises(DeviceError) as caught:
        run(keys, server, command("echo one; echo two", seconds=0.5))
    assert caught.value.code == code


def test_a_login_without_exec_channels_is_not_privileged(keys: KeyStore) -> None:
    """The device says no to the channel, not to the login."""
    box = SmallBox()
    box.exec = None  # type: ignore[assignment, method-assign]  # the server offers what the twin has
    with SshServer(box, HOST_KEY) as server:
        driver = small_driver([command("true")], accesses={"exec": SshExec()})
        host = host_at(server.address, ["exec"])
        trust(keys, host, driver)
        assert refused(keys, host, driver, command("true")).code == "not-privileged"


def test_a_wrong_password_is_refused(box: SmallBox, server: SshServer, keys: KeyStore) -> None:
    """As for a terminal."""
    driver = small_driver([command("true")], accesses={"exec": SshExec()})
    host = host_at(server.address, ["exec"], password=WRONG_REF)
    trust(keys, host, driver)
    assert refused(keys, host, driver, command("true")).code == "access-denied"
    assert box.heard == []
