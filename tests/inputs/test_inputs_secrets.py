"""A reference is followed when a session is opened, and no error holds what was found."""

from __future__ import annotations

from pathlib import Path

import pytest
from stock_inventories import access, read

from sipalg_fix.inputs.secrets import resolve
from sipalg_fix.model.errors import DeviceError
from sipalg_fix.model.host import SecretRef


def nobody(prompt: str) -> str:
    raise AssertionError(f"asked {prompt!r}")


def found(text: str, **env: str) -> str:
    """What a reference comes to where nobody is asked."""
    return resolve(SecretRef(text=text), ask=nobody, env=env)


def refused(text: str, **env: str) -> str:
    """The message where it comes to nothing."""
    with pytest.raises(DeviceError) as caught:
        found(text, **env)
    assert caught.value.code == "no-secret"
    assert "CANARY" not in repr(caught.value.__context__)
    return str(caught.value)


def test_an_environment_variable() -> None:
    """As it is, blanks included; unset and empty are told apart."""
    assert found("env:PW", PW=" s p ") == " s p "
    assert refused("env:PW") == "env:PW: the environment variable is not set"
    assert refused("env:PW", PW="") == "env:PW: the environment variable is empty"


def test_the_first_line_of_a_file(tmp_path: Path) -> None:
    """Without its line ending; the rest of the file is a comment."""
    file = tmp_path / "pw"
    file.write_bytes(b"s p \r\nsecond line\n")
    assert found(f"file:{file}") == "s p "


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "the file cannot be read: No such file or directory"),
        (b"", "the first line of the file is empty"),
        (b"\nCANARY", "the first line of the file is empty"),
        (b"CANARY\xff\n", "the first line of the file is not UTF-8"),
        (b"C" * 70_000, "the first line of the file is no password: it is too long"),
    ],
)
def test_a_file_that_holds_no_secret(tmp_path: Path, content: bytes | None, why: str) -> None:
    """The message names the file and what is wrong, and nothing of its content."""
    file = tmp_path / "pw"
    if content is not None:
        file.write_bytes(content)
    assert refused(f"file:{file}") == f"file:{file}: {why}"


def test_a_file_that_everybody_may_read_is_warned_of(tmp_path: Path) -> None:
    """It is used all the same."""
    file = tmp_path / "pw"
    file.write_text("s\n")
    heard: list[str] = []
    for mode in (0o600, 0o640, 0o604):
        file.chmod(mode)
        assert resolve(SecretRef(text=f"file:{file}"), ask=nobody, env={}, warn=heard.append) == "s"
    assert heard == [f"file:{file}: everybody on this machine may read it; 'chmod 600' it"]


def test_asking_says_for_what() -> None:
    """The words come from the reference; a bare one has only its kind to say."""
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "s"

    for text in ("ask:password of group berlin", "ask"):
        assert resolve(SecretRef(text=text), ask=ask, env={}) == "s"
    assert prompts == ["password of group berlin", "password"]


def test_nobody_to_ask_is_no_secret() -> None:
    """No terminal, or nothing entered: the host fails, the run goes on."""

    def no_terminal(prompt: str) -> str:
        raise EOFError

    with pytest.raises(DeviceError, match="no terminal") as caught:
        resolve(SecretRef(text="ask:x"), ask=no_terminal, env={})
    assert caught.value.code == "no-secret"
    with pytest.raises(DeviceError, match="nothing was entered"):
        resolve(SecretRef(text="ask:x"), ask=lambda prompt: "", env={})


@pytest.mark.parametrize(
    ("written", "secret"),
    [("CANARY", "CANARY"), ("plain:env:x", "env:x"), ("'a#b: c'", "a#b: c"), ("''", ""), ("010", "010")],
)
@pytest.mark.parametrize("place", ["hosts", "groups", "defaults"])
def test_a_literal_one_is_read_from_its_place(tmp_path: Path, written: str, secret: str, place: str) -> None:
    """Whatever the names of hosts and folders hold."""
    folder = tmp_path / "a#b.c"
    folder.mkdir()
    said = {"hosts": "", "groups": "", "defaults": "", place: f"password: {written}"}
    settings = access(
        folder,
        f"r.1%2E: {{hostname: h, platform: edgeos, username: u, groups: [g.2], {said['hosts']}}}",
        f"g.2: {{{said['groups']}}}",
        f"{{{said['defaults']}}}",
    )
    assert settings.password is not None
    assert settings.password.scheme == "inventory"
    assert resolve(settings.password, ask=nobody, env={}) == secret


def test_a_literal_one_that_is_gone(tmp_path: Path) -> None:
    """A plan outlives the inventory it was made from: the message says so, and quotes nothing."""
    text = "r1: {hostname: h, platform: edgeos, username: u, password: CANARY}\n"
    password = read(tmp_path, text).hosts[0].accesses["cli"].password
    assert password is not None
    file = tmp_path / "hosts.yaml"
    why = {
        "r1: {hostname: h}": "it is not in the inventory any more: plan again",
        "r1: {password: }": "it is not in the inventory any more: plan again",
        "r1: {password: [CANARY]}": "it is not in the inventory any more: plan again",
        "r1: {password: env:CANARY}": "the inventory now refers to another place: plan again",
        "r1: {password: 'CANARY}": "the inventory cannot be read any more (E104)",
    }
    for now, reason in why.items():
        file.write_text(now)
        assert refused(password.text) == f"inventory:{file}#hosts.r1.password: {reason}"
    file.unlink()
    assert refused(password.text).endswith("the inventory cannot be read any more (E101)")


@pytest.mark.parametrize("text", ["CANARY", "vault:CANARY", "", "ENV:CANARY"])
def test_what_is_no_reference_is_not_quoted(text: str) -> None:
    """It may be a password that was taken for one."""
    assert "CANARY" not in refused(text)
